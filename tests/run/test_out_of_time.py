"""A run whose time is up: nothing new is sent, and what was sent is still looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event
from typing import Any

import pytest

from reconciler.core.model import LiveUnit, Resource, Target
from reconciler.core.outcome import APPLIED, FAILED, SKIPPED, Outcome
from reconciler.errors import Exit, OutOfTime, worst
from reconciler.run.apply import Work, apply
from reconciler.transport import Deadline
from tests.breaking import AFTER, BEFORE
from tests.builders import TARGET, a_live_policy, a_policy
from tests.run.fake import FakeProvider, a_context, a_work, names
from tests.transport.clock import Clock

LIMIT_S = 100.0


@dataclass
class Timed(FakeProvider):
    """A service behind a deadline; its write number `last` takes longer than the run may."""

    clock: Clock = field(default_factory=Clock)
    last: int = 1

    def __post_init__(self) -> None:
        self.deadline = Deadline(LIMIT_S, self.clock)
        self.on_write = self._passes

    def _passes(self, number: int) -> None:
        self.clock.now += LIMIT_S if number == self.last else 0

    def _refuse(self) -> None:
        if self.deadline.left_s() <= 0:
            raise OutOfTime(f"not sent: the run took longer than it may ({self.deadline})")

    def fetch(self, target: Target, lists: frozenset[str], technology: str) -> LiveUnit:
        self._refuse()
        return super().fetch(target, lists, technology)

    def create(self, target: Target, desired: Resource, **place: Any) -> Resource:
        self._refuse()
        return super().create(target, desired, **place)

    def update(
        self, target: Target, live: Resource, desired: Resource, *, paths: frozenset[str]
    ) -> None:
        self._refuse()
        super().update(target, live, desired, paths=paths)


def run(provider: Timed, *works: Work) -> list[Outcome]:
    context = a_context(provider, deadline=provider.deadline, parallelism=1)
    return list(apply(context, works, Event()))


def two_updates(**changes: Any) -> tuple[Timed, Work]:
    config = {"limit": 1}
    live = [a_live_policy("alpha", config=config, id_=1, order=1), a_live_policy("beta", id_=2)]
    provider = Timed({TARGET: live}, **changes)
    desired = [
        a_policy("alpha", config={"limit": 2}),
        a_policy("beta", config={"ips": ["1.1.1.1"]}),
    ]
    return provider, a_work(provider, *desired)


def test_what_was_sent_counts_and_what_was_not_is_skipped_with_the_reason() -> None:
    provider, work = two_updates()
    outcomes = run(provider, work)
    assert sorted(item.outcome for item in outcomes) == [APPLIED, SKIPPED]
    left = next(item for item in outcomes if item.outcome == SKIPPED)
    assert left.reason == "not sent: the run took longer than it may (--max-time 100)"
    assert left.exit is Exit.FAILURE
    assert len(provider.writes) == 1
    assert provider.fetches == 2


def test_a_run_over_before_its_first_write_skips_all() -> None:
    provider, work = two_updates()
    provider.clock.now += LIMIT_S
    outcomes = run(provider, work)
    assert {item.outcome for item in outcomes} == {SKIPPED}
    assert worst(item.exit for item in outcomes) is Exit.FAILURE
    assert all("--max-time 100" in item.reason for item in outcomes)
    assert (provider.writes, provider.fetches) == ([], 0)


@pytest.mark.parametrize(("fault", "outcome"), [(BEFORE, FAILED), (AFTER, APPLIED)])
def test_a_create_whose_answer_was_lost_at_the_end_is_looked_for_and_not_sent_again(
    fault: str, outcome: str
) -> None:
    provider = Timed({TARGET: []}, faults={1: fault})
    outcomes = run(provider, a_work(provider, a_policy("alpha")))
    assert [item.outcome for item in outcomes] == [outcome]
    assert provider.writes == ["create alpha"]
    assert len(names(provider)) == (outcome == APPLIED)


def test_a_second_run_finishes_what_time_left_over() -> None:
    provider, work = two_updates()
    run(provider, work)
    provider.last = 0
    provider.__post_init__()
    desired = work.diff.desired.resources
    assert {item.outcome for item in run(provider, a_work(provider, *desired))} == {APPLIED}
    assert a_work(provider, *desired).diff.steps == ()
