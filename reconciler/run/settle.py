"""From a run to what is kept of it: which units have converged, and on which content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from reconciler.core.content import content_digest
from reconciler.run.context import Context
from reconciler.run.converge import Compared, compare
from reconciler.run.converged import Settled
from reconciler.run.locate import Job
from reconciler.run.requires import environments


def with_rest(context: Context, compared: Compared) -> Compared:
    """Also reads the units that the run has not, where another environment `requires:` to know
    whether all of this one has converged: a saved plan reads what it touches only."""
    places = environments(context.project.organizations)
    required = {one.address for _, place in places.values() for one in place.requires}
    read = {job.address for job in compared.jobs}
    rest = frozenset(
        str(job.address)
        for job in compared.located
        if "/".join(_place(job)) in required and job.address not in read
    )
    if not rest:
        return compared
    more = compare(context, rest, notes=True)
    return replace(
        compared,
        diffs=(*compared.diffs, *more.diffs),
        records=(*compared.records, *more.records),
    )


def begin_run(
    context: Context, compared: Compared, run: str, at: str, *, is_undone: bool = False
) -> str:
    """Before the first write of a run; a warning where its state cannot be written, or nothing.

    is_undone: the run goes back, so that its environments are no longer as the files say.
    """
    try:
        context.known.begin(_settled_of(context, compared, is_undone), run, at)
    except OSError as error:
        return _warning(error)
    return ""


def keep_run(
    context: Context, compared: Compared, run: str, at: str, *, is_undone: bool = False
) -> str:
    """Keeps what converged in a run and what needed no change; a warning where it cannot be
    written, or nothing: what was applied is applied."""
    noted = set()
    for record in compared.records:
        if record.known is not None:
            context.known.note_data(record.address, record.known)
        noted.add(record.address)
    for diff in compared.diffs:
        if diff.desired.address not in noted:
            context.known.note(diff)
    try:
        context.known.keep(_settled_of(context, compared, is_undone), run, at)
    except OSError as error:
        return _warning(error)
    return ""


def _warning(error: OSError) -> str:
    return f"what this run left cannot be recorded: {error.strerror or error}"


def settled(context: Context, compared: Compared) -> Iterator[Settled]:
    """Every environment in scope that has units, with the digest of its files."""
    for _, found in groupby(compared.located, _place):
        yield _settled(context, list(found), compared)


def _settled_of(context: Context, compared: Compared, is_undone: bool) -> Iterator[Settled]:
    for one in settled(context, compared):
        yield replace(one, is_whole=False, content="") if is_undone else one


def _place(job: Job) -> tuple[str, str]:
    return job.address.organization, job.address.environment


def _settled(context: Context, jobs: Sequence[Job], compared: Compared) -> Settled:
    organization, environment = _place(jobs[0])
    # What could not be found, or cannot be told apart, has no unit of its own.
    not_found = {"", organization, f"{organization}/{environment}"}
    is_whole = not context.scope.names_apis and not any(
        e.address in not_found for e in compared.errors
    )
    return Settled(
        organization,
        environment,
        replace(jobs[0].target, api=""),
        frozenset(job.address.unit for job in jobs),
        is_whole,
        content_digest(
            jobs[0].organization,
            jobs[0].environment,
            context.layering.catalogue,
            context.redactor,
        ),
    )
