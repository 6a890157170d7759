"""Which of the two moved since the last converged run: the files, or the platform. Pure.

When a unit has converged there was no difference in it. So a resource that is live as it was left,
and that differs now, differs because the files moved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.diff import Action, Step, UnitDiff
from reconciler.core.known import Digester, KnownResource, KnownUnit
from reconciler.core.model import POLICIES, Resource


class Cause(StrEnum):
    """Why there is a change; the value is the word in JSON."""

    PENDING = "pending"
    LIVE = "live"
    UNKNOWN = "unknown"


def causes(diff: UnitDiff, known: KnownUnit | None, digester: Digester) -> list[Cause]:
    """The cause of each step: the files moved (`pending`), or live did; where both did, `live`."""
    if known is None:
        return [Cause.UNKNOWN] * len(diff.steps)
    unit = _Unit(diff, known, digester)
    return [unit.cause(step) for step in diff.steps]


@dataclass(frozen=True, slots=True)
class _Unit:
    diff: UnitDiff
    known: KnownUnit
    digester: Digester

    def cause(self, step: Step) -> Cause:
        match step.change.action:
            case Action.CREATE if step.desired:
                return self._of_create(step.desired)
            case Action.REORDER:
                return self._of_order()
            case _ if step.live:
                return self._of_live(step.live, is_gone=step.desired is None)
        return Cause.UNKNOWN

    def _of_create(self, desired: Resource) -> Cause:
        """What was there under this name and is gone was taken away."""
        live = {item.id for item in self.diff.live.resources if item.key.list == desired.key.list}
        lost = any(
            item.segment == desired.key.segment and item.id not in live
            for item in self.known.of(desired.key.list)
        )
        return Cause.LIVE if lost else Cause.PENDING

    def _of_live(self, live: Resource, *, is_gone: bool) -> Cause:
        known = self._known(live)
        if known is None:
            # A list that was not read then says nothing of what was in it.
            was_read = live.key.list == POLICIES or self.known.of(live.key.list)
            return Cause.LIVE if was_read else Cause.UNKNOWN
        if is_gone:
            return Cause.PENDING
        if not known.live:
            return Cause.UNKNOWN
        return Cause.PENDING if known.live == self.digester.live(live) else Cause.LIVE

    def _of_order(self) -> Cause:
        before = _order((item.id, item.order) for item in self.known.of(POLICIES))
        policies = (item for item in self.diff.live.resources if item.key.list == POLICIES)
        now = _order((item.id, item.order) for item in policies)
        both = set(before) & set(now)
        stayed = [one for one in before if one in both] == [one for one in now if one in both]
        return Cause.PENDING if stayed else Cause.LIVE

    def _known(self, live: Resource) -> KnownResource | None:
        return next((item for item in self.known.of(live.key.list) if item.id == live.id), None)


def _order(items: Iterable[tuple[str, int | None]]) -> list[str]:
    """The ids in their order, those that the service orders."""
    ordered = [(order, id_) for id_, order in items if order is not None]
    return [id_ for _, id_ in sorted(ordered)]
