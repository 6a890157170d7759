"""Carries out the steps of a plan and tells what became of each; never prints.

Units run side by side; the steps of one unit run in order. Each unit is read once more directly
before its first write, and again after its last one: an answer is only believed when it shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event

from reconciler.core.diff import Action, Change, Step
from reconciler.core.effect import Effect
from reconciler.core.model import LiveUnit, Resource
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
)
from reconciler.run import access, batches, creating, verify
from reconciler.run.context import Context
from reconciler.run.converge import fetch
from reconciler.run.creating import Sent
from reconciler.run.foreign import moved
from reconciler.run.side_by_side import side_by_side
from reconciler.run.stages import Work as Work
from reconciler.run.stages import stages

_INTERRUPTED = "interrupted before it was sent"
_STALE = "changed since the plan: "
_EARLIER = "an earlier change of this API failed"
_NO_TIER = "a tier of this API failed, and the policy needs its tiers"
_NEED_TIERS = ("rate-limiting-sla-based",)


@dataclass(slots=True)
class _Run:
    """The outcomes of one unit so far; the only mutable value here, and it stays in one thread.

    before: the unit as it was read before its first write.
    """

    before: LiveUnit
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
    run = _Run(before)
    for places in batches.batches(work):
        steps = [work.diff.steps[place] for place in places]
        run.outcomes |= zip(places, _attempt(context, work, steps, run, stop), strict=True)
        for _ in places:
            context.progress.advance()
    made = verify.Made(run.outcomes, has_created=bool(run.created), has_failed=run.has_failed)
    verify.verify(context, work, made, stop)
    return address, tuple(run.outcomes[index] for index in range(len(work.diff.steps)))


def _all_skipped(context: Context, work: Work, reason: str, code: Exit) -> tuple[Outcome, ...]:
    for _ in work.diff.steps:
        context.progress.advance()
    return tuple(Outcome(step.change, SKIPPED, reason, code) for step in work.diff.steps)


def _attempt(
    context: Context, work: Work, steps: Sequence[Step], run: _Run, stop: Event
) -> list[Outcome]:
    """Carries out steps that go in one call; mostly it is one step."""
    if reason := _waits(work, steps, run, stop):
        return [Outcome(step.change, SKIPPED, *reason) for step in steps]
    for step in steps:
        context.account.announce(work.diff, step)
    try:
        live = fetch(context, work.job, work.diff.desired) if run.has_sent else run.before
        if stale := _stale(work, steps, live, run):
            run.has_failed = True
            return stale
        for step in steps:
            access.check_before(context, work, step, live)
        if halted := next(filter(None, map(context.account.refusal, steps)), ""):
            return [Outcome(step.change, SKIPPED, halted, Exit.FAILURE) for step in steps]
        run.has_sent = True
        sent = _send(context, work, steps, run)
    except OutOfTime as error:
        run.has_failed = True
        return [Outcome(step.change, SKIPPED, error.message, error.exit) for step in steps]
    except ReconcilerError as error:
        return [_failed(step, error, run) for step in steps]
    return [
        _failed(step, became, run)
        if isinstance(became, ProviderError)
        else _answered(context, work, step, became, run)
        for step, became in zip(steps, sent, strict=True)
    ]


def _waits(work: Work, steps: Sequence[Step], run: _Run, stop: Event) -> tuple[str, Exit] | None:
    """Why the steps are not to be sent, as far as that is known without a look."""
    if stop.is_set():
        return _INTERRUPTED, Exit.INTERRUPTED
    # What takes something away, or moves it, waits for what was to be there before it.
    takes_away = any(_takes_away(step.change) for step in steps)
    if run.has_failed and (takes_away or access.stops_at_failure(work)):
        return _EARLIER, Exit.PARTIAL
    types = {step.desired.key.type for step in steps if step.desired}
    if run.has_failed_tier and not types.isdisjoint(_NEED_TIERS):
        return _NO_TIER, Exit.PARTIAL
    return None


def _stale(work: Work, steps: Sequence[Step], live: LiveUnit, run: _Run) -> list[Outcome]:
    """The outcomes where others changed what a step is about since the plan; empty else.

    The first write of a unit follows its read directly, every later one has a look of its own.
    """
    if not run.has_sent:
        return []
    whys = [moved(work.diff, step, live, run.created.values()) for step in steps]
    if not any(whys):
        return []
    return [
        Outcome(step.change, SKIPPED, f"{_STALE}{why}", Exit.STALE)
        if why
        else Outcome(step.change, SKIPPED, _EARLIER, Exit.PARTIAL)
        for step, why in zip(steps, whys, strict=True)
    ]


def _failed(step: Step, error: ReconcilerError, run: _Run) -> Outcome:
    run.has_failed = True
    run.has_failed_tier |= step.change.kind == "tier"
    return Outcome(step.change, FAILED, str(error), error.exit)


def _answered(context: Context, work: Work, step: Step, sent: Sent, run: _Run) -> Outcome:
    context.account.answered(step, sent.id)
    if step.live is None and step.desired:
        run.created[step.desired.key.token] = sent.id
    try:
        access.check_after(work, step)
    except ReconcilerError as error:
        # It is done, and it is the last thing that is done.
        run.has_failed = True
        return Outcome(step.change, APPLIED, str(error), error.exit)
    reasons = (sent.reason, _remember(context, work, step, sent.id))
    return Outcome(step.change, APPLIED, "; ".join(filter(None, reasons)))


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


def _send(
    context: Context, work: Work, steps: Sequence[Step], run: _Run
) -> Sequence[batches.Became]:
    """Sends steps that go together; for each what became of it."""
    if len(steps) > 1:
        return batches.send(context, work, steps)
    (step,) = steps
    return (_send_one(context, work, step, run),)


def _send_one(context: Context, work: Work, step: Step, run: _Run) -> Sent:
    provider, target = work.job.provider, work.job.target
    match step:
        case Step(live=None, desired=Resource() as desired):
            own = run.created.values()
            return creating.create(context, work, step, desired, own)
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
