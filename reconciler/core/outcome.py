"""What became of a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.core.diff import Change
from reconciler.errors import Exit

APPLIED, FAILED, SKIPPED = "applied", "failed", "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change. `exit` is the code that it asks for."""

    change: Change
    outcome: str
    reason: str = ""
    exit: Exit = Exit.OK


def exit_of(outcomes: Sequence[Outcome]) -> list[Exit]:
    """The exit codes that the outcomes ask for; PARTIAL where some were applied and some not."""
    codes: list[Exit] = [item.exit for item in outcomes if item.exit is not Exit.OK]
    has_left = any(item.outcome != APPLIED for item in outcomes)
    if has_left and any(item.outcome == APPLIED for item in outcomes):
        codes.append(Exit.PARTIAL)
    return codes
