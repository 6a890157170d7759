"""Plans and outcomes with all parts defaulted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.core.diff import Action, Change, FieldChange, Unmanaged
from reconciler.core.model import Source, Target
from reconciler.core.outcome import APPLIED, Outcome
from reconciler.core.plan import Pin, Plan, PlanError
from reconciler.errors import Exit

FILE = "policies/acme/production/orders.yaml"
ORDERS = "acme/production/orders"


def a_field(path: str = "config.ttl", live: Any = None, desired: Any = 600) -> FieldChange:
    return FieldChange(path, live, desired)


def a_change(
    address: str = f"{ORDERS}/cors",
    action: str = "create",
    *fields: FieldChange,
    file: str = FILE,
    line: int = 7,
) -> Change:
    given = fields or (a_field(),)
    return Change(address, "anypoint", "policy", Action(action), given, Source(file, line))


def a_reorder(
    address: str = ORDERS, live: Sequence[str] = ("a", "b"), desired: Sequence[str] = ("b", "a")
) -> Change:
    field = FieldChange("order", list(live), list(desired))
    return Change(address, "anypoint", "policy", Action.REORDER, (field,), Source(FILE))


def a_plan(
    *changes: Change,
    unmanaged: Sequence[str] = (),
    unchanged: int = 0,
    warnings: Sequence[str] = (),
    errors: Sequence[str] = (),
    pinned: Sequence[str] = (),
) -> Plan:
    return Plan(
        changes,
        tuple(Unmanaged(address, "anypoint", "policy") for address in unmanaged),
        unchanged,
        tuple(PlanError(text, Exit.FAILURE, ORDERS) for text in errors),
        tuple(warnings),
        {"org": [], "env": [], "api": []},
        "sha256:0",
        tuple(_a_pin(address) for address in pinned),
        "2026-01-01T00:00:00Z",
    )


def _a_pin(address: str) -> Pin:
    target = Target("http://127.0.0.1:1", "o", "e", "1")
    return Pin(address, target, "sha256:1", "sha256:2", {"cors@1": {"order": None}})


def an_outcome(
    change: Change | None = None,
    outcome: str = APPLIED,
    reason: str = "",
    code: Exit = Exit.OK,
) -> Outcome:
    return Outcome(change or a_change(), outcome, reason, code)
