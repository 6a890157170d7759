"""An environment is not applied before the one that it requires has converged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.content import content_digest
from reconciler.core.plan import Plan
from reconciler.errors import Exit, NotAllowed, Refusal
from reconciler.providers.base import LiveEnvironment, Provider
from reconciler.run.context import Context, Proof
from reconciler.run.converge import compare
from reconciler.run.converged import Converged
from reconciler.run.requires import DriftResultError, proofs_from
from reconciler.run.reviewed import clear
from reconciler.run.settle import keep_run, with_rest
from reconciler.run.state import FolderStore
from tests.builders import REDACTOR, TARGET, a_live_policy
from tests.files.builders import ENVIRONMENT
from tests.run.fake import FakeProvider, a_loaded_context, an_api_file, an_entry

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SANDBOX = replace(TARGET, environment="box")
REQUIRES = "requires: {converged: acme/sandbox, within: 7d}\n"
FILES = {
    "production/environment.yaml": ENVIRONMENT + REQUIRES,
    "production/orders.yaml": an_api_file(an_entry()),
    "sandbox/environment.yaml": ENVIRONMENT.replace("Production", "Sandbox"),
    "sandbox/orders.yaml": an_api_file(an_entry()),
}


class TwoEnvironments(FakeProvider):
    def environments(self, organization: str) -> tuple[LiveEnvironment, ...]:
        return (LiveEnvironment("env", "Production"), LiveEnvironment("box", "Sandbox"))


def a_provider() -> TwoEnvironments:
    """The sandbox is as it should be, production is not."""
    return TwoEnvironments({TARGET: [], SANDBOX: [a_live_policy("alpha")]})


def context_of(root: Path, files: Mapping[str, str] = FILES, **more: Any) -> Context:
    known = Converged(FolderStore(root / "state"), REDACTOR)
    tree = root / f"tree-{len(list(root.iterdir()))}"
    values: dict[str, Any] = {"known": known, "clock": lambda: NOW}
    return a_loaded_context(tree, more.pop("provider", a_provider()), files, **(values | more))


def converge_sandbox(root: Path, ago: timedelta, files: Mapping[str, str] = FILES) -> None:
    context = context_of(root, files)
    at = (NOW - ago).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert keep_run(context, compare(context, notes=True), "run", at) == ""


def plan(context: Context) -> Plan:
    return compare(context).plan(context, "now")


def refused(context: Context) -> list[str]:
    return [error.message for error in plan(context).errors if error.exit is Exit.REFUSED]


def proof(context: Context, **changes: Any) -> Proof:
    (organization,) = context.project.organizations
    sandbox = next(one for one in organization.environments if one.folder == "sandbox")
    content = content_digest(organization, sandbox, context.layering.catalogue, REDACTOR)
    at = (NOW - timedelta(hours=1)).isoformat()
    return replace(Proof("acme/sandbox", TARGET.host, content, at), **changes)


def test_without_a_record_it_is_refused_with_what_to_do(tmp_path: Path) -> None:
    made = plan(context_of(tmp_path))
    (error,) = made.errors
    assert (error.address, error.exit) == ("acme/production", Exit.REFUSED)
    assert "it requires acme/sandbox, which has not converged" in error.message
    assert "reconciler apply --org acme --env sandbox" in error.message
    assert "--drift-result FILE" in error.message
    assert len(made.changes) == 1


def test_once_it_has_converged_it_is_allowed(tmp_path: Path) -> None:
    converge_sandbox(tmp_path, timedelta(days=6))
    assert refused(context_of(tmp_path)) == []


def test_too_long_ago_is_refused(tmp_path: Path) -> None:
    converge_sandbox(tmp_path, timedelta(days=8))
    (message,) = refused(context_of(tmp_path))
    assert "converged on these files 8 days ago (2026-06-23T12:00:00Z)" in message
    assert "7 days at most" in message


def test_without_a_limit_it_may_be_long_ago(tmp_path: Path) -> None:
    files = {
        **FILES,
        "production/environment.yaml": ENVIRONMENT + "requires: {converged: acme/sandbox}\n",
    }
    converge_sandbox(tmp_path, timedelta(days=800))
    assert refused(context_of(tmp_path, files)) == []


def test_other_files_are_refused(tmp_path: Path) -> None:
    converge_sandbox(tmp_path, timedelta(hours=1))
    other = {**FILES, "sandbox/orders.yaml": an_api_file(an_entry(config="{limit: 9}"))}
    (message,) = refused(context_of(tmp_path, other))
    assert "has converged on other files" in message


def test_files_of_its_own_do_not_matter(tmp_path: Path) -> None:
    converge_sandbox(tmp_path, timedelta(hours=1))
    other = {**FILES, "production/orders.yaml": an_api_file(an_entry(config="{limit: 9}"))}
    assert refused(context_of(tmp_path, other)) == []


def test_where_nothing_changes_nothing_is_refused(tmp_path: Path) -> None:
    provider = a_provider()
    provider.units[TARGET] = [a_live_policy("alpha")]
    assert refused(context_of(tmp_path, provider=provider)) == []


def test_the_future_is_refused(tmp_path: Path) -> None:
    converge_sandbox(tmp_path, timedelta(days=-1))
    (message,) = refused(context_of(tmp_path))
    assert "in the future" in message


def test_the_record_of_another_host_does_not_count(tmp_path: Path) -> None:
    converge_sandbox(tmp_path, timedelta(hours=1))
    provider = a_provider()
    provider.host = "http://127.0.0.1:1"
    (message,) = refused(context_of(tmp_path, provider=provider))
    assert "has not converged as far as is known here" in message


def test_a_login_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    converge_sandbox(tmp_path, timedelta(hours=1))
    context = context_of(tmp_path)
    compared = compare(context)

    def connect(organization: object) -> Provider:
        raise NotAllowed("no credentials")

    (error,) = compared.plan(replace(context, connect=connect), "now").errors
    assert "no credentials" in error.message


def test_a_drift_result_counts(tmp_path: Path) -> None:
    context = context_of(tmp_path)
    assert refused(replace(context, proofs=(proof(context),))) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "acme/other"},
        {"host": "https://elsewhere"},
        {"content": "sha256:0"},
        {"at": "2026-01-01T00:00:00Z"},
        {"at": "long ago"},
        {"at": ""},
    ],
    ids=str,
)
def test_any_other_drift_result_does_not(tmp_path: Path, changes: Any) -> None:
    context = context_of(tmp_path)
    assert len(refused(replace(context, proofs=(proof(context, **changes),)))) == 1


def test_one_of_several_is_enough(tmp_path: Path) -> None:
    converge_sandbox(tmp_path, timedelta(days=30))
    context = context_of(tmp_path)
    wrong = proof(context, content="sha256:0")
    assert refused(replace(context, proofs=(wrong, proof(context)))) == []


def test_a_plan_that_says_nothing_of_it_is_not_trusted(tmp_path: Path) -> None:
    context = context_of(tmp_path)
    forged = replace(plan(context), errors=())
    with pytest.raises(Refusal, match="it requires acme/sandbox"):
        clear(forged, context, skip_stale=False)


def test_a_saved_plan_of_what_is_required_reads_the_rest(tmp_path: Path) -> None:
    context = context_of(tmp_path)
    nothing = replace(plan(context), errors=(), pins=(), changes=())
    cleared = clear(nothing, context, skip_stale=False)
    assert cleared.compared.diffs == ()
    read = with_rest(context, cleared.compared)
    assert [record.address.environment for record in read.records] == ["sandbox"]


DRIFT = {
    "schemaVersion": 1,
    "command": "drift",
    "createdAt": "2026-07-01T11:00:00Z",
    "changes": [],
    "errors": [],
    "environments": [
        {"address": "acme/sandbox", "host": "h", "content": "sha256:1", "converged": True},
        {"address": "acme/test", "host": "h", "content": "sha256:2", "converged": False},
    ],
}
SAID = Proof("acme/sandbox", "h", "sha256:1", "2026-07-01T11:00:00Z")


def test_a_drift_result_tells_which_environments_have_converged() -> None:
    assert proofs_from(DRIFT) == (SAID,)


@pytest.mark.parametrize("key", ["changes", "errors"])
@pytest.mark.parametrize(
    ("address", "holds"),
    [
        ("acme/sandbox/orders/alpha", False),
        ("acme/sandbox", False),
        ("acme", False),
        ("", False),
        ("acme/sandbox-two/orders", True),
        ("zeta", True),
    ],
)
def test_what_differs_or_failed_there_is_no_proof(key: str, address: str, holds: bool) -> None:
    found = proofs_from({**DRIFT, key: [{"address": address, "message": "x"}]})
    assert found == ((SAID,) if holds else ())


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {**DRIFT, "command": "plan"},
        {**DRIFT, "schemaVersion": 2},
        {key: value for key, value in DRIFT.items() if key != "environments"},
        {key: value for key, value in DRIFT.items() if key != "changes"},
        {**DRIFT, "environments": [1]},
        {**DRIFT, "environments": [{"converged": True}]},
        {**DRIFT, "changes": 1},
        {**DRIFT, "changes": [1]},
    ],
)
def test_anything_else_is_no_drift_result(data: Any) -> None:
    with pytest.raises(DriftResultError):
        proofs_from(data)
