"""What others changed in a unit while a run is at it. Pure.

The service has no conditional writes, so what a step is about is looked at directly before the
step; only what happens between that look and the write can be overwritten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from reconciler.core.diff import Action, Step, UnitDiff
from reconciler.core.model import DesiredUnit, LiveUnit, Resource
from reconciler.core.plan import pin, stale_fields


def moved(planned: UnitDiff, step: Step, live: LiveUnit, own: Collection[str]) -> str:
    """What somebody else changed of what the step is about, in words; empty where nothing.

    own: ids of what this run has made in the unit.
    """
    if step.change.action is Action.REORDER:
        return _moved_order(planned.live, live, own)
    if step.live is None:
        return _came(planned, step, live, own)
    now = [resource for resource in live.resources if resource.id == step.live.id]
    if not now and step.change.action is Action.DELETE:
        return ""
    return "; ".join(_stale(planned, [step.live], now))


def _stale(planned: UnitDiff, before: Iterable[Resource], now: Iterable[Resource]) -> list[str]:
    """Which fields moved; a place does so by itself when others come and go."""
    then, after = (
        replace(planned.live, resources=tuple(replace(each, order=None) for each in side))
        for side in (before, now)
    )
    wanted: DesiredUnit = planned.desired
    return stale_fields(pin(replace(planned, live=then)), wanted, after)


def _came(planned: UnitDiff, step: Step, live: LiveUnit, own: Collection[str]) -> str:
    known = {*own, *(resource.id for resource in planned.live.resources)}
    wanted = step.desired.key if step.desired else None
    came = [each for each in live.resources if each.id not in known and each.key == wanted]
    return "; ".join(f"{each.key.segment} is there now (id {each.id})" for each in came)


def _moved_order(before: LiveUnit, now: LiveUnit, own: Collection[str]) -> str:
    then, after = _places(before), _places(now)
    new = [name for name in after if name not in then and name not in own]
    held = {resource.id: resource.key.segment for resource in (*before.resources, *now.resources)}
    known = {resource.id for resource in before.resources}
    if foreign := [held[each] for each in new if each not in known]:
        return f"{', '.join(foreign)}: is new"
    both = [each for each in then if each in after]
    if both != [each for each in after if each in then]:
        return "the order is another one now"
    return ""


def _places(live: LiveUnit) -> list[str]:
    """Ids of what the service orders, first to last."""
    places: Mapping[str, int] = {
        resource.id: resource.order for resource in live.resources if resource.order is not None
    }
    return sorted(places, key=places.__getitem__)
