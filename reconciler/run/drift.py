"""What `drift` tells besides the differences: which of the two moved."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.cause import causes
from reconciler.core.plan import Plan
from reconciler.run.context import Context
from reconciler.run.converge import Compared


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
