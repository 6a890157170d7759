"""The inverse of a run: what it created is deleted, the rest is as it was before.

A plan like any other, made from the before-images of the journal and from what is live. What
others have changed since is left alone and named, and so is what cannot be made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.core.access import DesiredAccess
from reconciler.core.diff import UnitDiff
from reconciler.core.model import (
    OUTBOUND,
    POLICIES,
    DesiredUnit,
    LiveUnit,
    Resource,
    ResourceKey,
    UnitAddress,
)
from reconciler.core.order import permuted, with_new
from reconciler.core.plan import Pin, Plan, PlanError
from reconciler.core.project import Project
from reconciler.errors import Exit, PolicyError, ReconcilerError, Refusal, UsageError
from reconciler.files.platforms import SALESFORCE
from reconciler.run.access import access_platform
from reconciler.run.blank import check_unit
from reconciler.run.context import Context
from reconciler.run.converge import (
    Compared,
    desired_unit,
    diff,
    fetch,
    idle,
    locate_all,
)
from reconciler.run.images import Image, moved_fields
from reconciler.run.locate import Job
from reconciler.run.past import PastRun, Write
from reconciler.run.restore import Lost, Restorer
from reconciler.run.restore_access import UndoneAccess, to_read
from reconciler.run.reviewed import Cleared
from reconciler.run.side_by_side import side_by_side
from reconciler.run.stages import Work

_NO_SELF = "the files do not say any more with which app and user this tool signs in to the org"


@dataclass(frozen=True, slots=True)
class Inverse:
    """What undoes a run, as a plan and as what to carry out; what cannot be is in its errors."""

    plan: Plan
    cleared: Cleared


def inverse_of(past: PastRun, context: Context, created_at: str) -> Inverse:
    """Reads the units that the run wrote to, and finds what undoes it.

    The context's scope holds the run's organizations and environments. Raises Refusal where the
    run was on another host than the login.
    """
    context = replace(context, project=_unconditional(context.project))
    writes: dict[UnitAddress, list[Write]] = {}
    for write in past.writes:
        writes.setdefault(write.unit, []).append(write)
    jobs = {job.address: job for job in _located(context)}
    pins = {item.address: item for item in past.plan.pins}
    found = side_by_side(
        lambda unit: _unit(context, jobs, unit, writes[unit], pins.get(str(unit))),
        sorted(writes),
        context.parallelism,
    )
    undone = list(found)
    diffs = [each.diff for each in undone if each.diff]
    others = [
        idle(unit)
        for address, job in jobs.items()
        if address not in writes and (unit := _wanted(context, job))
    ]
    errors = tuple(error for each in undone for error in each.errors)
    works = [
        Work(each.job, each.diff) for each in undone if each.job and each.diff and each.diff.steps
    ]
    works.sort(key=lambda work: work.job.address)
    read = tuple(sorted((each.job for each in undone if each.job), key=lambda job: job.address))
    compared = Compared(read, tuple(diffs), errors, (), read)
    plan = replace(compared, diffs=(*diffs, *others)).plan(context, created_at)
    return Inverse(plan, Cleared(tuple(works), (), compared))


def _unconditional(project: Project) -> Project:
    """The project without what an environment waits for: going back needs no proof elsewhere."""
    return replace(
        project,
        organizations=tuple(
            replace(
                organization,
                environments=tuple(replace(e, requires=()) for e in organization.environments),
            )
            for organization in project.organizations
        ),
    )


def _located(context: Context) -> tuple[Job, ...]:
    """The units that the files name; what is wrong elsewhere in them is no matter here."""
    try:
        return locate_all(context).jobs
    except UsageError:  # the files no longer have any of the environments
        return ()


@dataclass(frozen=True, slots=True)
class _Undone:
    job: Job | None
    diff: UnitDiff | None
    errors: tuple[PlanError, ...]


def _unit(
    context: Context,
    jobs: Mapping[UnitAddress, Job],
    unit: UnitAddress,
    writes: Sequence[Write],
    pinned: Pin | None,
) -> _Undone:
    """What undoes the writes to one unit; a failure becomes an error of that unit alone."""
    try:
        job = _job(context, jobs, unit, writes)
        if job is None:
            reason = "the files no longer have its organization or environment"
            return _Undone(None, None, tuple(_left(write, reason) for write in writes))
        if job.organization.platform == SALESFORCE:
            return _undone_access(context, job, writes)
        lists = {POLICIES} if job.target.api else set()
        lists |= {key.list for write in writes if (key := _key(write))}
        hidden = _known_secrets(writes)
        bare = DesiredUnit(unit, job.target, (), frozenset(lists), prune=True, hidden=hidden)
        live = check_unit(context, job.provider, unit, fetch(context, job, bare))
        undoing = _Undoing(context, job, live, writes, pinned, _wanted(context, job))
        desired = replace(bare, resources=undoing.resources(), protected=job.environment.protected)
        live = context.memory.recall(live, desired.resources)
        return _Undone(job, diff(context, desired, live), tuple(undoing.left))
    except Refusal:
        raise
    except ReconcilerError as error:
        return _Undone(None, None, (PlanError(str(error), error.exit, str(unit)),))


def _known_secrets(writes: Iterable[Write]) -> dict[tuple[str, str], frozenset[str]]:
    """What the run knew to be secret: what it sent from a reference tells nobody by its name."""
    known: dict[tuple[str, str], frozenset[str]] = {}
    for write in writes:
        for image in filter(None, (write.before, write.after)):
            kind = image.key.group, image.key.type
            known[kind] = known.get(kind, frozenset()) | image.secrets
    return known


def _undone_access(context: Context, job: Job, writes: Sequence[Write]) -> _Undone:
    files = _wanted(context, job) if job.is_access else None
    if not isinstance(files, DesiredAccess):
        return _Undone(None, None, tuple(_left(write, _NO_SELF) for write in writes))
    platform = access_platform(job.provider)
    live = platform.fetch_access(job.target, to_read(files, writes))
    check_unit(context, job.provider, job.address, live)
    undoing = UndoneAccess(files, live)
    desired = undoing.desired(writes)
    # More of some apps is read where they are named, and it is all compared before each write.
    found = diff(context, desired, platform.fetch_access(job.target, desired))
    return _Undone(job, found, tuple(_left(write, why) for write, why in undoing.left))


def _job(
    context: Context,
    jobs: Mapping[UnitAddress, Job],
    unit: UnitAddress,
    writes: Sequence[Write],
) -> Job | None:
    """Where the writes went, also where the files no longer name the API."""
    target = writes[-1].target
    job = jobs.get(unit)
    if job is None:
        for organization in context.project.organizations:
            for environment in organization.environments:
                place = organization.folder, environment.folder
                if place == (unit.organization, unit.environment):
                    provider = context.provider(organization, environment)
                    job = Job(unit, target, organization, environment, provider)
    if job and job.provider.host != target.host:
        raise Refusal(
            f"{unit}: the run was on {target.host}, and this login is for {job.provider.host}"
        )
    if job and job.target != target:
        return replace(job, target=target, match=None)
    return job


def _wanted(context: Context, job: Job) -> DesiredUnit | None:
    """What the files say of a unit now; None where they say nothing, or nothing that holds."""
    if job.match is None and job.target.api:
        return None
    try:
        return desired_unit(context, job)[0]
    except PolicyError:
        return None


def _key(write: Write) -> ResourceKey | None:
    image = write.before or write.after
    return image.key if image else None


def _left(write: Write, reason: str) -> PlanError:
    what = {"create": "deleted", "delete": "created again"}.get(write.action, "put back")
    return PlanError(f"cannot be {what}: {reason}", Exit.PARTIAL, write.address)


@dataclass(slots=True)
class _Undoing:
    """One unit on the way to what it was. kept: by id, what is live and what it is to become."""

    context: Context
    job: Job
    live: LiveUnit
    writes: Sequence[Write]
    pinned: Pin | None
    files: DesiredUnit | None
    left: list[PlanError] = field(default_factory=list)
    kept: dict[str, Resource] = field(default_factory=dict)
    again: dict[str, Resource] = field(default_factory=dict)

    def resources(self) -> tuple[Resource, ...]:
        """The whole unit as it should be, in order."""
        self.kept = {each.id: each for each in self.live.resources if not each.shared}
        for write in self._joined():
            try:
                self._undo(write)
            except Lost as error:
                self.left.append(_left(write, str(error)))
        return self._in_order()

    def _joined(self) -> Iterator[Write]:
        """The writes but those of order; several to one resource as one, from first to last."""
        by_place: dict[Any, Write] = {}
        for write in self.writes:
            if write.before is None and write.after is None:
                continue
            place = (write.before.key.list, write.before.id) if write.before else write.number
            first = by_place.get(place)
            by_place[place] = replace(write, before=first.before) if first else write
        yield from by_place.values()

    def _undo(self, write: Write) -> None:
        if write.before is None and write.after:
            self._undo_create(write, write.after)
        elif write.before and write.after:
            self._undo_update(write, write.before, write.after)
        elif write.before:
            self._undo_delete(write.before)

    def _undo_create(self, write: Write, after: Image) -> None:
        made = [each for each in self._new(after) if self._is_made_by(write, after, each)]
        known = self.kept.get(write.made)
        if known and known not in made:
            raise Lost(f"it was changed since: {', '.join(self._moved(after, known))}")
        if len(made) > 1 and after.key.list != OUTBOUND:
            ids = ", ".join(each.id for each in made)
            raise Lost(f"which of several it is cannot be told (ids {ids})")
        for each in made:
            if each.applications:
                raise Lost("applications have contracts for it by now")
            del self.kept[each.id]

    def _is_made_by(self, write: Write, after: Image, live: Resource) -> bool:
        if after.key.list == OUTBOUND:
            # The service may make a policy for each upstream, and answers with one.
            upstreams = live.canonical.get("upstreams") or []
            if set(upstreams) <= set(after.settings.get("upstreams") or ()):
                after = replace(after, settings={**after.settings, "upstreams": upstreams})
        elif write.made and live.id != write.made:
            return False
        return not self._moved(after, live)

    def _undo_update(self, write: Write, before: Image, after: Image) -> None:
        live = self.kept.get(before.id)
        if live is None:
            raise Lost("it is gone")
        if not self._moved(before, live):
            return
        if moved := self._moved(after, live):
            raise Lost(f"it was changed since: {', '.join(moved)}")
        restorer = Restorer(self.context.layering.catalogue, self.context.redactor)
        sent = self._sent(live)
        self.kept[live.id] = restorer.restore(before, live, self._of_files(before), sent)
        if live.key.name and not before.key.name:
            reason = f"its label {live.key.name} stays, which the service cannot take away"
            self.left.append(_left(write, reason))

    def _undo_delete(self, before: Image) -> None:
        if before.id in self.kept:
            return
        others = list(self._new(before))
        if any(not self._moved(before, each) for each in others):
            return
        if others:
            raise Lost("there is another one by now")
        restorer = Restorer(self.context.layering.catalogue, self.context.redactor)
        self.again[before.id] = restorer.restore(before, None, self._of_files(before), {})

    def _new(self, image: Image) -> Iterator[Resource]:
        """What is live of the image's kind and was not when the run began."""
        then = {name.rpartition("@")[2] for name in (self.pinned.live if self.pinned else ())}
        key = image.key
        for each in list(self.kept.values()):
            is_alike = (each.key.list, each.key.group, each.key.type) == (
                key.list,
                key.group,
                key.type,
            )
            if is_alike and each.id not in then and each.key.name in ("", key.name):
                yield each

    def _moved(self, image: Image, live: Resource) -> list[str]:
        catalogue, redactor = self.context.layering.catalogue, self.context.redactor
        return moved_fields(image, live, catalogue, redactor, self._sent(live))

    def _sent(self, live: Resource) -> Mapping[str, str]:
        return self.context.memory.sent(self.job.target).get(live.id, {})

    def _of_files(self, image: Image) -> Resource | None:
        resources = self.files.resources if self.files else ()
        alike = [each for each in resources if each.key.token == image.key.token]
        kind = image.key.list, image.key.group, image.key.type
        alike = alike or [e for e in resources if (e.key.list, e.key.group, e.key.type) == kind]
        return alike[0] if alike else None

    def _in_order(self) -> tuple[Resource, ...]:
        ordered = [each for each in self.kept.values() if each.order is not None]
        now = [each.id for each in sorted(ordered, key=lambda each: each.order or 0)]
        then = self._order_then()
        if self._is_order_ours(now, then):
            now = list(permuted(now, then))
        both = self.kept | self.again
        # What is switched off may show no order, and has its old place again when it is on.
        final = with_new(now, [id_ for id_ in then if id_ in both])
        first = [both[id_] for id_ in final]
        return (*first, *(each for id_, each in both.items() if id_ not in final))

    def _order_then(self) -> list[str]:
        """Ids of what was ordered when the run began, first to last."""
        live = self.pinned.live if self.pinned else {}
        numbers = {
            name.rpartition("@")[2]: values["order"]
            for name, values in live.items()
            if values.get("order") is not None
        }
        return sorted(numbers, key=lambda id_: numbers[id_])

    def _is_order_ours(self, now: Sequence[str], then: Sequence[str]) -> bool:
        """Whether the run has set the order that there is; says so where it set another."""
        reorders = [write for write in self.writes if write.sequence]
        before = [id_ for id_ in then if id_ in now]
        if not reorders or [id_ for id_ in now if id_ in then] == before:
            return False
        tokens = {
            write.after.key.token: write.made
            for write in self.writes
            if write.after and write.before is None
        }
        after = [tokens.get(item, item) for item in reorders[-1].sequence]
        # What was deleted last had no place in the order that was asked for.
        both = set(before) & set(after)
        if [i for i in after if i in both] == [i for i in now if i in both]:
            return True
        self.left.append(_left(reorders[-1], "the order was changed since"))
        return False
