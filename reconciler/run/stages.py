"""Which units wait for which: the service has a policy on an API or for its environment, never
both (facts, section 8), so one goes before the other comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.diff import Action, UnitDiff
from reconciler.core.model import AUTOMATED
from reconciler.run.locate import Job


@dataclass(frozen=True, slots=True)
class Work:
    """A unit with its steps, and the job that says where it lives."""

    job: Job
    diff: UnitDiff


def stages(works: Sequence[Work]) -> Iterator[list[Work]]:
    """The works, those that may run side by side together.

    An environment's own unit goes first where an API gets what it gives up, and last where it
    takes over what an API gives up.
    """
    environments = [work for work in works if work.job.match is None and _is_automated(work)]
    apis = [work for work in works if work not in environments]
    taken = {_place(work, *one) for work in apis for one in _of(work, Action.CREATE)}
    left = {_place(work, *one) for work in apis for one in _of(work, Action.DELETE)}
    first = [
        work
        for work in environments
        if any(_place(work, *one) in taken for one in _of(work, Action.DELETE))
    ]
    last = [
        work
        for work in environments
        if work not in first and any(_place(work, *one) in left for one in _of(work, Action.CREATE))
    ]
    rest = [work for work in works if work not in first and work not in last]
    yield from (stage for stage in (first, rest, last) if stage)


def _is_automated(work: Work) -> bool:
    return AUTOMATED in work.diff.desired.managed


def _place(work: Work, group: str, type_: str) -> tuple[str, str, str, str]:
    address = work.job.address
    return address.organization, address.environment, group, type_


def _of(work: Work, action: Action) -> Iterator[tuple[str, str]]:
    """Group and asset id of what the work creates or deletes."""
    for step in work.diff.steps:
        resource = step.desired or step.live
        if step.change.action is action and resource:
            yield resource.key.group, resource.key.type
