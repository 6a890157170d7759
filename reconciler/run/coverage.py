"""The automated policies of each environment, for what they do to the policies of its APIs.

They are listed once for an environment that declares them, by whoever asks first: its own unit or
one of its APIs. Elsewhere they are listed only where a policy was found switched off against the
files, since nothing but an automated policy explains that; that costs one call for such an
environment, and none for any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from reconciler.core.coverage import Cover, conflicts, overriding
from reconciler.core.diff import Action, Step, UnitDiff
from reconciler.core.model import (
    AUTOMATED,
    ENVIRONMENT_UNIT,
    POLICIES,
    DesiredUnit,
    LiveUnit,
    Target,
    UnitAddress,
)
from reconciler.core.pairing import pair
from reconciler.errors import ReconcilerError
from reconciler.run.locate import Job

Differ = Callable[[DesiredUnit, LiveUnit], UnitDiff]


@dataclass(frozen=True, slots=True)
class Automated:
    """live: what is there now. lasting: what will be there: declared, and live that stays.

    failure: why nothing can be said, or empty.
    """

    live: tuple[Cover, ...] = ()
    lasting: tuple[Cover, ...] = ()
    failure: str = ""


class Coverage:
    """Answers for all units of a run; lists each environment at most once. Used by threads.

    desire: what the files say of a unit. compare: what a unit needs.
    """

    def __init__(self, desire: Callable[[Job], DesiredUnit], compare: Differ) -> None:
        self._desire = desire
        self._compare = compare
        self._lock = Lock()
        self._locks: dict[Target, Lock] = {}
        self._lists: dict[Target, LiveUnit | ReconcilerError] = {}
        self._known: dict[Target, Automated] = {}

    def listed(self, job: Job) -> LiveUnit:
        """The automated policies of a job's environment; raises what reading them raised."""
        place = replace(job.target, api="")
        with self._lock_of(place):
            if place not in self._lists:
                try:
                    self._lists[place] = job.provider.fetch(place, frozenset((AUTOMATED,)), "")
                except ReconcilerError as error:
                    self._lists[place] = error
            found = self._lists[place]
        if isinstance(found, ReconcilerError):
            raise found
        return found

    def settle(self, job: Job, found: UnitDiff) -> UnitDiff:
        """The difference of an API with what automated policies do to it."""
        if not _is_concerned(job, found):
            return found
        known = self.of(job)
        overridden = overriding(known.live, job.technology)
        if overridden:
            found = self._compare(found.desired, replace(found.live, overridden=overridden))
        problems, warnings = conflicts(found.desired, found.live, known.lasting, job.technology)
        failure = [known.failure] if known.failure else []
        return replace(
            found,
            problems=(*found.problems, *problems),
            warnings=(*found.warnings, *warnings, *failure),
        )

    def of(self, job: Job) -> Automated:
        """The automated policies of the job's environment, never raised for."""
        place = replace(job.target, api="")
        with self._lock:
            known = self._known.get(place)
        if known is None:
            known = self._find(_environment_job(job))
            with self._lock:
                self._known[place] = known
        return known

    def _find(self, job: Job) -> Automated:
        try:
            live = self.listed(job)
            desired = None if job.environment.automated is None else self._desire(job)
        except ReconcilerError as error:
            where = f"{job.address.organization}/{job.address.environment}"
            first = str(error).partition("\n")[0]
            why = f"{where}: which automated policies cover its APIs is not known: {first}"
            return Automated(failure=why)
        held = tuple(
            Cover(item, f"{job.address}/{item.key.segment}", True) for item in live.resources
        )
        if desired is None:
            return Automated(held, held)
        return Automated(held, (*self._declared(desired, live), *self._kept(desired, live, held)))

    def _declared(self, desired: DesiredUnit, live: LiveUnit) -> list[Cover]:
        paired = {id(ours) for ours, _ in pair(desired.resources, live.resources).pairs}
        return [
            Cover(item, f"{desired.address}/{item.key.segment}", id(item) in paired)
            for item in desired.resources
        ]

    def _kept(self, desired: DesiredUnit, live: LiveUnit, held: Sequence[Cover]) -> list[Cover]:
        """The live ones that no file names and that are not deleted."""
        left = {item.id for item in pair(desired.resources, live.resources).only_live}
        steps = self._compare(desired, live).steps
        left -= {s.live.id for s in steps if s.live and s.change.action is Action.DELETE}
        return [cover for cover in held if cover.resource.id in left]

    def _lock_of(self, place: Target) -> Lock:
        with self._lock:
            return self._locks.setdefault(place, Lock())


def _environment_job(job: Job) -> Job:
    address = UnitAddress(job.address.organization, job.address.environment, ENVIRONMENT_UNIT)
    return replace(job, address=address, target=replace(job.target, api=""), match=None)


def _is_concerned(job: Job, found: UnitDiff) -> bool:
    return job.environment.automated is not None or any(map(_switches_on, found.steps))


def _switches_on(step: Step) -> bool:
    """Whether the step is about a policy that is switched off against the files."""
    if step.live is None or step.desired is None or step.desired.key.list != POLICIES:
        return False
    return any(field.path == "disabled" and field.live for field in step.change.fields)
