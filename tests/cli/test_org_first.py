"""The sandbox first, for orgs: what `promote` shows and `requires` asks for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import Emulator, running

UAT, PRODUCTION = "00D5g000000AcmeEAC", "00D5g000000PrdaEAC"
FOLDER = "policies/acme-crm/production"


@pytest.fixture
def both(crm: Cli, emulator: Emulator) -> Iterator[Cli]:
    """The sample with a second org, which requires that the first has converged."""
    state = json.dumps({"salesforce": emulator.control("state")["salesforce"]})
    whole = json.loads(state.replace(UAT, PRODUCTION))
    whole["salesforce"]["Organization"][0]["IsSandbox"] = False
    sample = crm.folder / "policies/acme-crm/uat"
    with running() as other:
        other.reset(whole)
        files = {
            f"{FOLDER}/{path.name}": Path(path).read_text("utf-8") for path in sample.iterdir()
        }
        crm.write(files)
        _at(crm, "policies/acme-crm/uat/environment.yaml", emulator.url)
        place = f"{FOLDER}/environment.yaml"
        _at(crm, place, other.url)
        crm.edit(place, UAT, PRODUCTION)
        crm.edit(place, "sandbox: true", "sandbox: false")
        crm.edit(
            place,
            "environment: UAT",
            "environment: Production\nrequires: {converged: acme-crm/uat, within: 7d}",
        )
        crm.environ.pop("SALESFORCE_INSTANCE_URL", None)
        yield crm


def _at(crm: Cli, name: str, url: str) -> None:
    """The org of an environment is the emulated one there."""
    crm.edit(name, "https://acme--uat.sandbox.my.salesforce.com", f"{url}/salesforce")


def test_the_second_org_waits_for_the_first(both: Cli) -> None:
    refused = both.run("apply", "--yes", "--env", "production")
    assert refused.code == 5
    assert "requires acme-crm/uat, which has not converged" in refused.err + refused.out
    assert both.run("apply", "--yes", "--env", "uat").code == 0
    assert both.run("apply", "--yes", "--env", "production").code == 0
    assert both.run("drift").code == 0


def test_what_changed_since_has_not_been_tried(both: Cli) -> None:
    assert both.run("apply", "--yes", "--env", "uat").code == 0
    both.edit("policies/acme-crm/uat/access.yaml", "refreshToken: zero", "refreshToken: infinite")
    refused = both.run("plan", "--env", "production")
    assert refused.code == 5
    assert "requires acme-crm/uat" in refused.out


def test_what_one_org_has_that_the_other_has_not(both: Cli) -> None:
    both.edit(f"{FOLDER}/access.yaml", "refreshToken: zero", "refreshToken: infinite")
    shown = both.run("promote", "acme-crm/uat", "acme-crm/production", "--format", "json")
    (item,) = shown.json["items"]
    assert (item["policy"], item["field"]) == ("Billing Sync", "refreshToken")
    assert (item["from"], item["to"]) == ("zero", "infinite")
