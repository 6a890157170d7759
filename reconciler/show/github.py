"""Findings as annotations of GitHub Actions: workflow commands that show beside the lines.

The only commands to a build server that are ever printed. Whatever is in them is escaped as GitHub
asks for it (docs.github.com, Workflow commands, 2026): no name can end one or begin another.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from reconciler.show.findings import Finding, Level

_MOST = 10
"""So many of each kind are shown of a step."""

_WORDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def workflow_commands(found: Iterable[Finding]) -> str:
    """A line for each error and warning, the first ten of each kind, and how many more."""
    lines = []
    told = (one for one in found if one.level is not Level.NOTE)
    for level, group in groupby(told, key=lambda one: one.level):
        each = list(group)
        shown = each if len(each) <= _MOST else each[: _MOST - 1]
        lines += [_line(one) for one in shown]
        if len(each) > len(shown):
            more = f"{len(each) - len(shown):,} more; the output of the job has all of them"
            lines.append(f"::{_WORDS[level]} title=reconciler::{_data(more)}")
    return "".join(f"{line}\n" for line in lines)


def _line(one: Finding) -> str:
    place = {"title": f"reconciler: {one.rule}"}
    if one.source:
        place["file"] = one.source.file
        if one.source.line > 0:
            place |= {"line": str(one.source.line), "col": str(max(one.source.column, 1))}
    told = ",".join(f"{name}={_property(text)}" for name, text in place.items())
    return f"::{_WORDS[one.level]} {told}::{_data(one.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
