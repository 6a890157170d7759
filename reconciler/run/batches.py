"""Steps that go in one call, where a platform takes many records at once.

What became of a batch is told for each step of it. After no answer, or half of one, the unit is
read: what is there as it was to be is done, and the rest is sent once more. A platform that takes
many refuses a double itself (facts on SetupEntityAccess, section 6.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from reconciler.core.diff import Action, Step
from reconciler.core.model import GRANTS, LiveUnit
from reconciler.errors import BadAnswer, OutOfTime, ProviderError, Throttled, Unreachable
from reconciler.providers.base import Collections
from reconciler.run.context import Context
from reconciler.run.converge import fetch
from reconciler.run.creating import Sent, although
from reconciler.run.stages import Work

Became = Sent | ProviderError


def batches(work: Work) -> Iterator[tuple[int, ...]]:
    """The places of the steps of a unit, those that are sent together in one tuple, in order."""
    provider, steps = work.job.provider, work.diff.steps
    most = provider.max_records if isinstance(provider, Collections) else 1
    for kind, group in groupby(enumerate(steps), lambda item: _kind(item[1])):
        places = [place for place, _ in group]
        size = most if kind else 1
        for at in range(0, len(places), size):
            yield tuple(places[at : at + size])


def _kind(step: Step) -> str:
    """Of steps that can go together; empty for one that goes alone."""
    resource = step.desired or step.live
    is_grant = resource is not None and resource.key.list == GRANTS
    return str(step.change.action) if is_grant else ""


def send(context: Context, work: Work, steps: Sequence[Step]) -> list[Became]:
    """Sends steps of one kind; raises ProviderError where none of them was carried out."""
    became = _send_all(context, work, steps)
    # What only had to wait, such as for a row that was locked, goes alone, which waits.
    return [
        _send_alone(work, step) if isinstance(one, Throttled) else one
        for step, one in zip(steps, became, strict=True)
    ]


def _send_all(context: Context, work: Work, steps: Sequence[Step]) -> list[Became]:
    try:
        return _send(work, steps)
    except ProviderError as error:
        if not _may_be_done(error):
            raise
        lost = error
    found = _look(context, work, steps, lost)
    left = [step for step, sent in zip(steps, found, strict=True) if sent is None]
    again: list[Became] = []
    if left:
        try:
            again = _send(work, left)
        except OutOfTime:
            again = [lost] * len(left)
        except ProviderError as error:
            again = [sent or error for sent in _look(context, work, left, error)]
    more = iter(again)
    return [sent or next(more) for sent in found]


def _send_alone(work: Work, step: Step) -> Became:
    provider, target = work.job.provider, work.job.target
    try:
        if step.desired:
            return Sent(provider.create(target, step.desired, order=None, duplicate=False).id)
        if step.live:
            provider.delete(target, step.live)
    except ProviderError as error:
        return error
    return Sent()


def _send(work: Work, steps: Sequence[Step]) -> list[Became]:
    provider, target = work.job.provider, work.job.target
    assert isinstance(provider, Collections)
    if steps[0].change.action is Action.CREATE:
        made = provider.create_many(target, [step.desired for step in steps if step.desired])
        return [one if isinstance(one, ProviderError) else Sent(one.id) for one in made]
    gone = provider.delete_many(target, [step.live for step in steps if step.live])
    return [one or Sent() for one in gone]


def _may_be_done(error: ProviderError) -> bool:
    return isinstance(error, Unreachable | BadAnswer) or error.status >= 500


def _look(
    context: Context, work: Work, steps: Sequence[Step], error: ProviderError
) -> list[Sent | None]:
    """What of the steps is done, or None for each that is not; raises `error` where that cannot be
    told."""
    try:
        with context.deadline.grace():
            live = fetch(context, work.job, work.diff.desired)
    except ProviderError:
        raise error from None
    return [_done(step, live, error) for step in steps]


def _done(step: Step, live: LiveUnit, error: ProviderError) -> Sent | None:
    if step.desired:
        there = [one.id for one in live.resources if one.key == step.desired.key]
        return Sent(there[0], although(error)) if there else None
    is_there = step.live and any(one.id == step.live.id for one in live.resources)
    return None if is_there else Sent("", although(error))
