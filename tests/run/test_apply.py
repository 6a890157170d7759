"""Every change gets an outcome, nothing is sent twice, and only what shows is believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from reconciler.core.model import Resource, Target
from reconciler.core.outcome import APPLIED, FAILED, SKIPPED, Outcome, exit_of
from reconciler.core.redact import Secret
from reconciler.errors import Exit, PolicyError, worst
from reconciler.run.apply import Work, apply
from tests.breaking import AFTER, BEFORE
from tests.builders import TARGET, a_live_policy, a_policy, a_tier, an_absent
from tests.run.fake import FakeProvider, a_context, a_work, names

SECOND = Target(TARGET.host, "org", "env", "2")


def holding(*resources: Resource, **changes: Any) -> FakeProvider:
    return FakeProvider({TARGET: list(resources)}, **changes)


def run(provider: FakeProvider, *works: Work, stop: Event | None = None) -> list[Outcome]:
    return list(apply(a_context(provider), works, stop or Event()))


def told(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    return [(str(item.change.action), item.outcome) for item in outcomes]


def exit_code(outcomes: Sequence[Outcome]) -> Exit:
    return worst(exit_of(outcomes))


def everything() -> tuple[FakeProvider, Work]:
    """A unit that needs a create, an update, a reorder and a delete, in that order."""
    provider = holding(
        a_live_policy("alpha", config={"limit": 1}, id_=1, order=1),
        a_live_policy("beta", id_=2, order=2),
        a_live_policy("old", id_=3, order=3),
        a_live_policy("own", id_=4, order=4),
    )
    desired = [a_policy("beta"), a_policy("alpha", config={"limit": 2}), a_policy("gamma")]
    return provider, a_work(provider, *desired, absent=[an_absent("old")])


def test_every_change_is_carried_out_in_the_order_of_the_plan() -> None:
    provider, work = everything()
    outcomes = run(provider, work)
    assert provider.writes == ["create gamma", "update alpha", "reorder", "delete old"]
    assert [item.change for item in outcomes] == [step.change for step in work.diff.steps]
    assert {item.outcome for item in outcomes} == {APPLIED}
    assert exit_code(outcomes) is Exit.OK
    assert names(provider) == ["beta", "alpha", "gamma", "own"]


def test_a_second_run_has_nothing_to_do() -> None:
    provider, work = everything()
    run(provider, work)
    desired = work.diff.desired
    again = a_work(provider, *desired.resources, absent=desired.absent)
    assert again.diff.steps == ()


def test_a_unit_is_read_before_each_write_and_after_its_last() -> None:
    provider, work = everything()
    run(provider, work)
    assert (len(provider.writes), provider.fetches) == (4, 5)


def test_a_failed_create_skips_what_takes_away_or_moves() -> None:
    provider, work = everything()
    provider.faults = {1: BEFORE, 2: BEFORE}
    outcomes = run(provider, work)
    assert told(outcomes) == [
        ("create", FAILED),
        ("update", APPLIED),
        ("reorder", SKIPPED),
        ("delete", SKIPPED),
    ]
    assert provider.writes == ["create gamma", "create gamma", "update alpha"]
    assert all("earlier change" in item.reason for item in outcomes[2:])
    assert exit_code(outcomes) is Exit.PARTIAL


def test_when_all_fails_nothing_is_partial() -> None:
    provider = holding(faults={1: BEFORE, 2: BEFORE})
    outcomes = run(provider, a_work(provider, a_policy()))
    assert (told(outcomes), exit_code(outcomes)) == ([("create", FAILED)], Exit.FAILURE)
    assert "the connection broke" in outcomes[0].reason


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_lost_answer_is_settled_by_reading_back(number: int) -> None:
    provider, work = everything()
    provider.faults = {number: AFTER}
    lost = run(provider, work)[number - 1]
    assert lost.outcome == APPLIED
    assert "although the call failed" in lost.reason and "the answer was lost" in lost.reason


@pytest.mark.parametrize("fault", [BEFORE, AFTER])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_run_that_broke_off_anywhere_is_finished_by_the_next(number: int, fault: str) -> None:
    provider, work = everything()
    provider.faults = {number: fault}
    run(provider, work)
    desired = work.diff.desired
    again = a_work(provider, *desired.resources, absent=desired.absent)
    outcomes = run(provider, again)
    assert {item.outcome for item in outcomes} <= {APPLIED}
    assert names(provider) == ["beta", "alpha", "gamma", "own"]


def test_a_create_that_was_taken_is_not_sent_again() -> None:
    provider = holding(faults={1: AFTER})
    (outcome,) = run(provider, a_work(provider, a_policy()))
    assert provider.writes == ["create alpha"]
    assert outcome.outcome == APPLIED and "although the call failed" in outcome.reason


def test_a_create_that_was_not_taken_is_sent_once_more_after_a_look() -> None:
    provider = holding(faults={1: BEFORE})
    (outcome,) = run(provider, a_work(provider, a_policy()))
    assert provider.writes == ["create alpha", "create alpha"]
    assert (outcome.outcome, provider.fetches, names(provider)) == (APPLIED, 3, ["alpha"])


def test_a_create_is_not_sent_again_where_nobody_can_look() -> None:
    provider = holding(faults={1: BEFORE}, unread=frozenset([2]))
    (outcome,) = run(provider, a_work(provider, a_policy()))
    assert provider.writes == ["create alpha"]
    assert outcome.outcome == FAILED


def test_one_of_a_double_is_not_sent_again_for_no_guard_would_stop_it() -> None:
    provider = holding(faults={1: BEFORE})
    run(provider, a_work(provider, a_policy(name="one"), a_policy(name="two")))
    assert provider.writes.count("create alpha:one") == 1


def test_what_somebody_else_made_meanwhile_is_not_taken_for_ours() -> None:
    provider = holding(faults={1: BEFORE})
    other = a_live_policy(config={"limit": 7}, id_=50)
    work = a_work(provider, a_policy(config={"limit": 1}))
    provider.on_write = lambda number: provider.units.setdefault(TARGET, []).append(other)
    (outcome,) = run(provider, work)
    assert provider.writes == ["create alpha"]
    assert outcome.outcome == FAILED and "somebody else" in outcome.reason


def test_a_double_whose_delete_failed_is_not_taken_for_gone() -> None:
    """Addresses of doubles carry ids, and the last one that is left has none."""
    provider = holding(a_live_policy(id_=8), a_live_policy(id_=9, order=2), faults={2: BEFORE})
    outcomes = run(provider, a_work(provider, prune=True))
    assert told(outcomes) == [("delete", APPLIED), ("delete", FAILED)]


def test_a_field_that_the_service_does_not_take_is_named() -> None:
    provider = holding(a_live_policy(config={"limit": 1}), deaf_to=frozenset(["config"]))
    (outcome,) = run(provider, a_work(provider, a_policy(config={"limit": 2})))
    assert outcome.outcome == FAILED
    assert "config.limit" in outcome.reason
    assert outcome.exit is Exit.FAILURE


def test_a_unit_that_cannot_be_read_back_says_so() -> None:
    provider = holding(unread=frozenset([2]))
    (outcome,) = run(provider, a_work(provider, a_policy()))
    assert (outcome.outcome, outcome.exit) == (APPLIED, Exit.FAILURE)
    assert "could not be read back" in outcome.reason


def test_a_unit_that_cannot_be_read_is_skipped_without_a_write() -> None:
    provider = holding(unread=frozenset([1]))
    outcomes = run(provider, a_work(provider, a_policy()))
    assert (told(outcomes), exit_code(outcomes)) == ([("create", SKIPPED)], Exit.FAILURE)
    assert provider.writes == []


def test_a_unit_that_moved_since_the_plan_is_skipped_and_its_fields_named() -> None:
    provider = holding(a_live_policy(config={"limit": 1}))
    work = a_work(provider, a_policy(config={"limit": 2}), a_policy("beta"))
    provider.units[TARGET] = [a_live_policy(config={"limit": 5})]
    outcomes = run(provider, work)
    assert {item.outcome for item in outcomes} == {SKIPPED}
    assert "config.limit was 1, is 5" in outcomes[0].reason
    assert exit_code(outcomes) is Exit.STALE
    assert provider.writes == []


def test_one_stale_unit_does_not_hide_the_others() -> None:
    provider = FakeProvider({TARGET: [], SECOND: []})
    works = [
        a_work(provider, a_policy()),
        a_work(provider, a_policy(), target=SECOND, name="pay"),
    ]
    provider.units[TARGET].append(a_live_policy("beta"))
    outcomes = run(provider, *works)
    assert [item.outcome for item in outcomes] == [SKIPPED, APPLIED]
    assert names(provider, SECOND) == ["alpha"]
    assert exit_code(outcomes) is Exit.STALE


def test_after_a_stop_nothing_new_is_sent() -> None:
    stop = Event()
    provider, work = everything()
    provider.on_write = lambda number: stop.set() if number == 2 else None
    outcomes = run(provider, work, stop=stop)
    assert told(outcomes)[:2] == [("create", APPLIED), ("update", APPLIED)]
    assert [(item.outcome, item.exit) for item in outcomes[2:]] == [(SKIPPED, Exit.INTERRUPTED)] * 2
    assert provider.writes == ["create gamma", "update alpha"]
    assert "interrupted" in outcomes[2].reason


def test_a_stop_before_the_start_skips_everything_unread() -> None:
    stop = Event()
    stop.set()
    provider, work = everything()
    outcomes = run(provider, work, stop=stop)
    assert {item.outcome for item in outcomes} == {SKIPPED}
    assert (provider.fetches, exit_code(outcomes)) == (0, Exit.INTERRUPTED)


def test_a_value_that_is_not_known_is_said_before_the_first_write() -> None:
    provider = FakeProvider({TARGET: [], SECOND: []})
    unknown = a_policy("gamma", config={"key": Secret(None, "${env:KEY}")}, line=12)
    works = [a_work(provider, a_policy()), a_work(provider, unknown, target=SECOND, name="pay")]
    with pytest.raises(PolicyError) as raised:
        run(provider, *works)
    (problem,) = raised.value.problems
    assert (problem.file, problem.line) == ("orders.yaml", 12)
    assert "${env:KEY}" in problem.message
    assert (provider.writes, provider.fetches) == ([], 0)


def test_switching_off_needs_no_secret() -> None:
    provider = holding(a_live_policy("gamma"))
    key = Secret(None, "${env:KEY}")
    desired = a_policy("gamma", config={"key": key}, write_only=["config.key"], disabled=True)
    assert told(run(provider, a_work(provider, desired))) == [("update", APPLIED)]


def test_new_policies_take_their_places_without_a_reorder() -> None:
    provider = holding(
        a_live_policy("alpha", id_=1, order=3),
        a_live_policy("own", id_=2, order=5),
        a_live_policy("beta", id_=3, order=9),
    )
    desired = [a_policy(name) for name in ("one", "alpha", "two", "beta", "three")]
    outcomes = run(provider, a_work(provider, *desired))
    assert names(provider) == ["one", "alpha", "two", "own", "beta", "three"]
    assert {item.outcome for item in outcomes} == {APPLIED}
    assert "reorder" not in provider.writes


class Appending(FakeProvider):
    """A service that puts every new policy last, whatever place is asked for."""

    def create(self, target: Target, desired: Resource, *, order: Any, duplicate: bool) -> Resource:
        return super().create(target, desired, order=None, duplicate=duplicate)


def test_creates_at_the_wrong_place_are_put_in_order() -> None:
    provider = Appending({TARGET: [a_live_policy("alpha")]})
    (outcome,) = run(provider, a_work(provider, a_policy("beta"), a_policy("alpha")))
    assert outcome.outcome == APPLIED
    assert names(provider) == ["beta", "alpha"]
    assert provider.writes == ["create beta", "reorder"]


def test_putting_in_order_is_not_begun_after_a_stop() -> None:
    stop = Event()
    provider = Appending({TARGET: [a_live_policy("alpha")]})
    provider.on_write = lambda number: stop.set()
    run(provider, a_work(provider, a_policy("beta"), a_policy("alpha")), stop=stop)
    assert provider.writes == ["create beta"]


class Forgetful(FakeProvider):
    """A service that shows no order of what is switched off, and has it last when it is on."""

    def update(
        self, target: Target, live: Resource, desired: Resource, *, paths: frozenset[str]
    ) -> None:
        super().update(target, live, desired, paths=paths)
        unit = self.units[target]
        place = next(i for i, item in enumerate(unit) if item.id == live.id)
        unit[place] = replace(unit[place], order=99)


def test_what_comes_back_at_the_wrong_place_is_put_in_order() -> None:
    off = a_live_policy("alpha", disabled=True, order=None)
    provider = Forgetful({TARGET: [off, a_live_policy("beta", id_=2, order=1)]})
    (outcome,) = run(provider, a_work(provider, a_policy("alpha"), a_policy("beta")))
    assert outcome.outcome == APPLIED
    assert names(provider) == ["alpha", "beta"]


def test_what_comes_back_in_a_run_that_orders_is_put_in_order_too() -> None:
    live = [
        a_live_policy("alpha", disabled=True, order=None),
        a_live_policy("beta", id_=2, order=1),
        a_live_policy("gamma", id_=3, order=2),
    ]
    provider = Forgetful({TARGET: live})
    outcomes = run(provider, a_work(provider, a_policy(), a_policy("gamma"), a_policy("beta")))
    assert {item.outcome for item in outcomes} == {APPLIED}
    assert names(provider) == ["alpha", "gamma", "beta"]


class Stubborn(FakeProvider):
    """A service that answers to a reorder and keeps its order."""

    def reorder(self, target: Target, ids: tuple[str, ...]) -> None:
        super().reorder(target, ())


def test_a_reorder_that_is_not_taken_is_a_failure_and_sent_once() -> None:
    provider = Stubborn({TARGET: [a_live_policy("alpha"), a_live_policy("beta", id_=2, order=2)]})
    (outcome,) = run(provider, a_work(provider, a_policy("beta"), a_policy("alpha")))
    assert (outcome.outcome, provider.writes) == (FAILED, ["reorder"])


def test_an_order_that_cannot_be_settled_is_a_failure() -> None:
    provider = Appending({TARGET: [a_live_policy("alpha")]}, faults={2: BEFORE})
    (outcome,) = run(provider, a_work(provider, a_policy("beta"), a_policy("alpha")))
    assert "the connection broke" in outcome.reason
    assert outcome.exit is Exit.FAILURE


def test_tiers_are_there_before_the_policies_and_gone_after_them() -> None:
    provider = holding(a_live_policy("beta"), a_tier("Old", id_=3))
    run(provider, a_work(provider, a_policy("alpha"), a_tier("New"), prune=True))
    assert provider.writes == ["create tier:New", "create alpha", "delete beta", "delete tier:Old"]


def test_a_failed_tier_does_not_hide_the_policies() -> None:
    provider = holding(faults={1: BEFORE, 2: BEFORE})
    outcomes = run(provider, a_work(provider, a_tier("New"), a_policy("alpha")))
    assert [item.outcome for item in outcomes] == [FAILED, APPLIED]


def test_doubles_are_created_with_the_guard_lifted() -> None:
    provider = holding()
    outcomes = run(provider, a_work(provider, a_policy(name="one"), a_policy(name="two")))
    assert {item.outcome for item in outcomes} == {APPLIED}
    assert names(provider) == ["alpha:one", "alpha:two"]


def test_what_appeared_meanwhile_is_a_conflict_and_not_a_double() -> None:
    """Between the last read and the create somebody else creates the same policy."""
    provider = holding()
    work = a_work(provider, a_policy(config={"limit": 1}))
    other = a_live_policy(config={"limit": 7}, id_=50)
    provider.on_write = lambda number: provider.units[TARGET].append(other)
    (outcome,) = run(provider, work)
    assert outcome.outcome == FAILED
    assert names(provider) == ["alpha"]


def test_units_have_their_outcomes_in_the_order_of_the_plan() -> None:
    targets = [Target(TARGET.host, "org", "env", str(number)) for number in range(1, 8)]
    provider = FakeProvider({target: [] for target in targets})
    works = [
        a_work(provider, a_policy(), a_policy("beta"), target=target, name=f"api-{target.api}")
        for target in targets
    ]
    outcomes = run(provider, *works)
    wanted = [step.change.address for work in works for step in work.diff.steps]
    assert [item.change.address for item in outcomes] == wanted
    assert len(provider.writes) == 14
