"""Somebody else changes live state while a run is at it, at a random moment of a random schedule.

Each write is preceded by a read. What others change before that read is never overwritten; only in
the one round trip between the two it can be, as the service has no conditional writes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any

import pytest

from reconciler.core.model import Resource
from reconciler.core.outcome import Outcome, exit_of
from reconciler.errors import Exit, worst
from reconciler.run.apply import apply
from tests.builders import an_absent
from tests.emulator.driver import Emulator
from tests.providers.suite import Stage, a_policy, a_removal, an_allowlist, anypoint
from tests.watching import Watching

SCHEDULES = 200
_SAMPLE = 45
_FOREIGN = 777
LIVE = [
    a_removal(),
    a_policy(each=9),
    a_policy("http-caching", "1.1.1"),
    a_policy("spike-control", "1.2.1", maximumRequests=9),
]
WANTED = [
    a_policy("spike-control", "1.2.1", maximumRequests=5),
    a_policy(each=3),
    an_allowlist(),
    a_removal("server", "via"),
]


@dataclass
class Meddler:
    """Does one thing to one policy before call number `at` (from 1) of the run."""

    emulator: Emulator
    what: str
    victim: Resource
    at: int
    calls: list[str]
    has_acted: bool = False

    def __call__(self) -> None:
        if len(self.calls) != self.at or self.victim.id not in self._held():
            return
        self.has_acted = True
        order: dict[str, Any] = {"apiId": 1, "policyId": int(self.victim.id)}
        match self.what:
            case "delete":
                self.emulator.tamper(**order, patch={"delete": True})
            case "disable":
                self.emulator.tamper(**order, patch={"disabled": True})
            case "configure":
                held = self._held()[self.victim.id]["configurationData"]
                config = {**held, "foreign": _FOREIGN}
                self.emulator.tamper(**order, patch={"configurationData": config})
            case _:
                added = {
                    "groupId": self.victim.key.group,
                    "assetId": "ip-blocklist",
                    "assetVersion": "1.1.2",
                    "configurationData": {"ips": ["6.6.6.6"]},
                }
                self.emulator.tamper(apiId=1, patch=added)

    def _held(self) -> dict[str, Any]:
        return {str(policy["id"]): policy for policy in self.emulator.stored(1)["policies"]}

    @property
    def was_within_its_window(self) -> bool:
        """Whether the very next call was a write of that policy."""
        return self.calls[self.at - 1] == self.victim.id

    def survived(self) -> bool:
        held = self._held()
        mine = held.get(self.victim.id)
        match self.what:
            case "delete":
                return mine is None
            case "disable":
                return mine is None or mine["disabled"] is True
            case "configure":
                return mine is not None and mine["configurationData"].get("foreign") == _FOREIGN
        return any(policy["assetId"] == "ip-blocklist" for policy in held.values())


def run(stage: Stage, meddler: Callable[[Watching], Meddler]) -> tuple[Meddler, list[Outcome]]:
    work = stage.work(*LIVE)
    assert all(item.outcome == "applied" for item in apply(stage.context(), [work], Event()))
    watching = Watching(stage.provider, stage.breaker)
    made = meddler(watching)
    watching.before = made
    work = stage.work(*WANTED, provider=watching, absent=[an_absent("http-caching")])
    return made, list(apply(stage.context(), [work], Event()))


def check(emulator: Emulator, seed: int) -> None:
    chance = random.Random(seed)
    with anypoint(emulator) as stage:
        made, outcomes = run(
            stage,
            lambda watching: Meddler(
                emulator,
                chance.choice(["configure", "configure", "delete", "disable", "add"]),
                chance.choice(stage.live()),
                chance.randint(1, 12),
                watching.calls,
            ),
        )
        if not made.has_acted:
            return
        told = worst(exit_of(outcomes))
        assert made.survived() or made.was_within_its_window, (seed, made, outcomes)
        is_ours = made.victim.key.type != "http-caching" and made.what != "add"
        if is_ours and made.survived():
            assert told is not Exit.OK, (seed, made, outcomes)


@pytest.mark.parametrize("part", range(3))
def test_what_others_change_is_never_overwritten(emulator: Emulator, part: int) -> None:
    for seed in range(part * _SAMPLE // 3, (part + 1) * _SAMPLE // 3):
        check(emulator, seed)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(4))
def test_what_others_change_is_never_overwritten_in_any_schedule(
    emulator: Emulator, part: int
) -> None:
    for seed in range(part * SCHEDULES // 4, (part + 1) * SCHEDULES // 4):
        check(emulator, seed)
