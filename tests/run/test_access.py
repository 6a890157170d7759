"""Runs over an org: in order, proved, stopped at the first failure, and never locked out."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from reconciler.core.access import ALL_USERS, EXTERNAL_USERS, DesiredAccess, LiveAccess
from reconciler.core.access_diff import diff_access
from reconciler.core.model import Resource, Target
from reconciler.core.outcome import Outcome
from reconciler.core.project import Project
from reconciler.errors import Exit, LockedOut, Unreachable
from reconciler.providers.base import AccessPlatform
from reconciler.run.access import refused_lockouts
from reconciler.run.apply import Work, apply
from reconciler.run.refusals import refusals
from tests.breaking import AFTER, BEFORE
from tests.core.test_access_laws import files, orgs
from tests.org import (
    ADDRESS,
    OWN_APP,
    OWN_SET,
    OWN_USER,
    TARGET,
    App,
    Org,
    a_set,
    a_switch,
    an_app,
    an_org,
    own,
    wanted,
)
from tests.run.fake import FakeProvider, a_context, a_job

LIMIT = a_switch(ALL_USERS, on=True)


@dataclass
class OrgProvider(FakeProvider):
    """An org with faults. `on_write` is called before each write; deaf: it takes no change.
    proofs: how often a new token was asked for."""

    org: Org = field(default_factory=an_org)
    deaf: bool = False
    proofs: int = 0

    def fetch_access(self, target: Target, desired: DesiredAccess) -> LiveAccess:
        self.fetches += 1
        if self.fetches in self.unread:
            raise Unreachable("nobody answers")
        return self.org.live()

    def prove_access(self, target: Target) -> None:
        self.proofs += 1
        if not self.org.reaches(self.org.own_user, self.org.own_app):
            raise LockedOut("this login gets in no more")

    def create(
        self, target: Target, desired: Resource, *, order: int | None, duplicate: bool
    ) -> Resource:
        self._do(f"create {desired.key.segment}", None, desired)
        return next(one for one in self.org.live().resources if one.key == desired.key)

    def update(
        self, target: Target, live: Resource, desired: Resource, *, paths: frozenset[str]
    ) -> None:
        self._do(f"update {desired.key.segment}", live, desired)

    def delete(self, target: Target, live: Resource) -> None:
        self._do(f"delete {live.key.segment}", live, None)

    def _do(self, what: str, live: Resource | None, desired: Resource | None) -> None:
        self.writes.append(what)
        number = len(self.writes)
        self.on_write(number)
        if self.faults.get(number) == BEFORE:
            raise Unreachable("the connection broke")
        if not self.deaf:
            self.org.change(live, desired)
        if self.faults.get(number) == AFTER:
            raise Unreachable("the answer was lost")


def a_work(provider: OrgProvider, desired: DesiredAccess) -> Work:
    job = a_job(provider, TARGET, ADDRESS.unit)
    return Work(job, diff_access(desired, provider.org.live()))


def run(provider: OrgProvider, desired: DesiredAccess, **more: Any) -> tuple[Outcome, ...]:
    stop = more.pop("stop", Event())
    return apply(a_context(provider, **more), [a_work(provider, desired)], stop)


def shown(outcomes: tuple[Outcome, ...]) -> list[str]:
    return [f"{one.outcome} {one.change.address.removeprefix(f'{ADDRESS}/')}" for one in outcomes]


def test_the_provider_of_these_tests_controls_access() -> None:
    assert isinstance(OrgProvider(), AccessPlatform)


def test_access_is_proved_after_the_own_app_and_around_the_switch() -> None:
    provider = OrgProvider()
    outcomes = run(provider, wanted(LIMIT, *own()))
    assert shown(outcomes) == [f"applied {OWN_APP}", f"applied {ALL_USERS}"]
    assert provider.proofs == 3


def test_a_failed_step_is_the_last_one() -> None:
    provider = OrgProvider(org=an_org(apps={OWN_APP: App(), "A": App()}), faults={1: BEFORE})
    outcomes = run(provider, wanted(LIMIT, *own(), an_app("A", adminApproved=True)))
    assert shown(outcomes) == ["failed A", f"skipped {OWN_APP}", f"skipped {ALL_USERS}"]
    assert provider.writes == ["update A"]


def test_a_write_whose_answer_was_lost_is_seen_and_still_the_last_one() -> None:
    provider = OrgProvider(faults={1: AFTER})
    outcomes = run(provider, wanted(LIMIT, *own()))
    assert shown(outcomes) == [f"applied {OWN_APP}", f"skipped {ALL_USERS}"]


def test_the_guard_is_asked_again_just_before_the_switch() -> None:
    provider = OrgProvider()

    def on_write(number: int) -> None:
        provider.org.expires[OWN_USER, OWN_SET] = "2027-01-01T00:00:00.000+0000"

    provider.on_write = on_write
    outcomes = run(provider, wanted(LIMIT, a_switch(EXTERNAL_USERS, on=True), *own()))
    assert shown(outcomes) == [
        f"applied {OWN_APP}",
        f"applied {EXTERNAL_USERS}",
        f"failed {ALL_USERS}",
    ]
    assert outcomes[-1].exit is Exit.REFUSED
    assert "lock-out guard: before all users are limited" in outcomes[-1].reason
    assert "ends on 2027-01-01: remove its end" in outcomes[-1].reason


def test_a_lock_out_all_the_same_is_told_and_is_the_last_thing_done() -> None:
    provider = OrgProvider(org=an_org(apps={OWN_APP: App(), "A": App(approved=True)}))
    provider.org.grants.add(("A", a_set("Old")))
    users = provider.org.users

    def on_write(number: int) -> None:
        users[OWN_USER] = []

    provider.on_write = on_write
    desired = wanted(*own(), an_app("A"), granted={OWN_APP, "A"})
    outcomes = run(provider, desired)
    assert shown(outcomes)[0] == f"applied {OWN_APP}"
    assert outcomes[0].exit is Exit.NOT_ALLOWED
    assert "gets in no more" in outcomes[0].reason
    assert shown(outcomes)[1] == "skipped A/permissionSet:Old"


def test_a_step_that_changed_nothing_has_failed() -> None:
    provider = OrgProvider(deaf=True)
    (outcome,) = run(provider, wanted(an_app(OWN_APP, ipRelaxation="BYPASS")))
    assert (outcome.outcome, outcome.exit) == ("failed", Exit.FAILURE)
    assert "the service took the call but not the change: ipRelaxation" in outcome.reason


def test_what_others_changed_meanwhile_is_not_overwritten() -> None:
    org = an_org(apps={OWN_APP: App(approved=True), "A": App(), "B": App()})
    provider = OrgProvider(org=org)

    def on_write(number: int) -> None:
        org.set_policy("B", {"ipRelaxation": "BYPASS"})

    provider.on_write = on_write
    desired = wanted(an_app("A", adminApproved=True), an_app("B", adminApproved=True))
    outcomes = run(provider, desired)
    assert shown(outcomes) == ["applied A", "skipped B"]
    assert outcomes[1].exit is Exit.STALE


def test_the_guard_is_part_of_what_refuses_a_plan() -> None:
    provider = OrgProvider(org=an_org(grants=set()))
    desired = wanted(LIMIT, an_app(OWN_APP, adminApproved=True))
    diff = diff_access(desired, provider.org.live())
    project = Project("policies", ())
    (error,) = refusals(a_context(provider, project=project), [diff], [(desired.address, 1)])
    assert (error.address, error.exit) == (str(ADDRESS), Exit.REFUSED)
    assert error.message.startswith("lock-out guard: before all users are limited")
    allowed = a_context(provider, project=project, break_glass_ok=True)
    assert refusals(allowed, [diff], [(desired.address, 1)]) == []
    assert allowed.said()["breakGlassOk"] is True


@pytest.mark.law
@given(orgs(), files(), st.data())
def test_no_run_locks_this_tool_out_whatever_fails(
    org: Org, desired: DesiredAccess, data: st.DataObject
) -> None:
    assume(org.reaches(OWN_USER, OWN_APP))
    provider = OrgProvider(org=org)
    context = a_context(provider)
    diff = diff_access(desired, org.live())
    assume(diff.steps and not list(refused_lockouts(context, [diff])))
    count = len(diff.steps)
    numbers = st.integers(1, count)
    provider.faults = data.draw(st.dictionaries(numbers, st.sampled_from((BEFORE, AFTER))))
    stop, killed = Event(), data.draw(st.none() | numbers)

    def on_write(number: int) -> None:
        assert org.reaches(OWN_USER, OWN_APP)
        if number == killed:
            stop.set()

    provider.on_write = on_write
    outcomes = apply(context, [a_work(provider, desired)], stop)
    event(f"outcomes: {sorted({one.outcome for one in outcomes})}")
    assert org.reaches(OWN_USER, OWN_APP)
    # A second run without a fault gets there, and still nobody is locked out.
    provider.faults, provider.on_write = {}, lambda number: None
    again = diff_access(desired, org.live())
    assume(not list(refused_lockouts(context, [again])))
    apply(context, [a_work(provider, desired)], Event())
    assert diff_access(desired, org.live()).steps == ()
    assert org.reaches(OWN_USER, OWN_APP)


@pytest.mark.law
@given(orgs(), files())
def test_a_run_without_a_fault_converges(org: Org, desired: DesiredAccess) -> None:
    before = deepcopy(org)
    provider = OrgProvider(org=org)
    diff = diff_access(desired, org.live())
    assume(org.reaches(OWN_USER, OWN_APP))
    assume(not list(refused_lockouts(a_context(provider), [diff])))
    outcomes = run(provider, desired)
    assert {one.outcome for one in outcomes} <= {"applied"}, before
    assert len(provider.writes) == len(diff.steps)
