"""Plans and outcomes as Markdown; names from outside cannot break out of it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import groupby

from reconciler.core.cause import Cause
from reconciler.core.diff import Action, Change
from reconciler.core.effect import Effect
from reconciler.core.outcome import APPLIED, Outcome
from reconciler.core.plan import Plan, PlanError
from reconciler.show import outage
from reconciler.show.alike import folded
from reconciler.show.clean import clean, value
from reconciler.show.text import authors_line, error_lines

_SIGNS = {
    Action.CREATE: "➕",
    Action.UPDATE: "✏️",
    Action.DELETE: "➖",
    Action.REORDER: "↕️",
}


def code(text: str) -> str:
    """The text as inline code that also stands in a table: no backtick, bar or mark-up acts."""
    text = clean(text)
    if "`" in text or "|" in text:
        # A bar ends a cell even in code, and dialects differ on how to escape one: as entities
        # all of them show it, and none acts on it.
        return f"<code>{''.join(map(_entity, text))}</code>"
    return f"`{text}`" if text else ""


def _entity(char: str) -> str:
    return char if char.isalnum() or char in " .,:/-" else f"&#{ord(char)};"


def fenced(text: str) -> str:
    """Text for people as a block that nothing in it can end."""
    runs = re.findall(r"`+", text)
    fence = "`" * max([3, *(len(run) + 1 for run in runs)])
    return f"{fence}text\n{text.rstrip()}\n{fence}\n"


LIMITS = {"github": 65_536, "gitlab": 1_000_000, "bitbucket": 32_768}
"""How long a comment may be, in characters (GitHub and GitLab: their API documentation; Bitbucket
Cloud: 32 KiB; read 2026)."""

_WEAKER = 50
_LISTED = 50
_TAIL = 400
_OPEN = 3
"""So few APIs need no folding."""


def plan_markdown(plan: Plan, *, drift: bool = False, limit: int | None = None) -> str:
    """A heading, a table of counts, what weakens and what is refused, then the changes of each API,
    folded.

    limit: at most so many characters; what is left out is counted.
    """
    page = _Page(limit)
    page.add(_head(plan, drift=drift))
    weaker = [change for change in plan.changes if change.effect is Effect.WEAKENS]
    told = [f"{code(change.address)}: {code(change.why)}" for change in weaker]
    page.listed(f"🔻 Weakens protection ({len(weaker)})", told, _WEAKER)
    page.listed("❌ Errors", list(map(code, error_lines(plan.errors))), _LISTED)
    page.add(_outage_lines(plan))
    groups = groupby(plan.changes, key=lambda change: "/".join(change.address.split("/")[:3]))
    units = [(unit, list(changes)) for unit, changes in groups]
    is_open = len(units) <= _OPEN
    for unit, changes in units:
        page.unit(_unit_lines(unit, changes, is_open=is_open), len(changes))
    page.listed("Live, but in no file", [code(item.address) for item in plan.unmanaged], _LISTED)
    page.listed("Warnings", list(map(code, folded(plan.warnings))), _LISTED)
    return page.text()


def files_markdown(plan: Plan, *, limit: int | None = None) -> str:
    """What is wrong or odd in files alone. limit: as of `plan_markdown`."""
    page = _Page(limit)
    page.add(["## Validate", "", *([] if plan.errors else ["No errors.", ""])])
    page.listed("❌ Errors", list(map(code, error_lines(plan.errors))), _LISTED)
    page.listed("Warnings", list(map(code, folded(plan.warnings))), _LISTED)
    return page.text()


class _Page:
    """Blocks up to a limit; each is there whole or not at all."""

    def __init__(self, limit: int | None) -> None:
        self._left = math.inf if limit is None else limit - _TAIL
        self._lines: list[str] = []
        self._units = self._changes = 0

    def add(self, lines: Sequence[str]) -> bool:
        """Whether they had room."""
        length = sum(len(line.encode("utf-16-le")) // 2 + 1 for line in lines)
        if length > self._left:
            return False
        self._left -= length
        self._lines += lines
        return True

    def listed(self, title: str, items: Sequence[str], most: int) -> None:
        """A list under a title, the first ones where there are many or little room."""
        for count in (most, most // 5, 1):
            more = len(items) - count
            rest = [f"… {more:,} more"] if more > 0 else []
            if self.add(_list(title, [*items[:count], *rest])):
                return
        self.add([f"**{title}**: {len(items):,}", ""])

    def unit(self, lines: Sequence[str], changes: int) -> None:
        """The changes of an API; once one has no room, none after it."""
        if self._units or not self.add(lines):
            self._units += 1
            self._changes += changes

    def end(self, lines: Sequence[str]) -> None:
        """A short end of what was begun; there is always room for a few of them."""
        self._lines += lines

    def text(self) -> str:
        lines = list(self._lines)
        if self._units:
            apis = "1 API" if self._units == 1 else f"{self._units:,} APIs"
            lines += [
                f"… {apis} more, with {self._changes:,} changes, have no room here: the output"
            ]
            lines[-1] += " of the job has all of them."
        return "\n".join(lines).rstrip() + "\n"


def _head(plan: Plan, *, drift: bool) -> list[str]:
    counts = plan.counts
    names = ("create", "update", "delete", "reorder", "unchanged", "unmanaged")
    lines = [
        f"## {'Drift' if drift else 'Plan'}",
        "",
        "| " + " | ".join(names) + " |",
        "|" + " ---: |" * len(names),
        "| " + " | ".join(f"{counts[name]:,}" for name in names) + " |",
        "",
    ]
    if not plan.changes and not plan.errors:
        lines += ["No drift." if drift else "Nothing to change.", ""]
    return lines


def _unit_lines(unit: str, changes: Sequence[Change], *, is_open: bool) -> list[str]:
    actions = [change.action for change in changes]
    counts = ", ".join(
        f"{_SIGNS[action]} {actions.count(action)}" for action in _SIGNS if action in actions
    )
    weakens = " 🔻" if any(change.effect is Effect.WEAKENS for change in changes) else ""
    name = f"<code>{''.join(map(_entity, clean(unit)))}</code>"
    return [
        f"<details{' open' if is_open else ''}><summary>{name} {counts}{weakens}</summary>",
        "",
        *(line for change in changes for line in _change_lines(change)),
        "</details>",
        "",
    ]


def _change_lines(change: Change) -> list[str]:
    weakens = " 🔻 weakens" if change.effect is Effect.WEAKENS else ""
    cause = f" ({change.cause})" if change.cause not in ("", Cause.UNKNOWN) else ""
    head = f"{_SIGNS[change.action]} **{change.action}** {code(change.address)}"
    by = f" {code(authors_line(change.by))}" if change.by else ""
    lines = [f"{head}{weakens}{cause}{by}", ""]
    if change.fields and change.action != "delete":
        lines += ["| field | live | desired |", "| --- | --- | --- |"]
        lines += [
            f"| {code(item.path)} | {code(value(item.live))} | {code(value(item.desired))} |"
            for item in change.fields
        ]
        lines.append("")
    return lines


def _outage_lines(plan: Plan) -> list[str]:
    if not plan.outages:
        return []
    lines = [f"**🔌 {outage.heading(plan)}**", ""]
    told = [one for one in plan.outages if not one.unseen]
    if told:
        lines += [
            "| app | users | uses | last used | who | |",
            "| --- | ---: | ---: |" + " --- |" * 3,
        ]
        lines += [
            "| "
            + " | ".join(code(cell) for cell in outage.cells(one))
            + f" | {'accepted' if one.is_accepted else ''} |"
            for one in told
        ]
        lines.append("")
    hidden = [code(outage.unseen(one)) for one in plan.outages if one.unseen]
    return [*lines, *(f"- {text}" for text in hidden), *([""] if hidden else [])]


def _list(title: str, items: Sequence[str]) -> list[str]:
    return [f"**{title}**", "", *(f"- {item}" for item in items), ""] if items else []


def outcomes_markdown(
    outcomes: Sequence[Outcome], errors: Sequence[PlanError], *, limit: int | None = None
) -> str:
    """A table of outcomes, what was not applied first. limit: as of `plan_markdown`."""
    page = _Page(limit)
    page.add(
        ["## Apply", "", "| change | address | outcome | reason |", "| --- | --- | --- | --- |"]
    )
    ordered = sorted(outcomes, key=lambda item: item.outcome == APPLIED)
    for place, item in enumerate(ordered):
        row = f"| {item.change.action} | {code(item.change.address)} | {item.outcome} "
        if not page.add([f"{row}| {code(item.reason)} |"]):
            page.end(["", f"… {len(ordered) - place:,} more rows have no room here."])
            break
    page.end([""])
    page.listed("❌ Errors", list(map(code, error_lines(errors))), _LISTED)
    return page.text()
