"""`plan --changed-since`: the APIs that a change reaches, by what the files come to."""

from __future__ import annotations

import json

import pytest

from tests.cli.driver import Cli
from tests.cli.test_baseline import git
from tests.emulator.driver import Emulator

PRODUCTION = "policies/acme/production"
ORDERS = f"{PRODUCTION}/orders.yaml"
ENVIRONMENT = f"{PRODUCTION}/environment.yaml"


@pytest.fixture
def repository(cli: Cli) -> Cli:
    """A repository whose work tree is as its only commit; nothing is live as it says yet."""
    for arguments in (("init",), ("add", "policies"), ("commit", "-m", "one")):
        git(cli.folder, *arguments)
    return cli


def reached(cli: Cli, *arguments: str) -> set[str]:
    """The APIs that a plan of the change is about."""
    cli.run("plan", "-o", "plan.json", "--changed-since", "HEAD", *arguments)
    data = cli.run("show", "plan.json", "--format", "json")
    assert data.code == 0, data.err
    plan = (cli.folder / "plan.json").read_text()
    return {item.removeprefix("acme/") for item in _units(plan)}


def _units(text: str) -> list[str]:

    found: list[str] = json.loads(text)["apply"]["scope"]["units"]
    return found


def test_what_is_not_reached_is_neither_planned_nor_asked_for(
    repository: Cli, emulator: Emulator
) -> None:
    repository.edit(ORDERS, "1.1.1.1", "1.1.1.2")
    done = repository.run("plan", "--format", "json", "--changed-since", "HEAD")
    assert done.code == 0, done.err
    places = {change["address"].rsplit("/", 1)[0] for change in done.json["changes"]}
    assert places == {"acme/production/orders"}
    paths = [entry["path"] for entry in emulator.logged()]
    assert sum("/policies" in path for path in paths) == 1
    assert sum(path.partition("?")[0].endswith("/apis") for path in paths) == 1


def test_a_comment_or_another_order_of_keys_reaches_none(
    repository: Cli, emulator: Emulator
) -> None:
    path = repository.folder / ORDERS
    path.write_text("# why\n" + path.read_text().replace("1.1.1.1", '"1.1.1.1"'))
    assert reached(repository) == set()
    done = repository.run("plan", "--changed-since", "HEAD", "--detailed-exitcode")
    assert done.code == 0, done.err
    assert not [e for e in emulator.logged() if "/apis" in e["path"]]


def test_a_changed_pin_or_default_reaches_all_that_it_is_for(repository: Cli) -> None:
    repository.edit(ENVIRONMENT, "defaults:", "versions: {cors: 1.3.1}\ndefaults:")
    assert reached(repository) == {"production/catalog"}
    path = repository.folder / ENVIRONMENT
    path.write_text(
        path.read_text() + "    - policyRef: {name: http-caching, version: 1.1.1}\n"
        '      config: {httpCachingKey: "#[attributes.requestPath]"}\n'
    )
    found = reached(repository)
    assert len(found) > 6
    assert "production/pay-in:internal" in found


def test_a_group_reaches_the_apis_that_it_matches(repository: Cli) -> None:
    repository.edit(f"{PRODUCTION}/payments.yaml", "maximumRequests: 50", "maximumRequests: 51")
    assert reached(repository) == {"production/pay-in:internal", "production/pay-out:internal"}


def test_what_a_deleted_file_managed_is_told(repository: Cli) -> None:
    (repository.folder / ORDERS).unlink()
    done = repository.run("plan", "--changed-since", "HEAD")
    assert "acme/production/orders: no file names this API any more" in done.out
    assert reached(repository) == set()


def test_a_renamed_file_is_no_change(repository: Cli) -> None:
    (repository.folder / ORDERS).rename(repository.folder / PRODUCTION / "bestellungen.yaml")
    assert reached(repository) == set()


def test_a_new_api_is_reached_and_a_plan_of_it_is_applied(
    repository: Cli, emulator: Emulator
) -> None:
    repository.edit(ORDERS, "1.1.1.1", "1.1.1.2")
    assert reached(repository) == {"production/orders"}
    done = repository.run("apply", "plan.json", "--format", "json")
    assert done.code == 0, done.err
    assert {item["address"].split("/")[2] for item in done.json["changes"]} == {"orders"}
    left = repository.run("plan", "--format", "json").json["changes"]
    assert left
    assert "acme/production/orders" not in {item["address"].rsplit("/", 1)[0] for item in left}


def test_protection_alone_reaches_what_it_protects(repository: Cli) -> None:
    repository.edit(
        ENVIRONMENT, "environment: Production", "protected: true\nenvironment: Production"
    )
    assert "production/orders" in reached(repository)


def test_another_literal_secret_is_a_change(repository: Cli) -> None:
    partners = f"{PRODUCTION}/orders-partners.yaml"
    repository.edit(partners, "${env:PARTNER_JWT_KEY}", "a-secret-in-plain-text-0123456789")
    assert reached(repository) == {"production/orders-partners"}


@pytest.mark.parametrize(
    ("revision", "words"),
    [("none", "git knows no revision 'none'"), ("-x", "is no revision"), ("", "is no revision")],
)
def test_what_is_no_revision_is_refused(repository: Cli, revision: str, words: str) -> None:
    done = repository.run("plan", f"--changed-since={revision}")
    assert (done.code, words in done.err) == (64, True)


def test_an_environment_that_is_gone_is_told(repository: Cli) -> None:
    for path in (repository.folder / "policies/acme/sandbox").iterdir():
        path.unlink()
    done = repository.run("plan", "--changed-since", "HEAD")
    assert "acme/sandbox: no file names this environment any more" in done.out
