"""Plans and outcomes for people: grouped by API, only changed fields, a last line that counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from reconciler.core.cause import Cause
from reconciler.core.diff import Action, Change, ChangedBy, FieldChange
from reconciler.core.effect import Effect
from reconciler.core.outage import Outage
from reconciler.core.outcome import APPLIED, FAILED, Outcome
from reconciler.core.plan import Plan, PlanError
from reconciler.show import outage
from reconciler.show.alike import folded
from reconciler.show.clean import clean, value

_SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-", Action.REORDER: "↕"}
_COLOURS = {
    Action.CREATE: "32",
    Action.UPDATE: "33",
    Action.DELETE: "31",
    Action.REORDER: "36",
}
_WIDTH = 100
_SHOWN = 10
_WEAKER = 50


@dataclass(frozen=True, slots=True)
class Style:
    """Whether to colour."""

    colour: bool = False

    def paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def bold(self, text: str) -> str:
        return self.paint("1", text)

    def dim(self, text: str) -> str:
        return self.paint("2", text)


def plan_text(plan: Plan, style: Style, *, drift: bool = False) -> str:
    """The whole plan, what weakens first. Ends with a newline."""
    blocks = _weakenings_text(plan.changes, style)
    blocks += [_unit_text(unit, list(changes), style) for unit, changes in _by_unit(plan.changes)]
    if plan.outages:
        blocks.append(_outages_text(plan, style))
    if plan.unmanaged:
        blocks.append(_unmanaged_text(plan, style))
    blocks.extend(notes(plan.errors, plan.warnings, style))
    blocks.append(_summary(plan, style, drift=drift))
    return "\n\n".join(blocks) + "\n"


def _weakenings_text(changes: Sequence[Change], style: Style) -> list[str]:
    weaker = [change for change in changes if change.effect is Effect.WEAKENS]
    if not weaker:
        return []
    lines = [f"  ▼ {clean(change.address)}: {clean(change.why)}" for change in weaker[:_WEAKER]]
    if len(weaker) > _WEAKER:
        lines.append(f"    … {len(weaker) - _WEAKER} more")
    head = f"Weakens protection ({len(weaker)}):"
    return ["\n".join(style.paint("31", line) for line in (head, *lines))]


def _by_unit(changes: Iterable[Change]) -> Iterable[tuple[str, Iterable[Change]]]:
    return groupby(changes, key=lambda change: _unit_of(change.address))


def _unit_of(address: str) -> str:
    return "/".join(address.split("/")[:3])


def _unit_text(unit: str, changes: Sequence[Change], style: Style) -> str:
    lines = [style.bold(clean(unit))]
    for change in changes:
        lines.extend(_change_lines(change, style))
    return "\n".join(lines)


def _change_lines(change: Change, style: Style) -> list[str]:
    sign = style.paint(_COLOURS[change.action], _SIGNS[change.action])
    name = clean(change.address.split("/", 3)[-1]) if change.address.count("/") > 2 else "order"
    if change.action is Action.REORDER:
        lines = [line for item in change.fields for line in _order_lines(item, style)]
        weakens = style.paint("31", "  weakens") if change.effect is Effect.WEAKENS else ""
        return [f"  {sign} order{weakens}{_cause(change, style)}", *lines]
    source = f"{change.source.file}:{change.source.line}" if change.source else ""
    head = f"  {sign} {name}"
    where = style.dim(f"  {clean(source)}") if source else ""
    where += style.paint("31", "  weakens") if change.effect is Effect.WEAKENS else ""
    where += _cause(change, style)
    by = [style.dim(f"      {authors_line(change.by)}")] if change.by else []
    if change.action is Action.DELETE:
        return [head + where, *by]
    width = max((len(item.path) for item in change.fields), default=0)
    fields = (_field_line(item, change, width, style) for item in change.fields)
    return [head + where, *fields, *by]


def authors_line(by: Sequence[ChangedBy]) -> str:
    """Who may have made it, on one line: `by admin@acme.example, 2026-11-20 09:12`."""
    told = "; ".join(f"{_who(one)}, {one.at[:10]} {one.at[11:16]}" for one in by)
    return clean(f"by one of: {told}" if len(by) > 1 else f"by {told}")


def _who(one: ChangedBy) -> str:
    name = one.user or "nobody by name"
    if one.delegate:
        return f"{one.delegate} as {name}"
    return f"this tool ({name})" if one.is_own else name


def _cause(change: Change, style: Style) -> str:
    """Which of the two moved, where that is known: nobody needs to be told that it is not."""
    known = change.cause not in ("", Cause.UNKNOWN)
    return style.dim(f"  [{clean(change.cause)}]") if known else ""


def _order_lines(field: FieldChange, style: Style) -> list[str]:
    live, desired = (
        " › ".join(map(value, side)) if isinstance(side, list) else value(side)
        for side in (field.live, field.desired)
    )
    return [f"      {style.dim('live   ')} {live}", f"      {style.dim('desired')} {desired}"]


def _field_line(field: FieldChange, change: Change, width: int, style: Style) -> str:
    path = clean(field.path).ljust(min(width, 60))
    if change.action is Action.CREATE:
        return f"      {style.dim(path)}  {value(field.desired)}"
    return f"      {style.dim(path)}  {_difference(field.live, field.desired, style)}"


def _difference(live: Any, desired: Any, style: Style) -> str:
    if _is_plain_list(live) and _is_plain_list(desired):
        short = f"{value(live)} → {value(desired)}"
        if len(short) <= _WIDTH and len(live) + len(desired) <= 4:
            return short
        return _list_difference(live, desired, style)
    return f"{value(live)} {style.dim('→')} {value(desired)}"


def _is_plain_list(item: Any) -> bool:
    return isinstance(item, list) and not any(isinstance(part, dict | list) for part in item)


def _list_difference(live: list[Any], desired: list[Any], style: Style) -> str:
    """What is only on one side, each as often as it is."""
    # By their JSON: to Python 1 is True.
    before, after = (Counter(map(json.dumps, side)) for side in (live, desired))
    new, gone = (
        [value(json.loads(item)) for item in only.elements()]
        for only in (after - before, before - after)
    )
    parts = [style.paint("32", f"+{item}") for item in new[:_SHOWN]]
    parts += [style.paint("31", f"-{item}") for item in gone[:_SHOWN]]
    hidden = max(len(new) - _SHOWN, 0) + max(len(gone) - _SHOWN, 0)
    more = f" … {hidden} more" if hidden else ""
    if not parts:
        return f"{len(live)} entries in another order"
    return f"{' '.join(parts)}{more} {style.dim(f'({len(live)} → {len(desired)} entries)')}"


def _outages_text(plan: Plan, style: Style) -> str:
    """A line for each app: dim where somebody said that it is meant."""
    told = [one for one in plan.outages if not one.unseen]
    rows = [tuple(map(clean, outage.words(one))) for one in told]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [style.paint("31", f"{outage.heading(plan)}:")]
    for one, row in zip(told, rows, strict=True):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append(_outage_line(one, line.rstrip(), style))
    lines += [
        _outage_line(one, clean(outage.unseen(one)), style) for one in plan.outages if one.unseen
    ]
    return "\n".join(lines)


def _outage_line(one: Outage, text: str, style: Style) -> str:
    if one.is_accepted:
        return style.dim(f"  · {text}  (accepted)")
    return f"  {style.paint('31', '✗')} {text}"


def _unmanaged_text(plan: Plan, style: Style) -> str:
    units = [
        (unit, [item.address.split("/", 3)[-1] for item in items])
        for unit, items in groupby(plan.unmanaged, key=lambda item: _unit_of(item.address))
    ]
    shown = [f"  ? {clean(unit)}: {clean(', '.join(names))}" for unit, names in units[:20]]
    hidden = sum(len(names) for _, names in units[20:])
    if hidden:
        shown.append(f"    … {hidden} more on {len(units) - 20} {_plural(len(units) - 20, 'API')}")
    return "\n".join([style.dim("Live, but in no file (left alone):"), *shown])


def notes(errors: Sequence[PlanError], warnings: Sequence[str], style: Style) -> list[str]:
    """The blocks of warnings and errors, none where there are none."""
    blocks = []
    if warnings:
        head = style.paint("33", "Warnings:")
        blocks.append(
            "\n".join([head, *(f"  ! {text}" for text in folded(list(map(clean, warnings))))])
        )
    if errors:
        head = style.paint("31", "Errors:")
        blocks.append(
            "\n".join([head, *(f"  ✗ {text}" for text in folded(list(map(error_line, errors))))])
        )
    return blocks


def error_lines(errors: Sequence[PlanError]) -> list[str]:
    """One line for each; what a service did to very many is folded, what is wrong in files never:
    each place of it has to be mended."""
    others = folded([error_line(error) for error in errors if not error.problem])
    return [*others, *(error_line(error) for error in errors if error.problem)]


def error_line(error: PlanError) -> str:
    """One error on one line, with its place or its address."""
    if error.problem:
        return clean(str(error.problem))
    return clean(f"{error.address}: {error.message}" if error.address else error.message)


_WORDS = (("create", "to create"), ("update", "to update"), ("delete", "to delete"))


def _summary(plan: Plan, style: Style, *, drift: bool) -> str:
    counts = plan.counts
    parts = [f"{counts[key]} {words}" for key, words in _WORDS if counts[key]]
    if counts["reorder"]:
        parts.append(f"{counts['reorder']} to reorder")
    weaker = sum(change.effect is Effect.WEAKENS for change in plan.changes)
    if weaker:
        parts[-1] += f" ({weaker} {'weakens' if weaker == 1 else 'weaken'})"
    rest = f"{counts['unchanged']} unchanged"
    if counts["unmanaged"]:
        rest += f", {counts['unmanaged']} unmanaged"
    if plan.errors:
        rest += f", {len(plan.errors)} {_plural(len(plan.errors), 'error')}"
    name = "Drift" if drift else "Plan"
    if not parts and plan.errors:
        return style.bold(f"{name}: incomplete; {rest}.")
    if not parts:
        words = "no drift" if drift else "nothing to change"
        return style.paint("32", f"{name}: {words}") + f"; {rest}."
    return style.bold(f"{name}: {', '.join(parts)}") + f"; {rest}."


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def outcomes_text(outcomes: Sequence[Outcome], errors: Sequence[PlanError], style: Style) -> str:
    """What became of each change, failures with their reason, and a last line that counts."""
    lines = [_outcome_line(item, style) for item in outcomes]
    blocks = ["\n".join(lines)] if lines else []
    blocks.extend(notes(errors, (), style))
    counts = {word: sum(item.outcome == word for item in outcomes) for word in _OUTCOME_WORDS}
    parts = [f"{count} {word}" for word, count in counts.items() if count or word == APPLIED]
    blocks.append(style.bold(f"Apply: {', '.join(parts)}") + ".")
    return "\n\n".join(blocks) + "\n"


_OUTCOME_WORDS: Mapping[str, tuple[str, str]] = {
    APPLIED: ("✓", "32"),
    FAILED: ("✗", "31"),
    "skipped": ("·", "33"),
}


def _outcome_line(item: Outcome, style: Style) -> str:
    sign, colour = _OUTCOME_WORDS[item.outcome]
    reason = f": {clean(item.reason)}" if item.reason else ""
    action = str(item.change.action)
    word = "" if item.outcome == APPLIED else f" {item.outcome}"
    return f"  {style.paint(colour, sign)} {action:<7} {clean(item.change.address)}{word}{reason}"
