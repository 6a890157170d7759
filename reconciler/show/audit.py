"""The review of orgs: for people, for a spreadsheet, for a program. Names cannot break out."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.core.access import PERMISSION_SET
from reconciler.core.audit import (
    OVERDUE,
    SEVERITIES,
    WARNING,
    AppReview,
    Finding,
    Reach,
    Review,
)
from reconciler.show.clean import clean
from reconciler.show.markdown import code
from reconciler.show.table import table
from reconciler.show.text import Style

_SIGNS = {OVERDUE: "✗", WARNING: "!"}
_HEADS = {OVERDUE: "Overdue", WARNING: "Warnings"}
_COLOURS = {OVERDUE: "31", WARNING: "33"}
_COLUMNS = ("app", "policy", "granted to", "users", "last used", "owner", "review by")
_FIELDS = (
    "environment",
    "app",
    "kind",
    "installed",
    "inFiles",
    "policy",
    "blocked",
    "ipRelaxation",
    "refreshToken",
    "grantedTo",
    "users",
    "usedBy",
    "uses",
    "lastUsed",
    "owner",
    "reason",
    "reviewBy",
    "findings",
)
_SHOWN = 3
# What a spreadsheet takes for a formula (OWASP, CSV Injection).
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def audit_text(reviews: Sequence[Review], style: Style) -> str:
    """Each org: a line that counts, findings with the worst first, then a table of its apps."""
    return "\n".join(_review_text(one, style) for one in reviews)


def _review_text(review: Review, style: Style) -> str:
    blocks = [f"{style.bold(clean(review.address))}: {_counts(review)}\n"]
    for severity in SEVERITIES:
        if found := review.of(severity):
            head = f"{_HEADS.get(severity, 'Notes')} ({len(found)}):"
            colour = _COLOURS.get(severity, "2")
            lines = [style.paint(colour, head), *(_finding_text(one) for one in found)]
            blocks.append("\n".join(lines) + "\n")
    blocks.append(table([_row(app) for app in review.apps], _COLUMNS, style))
    return "\n".join(blocks)


def _counts(review: Review) -> str:
    many = Counter(one.severity for one in review.findings)
    apps = "1 app" if len(review.apps) == 1 else f"{len(review.apps)} apps"
    warnings = "1 warning" if many[WARNING] == 1 else f"{many[WARNING]} warnings"
    return f"{apps}, {many[OVERDUE]} overdue, {warnings}"


def _finding_text(one: Finding) -> str:
    place = f"  {one.source.file}:{one.source.line}" if one.source and one.source.file else ""
    subject = f"{one.subject}: " if one.subject else ""
    hint = f"; {one.hint}" if one.hint else ""
    return f"  {_SIGNS.get(one.severity, '·')} {clean(f'{subject}{one.message}{hint}{place}')}"


def _row(app: AppReview) -> Mapping[str, str]:
    said = app.said
    granted = [_reach(one) for one in app.grants[:_SHOWN]]
    if more := len(app.grants) - _SHOWN:
        granted += [f"{more} more"] if more > 0 else []
    return {
        "app": app.name,
        "policy": _policy(app),
        "granted to": ", ".join(granted) or "-",
        "users": _number(app.users),
        "last used": app.last_used[:10] or "-",
        "owner": (said and said.owner) or "-",
        "review by": (said and said.review_by) or "-",
    }


def _policy(app: AppReview) -> str:
    if not app.is_installed:
        return "not installed"
    if app.is_blocked:
        return "blocked"
    return "admin-approved" if app.admin_approved else "self-authorize"


def _reach(one: Reach) -> str:
    kind = "" if one.holder.kind == PERMISSION_SET else "profile "
    return f"{kind}{one.holder.name} ({_number(one.users)})"


def _number(count: int | None) -> str:
    return "?" if count is None else str(count)


def audit_markdown(reviews: Sequence[Review]) -> str:
    """The same as headings, lists and a table."""
    lines: list[str] = []
    for review in reviews:
        lines += [f"## Review of {code(review.address)}", "", f"{_counts(review)}.", ""]
        for severity in SEVERITIES:
            if found := review.of(severity):
                lines += [f"### {_HEADS.get(severity, 'Notes')}", ""]
                lines += [f"- {_finding_markdown(one)}" for one in found]
                lines.append("")
        lines += ["| " + " | ".join(_COLUMNS) + " |", "|" + " --- |" * len(_COLUMNS)]
        rows = [_row(app) for app in review.apps]
        lines += ["| " + " | ".join(code(row[name]) for name in _COLUMNS) + " |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def _finding_markdown(one: Finding) -> str:
    parts = [code(text) for text in (one.subject, one.message, one.hint) if text]
    return ": ".join(parts[:2]) + (f" ({parts[2]})" if len(parts) > 2 else "")


def audit_csv(reviews: Sequence[Review]) -> str:
    """A row for each app and each bypass, for a spreadsheet that takes none for a formula."""
    out = io.StringIO()
    writer = csv.DictWriter(out, _FIELDS, lineterminator="\n")
    writer.writeheader()
    for review in reviews:
        for row in _csv_rows(review):
            writer.writerow({name: _cell(row.get(name, "")) for name in _FIELDS})
    return out.getvalue()


def _csv_rows(review: Review) -> Iterator[Mapping[str, str]]:
    for app in review.apps:
        said = app.said
        codes = [one.code for one in review.findings if one.subject == app.name]
        yield {
            "environment": review.address,
            "app": app.name,
            "kind": app.kind,
            "installed": _word(app.is_installed),
            "inFiles": _word(said is not None),
            "policy": _policy(app),
            "blocked": _word(app.is_blocked),
            "ipRelaxation": app.ip_relaxation,
            "refreshToken": app.refresh_token,
            "grantedTo": "; ".join(map(_reach, app.grants)),
            "users": _number(app.users),
            "usedBy": str(app.used_by),
            "uses": str(app.uses),
            "lastUsed": app.last_used,
            "owner": said.owner if said else "",
            "reason": said.reason if said else "",
            "reviewBy": said.review_by if said else "",
            "findings": " ".join(codes),
        }
    for one in review.bypasses:
        yield {
            "environment": review.address,
            "kind": f"bypass: {one.permission}",
            "grantedTo": _reach(one.reach),
            "users": _number(one.reach.users),
        }


def _word(value: bool) -> str:
    return "yes" if value else "no"


def _cell(text: str) -> str:
    shown = clean(text)
    return f"'{shown}" if text.startswith(_FORMULAS) else shown


def audit_data(reviews: Sequence[Review]) -> dict[str, Any]:
    """For JSON."""
    many = Counter(one.severity for review in reviews for one in review.findings)
    return {
        "summary": {severity: many[severity] for severity in SEVERITIES},
        "environments": [
            {
                "address": review.address,
                "apps": [_app_data(app) for app in review.apps],
                "bypass": [
                    {"permission": one.permission, **_reach_data(one.reach)}
                    for one in review.bypasses
                ],
                "findings": [_finding_data(one) for one in review.findings],
            }
            for review in reviews
        ],
    }


def _app_data(app: AppReview) -> dict[str, Any]:
    said = app.said
    return {
        "name": app.name,
        "kind": app.kind or None,
        "installed": app.is_installed,
        "inFiles": said is not None,
        "owner": (said and said.owner) or None,
        "reason": (said and said.reason) or None,
        "reviewBy": (said and said.review_by) or None,
        "policy": {
            "adminApproved": app.admin_approved,
            "ipRelaxation": app.ip_relaxation or None,
            "refreshToken": app.refresh_token or None,
            "blocked": app.is_blocked,
        },
        "grants": [_reach_data(one) for one in app.grants],
        "users": app.users,
        "use": {"users": app.used_by, "count": app.uses, "lastUsed": app.last_used or None},
    }


def _reach_data(one: Reach) -> dict[str, Any]:
    return {"kind": one.holder.kind, "name": one.holder.name, "users": one.users}


def _finding_data(one: Finding) -> dict[str, Any]:
    data: dict[str, Any] = {
        "severity": one.severity,
        "code": one.code,
        "subject": one.subject or None,
        "message": one.message,
        "hint": one.hint or None,
    }
    if one.source and one.source.file:
        data["source"] = {"file": one.source.file, "line": one.source.line}
    return data
