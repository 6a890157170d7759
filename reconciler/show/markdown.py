"""Plans and outcomes as Markdown; names from outside cannot break out of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.core.cause import Cause
from reconciler.core.diff import Change
from reconciler.core.effect import Effect
from reconciler.core.outcome import Outcome
from reconciler.core.plan import Plan, PlanError
from reconciler.show import outage
from reconciler.show.alike import folded
from reconciler.show.clean import clean, value
from reconciler.show.text import authors_line, error_lines

_SIGNS = {"create": "➕", "update": "✏️", "delete": "➖", "reorder": "↕️"}


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


def plan_markdown(plan: Plan, *, drift: bool = False) -> str:
    """A heading, a table of counts, then the fields of each change."""
    counts = plan.counts
    names = ("create", "update", "delete", "reorder", "unchanged", "unmanaged")
    lines = [
        f"## {'Drift' if drift else 'Plan'}",
        "",
        "| " + " | ".join(names) + " |",
        "|" + " ---: |" * len(names),
        "| " + " | ".join(str(counts[name]) for name in names) + " |",
        "",
    ]
    if not plan.changes and not plan.errors:
        lines += ["No drift." if drift else "Nothing to change.", ""]
    weaker = [change for change in plan.changes if change.effect is Effect.WEAKENS]
    lines += _list(
        "🔻 Weakens protection",
        [f"{code(change.address)}: {code(change.why)}" for change in weaker],
    )
    for change in plan.changes:
        lines += _change_lines(change)
    lines += _outage_lines(plan)
    lines += _list("Live, but in no file", [code(item.address) for item in plan.unmanaged])
    lines += _notes(plan.errors, plan.warnings)
    return "\n".join(lines).rstrip() + "\n"


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


def _notes(errors: Sequence[PlanError], warnings: Sequence[str]) -> list[str]:
    return [
        *_list("Warnings", [code(text) for text in folded(warnings)]),
        *_list("Errors", [code(text) for text in error_lines(errors)]),
    ]


def outcomes_markdown(outcomes: Sequence[Outcome], errors: Sequence[PlanError]) -> str:
    """A table of outcomes."""
    lines = ["## Apply", "", "| change | address | outcome | reason |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {item.change.action} | {code(item.change.address)} | {item.outcome} "
        f"| {code(item.reason)} |"
        for item in outcomes
    ]
    lines += ["", *_notes(errors, ())]
    return "\n".join(lines).rstrip() + "\n"
