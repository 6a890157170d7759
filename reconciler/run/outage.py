"""Whom a plan would cut off from an app that he uses; asked for only where it narrows something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.core.access import DesiredAccess, LiveAccess
from reconciler.core.diff import UnitDiff
from reconciler.core.outage import Outage, is_accepted, narrows, outages, sets_in_question
from reconciler.errors import CannotSee, ProviderError
from reconciler.providers.base import UsePlatform
from reconciler.run.context import Context
from reconciler.run.locate import Job

_NO_USE = "which apps are in use"
_NO_HOLDERS = "who holds which permission sets (give the login's user View Setup and Configuration)"


def outages_of(context: Context, job: Job, diff: UnitDiff) -> tuple[Outage, ...]:
    """What the steps of a unit take from users who use it, and what of that cannot be seen.

    Nothing is read where no step narrows. A service that fails counts as not seen: what is not
    known is never taken for unused.
    """
    desired, live = diff.desired, diff.live
    if not (isinstance(desired, DesiredAccess) and isinstance(live, LiveAccess)):
        return ()
    if not narrows(diff.steps):
        return ()
    found = tuple(_found(context, job, desired, live, diff))
    accepted = context.accept_outage
    return tuple(replace(one, is_accepted=is_accepted(one.app, accepted)) for one in found)


def _found(
    context: Context, job: Job, desired: DesiredAccess, live: LiveAccess, diff: UnitDiff
) -> Iterator[Outage]:
    unit = str(desired.address)
    if not isinstance(job.provider, UsePlatform):
        yield Outage(unit, "", unseen=_NO_USE)
        return
    try:
        usage = job.provider.fetch_use(job.target, context.use_days, context.clock())
        yield from (Outage(unit, "", unseen=text) for text in usage.unseen)
        sets = sets_in_question(live, diff.steps, usage.recent)
        holders = job.provider.fetch_holders(job.target, sets)
    except CannotSee:
        yield Outage(unit, "", unseen=_NO_HOLDERS)
    except ProviderError as error:
        yield Outage(unit, "", unseen=f"{_NO_USE} ({error})")
    else:
        yield from outages(desired, live, diff.steps, usage.recent, holders)
