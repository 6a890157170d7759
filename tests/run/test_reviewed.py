"""A reviewed plan is carried out as reviewed, or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from reconciler.core.model import Target
from reconciler.core.outcome import SKIPPED, exit_of
from reconciler.core.plan import Plan, PlanError, change_data, digest, from_file, to_file
from reconciler.errors import Exit, PolicyError, Problem, Refusal, StalePlan, worst
from reconciler.run.apply import apply
from reconciler.run.context import Context, Scope
from reconciler.run.converge import compare
from reconciler.run.reviewed import check_digest, clear
from tests.builders import TARGET, a_live_policy
from tests.files.builders import an_instance
from tests.run.fake import FakeProvider, a_loaded_context, an_api_file, an_entry

API = "production/orders.yaml"
PAY = "production/pay.yaml"
SECOND = Target(TARGET.host, "org", "env", "2")
APIS = (an_instance(1), an_instance(2, "pay-in"))


def a_provider(**changes: Any) -> FakeProvider:
    live = {TARGET: [a_live_policy("beta", config={"ips": ["1.1.1.1"]})], SECOND: []}
    return FakeProvider(live, apis=APIS, **changes)


def files(config: str = "{limit: 2}", pay: str = "gamma") -> dict[str, str]:
    """One API that gets two policies, and one that is as it should be unless `pay` is said."""
    own = an_api_file(an_entry("alpha", config), an_entry("beta", "{ips: [2.2.2.2]}"))
    return {API: own, PAY: an_api_file(an_entry(pay), asset="pay-in")}


def settled(root: Path, provider: FakeProvider, **changes: Any) -> Context:
    provider.units[SECOND] = [a_live_policy("gamma")]
    return a_loaded_context(root, provider, files(), **changes)


def plan(context: Context) -> Plan:
    """As a file gives it back."""
    made = compare(context).plan(context, "now")
    return from_file(json.loads(json.dumps(to_file(made))))[0]


def test_a_plan_that_still_holds_is_carried_out(tmp_path: Path) -> None:
    provider = a_provider()
    context = a_loaded_context(tmp_path, provider, files())
    reviewed = plan(context)
    cleared = clear(reviewed, context, skip_stale=False)
    steps = [step for work in cleared.works for step in work.diff.steps]
    assert [change_data(step.change) for step in steps] == list(map(change_data, reviewed.changes))
    assert (cleared.skipped, cleared.errors) == ((), ())


def test_only_touched_units_are_read_again(tmp_path: Path) -> None:
    provider = a_provider()
    context = settled(tmp_path, provider)
    reviewed = plan(context)
    provider.fetches = 0
    clear(reviewed, context, skip_stale=False)
    assert provider.fetches == 1


@pytest.mark.parametrize(
    "other",
    [files("{limit: 3}"), files(pay="alpha"), {API: files()[API]}],
    ids=["of a touched API", "of an untouched API", "a file is gone"],
)
def test_other_files_are_refused(tmp_path: Path, other: dict[str, str]) -> None:
    provider = a_provider()
    reviewed = plan(settled(tmp_path / "one", provider))
    context = a_loaded_context(tmp_path / "two", provider, other)
    with pytest.raises(Refusal, match="files say something else|cannot be compared"):
        clear(reviewed, context, skip_stale=False)


def test_another_place_is_refused(tmp_path: Path) -> None:
    provider = a_provider()
    reviewed = plan(settled(tmp_path, provider))
    moved = FakeProvider(
        {Target(TARGET.host, "org", "env", "7"): provider.units[TARGET]},
        apis=(an_instance(7), APIS[1]),
    )
    with pytest.raises(Refusal, match="another place"):
        clear(reviewed, settled(tmp_path, moved), skip_stale=False)


def test_another_host_is_refused(tmp_path: Path) -> None:
    provider = a_provider()
    reviewed = plan(settled(tmp_path, provider))
    provider.host = "http://127.0.0.1:1"
    provider.units[replace(TARGET, host=provider.host)] = provider.units[TARGET]
    with pytest.raises(Refusal, match=r"another place.*127\.0\.0\.1"):
        clear(reviewed, settled(tmp_path, provider), skip_stale=False)


def _edited(reviewed: Plan, **changes: Any) -> Plan:
    return replace(
        reviewed, changes=(replace(reviewed.changes[0], **changes),) + reviewed.changes[1:]
    )


@pytest.mark.parametrize("what", ["fields", "fewer", "more"])
def test_other_changes_are_refused(tmp_path: Path, what: str) -> None:
    context = settled(tmp_path, a_provider())
    reviewed = plan(context)
    edited = {
        "fields": _edited(reviewed, fields=()),
        "fewer": replace(reviewed, changes=reviewed.changes[1:]),
        "more": replace(reviewed, changes=(*reviewed.changes, reviewed.changes[0])),
    }[what]
    with pytest.raises(Refusal, match="not what the plan shows"):
        clear(edited, context, skip_stale=False)


def test_a_plan_that_was_edited_fails_its_digest(tmp_path: Path) -> None:
    reviewed = plan(settled(tmp_path, a_provider()))
    check_digest(reviewed, digest(reviewed))
    with pytest.raises(Refusal, match="digest differs"):
        check_digest(_edited(reviewed, fields=()), digest(reviewed))


def test_live_that_moved_is_stale_and_its_fields_are_named(tmp_path: Path) -> None:
    provider = a_provider()
    context = settled(tmp_path, provider)
    reviewed = plan(context)
    provider.units[TARGET] = [a_live_policy("beta", config={"ips": ["3.3.3.3"]})]
    with pytest.raises(StalePlan) as raised:
        clear(reviewed, context, skip_stale=False)
    assert "acme/production/orders" in str(raised.value)
    assert 'config.ips was ["1.1.1.1"], is ["3.3.3.3"]' in str(raised.value)
    assert raised.value.exit is Exit.STALE
    assert provider.writes == []


def test_an_unmanaged_policy_that_appeared_is_stale_too(tmp_path: Path) -> None:
    provider = a_provider()
    context = settled(tmp_path, provider)
    reviewed = plan(context)
    provider.units[TARGET].append(a_live_policy("cors", id_=9, order=None))
    with pytest.raises(StalePlan, match="cors: is new"):
        clear(reviewed, context, skip_stale=False)


def test_stale_units_can_be_left_out(tmp_path: Path) -> None:
    provider = a_provider()
    context = a_loaded_context(tmp_path, provider, files())
    reviewed = plan(context)
    provider.units[TARGET] = []
    cleared = clear(reviewed, context, skip_stale=True)
    assert [str(work.job.address) for work in cleared.works] == ["acme/production/pay"]
    assert {item.outcome for item in cleared.skipped} == {SKIPPED}
    assert len(cleared.skipped) == 2
    assert worst(exit_of(cleared.skipped)) is Exit.PARTIAL
    assert "beta: is gone" in cleared.skipped[0].reason


def test_a_unit_that_moves_after_the_check_is_caught_before_its_first_write(
    tmp_path: Path,
) -> None:
    provider = a_provider()
    context = settled(tmp_path, provider)
    cleared = clear(plan(context), context, skip_stale=False)
    provider.units[TARGET].append(a_live_policy("cors", id_=9, order=None))
    outcomes = apply(context, cleared.works, Event())
    assert {(item.outcome, item.exit) for item in outcomes} == {(SKIPPED, Exit.STALE)}
    assert provider.writes == []


def test_a_unit_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    provider = a_provider()
    context = settled(tmp_path, provider)
    reviewed = plan(context)
    provider.unread = frozenset([provider.fetches + 1])
    with pytest.raises(Refusal, match="cannot be compared now: .*nobody answers"):
        clear(reviewed, context, skip_stale=False)


def test_a_plan_of_wrong_files_is_not_carried_out(tmp_path: Path) -> None:
    context = settled(tmp_path, a_provider())
    problem = Problem("a.yaml", 1, 1, "", "is wrong")
    wrong = replace(plan(context), errors=(PlanError("is wrong", Exit.INVALID, "acme", problem),))
    with pytest.raises(PolicyError):
        clear(wrong, context, skip_stale=False)


def test_a_refused_plan_is_not_carried_out(tmp_path: Path) -> None:
    context = settled(tmp_path, a_provider())
    refused = replace(plan(context), errors=(PlanError("too many", Exit.REFUSED),))
    with pytest.raises(Refusal, match="too many"):
        clear(refused, context, skip_stale=False)


def test_what_could_be_planned_is_carried_out_though_another_organization_was_down(
    tmp_path: Path,
) -> None:
    context = settled(tmp_path, a_provider())
    reviewed = replace(
        plan(context), errors=(PlanError("nobody answers", Exit.FAILURE, "elsewhere"),)
    )
    assert len(clear(reviewed, context, skip_stale=False).works) == 1


@pytest.mark.parametrize("scope", [Scope(), Scope(envs=("prod*",)), Scope(apis=("pay",))])
def test_a_plan_without_changes_has_nothing_to_clear(tmp_path: Path, scope: Scope) -> None:
    provider = a_provider()
    provider.units[SECOND] = [a_live_policy("gamma")]
    only_pay = {PAY: files()[PAY]}
    context = a_loaded_context(tmp_path, provider, only_pay, scope=scope)
    cleared = clear(plan(context), context, skip_stale=False)
    assert (cleared.works, cleared.skipped) == ((), ())


def test_a_variable_that_appeared_since_is_another_plan_only_where_it_shows(
    tmp_path: Path,
) -> None:
    entry = an_entry("gamma", "{key: '${env:KEY}'}")
    only = {API: an_api_file(entry)}
    provider = FakeProvider({TARGET: [a_live_policy("gamma", config={"key": "old"})]})
    before = a_loaded_context(tmp_path, provider, only)
    after = a_loaded_context(tmp_path, provider, only, {"KEY": "new"})
    assert plan(before).changes == ()
    reviewed = plan(after)
    with pytest.raises(Refusal):
        clear(reviewed, before, skip_stale=False)
    assert len(clear(reviewed, after, skip_stale=False).works) == 1
