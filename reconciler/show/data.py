"""The JSON documents of every command; the shapes are the contract's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.core.diff import ChangedBy
from reconciler.core.outcome import APPLIED, FAILED, SKIPPED, Outcome
from reconciler.core.plan import SCHEMA_VERSION, Plan, PlanError, change_data, error_data, to_data
from reconciler.errors import Exit, PolicyError, ReconcilerError
from reconciler.show.clean import clean


def as_json(data: Any) -> str:
    """The text of a JSON document, ending with a newline. What a terminal would act on, or not
    show, is escaped."""
    text = json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n"
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(
        char if clean(char) == char or char == "\n" else json.dumps(char)[1:-1] for char in text
    )


def plan_data(plan: Plan) -> dict[str, Any]:
    """`plan --format json`."""
    return to_data(plan)


def drift_data(plan: Plan, environments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """`drift --format json`: a plan with a cause for each change, who may have made it where that
    is told, and which environments have converged."""
    data = to_data(plan, "drift")
    for shown, change in zip(data["changes"], plan.changes, strict=True):
        shown["cause"] = change.cause
        if change.by:
            shown["changedBy"] = [_changed_by(one) for one in change.by]
    data["environments"] = list(environments)
    return data


def _changed_by(one: ChangedBy) -> dict[str, Any]:
    data = {"user": one.user or None, "at": one.at, "what": one.what, "own": one.is_own}
    return {**data, "delegate": one.delegate} if one.delegate else data


def apply_data(
    plan: Plan, run: str, outcomes: Sequence[Outcome], errors: Sequence[PlanError]
) -> dict[str, Any]:
    """`apply --format json`: the plan's shape with an outcome for each change."""
    data = to_data(plan, "apply")
    data["run"] = run
    data["summary"].update({word: _count(outcomes, word) for word in (APPLIED, FAILED, SKIPPED)})
    data["changes"] = [
        {**change_data(item.change), "outcome": item.outcome, "reason": item.reason}
        for item in outcomes
    ]
    data["errors"] = [error_data(error) for error in errors]
    return data


def _count(outcomes: Sequence[Outcome], word: str) -> int:
    return sum(item.outcome == word for item in outcomes)


def failure_data(command: str, error: ReconcilerError) -> dict[str, Any]:
    """What a command prints that could not do its work."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "command": command,
        "summary": {},
        "changes": [],
        "unmanaged": [],
        "errors": [error_data(item) for item in failure_errors(error)],
        "warnings": [],
    }


def failure_errors(error: ReconcilerError) -> list[PlanError]:
    """A failure as what a plan reports of it."""
    if isinstance(error, PolicyError):
        return [
            PlanError(problem.message, Exit.INVALID, problem=problem) for problem in error.problems
        ]
    return [PlanError(str(error), error.exit)]
