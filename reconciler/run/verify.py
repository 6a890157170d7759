"""After the writes of a unit: it is read again, and its outcomes are settled by what is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from threading import Event

from reconciler.core.diff import Action, Step, UnitDiff
from reconciler.core.outcome import APPLIED, FAILED, Outcome
from reconciler.errors import Exit, ProviderError, worst
from reconciler.run import creating
from reconciler.run.context import Context
from reconciler.run.converge import diff, fetch
from reconciler.run.stages import Work


@dataclass(frozen=True, slots=True)
class Made:
    """What a run did in a unit. outcomes: by the place of the step; they are settled in place."""

    outcomes: dict[int, Outcome]
    has_created: bool
    has_failed: bool


def verify(context: Context, work: Work, run: Made, stop: Event) -> None:
    """Reads the unit again and settles the outcomes by what is really there."""
    if not any(item.outcome in (APPLIED, FAILED) for item in run.outcomes.values()):
        return
    try:
        # What was sent is looked at, also where the run's time is up by now.
        with context.deadline.grace():
            left = _left(context, work)
            is_to_end = stop.is_set() or context.deadline.is_over
            if not is_to_end and _was_placed_wrong(work, run, left):
                left = _put_in_order(context, work, left)
    except ProviderError as error:
        for index, item in run.outcomes.items():
            if item.outcome == APPLIED:
                reason = f"sent, but could not be read back: {error}"
                run.outcomes[index] = replace(item, reason=reason, exit=error.exit)
        return
    context.known.note(left)
    remaining = {_identity(step): step for step in left.steps}
    for index, item in run.outcomes.items():
        run.outcomes[index] = _settled(item, remaining.pop(_identity(work.diff.steps[index]), None))
    if remaining and not run.has_failed:
        last = max(run.outcomes)
        run.outcomes[last] = _with_foreign(run.outcomes[last], remaining.values())


def _with_foreign(item: Outcome, steps: Iterable[Step]) -> Outcome:
    """The outcome, told that somebody else was at this unit at the same time."""
    found = "; ".join(
        f"{step.change.address}: {', '.join(each.path for each in step.change.fields)}"
        for step in steps
    )
    reason = f"meanwhile somebody else changed {found}"
    reasons = "; ".join(filter(None, (item.reason, reason)))
    return replace(item, reason=reasons, exit=worst([item.exit, Exit.STALE]))


def _left(context: Context, work: Work) -> UnitDiff:
    desired, before = work.diff.desired, work.diff.live
    live = replace(fetch(context, work.job, desired), overridden=before.overridden)
    return diff(context, desired, live)


def _was_placed_wrong(work: Work, run: Made, left: UnitDiff) -> bool:
    """Whether what this run created or switched on stands at another place than it should."""
    if run.has_failed or not _reorders(left):
        return False
    # A service may show no order of what is switched off.
    return run.has_created or any(
        each.path == "disabled" for step in work.diff.steps for each in step.change.fields
    )


def _reorders(diff: UnitDiff) -> list[Step]:
    return [step for step in diff.steps if step.change.action is Action.REORDER]


def _put_in_order(context: Context, work: Work, left: UnitDiff) -> UnitDiff:
    """Whether a create's `order` moves the others is not documented: settle it in bulk."""
    step = _reorders(left)[0]
    context.account.announce(left, step)
    if context.account.refusal(step):
        return left
    work.job.provider.reorder(work.job.target, step.sequence)
    context.account.answered(step, "")
    return _left(context, work)


def _identity(step: Step) -> str:
    """What a step is about, also in a later diff: addresses change with what else is there."""
    if step.desired:
        return step.desired.key.token
    return f"{step.live.key.list}@{step.live.id}" if step.live else "order"


def _settled(item: Outcome, left: Step | None) -> Outcome:
    """The outcome of a step, given what of it there would still be to do."""
    if item.outcome == FAILED and left is None:
        return Outcome(item.change, APPLIED, creating.although(item.reason))
    if item.outcome == APPLIED and left is not None:
        paths = ", ".join(field.path for field in left.change.fields)
        reason = f"the service took the call but not the change: {paths or left.change.action}"
        return Outcome(item.change, FAILED, reason, Exit.FAILURE)
    return item
