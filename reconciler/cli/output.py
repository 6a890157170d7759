"""Prints what is no plan: a document in JSON, or rows in a table."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.cli.shell import Shell
from reconciler.core.plan import SCHEMA_VERSION, PlanError, error_data
from reconciler.show.data import as_json
from reconciler.show.markdown import code, fenced
from reconciler.show.table import table
from reconciler.show.text import Style, error_line


def style_of(args: argparse.Namespace, shell: Shell) -> Style:
    """Colour on a terminal, and not in Markdown."""
    has_colour = shell.has_colour(shell.out, no_color=args.no_color)
    return Style(has_colour and args.format == "text")


def print_rows(
    args: argparse.Namespace,
    shell: Shell,
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    errors: Sequence[PlanError] = (),
) -> None:
    """The rows in the format asked for; errors go into the JSON, and to stderr otherwise."""
    if args.format == "json":
        print_document(args, shell, {"items": list(rows)}, errors)
        return
    shown = [{name: _text(row.get(name)) for name in columns} for row in rows]
    if args.format == "markdown":
        shell.data(_markdown(shown, columns))
    elif shown:
        shell.data(table(shown, columns, style_of(args, shell)))
    for error in errors:
        shell.err.write(f"error: {error_line(error)}\n")


def print_text(args: argparse.Namespace, shell: Shell, text: str) -> None:
    """Text for people, as it is, or as a block of Markdown."""
    shell.data(fenced(text) if args.format == "markdown" else text)


def print_document(
    args: argparse.Namespace,
    shell: Shell,
    data: Mapping[str, Any],
    errors: Sequence[PlanError] = (),
    warnings: Sequence[str] = (),
) -> None:
    """A JSON document with the keys that every command has."""
    shell.data(as_json(document(args, data, errors, warnings)))


def document(
    args: argparse.Namespace,
    data: Mapping[str, Any],
    errors: Sequence[PlanError] = (),
    warnings: Sequence[str] = (),
) -> Mapping[str, Any]:
    """The keys of a command with those that every one has."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "command": args.command,
        **data,
        "errors": [error_data(error) for error in errors],
        "warnings": list(warnings),
    }


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _markdown(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(code(row[name]) for name in columns) + " |" for row in rows]
    return "\n".join(lines) + "\n"
