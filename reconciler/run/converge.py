"""load -> fetch -> diff for all units in scope, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from reconciler.core.access import DesiredAccess, LiveAccess
from reconciler.core.access_diff import diff_access
from reconciler.core.cause import causes
from reconciler.core.diff import UnitDiff, diff_unit
from reconciler.core.model import DesiredUnit, LiveUnit
from reconciler.core.outage import Outage
from reconciler.core.plan import Plan, PlanError, Record, make_plan, record, recorded
from reconciler.errors import PolicyError, ReconcilerError, UsageError
from reconciler.files.access import effective_access
from reconciler.files.layers import Effective
from reconciler.run.access import access_platform
from reconciler.run.blank import check_unit, failed_read
from reconciler.run.context import Context
from reconciler.run.coverage import Coverage
from reconciler.run.locate import Job, Located, as_errors, locate
from reconciler.run.outage import outages_of
from reconciler.run.refusals import refusals
from reconciler.run.side_by_side import side_by_side


@dataclass(frozen=True, slots=True)
class Asks:
    """What is wanted of each unit besides its differences.

    notes: the records hold what a converged run remembers. keeps: also the diffs that say nothing.
    causes: each change tells which of the two moved, by what the last converged run left.
    """

    notes: bool = False
    keeps: bool = False
    causes: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """What was found of the units in scope, and what could not be compared.

    located: all units in scope; jobs: those of them that were to be compared. records: one of
    each that was compared. diffs: of those of which there is something to say: an estate in which
    little differs takes little memory, however large it is.
    """

    jobs: tuple[Job, ...]
    diffs: tuple[UnitDiff, ...]
    errors: tuple[PlanError, ...]
    warnings: tuple[str, ...]
    located: tuple[Job, ...] = ()
    records: tuple[Record, ...] = ()

    def plan(self, context: Context, created_at: str, *, refuses: bool = True) -> Plan:
        """The plan of it; what may not be done without saying so is an error of it, unless
        nothing is to be done."""
        records = recorded(self.diffs, self.records)
        wanted = [(one.address, one.held) for one in records]
        outages = self.outages(context) if refuses else ()
        refused = refusals(context, self.diffs, wanted, outages) if refuses else ()
        return make_plan(
            self.diffs,
            errors=(*self.errors, *refused),
            warnings=(*context.project.warnings, *self.warnings),
            scope=context.said(),
            created_at=created_at,
            outages=outages,
            records=records,
        )

    def outages(self, context: Context) -> tuple[Outage, ...]:
        """Whom the steps would cut off from an app that he uses; reads nothing where none can."""
        jobs = {job.address: job for job in self.jobs}
        pairs = [(job, diff) for diff in self.diffs if (job := jobs.get(diff.desired.address))]
        found = side_by_side(lambda pair: outages_of(context, *pair), pairs, context.parallelism)
        return tuple(sorted(one for each in found for one in each))


Engine = Callable[[Context, Sequence[Job], Asks], Iterator[Compared]]
"""What compares units, each of which it gives as it comes, in any order."""


def compare(
    context: Context,
    only: frozenset[str] | None = None,
    *,
    notes: bool = False,
    keeps: bool = False,
    causes: bool = False,
    engine: Engine | None = None,
) -> Compared:
    """Fetches and diffs all units in scope, or those whose address is in `only`.

    notes, keeps, causes: as of `Asks`. engine: where that is done (`here`). Raises UsageError
    where a filter matches nothing, PolicyError where the files are wrong.
    """
    located = locate_all(context)
    jobs = [job for job in located.jobs if only is None or str(job.address) in only]
    is_named = context.scope.units is None and (context.scope.apis or context.scope.envs)
    if not located.jobs and not located.errors and is_named:
        raise UsageError(f"no API matches {_filters(context)}")
    diffs: list[UnitDiff] = []
    errors = list(located.errors)
    records: list[Record] = []
    warnings: set[str] = set()
    context.progress.begin("reading policies", len(jobs))
    asks = Asks(notes, keeps, causes)
    for found in (engine or here)(context, jobs, asks):
        context.progress.advance()
        errors.extend(found.errors)
        warnings.update(found.warnings)
        diffs.extend(found.diffs)
        records.extend(found.records)
    context.progress.end()
    return Compared(
        tuple(jobs),
        tuple(diffs),
        tuple(errors),
        tuple(sorted(warnings)),
        located.jobs,
        tuple(records),
    )


def here(context: Context, jobs: Sequence[Job], asks: Asks) -> Iterator[Compared]:
    """Each unit as it was compared by this process, as they come."""
    coverage = coverage_of(context)
    return side_by_side(
        lambda job: compare_unit(context, job, coverage, asks), jobs, context.parallelism
    )


def compare_unit(context: Context, job: Job, coverage: Coverage, asks: Asks) -> Compared:
    """One unit with its record, and without its diff where that says nothing. What is known of an
    org is asked for as a whole, so that its diff stays."""
    found = _unit(context, job, coverage)
    made = [record(d, context.known.note_of(d) if asks.notes else None) for d in found.diffs]
    kept = [d for d in found.diffs if asks.keeps or not d.says_nothing or _is_access(d)]
    if asks.causes:
        kept = [_with_causes(context, each) for each in kept]
    return replace(found, diffs=tuple(kept), records=tuple(made))


def _with_causes(context: Context, found: UnitDiff) -> UnitDiff:
    known = context.known.unit(found.desired.address, found.desired.target)
    told = causes(found, known, context.known.digester()) if found.steps else ()
    steps = [
        replace(step, change=replace(step.change, cause=str(cause)))
        for step, cause in zip(found.steps, told, strict=True)
    ]
    return replace(found, steps=tuple(steps))


def _is_access(found: UnitDiff) -> bool:
    return isinstance(found.desired, DesiredAccess)


def locate_all(context: Context) -> Located:
    """Finds every unit in scope on its platform."""
    organizations = [
        organization
        for organization in context.project.organizations
        if context.scope.has_organization(organization.folder)
    ]
    if not organizations and context.scope.orgs:
        raise UsageError(f"no organization matches {_filters(context)}")
    known = {env.folder for organization in organizations for env in organization.environments}
    if context.scope.envs and not any(map(context.scope.has_environment, known)):
        raise UsageError(f"no environment matches {_filters(context)}")
    jobs: list[Job] = []
    errors: list[PlanError] = []
    context.progress.begin("finding APIs", len(organizations))
    found = side_by_side(
        lambda organization: locate(context, organization), organizations, context.parallelism
    )
    for located in found:
        context.progress.advance()
        jobs.extend(job for job in located.jobs if context.scope.has_unit(str(job.address)))
        errors.extend(located.errors)
    context.progress.end()
    return Located(tuple(sorted(jobs, key=lambda job: job.address)), tuple(errors))


def _filters(context: Context) -> str:
    return " ".join(
        f"--{name} {glob}" for name, globs in context.scope.data().items() for glob in globs
    )


def coverage_of(context: Context) -> Coverage:
    """What automated policies do to the APIs of this run; nothing is listed yet."""
    return Coverage(
        lambda job: desired_unit(context, job)[0],
        lambda desired, live: diff(context, desired, live),
    )


def _unit(context: Context, job: Job, coverage: Coverage) -> Compared:
    """Fetches and diffs one unit; a failure becomes an error of that unit alone."""
    try:
        desired, warnings = desired_unit(context, job)
        if job.is_access:
            live = check_unit(context, job.provider, job.address, fetch(context, job, desired))
            found = diff(context, desired, live)
        elif job.match is None:
            live = context.memory.recall(coverage.listed(job), desired.resources)
            live = check_unit(context, job.provider, job.address, live)
            found = diff(context, desired, live)
        else:
            live = check_unit(context, job.provider, job.address, fetch(context, job, desired))
            found = diff(context, desired, live)
            found = coverage.settle(job, found)
    except ReconcilerError as error:
        refused = failed_read(context, job.address, job.target, error)
        errors = [refused] if refused else as_errors(error, str(job.address))
        return Compared((job,), (), tuple(errors), ())
    return Compared((job,), (found,), (), tuple(warnings))


def fetch(context: Context, job: Job, desired: DesiredUnit) -> LiveUnit:
    """The unit as it is live, with what is remembered of its secrets."""
    if isinstance(desired, DesiredAccess):
        return access_platform(job.provider).fetch_access(job.target, desired)
    lists = lists_to_fetch(desired)
    asked = context.asked.unit(job.target, lists)
    live = job.provider.fetch(job.target, lists, job.technology) if asked is None else asked
    return context.memory.recall(_hiding(live, desired), desired.resources)


def _hiding(live: LiveUnit, desired: DesiredUnit) -> LiveUnit:
    if not desired.hidden:
        return live
    kinds = ((one, desired.hidden.get((one.key.group, one.key.type))) for one in live.resources)
    marked = (replace(one, secrets=one.secrets | more) if more else one for one, more in kinds)
    return replace(live, resources=tuple(marked))


def diff(context: Context, desired: DesiredUnit, live: LiveUnit) -> UnitDiff:
    """What the unit needs."""
    if isinstance(desired, DesiredAccess) and isinstance(live, LiveAccess):
        return diff_access(desired, live)
    catalogue = context.layering.catalogue
    return diff_unit(desired, live, catalogue, context.redactor, context.resend)


def idle(unit: DesiredUnit) -> UnitDiff:
    """A unit of which nothing is read and nothing is to change; it counts in limits."""
    return UnitDiff(unit, LiveUnit(unit.target, (), frozenset()), (), (), len(unit.resources))


def lists_to_fetch(desired: DesiredUnit) -> frozenset[str]:
    """An API's policies are always read, so that unmanaged ones are seen; the rest if declared."""
    named = {absent.list for absent in desired.absent}
    always = {"policies"} if desired.target.api else set()
    return frozenset(desired.managed | named | always)


def desired_unit(context: Context, job: Job) -> tuple[DesiredUnit, Sequence[str]]:
    """What the files say of the unit; raises PolicyError with everything wrong in them."""
    desired, problems, warnings = _effective(context, job)
    if problems:
        raise PolicyError(problems)
    return desired, warnings


def _effective(context: Context, job: Job) -> Effective:
    protected = job.environment.protected
    if job.is_access:
        return (*effective_access(job.organization, job.environment, job.target), [])
    if job.match is None:
        return context.layering.automated_unit(
            job.address,
            job.target,
            (job.organization.layer, job.environment.layer),
            job.environment.automated or (),
            protected=protected,
            source=job.environment.source,
        )
    found = job.match
    document = found.api or found.groups[0]
    return context.layering.effective(
        job.address,
        job.target,
        job.technology,
        found.layers(job.organization, job.environment),
        protected=protected,
        source=document.source,
    )
