"""What is left of a run that was interrupted or partly applied.

Only changes that the run had planned are carried out, on units that are as the run found them or
as it was to leave them, change by change. Everything else there is stale.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.core.diff import Action, Change, Step, UnitDiff
from reconciler.core.model import OUTBOUND, DesiredUnit, Resource
from reconciler.core.outcome import APPLIED, SKIPPED, Outcome
from reconciler.core.pairing import pair
from reconciler.core.plan import (
    Pin,
    Plan,
    desired_digest,
    digest_of_desired,
    moved_values,
    pin,
    stale_fields,
)
from reconciler.core.upstreams import settle_upstreams
from reconciler.errors import Exit, PolicyError, Refusal, StalePlan
from reconciler.run.context import Context
from reconciler.run.converge import Compared, compare, desired_unit, idle
from reconciler.run.locate import Job
from reconciler.run.past import PastRun, Planned
from reconciler.run.reviewed import Cleared
from reconciler.run.stages import Work

_AFRESH = "plan afresh, with `reconciler plan`"


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left, as a plan and as what to carry out."""

    plan: Plan
    cleared: Cleared


def rest_of(past: PastRun, context: Context, *, skip_stale: bool, created_at: str) -> Rest:
    """Reads the units of which something is left, and finds what is still to do.

    Raises Refusal where files or places differ, StalePlan where a unit is neither as before nor
    as after and `skip_stale` is not set.
    """
    units = _unfinished(past)
    pins = {item.address: item for item in past.plan.pins if item.address in units}
    compared = compare(context, frozenset(pins), notes=True, keeps=True)
    desired = {job.address: desired_unit(context, job)[0] for job in compared.located}
    _refuse_other_files(past, compared, list(desired.values()))
    problems = [problem for diff in compared.diffs for problem in diff.problems]
    if problems:
        raise PolicyError(problems)
    judged = {
        str(diff.desired.address): _judge(units[str(diff.desired.address)], pins, diff)
        for diff in compared.diffs
    }
    stale = {address: found.stale for address, found in judged.items() if found.stale}
    if stale and not skip_stale:
        lines = "".join(f"\n  {address}: {'; '.join(texts)}" for address, texts in stale.items())
        raise StalePlan(f"changed by somebody else since {past.run} began; {_AFRESH}:{lines}")
    left = [replace(diff, steps=judged[str(diff.desired.address)].steps) for diff in compared.diffs]
    # Limits count what is managed everywhere in scope, touched or not.
    others = [
        idle(unit)
        for address, unit in desired.items()
        if address not in {diff.desired.address for diff in left}
    ]
    plan = replace(compared, diffs=(*left, *others), records=()).plan(context, created_at)
    jobs = {job.address: job for job in compared.jobs}
    cleared = Cleared(_works(left, jobs), tuple(_skipped(past, units, stale)), compared)
    return Rest(plan, cleared)


@dataclass(frozen=True, slots=True)
class _Item:
    """A planned change of a unit: what it was about, and whether it is known to be done."""

    change: Change
    planned: Planned | None
    is_done: bool


def _unfinished(past: PastRun) -> dict[str, list[_Item]]:
    """All planned changes of each unit of which not all are done."""
    units: dict[str, list[_Item]] = {}
    changes = zip(past.plan.changes, past.planned, past.outcomes(), strict=True)
    for change, planned, became in changes:
        unit = "/".join(change.address.split("/")[:3])
        item = _Item(change, planned, became.outcome == APPLIED)
        units.setdefault(unit, []).append(item)
    return {unit: items for unit, items in units.items() if not all(item.is_done for item in items)}


def _refuse_other_files(past: PastRun, compared: Compared, desired: Sequence[DesiredUnit]) -> None:
    other = f"the files say something else than when {past.run} began"
    pins = {item.address: item for item in past.plan.pins}
    for diff in compared.diffs:
        pinned = pins[str(diff.desired.address)]
        if pinned.target != diff.desired.target:
            raise Refusal(f"{pinned.address} is at another place than in {past.run}; {_AFRESH}")
        if desired_digest(diff.desired) != pinned.desired:
            raise Refusal(f"{other}, of {pinned.address}; {_AFRESH}")
    is_whole = not (past.plan.errors or compared.errors)
    if is_whole and digest_of_desired(desired) != past.plan.desired:
        raise Refusal(f"{other}; {_AFRESH}")


def _works(diffs: Sequence[UnitDiff], jobs: Mapping[Any, Job]) -> tuple[Work, ...]:
    ordered = sorted(diffs, key=lambda diff: diff.desired.address)
    return tuple(Work(jobs[diff.desired.address], diff) for diff in ordered if diff.steps)


def _skipped(
    past: PastRun, units: Mapping[str, Sequence[_Item]], stale: Mapping[str, Sequence[str]]
) -> Iterator[Outcome]:
    for address, texts in stale.items():
        reason = f"changed by somebody else since {past.run} began: {'; '.join(texts)}"
        for item in units[address]:
            if not item.is_done:
                yield Outcome(item.change, SKIPPED, reason, Exit.PARTIAL)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a unit still needs of what was planned, and what of it is neither before nor after."""

    steps: tuple[Step, ...] = ()
    stale: tuple[str, ...] = ()


def _judge(items: Sequence[_Item], pins: Mapping[str, Pin], diff: UnitDiff) -> _Judged:
    pinned = pins[str(diff.desired.address)]
    if any(item.planned is None and item.change.action is not Action.REORDER for item in items):
        # It had moved when the run began, and nothing of it was sent.
        moved = tuple(stale_fields(pinned, diff.desired, diff.live))
        return _Judged((), moved) if moved else _Judged(diff.steps)
    unit = _Unit.of(items, pinned, diff)
    stale = tuple(unit.stale())
    if stale:
        return _Judged((), stale)
    others = [step for step in diff.steps if not unit.is_planned(step)]
    return _Judged(diff.steps if not others else (), tuple(map(_unplanned, others)))


def _unplanned(step: Step) -> str:
    paths = ", ".join(item.path for item in step.change.fields)
    return f"{step.change.address}: {step.change.action} of {paths} was not planned then"


@dataclass(frozen=True, slots=True)
class _Unit:
    """A unit then and now, by ids. before, now: shown values. paired: desired by live id."""

    diff: UnitDiff
    before: Mapping[str, tuple[str, Mapping[str, Any]]]
    now: Mapping[str, tuple[str, Mapping[str, Any]]]
    updates: Mapping[str, Change]
    deletes: frozenset[str]
    creates: frozenset[str]
    is_reordered: bool
    paired: Mapping[str, Resource]

    @classmethod
    def of(cls, items: Sequence[_Item], pinned: Pin, diff: UnitDiff) -> _Unit:
        by = {action: _of(items, action) for action in Action}
        settled = settle_upstreams(diff.desired, diff.live)
        own = [resource for resource in diff.live.resources if not resource.shared]
        return cls(
            diff,
            _by_id(pinned.live),
            _by_id(pin(diff).live),
            {planned.id: change for planned, change in by[Action.UPDATE]},
            frozenset(planned.id for planned, _ in by[Action.DELETE]),
            frozenset(planned.key.token for planned, _ in by[Action.CREATE]),
            any(item.change.action is Action.REORDER for item in items),
            {theirs.id: ours for ours, theirs in pair(settled.resources, own).pairs},
        )

    def stale(self) -> Iterator[str]:
        """What is neither as before nor as after, in words."""
        for id_ in sorted({*self.before, *self.now}):
            if id_ not in self.now:
                if id_ not in self.deletes:
                    yield f"{self.before[id_][0]}: is gone"
            elif id_ not in self.before:
                yield from self._new(id_)
            else:
                yield from self._moved(id_)
        if self._is_order_stale():
            yield "the order is another"

    def is_planned(self, step: Step) -> bool:
        """Whether the run had planned this."""
        match step.change.action:
            case Action.CREATE:
                return step.desired is not None and step.desired.key.token in self.creates
            case Action.DELETE:
                return step.live is not None and step.live.id in self.deletes
            case Action.REORDER:
                # A create may have come to stand at another place than was asked for.
                return self.is_reordered or bool(self.creates)
        return step.live is not None and self._is_update_planned(step, step.live.id)

    def _is_update_planned(self, step: Step, id_: str) -> bool:
        planned = self.updates.get(id_)
        if planned is None:
            return id_ not in self.before and _is_half_made(step)
        return {item.path for item in planned.fields} == {f.path for f in step.change.fields}

    def _new(self, id_: str) -> Iterator[str]:
        ours = self.paired.get(id_)
        step = self._update_left(id_)
        is_ours = ours is not None and ours.key.token in self.creates
        if not is_ours or not (step is None or _is_half_made(step)):
            yield f"{self.now[id_][0]}: is new"

    def _moved(self, id_: str) -> Iterator[str]:
        name, before = self.before[id_]
        moved = [item for item in moved_values(before, self.now[id_][1]) if item[0] != "order"]
        planned = self.updates.get(id_)
        paths = {field.path for field in planned.fields} if planned else set[str]()
        is_after = planned is not None and self._update_left(id_) is None
        for path, was, is_ in moved:
            if not (is_after and any(_is_within(path, other) for other in paths)):
                yield f"{name}: {path} was {_text(was)}, is {_text(is_)}"

    def _is_order_stale(self) -> bool:
        before, now = (_sequence(side) for side in (self.before, self.now))
        both = set(before) & set(now)
        if [i for i in before if i in both] == [i for i in now if i in both]:
            return False
        is_ours = self.is_reordered or bool(self.creates)
        is_left = any(step.change.action is Action.REORDER for step in self.diff.steps)
        return not is_ours or is_left

    def _update_left(self, id_: str) -> Step | None:
        return next(
            (
                step
                for step in self.diff.steps
                if step.live and step.desired and step.live.id == id_
            ),
            None,
        )


def _of(items: Sequence[_Item], action: Action) -> list[tuple[Planned, Change]]:
    return [
        (item.planned, item.change)
        for item in items
        if item.planned and item.change.action is action
    ]


def _by_id(live: Mapping[str, Any]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Name and values by id, of a pin's `name@id`."""
    parts = ((name.rpartition("@"), values) for name, values in live.items())
    return {id_: (name, values) for (name, _, id_), values in parts}


def _sequence(side: Mapping[str, tuple[str, Mapping[str, Any]]]) -> list[str]:
    numbers = {id_: values.get("order") for id_, (_, values) in side.items()}
    return sorted(
        (id_ for id_, number in numbers.items() if number is not None),
        key=lambda id_: numbers[id_] or 0,
    )


def _is_half_made(step: Step) -> bool:
    """Whether a create is left that takes two calls: outbound policies are switched off after."""
    is_outbound = step.desired is not None and step.desired.key.list == OUTBOUND
    return is_outbound and [item.path for item in step.change.fields] == ["disabled"]


def _is_within(path: str, other: str) -> bool:
    """Whether one path is the other, or holds it."""
    short, long = sorted((path, other), key=len)
    return long == short or long.startswith((f"{short}.", f"{short}["))


def _text(value: Any) -> str:
    return json.dumps(value, default=str)
