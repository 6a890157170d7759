"""A create whose answer was lost: what was to be created is looked for, and never made twice.

A create is not idempotent (facts, section 10): after no answer, half of one, a 5xx or a 409 the
unit is read, and what is new there is taken for it, or it is sent once more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from reconciler.core.diff import Step
from reconciler.core.fields import comparable, is_same
from reconciler.core.model import TIERS, Resource
from reconciler.errors import BadAnswer, Conflict, OutOfTime, ProviderError, Unreachable
from reconciler.run.context import Context
from reconciler.run.converge import fetch
from reconciler.run.stages import Work


@dataclass(frozen=True, slots=True)
class Sent:
    """A call that was made: the id of what it is about, empty where there is none. reason: what
    else is to be said of it."""

    id: str = ""
    reason: str = ""


def although(error: object) -> str:
    """What is said of a change that is there, although the call did not say so."""
    return f"although the call failed ({error})"


def create(
    context: Context, work: Work, step: Step, desired: Resource, own: Collection[str]
) -> Sent:
    """Creates it; own: ids of what this run has made in the unit.

    Raises ProviderError where it is not there, or where nobody can tell whether it is.
    """
    try:
        return _send(work, step, desired)
    except ProviderError as error:
        if not _may_be_there(error):
            raise
        found = _found(context, work, desired, own, error)
        if found is not None:
            return found
        # Where a second one is allowed the service would not refuse to make it twice, should the
        # first call be on its way still.
        if step.duplicate or isinstance(error, Conflict):
            raise
        lost = error
    try:
        return _send(work, step, desired)
    except OutOfTime:
        # One call was sent, whatever became of it.
        raise lost from None
    except ProviderError as error:
        found = _found(context, work, desired, own, error) if _may_be_there(error) else None
        if found is None:
            raise
        return found


def _send(work: Work, step: Step, desired: Resource) -> Sent:
    made = work.job.provider.create(
        work.job.target, desired, order=step.place, duplicate=step.duplicate
    )
    return Sent(made.id)


def _may_be_there(error: ProviderError) -> bool:
    """Whether the service may have acted, or says that it has."""
    is_lost = isinstance(error, Unreachable | BadAnswer | Conflict)
    return is_lost or error.status >= 500


def _found(
    context: Context, work: Work, desired: Resource, own: Collection[str], error: ProviderError
) -> Sent | None:
    """What the call made, or None; raises `error` where that cannot be told."""
    try:
        with context.deadline.grace():
            live = fetch(context, work.job, work.diff.desired)
    except ProviderError:
        raise error from None
    known = {*own, *(resource.id for resource in work.diff.live.resources)}
    new = [
        resource
        for resource in live.resources
        if resource.id not in known and _is_like(desired, resource)
    ]
    if not new:
        return None
    if len(new) > 1 or not is_same(*comparable(desired, new[0])):
        raise _foreign(error, new)
    return Sent(new[0].id, although(error))


def _is_like(desired: Resource, live: Resource) -> bool:
    """Whether it is of the same policy, or the tier of the name."""
    ours, theirs = desired.key, live.key
    names = (ours.name, theirs.name) if ours.list == TIERS or ours.name and theirs.name else ("",)
    is_same_type = (ours.list, ours.group, ours.type) == (theirs.list, theirs.group, theirs.type)
    return is_same_type and len(set(names)) == 1


def _foreign(error: ProviderError, new: list[Resource]) -> Conflict:
    ids = ", ".join(resource.id for resource in new)
    return Conflict(
        f"{error.message}; it is there now (id {ids}), but not as the files say: somebody else may "
        "have made it; plan again",
        service=error.service,
        method=error.method,
        path=error.path,
        status=error.status,
        request_id=error.request_id,
    )
