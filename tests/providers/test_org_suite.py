"""The shared suite for platforms with API Access Control: the emulated org, and the one in memory
that the tests of the run use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from threading import Event

import pytest

from reconciler.core.access import ALL_USERS, DesiredAccess, LiveAccess
from reconciler.core.access_diff import diff_access
from reconciler.core.diff import UnitDiff
from reconciler.core.model import Resource, Target
from reconciler.core.outcome import APPLIED, Outcome
from reconciler.providers.base import AccessPlatform, Provider
from reconciler.run.apply import apply
from reconciler.run.stages import Work
from tests.breaking import AFTER, BEFORE, Breaker, Breaking
from tests.cli.crm import unused
from tests.emulator.driver import Emulator
from tests.org import (
    ADDRESS,
    BREAK_GLASS,
    OWN_APP,
    OWN_SET,
    App,
    a_bypass,
    a_grant,
    a_profile,
    a_set,
    a_switch,
    an_app,
    an_org,
    own,
    wanted,
)
from tests.providers.salesforce.test_provider import BILLING, USE, USERNAME, a_provider, target_of
from tests.run.fake import a_context, a_job
from tests.run.test_access import OrgProvider

STANDARD, GLASS = a_profile("Standard User"), a_bypass(a_set("Partner_Sync_Use"))


class BreakingOrg(Breaking):
    """An org, of which one write is broken."""

    def fetch_access(self, target: Target, desired: DesiredAccess) -> LiveAccess:
        return self._access.fetch_access(target, desired)

    def prove_access(self, target: Target) -> None:
        self._access.prove_access(target)

    @property
    def _access(self) -> AccessPlatform:
        assert isinstance(self.provider, AccessPlatform)
        return self.provider


@dataclass(frozen=True)
class Stage:
    """An org in which only this tool's own app is granted to anybody."""

    provider: Provider
    target: Target
    breaker: Breaker

    def desired(self, *resources: Resource) -> DesiredAccess:
        return wanted(*own(), *resources, self_user=USERNAME)

    def live(self, desired: DesiredAccess) -> LiveAccess:
        assert isinstance(self.provider, AccessPlatform)
        return self.provider.fetch_access(self.target, desired)

    def diff(self, *resources: Resource) -> UnitDiff:
        desired = self.desired(*resources)
        return diff_access(desired, self.live(desired))

    def carry_out(self, *resources: Resource, provider: Provider | None = None) -> list[Outcome]:
        through = provider or self.provider
        work = Work(a_job(through, self.target, ADDRESS.unit), self.diff(*resources))
        return list(apply(a_context(through), [work], Event()))

    def settle(self, *resources: Resource) -> None:
        """Applies what is desired; every step must go well and leave nothing to do."""
        outcomes = self.carry_out(*resources)
        assert [item for item in outcomes if item.outcome != APPLIED] == []
        assert self.diff(*resources).steps == ()

    def grants(self) -> set[str]:
        live = self.live(self.desired())
        return {one.key.segment for one in live.of("grants") if one.key.type == BILLING}


@contextmanager
def salesforce(emulator: Emulator) -> Iterator[Stage]:
    """Salesforce, as the emulator plays it in a process of its own."""
    unused(emulator)

    @contextmanager
    def breaker(how: str) -> Iterator[None]:
        rules = [
            {"match": {"method": method, "path": "/sobjects"}, "fault": {"drop": how}}
            for method in ("POST", "PATCH", "DELETE")
        ]
        soap = {"path": "/Soap/", "body": "updateMetadata>"}
        emulator.faults(*rules, {"match": soap, "fault": {"drop": how}})
        try:
            yield
        finally:
            emulator.faults()

    provider = a_provider(emulator)
    yield Stage(provider, target_of(provider), breaker)
    provider.close()


@contextmanager
def memory(emulator: Emulator) -> Iterator[Stage]:
    """The stand-in that the tests of the run use: it must behave as a platform does."""
    org = an_org(
        apps={OWN_APP: App(approved=True), BILLING: App()},
        users={USERNAME: [OWN_SET], "admin": [BREAK_GLASS], "all": [USE, STANDARD, GLASS_SET]},
        own_user=USERNAME,
    )
    provider = OrgProvider(org=org)

    @contextmanager
    def breaker(how: str) -> Iterator[None]:
        provider.faults = {len(provider.writes) + 1: how}
        yield
        provider.faults = {}

    yield Stage(provider, Target(provider.host, "org", "env"), breaker)


GLASS_SET = a_set("Partner_Sync_Use")
PLATFORMS: Mapping[str, Callable[[Emulator], AbstractContextManager[Stage]]] = {
    "memory": memory,
    "salesforce": salesforce,
}


@pytest.fixture(params=sorted(PLATFORMS))
def stage(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[Stage]:
    with PLATFORMS[request.param](emulator) as made:
        yield made


NARROWED = an_app(BILLING, adminApproved=True)


def test_create(stage: Stage) -> None:
    stage.settle(NARROWED, a_grant(BILLING, USE), a_grant(BILLING, STANDARD))
    assert stage.grants() == {
        f"{BILLING}/permissionSet:Billing_Sync_Use",
        f"{BILLING}/profile:Standard User",
    }


def test_create_answers_with_what_is_live(stage: Stage) -> None:
    (step,) = stage.diff(an_app(BILLING), a_grant(BILLING, USE)).steps
    assert step.desired
    made = stage.provider.create(stage.target, step.desired, order=None, duplicate=False)
    again = stage.provider.create(stage.target, step.desired, order=None, duplicate=False)
    (live,) = (one for one in stage.live(stage.desired()).of("grants") if one.key == made.key)
    assert made.id == again.id == live.id


def test_update_there_and_back(stage: Stage) -> None:
    stage.settle(an_app(BILLING, adminApproved=True, refreshToken="zero"))
    stage.settle(an_app(BILLING, adminApproved=False, refreshToken="infinite"))


def test_switches_there_and_back(stage: Stage) -> None:
    stage.settle(a_switch(ALL_USERS, on=True), a_bypass(BREAK_GLASS), GLASS)
    stage.settle(a_switch(ALL_USERS, on=False), a_bypass(BREAK_GLASS))


def test_delete(stage: Stage) -> None:
    stage.settle(an_app(BILLING), a_grant(BILLING, USE), a_grant(BILLING, STANDARD))
    stage.settle(an_app(BILLING), a_grant(BILLING, STANDARD))
    assert stage.grants() == {f"{BILLING}/profile:Standard User"}


def test_deleting_what_is_gone_is_deleting(stage: Stage) -> None:
    stage.settle(an_app(BILLING), a_grant(BILLING, USE))
    live = next(o for o in stage.live(stage.desired()).of("grants") if o.key.type == BILLING)
    stage.provider.delete(stage.target, live)
    stage.provider.delete(stage.target, live)
    assert stage.grants() == set()


def test_nothing_to_do_sends_nothing(stage: Stage) -> None:
    stage.settle(NARROWED, a_grant(BILLING, USE))
    watched = BreakingOrg(stage.provider, stage.breaker)
    stage.carry_out(NARROWED, a_grant(BILLING, USE), provider=watched)
    assert watched.writes == 0


def test_unmanaged_ones_are_left_alone(stage: Stage) -> None:
    stage.settle(an_app(BILLING), a_grant(BILLING, USE))
    stage.settle(an_app(BILLING, refreshToken="zero"))
    assert stage.grants() == {f"{BILLING}/permissionSet:Billing_Sync_Use"}


WANTED = (
    NARROWED,
    a_grant(BILLING, USE),
    a_switch(ALL_USERS, on=True),
    a_bypass(BREAK_GLASS),
)


@pytest.mark.parametrize("how", [BEFORE, AFTER])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_an_interrupted_run_is_finished_by_the_next(stage: Stage, at: int, how: str) -> None:
    stage.settle(an_app(BILLING), a_grant(BILLING, STANDARD))
    broken = BreakingOrg(stage.provider, stage.breaker, at, how)
    outcomes = stage.carry_out(*WANTED, provider=broken)
    assert len(outcomes) == 4
    stage.settle(*WANTED)
    assert stage.grants() == {f"{BILLING}/permissionSet:Billing_Sync_Use"}
