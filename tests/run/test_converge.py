"""load -> fetch -> diff: what is compared, what cannot be, and what that says of the others."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.model import LiveUnit, Target
from reconciler.core.plan import Plan, digest
from reconciler.core.project import Organization
from reconciler.errors import Exit, UsageError
from reconciler.providers.base import Provider
from reconciler.run.context import Context, Scope
from reconciler.run.converge import compare
from reconciler.run.side_by_side import side_by_side
from tests.builders import TARGET, a_live_policy
from tests.files.builders import ENVIRONMENT, ORGANIZATION, an_instance
from tests.run.fake import FakeProvider, a_loaded_context, an_api_file, an_entry

API = "production/orders.yaml"
PAY = "production/pay.yaml"
TWO = (an_instance(1), an_instance(2, "pay-in"))
TWO_FILES = {API: an_api_file(an_entry()), PAY: an_api_file(an_entry(), asset="pay-in")}


def plan(context: Context) -> Plan:
    return compare(context).plan(context, "now")


def addresses(made: Plan) -> list[str]:
    return [change.address for change in made.changes]


def test_files_and_platform_become_a_plan(tmp_path: Path) -> None:
    provider = FakeProvider({TARGET: [a_live_policy("beta")]})
    made = plan(a_loaded_context(tmp_path, provider, {API: an_api_file(an_entry())}))
    assert addresses(made) == ["acme/production/orders/alpha"]
    assert [item.address for item in made.unmanaged] == ["acme/production/orders/beta"]
    assert made.errors == ()
    assert made.changes[0].source is not None
    assert made.changes[0].source.file.endswith(API)


def test_only_what_is_declared_is_fetched(tmp_path: Path) -> None:
    asked: list[frozenset[str]] = []

    class Watched(FakeProvider):
        def fetch(self, target: Target, lists: frozenset[str], technology: str) -> LiveUnit:
            asked.append(lists)
            return super().fetch(target, lists, technology)

    tiers = "tiers: [{name: Gold, limits: [{maximumRequests: 1}]}]"
    files = {API: an_api_file(an_entry()), PAY: an_api_file(asset="pay-in", more=tiers)}
    compare(a_loaded_context(tmp_path, Watched(apis=TWO), files))
    assert sorted(asked, key=len) == [{"policies"}, {"policies", "tiers"}]


def test_of_a_unit_with_nothing_to_say_only_a_record_is_kept(tmp_path: Path) -> None:
    files = {**TWO_FILES, PAY: an_api_file(asset="pay-in", more="policies: []")}
    context = a_loaded_context(tmp_path, FakeProvider(apis=TWO), files)
    compared, whole = compare(context), compare(context, keeps=True)
    names = [[found.desired.address.unit for found in one.diffs] for one in (compared, whole)]
    assert names == [["orders"], ["orders", "pay"]]
    assert [one.address.unit for one in compared.records] == ["orders", "pay"]
    assert compared.plan(context, "now") == whole.plan(context, "now")


def test_one_unit_that_cannot_be_read_leaves_the_others(tmp_path: Path) -> None:
    provider = FakeProvider(apis=TWO, unread=frozenset([1]))
    context = a_loaded_context(tmp_path, provider, TWO_FILES, parallelism=1)
    made = plan(context)
    assert len(made.changes) == 1
    assert [(error.exit, error.address) for error in made.errors] == [
        (Exit.FAILURE, "acme/production/orders")
    ]


def test_one_organization_that_cannot_be_reached_leaves_the_others(tmp_path: Path) -> None:
    up, down = FakeProvider(), FakeProvider(is_down=True)
    files = {API: an_api_file(an_entry())}
    context = a_loaded_context(tmp_path, up, files)
    (acme,) = context.project.organizations
    project = replace(context.project, organizations=(replace(acme, folder="zeta"), acme))

    def connect(organization: Organization) -> Provider:
        return down if organization.folder == "zeta" else up

    made = plan(replace(context, project=project, connect=connect))
    assert addresses(made) == ["acme/production/orders/alpha"]
    assert [(error.exit, error.address) for error in made.errors] == [(Exit.FAILURE, "zeta")]


def test_files_that_are_wrong_for_one_api_are_errors_with_their_place(tmp_path: Path) -> None:
    files = {API: an_api_file(an_entry("outward")), PAY: an_api_file(an_entry(), asset="pay-in")}
    made = plan(a_loaded_context(tmp_path, FakeProvider(apis=TWO), files))
    assert addresses(made) == ["acme/production/pay/alpha"]
    (error,) = made.errors
    assert error.exit is Exit.INVALID
    assert error.problem is not None and error.problem.line > 0


def test_an_api_that_is_not_there_is_an_error_that_names_the_near_ones(tmp_path: Path) -> None:
    files = {API: an_api_file(an_entry(), asset="orders-apy")}
    (error,) = plan(a_loaded_context(tmp_path, FakeProvider(), files)).errors
    assert error.exit is Exit.INVALID
    assert "orders-api" in str(error.problem)


@pytest.mark.parametrize(
    ("name", "document", "said"),
    [
        ("organization.yaml", ORGANIZATION.replace("Acme Corp", "Acme Crop"), "Acme Corp"),
        ("production/environment.yaml", ENVIRONMENT.replace(": Prod", ": prod"), "Production"),
    ],
)
def test_a_place_that_is_not_there_is_an_error_that_names_the_near_ones(
    tmp_path: Path, name: str, document: str, said: str
) -> None:
    files = {name: document, API: an_api_file(an_entry())}
    (error,) = plan(a_loaded_context(tmp_path, FakeProvider(), files)).errors
    assert error.problem is not None
    assert (error.exit, error.problem.hint) == (Exit.INVALID, f"did you mean '{said}'?")


@pytest.mark.parametrize(
    "scope",
    [Scope(orgs=("nobody",)), Scope(envs=("nowhere",)), Scope(apis=("nothing",))],
)
def test_a_filter_that_matches_nothing_is_wrong_usage(tmp_path: Path, scope: Scope) -> None:
    context = a_loaded_context(tmp_path, FakeProvider(apis=TWO), TWO_FILES, scope=scope)
    with pytest.raises(UsageError, match="matches"):
        compare(context)


@pytest.mark.parametrize(
    "scope",
    [Scope(apis=("pay",)), Scope(apis=("pay-in",)), Scope(apis=("pa*",)), Scope(orgs=("acme",))],
)
def test_a_filter_lets_through_what_it_names(tmp_path: Path, scope: Scope) -> None:
    context = a_loaded_context(tmp_path, FakeProvider(apis=TWO), TWO_FILES, scope=scope)
    assert "acme/production/pay/alpha" in addresses(plan(context))
    assert len(plan(context).changes) == (2 if scope.orgs else 1)


def test_a_project_without_apis_asks_nobody(tmp_path: Path) -> None:
    provider = FakeProvider(is_down=True)
    assert plan(a_loaded_context(tmp_path, provider, {})).errors == ()


def test_parallel_and_serial_runs_give_the_same_plan(tmp_path: Path) -> None:
    apis = tuple(an_instance(number, f"api-{number}") for number in range(1, 12))
    files = {
        f"production/api-{api.id}.yaml": an_api_file(an_entry(), asset=api.asset) for api in apis
    }
    made = [
        plan(a_loaded_context(tmp_path, FakeProvider(apis=apis), files, parallelism=parallelism))
        for parallelism in (1, 8, 3)
    ]
    assert len({digest(one) for one in made}) == 1


def test_an_unset_variable_is_a_warning_and_no_change(tmp_path: Path) -> None:
    entry = an_entry("login", "{user: u, password: '${env:LOGIN}'}")
    live = a_live_policy("login", config={"user": "u"})
    context = a_loaded_context(tmp_path, FakeProvider({TARGET: [live]}), {API: an_api_file(entry)})
    made = plan(context)
    assert made.changes == ()
    assert any("LOGIN" in warning for warning in made.warnings)


def test_side_by_side_does_everything_once_and_not_too_much_at_a_time() -> None:
    busy, most, lock = 0, 0, threading.Lock()

    def work(item: int) -> int:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        with lock:
            busy -= 1
        return item * 2

    assert sorted(side_by_side(work, range(40), 3)) == [2 * item for item in range(40)]
    assert most <= 3


def test_side_by_side_starts_nothing_new_after_a_failure() -> None:
    started: list[int] = []

    def work(item: int) -> int:
        started.append(item)
        raise ValueError(item)

    with pytest.raises(ValueError):
        list(side_by_side(work, range(100), 2))
    assert len(started) < 10
