"""What the last converged run left: kept whole, told only of its own place, never in the way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from reconciler.core.model import UnitAddress
from reconciler.core.outcome import FAILED, Outcome
from reconciler.core.redact import Redactor
from reconciler.run.apply import Work, apply
from reconciler.run.context import Context, Scope
from reconciler.run.converge import compare
from reconciler.run.converged import Converged
from reconciler.run.settle import begin_run, keep_run
from reconciler.run.state import FolderStore
from tests.breaking import BEFORE
from tests.builders import REDACTOR, TARGET, a_live_policy
from tests.files.builders import an_instance
from tests.run.fake import FakeProvider, a_loaded_context, an_api_file, an_entry

FILE = "converged/acme/production.json"
ORDERS, PAY = (UnitAddress("acme", "production", name) for name in ("orders", "pay"))
SECOND = replace(TARGET, api="2")
FILES = {
    "production/orders.yaml": an_api_file(an_entry("alpha")),
    "production/pay.yaml": an_api_file(an_entry("beta"), asset="pay-in"),
}


def a_provider(**changes: Any) -> FakeProvider:
    apis = (an_instance(1), an_instance(2, "pay-in"))
    return FakeProvider({TARGET: [], SECOND: []}, apis=apis, **changes)


def context_of(
    root: Path, provider: FakeProvider, files: dict[str, str] | None = None, **more: Any
) -> Context:
    """A run of its own, over the state that the ones before it have left."""
    known = Converged(FolderStore(root / "state"), REDACTOR)
    tree = root / f"tree-{len(list(root.iterdir()))}"
    return a_loaded_context(tree, provider, files or FILES, **({"known": known} | more))


def converge(context: Context, at: str = "then") -> tuple[Sequence[Outcome], str]:
    """One run as the command does it; its outcomes and the warning."""
    compared = compare(context, notes=True)
    jobs = {job.address: job for job in compared.jobs}
    works = [Work(jobs[diff.desired.address], diff) for diff in compared.diffs if diff.steps]
    begin_run(context, compared, "run-1", at)
    outcomes = apply(context, works, Event())
    return outcomes, keep_run(context, compared, "run-1", at)


def written(root: Path) -> Any:
    return json.loads((root / "state" / FILE).read_text())


def test_a_run_leaves_what_was_live_at_its_end(tmp_path: Path) -> None:
    provider = a_provider()
    assert converge(context_of(tmp_path, provider))[1] == ""
    data = written(tmp_path)
    assert {key: data[key] for key in ("schemaVersion", "at", "run", "convergedAt")} == {
        "schemaVersion": 1,
        "at": "then",
        "run": "run-1",
        "convergedAt": "then",
    }
    assert data["place"] == {"host": TARGET.host, "organization": "org", "environment": "env"}
    assert data["content"].startswith("sha256:")
    assert sorted(data["units"]) == ["orders", "pay"]
    known = context_of(tmp_path, provider).known.unit(ORDERS, TARGET)
    assert known is not None
    assert (known.api, [item.segment for item in known.resources]) == ("1", ["alpha"])


def test_a_run_that_had_nothing_to_change_leaves_the_same(tmp_path: Path) -> None:
    provider = a_provider()
    converge(context_of(tmp_path, provider), "one")
    before = written(tmp_path)
    converge(context_of(tmp_path, provider), "two")
    assert written(tmp_path) == {**before, "at": "two", "convergedAt": "two"}


def test_nothing_is_known_before_the_first_run_or_without_a_store(tmp_path: Path) -> None:
    assert context_of(tmp_path, a_provider()).known.unit(ORDERS, TARGET) is None
    context = context_of(tmp_path, a_provider(), known=Converged())
    assert converge(context)[1] == ""
    assert context.known.unit(ORDERS, TARGET) is None


def test_a_unit_that_failed_keeps_what_was_known_of_it(tmp_path: Path) -> None:
    provider = a_provider()
    converge(context_of(tmp_path, provider), "one")
    before = written(tmp_path)
    other = {name: text.replace("{}", "{limit: 3}") for name, text in FILES.items()}
    provider.faults = {len(provider.writes) + 1: BEFORE}
    outcomes, _ = converge(context_of(tmp_path, provider, other, parallelism=1), "two")
    assert [item.outcome for item in outcomes] == [FAILED, "applied"]
    after = written(tmp_path)
    assert after["units"]["orders"] == before["units"]["orders"]
    assert after["units"]["pay"] != before["units"]["pay"]
    assert (after["content"], after["convergedAt"]) == (None, None)


def test_a_filtered_run_keeps_the_rest_and_says_nothing_of_the_whole(tmp_path: Path) -> None:
    provider = a_provider()
    converge(context_of(tmp_path, provider, scope=Scope(apis=("orders",))))
    data = written(tmp_path)
    assert (list(data["units"]), data["content"]) == (["orders"], None)
    converge(context_of(tmp_path, provider, scope=Scope(apis=("pay",))))
    assert list(written(tmp_path)["units"]) == ["orders", "pay"]


def test_a_filtered_run_over_the_same_content_leaves_that_it_has_converged(tmp_path: Path) -> None:
    provider = a_provider()
    converge(context_of(tmp_path, provider), "one")
    before = written(tmp_path)
    converge(context_of(tmp_path, provider, scope=Scope(apis=("pay",))), "two")
    assert written(tmp_path) == {**before, "at": "two"}


def test_a_filter_of_environments_says_all_of_each(tmp_path: Path) -> None:
    converge(context_of(tmp_path, a_provider(), scope=Scope(envs=("prod*",))))
    assert written(tmp_path)["content"]


def test_a_unit_that_no_file_names_any_more_is_forgotten(tmp_path: Path) -> None:
    provider = a_provider()
    converge(context_of(tmp_path, provider))
    (only,) = [{name: FILES[name]} for name in FILES if "orders" in name]
    converge(context_of(tmp_path, provider, only))
    assert list(written(tmp_path)["units"]) == ["orders"]


def test_an_api_that_is_not_found_is_not_forgotten(tmp_path: Path) -> None:
    provider = a_provider()
    converge(context_of(tmp_path, provider))
    before = written(tmp_path)
    provider.apis = provider.apis[:1]
    converge(context_of(tmp_path, provider))
    assert written(tmp_path)["units"] == before["units"]


def test_a_unit_that_cannot_be_read_is_kept_and_the_whole_has_not_converged(
    tmp_path: Path,
) -> None:
    provider = a_provider()
    converge(context_of(tmp_path, provider), "one")
    provider.unread = frozenset([provider.fetches + 1])
    converge(context_of(tmp_path, provider), "two")
    assert sorted(written(tmp_path)["units"]) == ["orders", "pay"]
    assert written(tmp_path)["convergedAt"] == "one"


def test_before_the_first_write_other_content_does_not_count_any_more(tmp_path: Path) -> None:
    provider = a_provider()
    converge(context_of(tmp_path, provider))
    other = {name: text.replace("{}", "{limit: 3}") for name, text in FILES.items()}
    context = context_of(tmp_path, provider, other)
    begin_run(context, compare(context), "run-2", "later")
    assert written(tmp_path)["content"] is None
    assert sorted(written(tmp_path)["units"]) == ["orders", "pay"]


def test_another_place_is_not_known_and_replaces_all(tmp_path: Path) -> None:
    converge(context_of(tmp_path, a_provider()))
    elsewhere = a_provider(host="https://eu1.anypoint.mulesoft.com")
    target = replace(TARGET, host=elsewhere.host)
    context = context_of(tmp_path, elsewhere, scope=Scope(apis=("pay",)))
    assert context.known.unit(ORDERS, target) is None
    converge(context)
    assert list(written(tmp_path)["units"]) == ["pay"]
    assert written(tmp_path)["place"]["host"] == elsewhere.host


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"schemaVersion": 2}',
        b'{"schemaVersion": 1, "units": {}}',
        b'{"schemaVersion": 1, "place": [], "units": {}}',
        b'{"schemaVersion": 1, "place": {"host": 1}, "units": []}',
        b'{"schemaVersion": 1, "units": {"orders": 1}}',
    ],
)
def test_a_damaged_file_counts_as_none_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state" / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    context = context_of(tmp_path, a_provider())
    assert context.known.unit(ORDERS, TARGET) is None
    assert converge(context)[1] == ""
    assert sorted(written(tmp_path)["units"]) == ["orders", "pay"]


def test_a_store_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    outcomes, warning = converge(context_of(tmp_path, a_provider()))
    assert {item.outcome for item in outcomes} == {"applied"}
    assert warning.startswith("what this run left cannot be recorded: ")


def test_with_another_key_only_the_ids_are_left(tmp_path: Path) -> None:
    provider = a_provider()
    converge(context_of(tmp_path, provider))
    known = Converged(FolderStore(tmp_path / "state"), Redactor(lambda: b"another key"))
    converge(context_of(tmp_path, provider, known=known, scope=Scope(apis=("pay",))))
    units = written(tmp_path)["units"]
    assert [value[1] == "" for unit in units.values() for value in unit["resources"].values()] == [
        True,
        False,
    ]


def test_what_no_file_names_is_known_too(tmp_path: Path) -> None:
    provider = a_provider()
    provider.units[TARGET] = [a_live_policy("gamma", id_=50)]
    converge(context_of(tmp_path, provider))
    known = context_of(tmp_path, provider).known.unit(ORDERS, TARGET)
    assert known is not None
    named = {(item.segment, bool(item.desired)) for item in known.resources}
    assert named == {("alpha", True), ("gamma", False)}
