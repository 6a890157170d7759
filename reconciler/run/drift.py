"""What `drift` tells besides the differences: what has converged, and who moved the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.core.access_trail import authors
from reconciler.core.cause import Cause
from reconciler.core.diff import Change, UnitDiff
from reconciler.core.model import UnitAddress
from reconciler.core.plan import Plan
from reconciler.errors import CannotSee, ProviderError
from reconciler.providers.base import AuditLog
from reconciler.run.context import Context
from reconciler.run.converge import Compared
from reconciler.run.settle import settled

_KEPT_DAYS = 180
"""How long a trail is kept at least (facts, section 6.5)."""

_SKEW = timedelta(minutes=1)
"""How far the clocks may be apart: what this tool wrote in its last run is no news."""


def environments_data(context: Context, compared: Compared) -> list[dict[str, Any]]:
    """For each environment in scope: whether all of it has converged, and on what content."""
    pending = {
        (diff.desired.address.organization, diff.desired.address.environment)
        for diff in compared.diffs
        if diff.steps or diff.problems
    }
    read = {record.address for record in compared.records}
    return [
        {
            "address": f"{one.organization}/{one.environment}",
            "host": one.place.host,
            "content": one.content,
            "converged": one.is_whole
            and (one.organization, one.environment) not in pending
            and all(UnitAddress(one.organization, one.environment, u) in read for u in one.units),
        }
        for one in settled(context, compared)
    ]


def with_authors(plan: Plan, context: Context, compared: Compared) -> Plan:
    """The plan of `compared`, with causes, and for each change who may have made live what it is,
    by the platform's own record. One call for each unit with a difference that the files did not
    make; where it cannot be read there is a warning instead."""
    jobs = {job.address: job for job in compared.jobs}
    changes, found, warnings = list(plan.changes), [], list(plan.warnings)
    for diff in sorted(compared.diffs, key=lambda diff: diff.desired.address):
        own, changes = changes[: len(diff.steps)], changes[len(diff.steps) :]
        log = jobs[diff.desired.address].provider
        if isinstance(log, AuditLog) and any(one.cause != Cause.PENDING for one in own):
            try:
                own = _ascribed(own, diff, log, context)
            except ProviderError as error:
                warnings.append(f"{diff.desired.address}: {_unseen(error)}")
        found += own
    return replace(plan, changes=tuple(found), warnings=tuple(warnings))


def _ascribed(
    changes: list[Change], diff: UnitDiff, log: AuditLog, context: Context
) -> list[Change]:
    address, target = diff.desired.address, diff.desired.target
    known = context.known.environment(address.organization, address.environment, target)
    at = known.converged_at if known else ""
    since = datetime.fromisoformat(at) if at else context.clock() - timedelta(days=_KEPT_DAYS)
    entries = log.changes_since(target, since)
    own_since = f"{since + _SKEW:%Y-%m-%dT%H:%M:%SZ}" if at else ""
    by = authors(diff, entries, own_since=own_since)
    return [
        change if change.cause == Cause.PENDING else replace(change, by=one)
        for change, one in zip(changes, by, strict=True)
    ]


def _unseen(error: ProviderError) -> str:
    if isinstance(error, CannotSee):
        return "who changed it cannot be seen: give this login's user View Setup and Configuration"
    return f"who changed it is not known: {error}"
