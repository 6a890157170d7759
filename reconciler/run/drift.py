"""What `drift` tells besides the differences: which of the two moved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.core.cause import causes
from reconciler.core.model import UnitAddress
from reconciler.core.plan import Plan
from reconciler.run.context import Context
from reconciler.run.converge import Compared
from reconciler.run.settle import settled


def environments_data(context: Context, compared: Compared) -> list[dict[str, Any]]:
    """For each environment in scope: whether all of it has converged, and on what content."""
    pending = {
        (diff.desired.address.organization, diff.desired.address.environment)
        for diff in compared.diffs
        if diff.steps or diff.problems
    }
    read = {diff.desired.address for diff in compared.diffs}
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


def with_causes(plan: Plan, context: Context, compared: Compared) -> Plan:
    """The plan of `compared` with the cause of each change, by what the last converged run left."""
    ordered = sorted(compared.diffs, key=lambda diff: diff.desired.address)
    found = [
        cause
        for diff in ordered
        if diff.steps
        for cause in causes(
            diff,
            context.known.unit(diff.desired.address, diff.desired.target),
            context.known.digester(),
        )
    ]
    together = zip(plan.changes, found, strict=True)
    return replace(plan, changes=tuple(replace(one, cause=str(cause)) for one, cause in together))
