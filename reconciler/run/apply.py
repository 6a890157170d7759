"""Carries out the steps of a plan and tells what became of each; never prints.

Units run side by side; the steps of one unit run in order. Each unit is read once more directly
before its first write, and again after its last one: an answer is only believed when it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Event

from reconciler.core.diff import Action, Change, Step, UnitDiff
from reconciler.core.effect import Effect
from reconciler.core.model import Resource
from reconciler.core.outcome import APPLIED, FAILED, SKIPPED, Outcome
from reconciler.core.plan import fingerprint, pin, stale_fields
from reconciler.core.redact import Secret
from reconciler.errors import (
    Exit,
    OutOfTime,
    PolicyError,
    Problem,
    ProviderError,
    ReconcilerError,
    worst,
)
from reconciler.run import access, creating
from reconciler.run.context import Context
from reconciler.run.converge import diff, fetch, side_by_side
from reconciler.run.creating import Sent
from reconciler.run.foreign import moved
from reconciler.run.stages import Work as Work
from reconciler.run.stages import stages

_INTERRUPTED = "interrupted before it was sent"
_STALE = "changed since the plan: "
_EARLIER = "an earlier change of this API failed"
_NO_TIER = "a tier of this API failed, and the policy needs its tiers"
_NEED_TIERS = ("rate-limiting-sla-based",)


@dataclass(slots=True)
class _Run:
    """The outcomes of one unit so far; the only mutable value here, and it stays in one thread."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    created: dict[str, str] = field(default_factory=dict)
    has_sent: bool = False
    has_failed: bool = False
    has_failed_tier: bool = False


def apply(context: Context, works: Sequence[Work], stop: Event) -> tuple[Outcome, ...]:
    """Carries out all steps; an outcome for each, in the order of the plan.

    Raises PolicyError before the first write where a value to be sent is not known. After
    `stop` is set calls in flight finish and nothing new is sent.
    """
    check_values(works)
    steps = sum(len(work.diff.steps) for work in works)
    context.progress.begin("applying", steps)
    outcomes: dict[str, tuple[Outcome, ...]] = {}
    for stage in stages(works):
        works_of = {str(work.job.address): work for work in stage}
        answers = side_by_side(lambda work: _unit(context, work, stop), stage, context.parallelism)
        for address, became in answers:
            context.account.became(works_of[address].diff, became)
            outcomes[address] = became
    context.progress.end()
    return tuple(item for work in works for item in outcomes[str(work.job.address)])


def check_values(works: Sequence[Work]) -> None:
    """Raises PolicyError that names every reference that a write would need and is not known."""
    problems = [
        problem
        for work in works
        for step in work.diff.steps
        if step.desired and _sends_configuration(step)
        for problem in _unknown(step.desired)
    ]
    if problems:
        raise PolicyError(problems)


def _sends_configuration(step: Step) -> bool:
    if step.change.action is Action.CREATE:
        return True
    return any(item.path != "disabled" for item in step.change.fields)


def _unknown(desired: Resource) -> Iterator[Problem]:
    from_path = sorted(_unknown_references(desired.settings))
    source = desired.source
    for reference in from_path:
        yield Problem(
            source.file if source else "",
            source.line if source else 0,
            source.column if source else 0,
            desired.key.segment,
            f"{reference} has no value, and applying this policy needs it",
            "set the variable, or make the file readable",
        )


def _unknown_references(value: object) -> set[str]:
    if isinstance(value, Secret):
        return set() if value.is_known else {value.reference}
    if isinstance(value, dict):
        return {name for item in value.values() for name in _unknown_references(item)}
    if isinstance(value, list | tuple):
        return {name for item in value for name in _unknown_references(item)}
    return set()


def _unit(context: Context, work: Work, stop: Event) -> tuple[str, tuple[Outcome, ...]]:
    """All steps of one unit; a failure is an outcome, never raised."""
    address = str(work.job.address)
    if stop.is_set():
        return address, _all_skipped(context, work, _INTERRUPTED, Exit.INTERRUPTED)
    if context.account.halted:
        return address, _all_skipped(context, work, context.account.halted, Exit.FAILURE)
    for step in work.diff.steps[:1]:
        context.account.announce(work.diff, step)
    try:
        before = fetch(context, work.job, work.diff.desired)
    except ReconcilerError as error:
        return address, _all_skipped(context, work, str(error), error.exit)
    if fingerprint(work.diff.desired, before) != fingerprint(work.diff.desired, work.diff.live):
        fields = "; ".join(stale_fields(pin(work.diff), work.diff.desired, before))
        return address, _all_skipped(context, work, f"{_STALE}{fields}", Exit.STALE)
    run = _Run()
    for index, step in enumerate(work.diff.steps):
        run.outcomes[index] = _attempt(context, work, step, run, stop)
        context.progress.advance()
    _verify(context, work, run, stop)
    return address, tuple(run.outcomes[index] for index in range(len(work.diff.steps)))


def _all_skipped(context: Context, work: Work, reason: str, code: Exit) -> tuple[Outcome, ...]:
    for _ in work.diff.steps:
        context.progress.advance()
    return tuple(Outcome(step.change, SKIPPED, reason, code) for step in work.diff.steps)


def _attempt(context: Context, work: Work, step: Step, run: _Run, stop: Event) -> Outcome:
    if stop.is_set():
        return Outcome(step.change, SKIPPED, _INTERRUPTED, Exit.INTERRUPTED)
    # What takes something away, or moves it, waits for what was to be there before it.
    if run.has_failed and (_takes_away(step.change) or access.stops_at_failure(work)):
        return Outcome(step.change, SKIPPED, _EARLIER, Exit.PARTIAL)
    if run.has_failed_tier and step.desired and step.desired.key.type in _NEED_TIERS:
        return Outcome(step.change, SKIPPED, _NO_TIER, Exit.PARTIAL)
    context.account.announce(work.diff, step)
    try:
        if run.has_sent and (why := _moved(context, work, step, run)):
            run.has_failed = True
            return Outcome(step.change, SKIPPED, f"{_STALE}{why}", Exit.STALE)
        access.check_before(context, work, step)
        if halted := context.account.refusal(step):
            return Outcome(step.change, SKIPPED, halted, Exit.FAILURE)
        run.has_sent = True
        sent = _send(context, work, step, run)
    except OutOfTime as error:
        run.has_failed = True
        return Outcome(step.change, SKIPPED, error.message, error.exit)
    except ReconcilerError as error:
        run.has_failed = True
        run.has_failed_tier |= step.change.kind == "tier"
        return Outcome(step.change, FAILED, str(error), error.exit)
    context.account.answered(step, sent.id)
    try:
        access.check_after(work, step)
    except ReconcilerError as error:
        # It is done, and it is the last thing that is done.
        run.has_failed = True
        return Outcome(step.change, APPLIED, str(error), error.exit)
    reasons = (sent.reason, _remember(context, work, step, sent.id))
    return Outcome(step.change, APPLIED, "; ".join(filter(None, reasons)))


def _moved(context: Context, work: Work, step: Step, run: _Run) -> str:
    """What others changed of it since the plan: the first write of a unit follows its read
    directly, every later one is preceded by one of its own."""
    live = fetch(context, work.job, work.diff.desired)
    return moved(work.diff, step, live, run.created.values())


def _takes_away(change: Change) -> bool:
    is_weaker = change.effect is Effect.WEAKENS
    return is_weaker or change.action in (Action.DELETE, Action.REORDER)


def _remember(context: Context, work: Work, step: Step, resource_id: str) -> str:
    """Keeps which secrets were sent; gives the reason where that was not possible."""
    if step.desired is None or not resource_id or not _sends_configuration(step):
        return ""
    try:
        context.memory.record(work.job.target, resource_id, step.desired)
    except OSError as error:
        return f"its secrets cannot be remembered ({error.strerror}), and count as unknown"
    return ""


def _send(context: Context, work: Work, step: Step, run: _Run) -> Sent:
    """Sends one step."""
    provider, target = work.job.provider, work.job.target
    match step:
        case Step(live=None, desired=Resource() as desired):
            own = run.created.values()
            made = creating.create(context, work, step, desired, own)
            run.created[desired.key.token] = made.id
            return made
        case Step(live=Resource() as live, desired=Resource() as desired):
            provider.update(target, live, desired, paths=_paths(step))
            return Sent(live.id)
        case Step(live=Resource() as live):
            provider.delete(target, live)
        case _:
            ids = tuple(run.created.get(item, item) for item in step.sequence)
            provider.reorder(target, ids)
    return Sent()


def _paths(step: Step) -> frozenset[str]:
    return frozenset(item.path for item in step.change.fields)


def _verify(context: Context, work: Work, run: _Run, stop: Event) -> None:
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


def _was_placed_wrong(work: Work, run: _Run, left: UnitDiff) -> bool:
    """Whether what this run created or switched on stands at another place than it should."""
    if run.has_failed or not _reorders(left):
        return False
    # A service may show no order of what is switched off.
    return bool(run.created) or any("disabled" in _paths(step) for step in work.diff.steps)


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
