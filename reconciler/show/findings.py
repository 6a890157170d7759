"""What a run found, one by one, for the tools that show findings beside code. Pure.

    Result --findings--> Finding --> SARIF, JUnit, annotations

A finding has a level, a rule, a message, the address that it is about, and the file and line that
it comes from where one is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reconciler.core.diff import Action, Change
from reconciler.core.effect import Effect
from reconciler.core.model import Source
from reconciler.core.outcome import APPLIED, FAILED, Outcome
from reconciler.core.plan import Plan, PlanError
from reconciler.errors import Exit
from reconciler.show.clean import clean, value

_PLACE = re.compile(r"(?P<file>[^\s:]+):(?P<line>\d+):(?P<column>\d+): (?P<text>.*)", re.DOTALL)
_FIELDS = 5


class Level(StrEnum):
    """How bad a finding is; the value is SARIF's word."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


RULES: Mapping[str, str] = {
    "invalid": "A policy file is wrong",
    "refused": "It may not be done without saying so",
    "failed": "A service or the network failed",
    "not-allowed": "The login is missing or may not see it",
    "odd": "It is allowed, and may not be meant",
    "change": "The files ask for a change",
    "weakens": "The change protects less than what is live",
    "drift": "What is live is not what the files say",
    "unprotected": "What is live protects less than the files say",
    "unmanaged": "It is live, and in no file",
    "not-applied": "A change was not applied",
}
_OF_EXIT = {
    Exit.INVALID: "invalid",
    Exit.REFUSED: "refused",
    Exit.NOT_ALLOWED: "not-allowed",
    Exit.USAGE: "invalid",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. address: what it is about, or empty; source: where it is written."""

    level: Level
    rule: str
    message: str
    address: str = ""
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a command found. command: `plan`, `drift`, `apply` or `validate`. data: its JSON form.

    outcomes: of an apply. places: where an environment or an API is described, by its address, for
    what no file names.
    """

    command: str
    plan: Plan
    data: Mapping[str, Any] = field(repr=False)
    outcomes: Sequence[Outcome] = ()
    places: Mapping[str, Source] = field(default_factory=dict, repr=False)

    @property
    def is_drift(self) -> bool:
        return self.command == "drift"


def findings(result: Result) -> list[Finding]:
    """Everything found, the worst first, each level in the order of the run."""
    found = [*_errors(result), *_changes(result), *_unmanaged(result), *_warnings(result)]
    return sorted(found, key=lambda one: list(Level).index(one.level))


def _errors(result: Result) -> Iterator[Finding]:
    for error in result.plan.errors:
        rule = _OF_EXIT.get(error.exit, "failed")
        yield Finding(Level.ERROR, rule, _message(error), error.address, _source(result, error))


def _message(error: PlanError) -> str:
    if error.problem is None:
        return clean(error.message)
    path = f"{error.problem.path}: " if error.problem.path else ""
    hint = f" ({error.problem.hint})" if error.problem.hint else ""
    return clean(f"{path}{error.problem.message}{hint}")


def _source(result: Result, error: PlanError) -> Source | None:
    if error.problem and error.problem.file:
        return Source(error.problem.file, error.problem.line, error.problem.column)
    return _place(result, error.address)


def _place(result: Result, address: str) -> Source | None:
    """The place of the innermost thing that the address is part of."""
    parts = address.split("/")
    for count in range(len(parts), 0, -1):
        found = result.places.get("/".join(parts[:count]))
        if found:
            return found
    return None


def _changes(result: Result) -> Iterator[Finding]:
    if result.command == "apply":
        yield from (_outcome(result, one) for one in result.outcomes if one.outcome != APPLIED)
        return
    for change in result.plan.changes:
        level, rule = _judged(change, is_drift=result.is_drift)
        source = change.source or _place(result, change.address)
        yield Finding(level, rule, change_words(change), change.address, source)


def _judged(change: Change, *, is_drift: bool) -> tuple[Level, str]:
    """In a drift the change is the repair: one that strengthens shows that somebody weakened."""
    if is_drift:
        is_open = change.effect is Effect.STRENGTHENS
        return (Level.ERROR, "unprotected") if is_open else (Level.WARNING, "drift")
    if change.effect is Effect.WEAKENS:
        return Level.WARNING, "weakens"
    return Level.NOTE, "change"


def _outcome(result: Result, one: Outcome) -> Finding:
    level = Level.ERROR if one.outcome == FAILED else Level.WARNING
    message = clean(f"{one.change.action} {one.change.address}: {one.outcome}: {one.reason}")
    source = one.change.source or _place(result, one.change.address)
    return Finding(level, "not-applied", message, one.change.address, source)


def change_words(change: Change) -> str:
    """A change in one line: `update acme/production/orders/cors: config.ttl 1 -> 2`."""
    head = f"{change.action} {change.address}"
    if change.action is Action.DELETE:
        fields = ""
    else:
        shown = [
            f"{one.path} {value(one.live)} -> {value(one.desired)}"
            for one in change.fields[:_FIELDS]
        ]
        more = len(change.fields) - _FIELDS
        fields = ": " + ", ".join([*shown, *([f"{more} more"] if more > 0 else [])])
    why = f" (it {change.why})" if change.why and change.effect is Effect.WEAKENS else ""
    cause = f" [{change.cause}]" if change.cause else ""
    return clean(f"{head}{fields if change.fields else ''}{why}{cause}")


def _unmanaged(result: Result) -> Iterator[Finding]:
    for item in result.plan.unmanaged:
        message = clean(f"{item.address} is live, and in no file")
        yield Finding(Level.NOTE, "unmanaged", message, item.address, _place(result, item.address))


def _warnings(result: Result) -> Iterator[Finding]:
    for text in result.plan.warnings:
        found = _PLACE.match(text)
        if found:
            source = Source(found["file"], int(found["line"]), int(found["column"]))
            yield Finding(Level.WARNING, "odd", clean(found["text"]), source=source)
        else:
            yield Finding(Level.WARNING, "odd", clean(text))
