"""What a run does besides for API Access Control: it keeps this tool from locking itself out.

The guard is asked when a plan is made and, for a step that can cost the tool its access, once more
directly before that step, with only what is live by then. A new token and a real query then prove
that the tool is still in: an old token proves nothing (facts, section 10).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.access import ALL_USERS, DesiredAccess, LiveAccess
from reconciler.core.diff import Step, UnitDiff
from reconciler.core.lockout import is_delicate, missing_steps, refusals_of
from reconciler.core.model import LiveUnit
from reconciler.errors import ReconcilerError, Refusal
from reconciler.providers.base import AccessPlatform, Provider
from reconciler.run.context import Context
from reconciler.run.stages import Work

_GUARD = "lock-out guard: "


def access_platform(provider: Provider) -> AccessPlatform:
    """The provider as one that controls access; raises ReconcilerError for any other."""
    if not isinstance(provider, AccessPlatform):
        raise ReconcilerError(f"{provider.host} has no API Access Control")
    return provider


def refused_lockouts(context: Context, diffs: Sequence[UnitDiff]) -> Iterator[tuple[str, str]]:
    """Address and message of each step that is missing before a plan may be carried out."""
    for diff in diffs:
        desired, live = diff.desired, diff.live
        if isinstance(desired, DesiredAccess) and isinstance(live, LiveAccess):
            for message in _refusals(context, desired, live, diff.steps):
                yield str(desired.address), f"{_GUARD}{message}"


def _refusals(
    context: Context, desired: DesiredAccess, live: LiveAccess, steps: Sequence[Step]
) -> tuple[str, ...]:
    missing = missing_steps(desired, live, steps)
    return refusals_of(missing, live.rescuers, break_glass_ok=context.break_glass_ok)


def stops_at_failure(work: Work) -> bool:
    """Whether nothing more is sent to the unit once a step has failed."""
    return isinstance(work.diff.desired, DesiredAccess)


def check_before(context: Context, work: Work, step: Step, live: LiveUnit) -> None:
    """Directly before a step; raises Refusal where the tool could lose its access by it, and
    ProviderError where a new token is of no use already.

    live: the unit as it was read just now.
    """
    desired = work.diff.desired
    if not isinstance(desired, DesiredAccess) or not is_delicate(desired, step):
        return
    assert isinstance(live, LiveAccess)
    if refused := _refusals(context, desired, live, (step,)):
        raise Refusal(_GUARD + "; ".join(refused))
    if step.desired and step.desired.key.type == ALL_USERS:
        access_platform(work.job.provider).prove_access(work.job.target)


def check_after(work: Work, step: Step) -> None:
    """Directly after a step that was carried out; raises LockedOut where the tool is out."""
    desired = work.diff.desired
    if isinstance(desired, DesiredAccess) and is_delicate(desired, step):
        access_platform(work.job.provider).prove_access(work.job.target)
