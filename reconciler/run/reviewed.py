"""Holds a reviewed plan against the files and the platform of now.

Nothing in a plan file is trusted: desired state and bodies come from the files. The plan only
says what was agreed to; where anything differs, nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.core.diff import Change, UnitDiff
from reconciler.core.model import DesiredUnit
from reconciler.core.outcome import SKIPPED, Outcome
from reconciler.core.plan import (
    Pin,
    Plan,
    PlanError,
    change_data,
    desired_digest,
    digest,
    digest_of_desired,
    fingerprint,
    stale_fields,
)
from reconciler.errors import Exit, PolicyError, Refusal, StalePlan
from reconciler.run.apply import Work
from reconciler.run.context import Context
from reconciler.run.converge import Compared, compare, desired_unit
from reconciler.run.refusals import refusals

_AGAIN = "make a new plan and have it reviewed"


@dataclass(frozen=True, slots=True)
class Cleared:
    """What may be carried out, and what was left out because it is stale.

    compared: all units in scope, and the differences of those that were read.
    """

    works: tuple[Work, ...]
    skipped: tuple[Outcome, ...]
    compared: Compared
    errors: tuple[PlanError, ...] = ()


def check_digest(plan: Plan, claimed: str) -> None:
    """Raises Refusal where the plan is not what its digest says."""
    if digest(plan) != claimed:
        raise Refusal(f"the plan was changed after it was made: its digest differs; {_AGAIN}")


def clear(plan: Plan, context: Context, *, skip_stale: bool) -> Cleared:
    """Reads every touched unit again and checks it against the plan.

    Raises Refusal where files, place or changes differ, StalePlan where live state moved and
    `skip_stale` is not set.
    """
    refuse_invalid(plan)
    compared = compare(
        context, frozenset(item.address for item in plan.pins), notes=True, keeps=True
    )
    desired = [desired_unit(context, job)[0] for job in compared.located]
    _refuse_other_files(plan, desired, compared)
    # The plan may have been made to look as if nothing was refused.
    wanted = [(unit.address, len(unit.resources)) for unit in desired]
    _refuse(refusals(context, compared.diffs, wanted, compared.outages(context)))
    problems = [problem for diff in compared.diffs for problem in diff.problems]
    if problems:
        raise PolicyError(problems)
    diffs = {str(diff.desired.address): diff for diff in compared.diffs}
    jobs = {str(job.address): job for job in compared.jobs}
    stale: dict[str, str] = {}
    for item in plan.pins:
        diff = _held(item, diffs, compared)
        if fingerprint(diff.desired, diff.live) != item.fingerprint:
            stale[item.address] = "; ".join(stale_fields(item, diff.desired, diff.live))
        else:
            _refuse_other_changes(plan, item, diff)
    if stale and not skip_stale:
        lines = "".join(f"\n  {address}: {fields}" for address, fields in stale.items())
        raise StalePlan(f"the live state moved since the plan was made; {_AGAIN}:{lines}")
    works = [
        Work(jobs[item.address], diffs[item.address])
        for item in plan.pins
        if item.address not in stale
    ]
    return Cleared(tuple(works), tuple(_skipped(plan, stale)), compared, compared.errors)


def refuse_invalid(plan: Plan) -> None:
    """Raises PolicyError where the plan found the files wrong: nothing of it is applied."""
    problems = [error.problem for error in plan.errors if error.problem]
    if problems:
        raise PolicyError(problems)
    _refuse([error for error in plan.errors if error.exit is Exit.REFUSED])


def _refuse(errors: Sequence[PlanError]) -> None:
    if errors:
        lines = (": ".join(filter(None, (error.address, error.message))) for error in errors)
        raise Refusal("\n".join(lines))


def _refuse_other_files(plan: Plan, desired: Sequence[DesiredUnit], compared: Compared) -> None:
    """The whole desired state in scope must be as reviewed, touched by the plan or not."""
    if plan.errors or compared.errors:
        return
    if digest_of_desired(desired) != plan.desired:
        raise Refusal(f"the files say something else than when the plan was made; {_AGAIN}")


def _held(item: Pin, diffs: Mapping[str, UnitDiff], compared: Compared) -> UnitDiff:
    diff = diffs.get(item.address)
    if diff is None:
        # Where the login or the environment cannot be reached, the error is theirs.
        reasons = [
            error.message
            for error in compared.errors
            if f"{item.address}/".startswith(f"{error.address}/")
        ]
        why = f": {'; '.join(reasons)}" if reasons else ""
        raise Refusal(f"{item.address} is in the plan and cannot be compared now{why}")
    if diff.desired.target != item.target:
        raise Refusal(
            f"{item.address} is at another place than in the plan "
            f"(planned {_place(item.target)}, now {_place(diff.desired.target)}); {_AGAIN}"
        )
    if desired_digest(diff.desired) != item.desired:
        raise Refusal(f"the files say something else of {item.address} than the plan; {_AGAIN}")
    return diff


def _place(target: Any) -> str:
    parts = (target.host, target.organization, target.environment, target.api)
    return "/".join(part for part in parts if part)


def _refuse_other_changes(plan: Plan, item: Pin, diff: UnitDiff) -> None:
    planned = [_bare(change) for change in plan.changes if _is_of(change, item.address)]
    now = [_bare(step.change) for step in diff.steps]
    if planned != now:
        raise Refusal(
            f"what would change in {item.address} is not what the plan shows; {_AGAIN} "
            "(a plan made elsewhere needs the same RECONCILER_SECRET_KEY)"
        )


def _is_of(change: Change, unit: str) -> bool:
    return change.address == unit or change.address.startswith(f"{unit}/")


def _bare(change: Change) -> dict[str, Any]:
    data = change_data(change)
    data.pop("source", None)
    return data


def _skipped(plan: Plan, stale: Mapping[str, str]) -> list[Outcome]:
    return [
        Outcome(change, SKIPPED, f"changed since the plan: {fields}", Exit.PARTIAL)
        for address, fields in stale.items()
        for change in plan.changes
        if _is_of(change, address)
    ]
