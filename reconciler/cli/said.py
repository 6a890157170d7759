"""What was said on the command line when a plan was made, and holds for whoever carries it out."""

from __future__ import annotations

import argparse
from dataclasses import replace

from reconciler.core.plan import Plan
from reconciler.errors import Refusal, UsageError
from reconciler.run.context import Context, Scope

# Where each flag stands in the plan's scope.
_PLANNED = {
    "max_deletes": "maxDeletes",
    "allow_weakening": "allowWeakening",
    "allow_empty": "allowEmpty",
    "break_glass_ok": "breakGlassOk",
    "accept_outage": "acceptOutage",
    "use_days": "useDays",
    "resend_secrets": "resendSecrets",
}


def scope_of(plan: Plan) -> Scope:
    """The filters that a plan was made with."""
    orgs, envs, apis = (tuple(map(str, plan.scope.get(name, ()))) for name in ("org", "env", "api"))
    units = plan.scope.get("units")
    return Scope(orgs, envs, apis, None if units is None else frozenset(map(str, units)))


def take_over(args: argparse.Namespace, plan: Plan, what: str) -> Scope:
    """Puts the plan's flags into the arguments and gives its filters.

    Raises UsageError where others were given; the same may be given again, as variables of a
    pipeline do. `what` has them: `a saved plan`.
    """
    given, own = Scope(tuple(args.org), tuple(args.env), tuple(args.api)), scope_of(plan)
    others = [
        name
        for name, flag in _PLANNED.items()
        if getattr(args, name) not in (None, plan.scope.get(flag))
    ]
    if given not in (Scope(), replace(own, units=None)) or others:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in _PLANNED)
        raise UsageError(
            f"{what} has its own scope and limits: leave --org, --env, --api, {flags} out"
        )
    for name, flag in _PLANNED.items():
        setattr(args, name, plan.scope.get(flag))
    return own


def refuse_other_baseline(plan: Plan, context: Context) -> None:
    """What guarded the plan must guard its apply; more may. Raises Refusal."""
    planned = plan.scope.get("baseline")
    if planned and not context.baseline:
        raise Refusal("the plan was made against a baseline: say the same --baseline here")
    if planned and planned != context.baseline:
        raise Refusal(
            "the baseline guards something else than when the plan was made: "
            "make a new plan and have it reviewed"
        )
