"""`history`: past runs from their journals, newest first; or the changes of one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reconciler.cli.output import print_document, print_rows
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import store_for
from reconciler.core.plan import PlanError, change_data
from reconciler.errors import Exit, worst
from reconciler.run.past import JournalError, PastRun, all_runs, find_run

_RUNS = ("run", "started", "took", "command", "planned", "became", "exit")
_CHANGES = ("change", "address", "outcome", "reason")
_SHORT = {"create": "+", "update": "~", "delete": "-", "reorder": "↕"}


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    store = store_for(args, shell)
    if args.run:
        return _one(args, shell, find_run(store, args.run))
    found = all_runs(store, args.parallelism.calls)
    errors = [PlanError(str(item), item.exit) for item in found if isinstance(item, JournalError)]
    runs = [item for item in found if isinstance(item, PastRun)]
    if args.format == "json":
        print_document(args, shell, {"runs": [_data(past) for past in runs]}, errors)
    else:
        if not found:
            shell.log(f"no run has been recorded in {store}")
        print_rows(args, shell, [_row(past) for past in runs], _RUNS, errors)
    return worst(error.exit for error in errors)


def _one(args: argparse.Namespace, shell: Shell, past: PastRun) -> Exit:
    became = zip(past.plan.changes, past.outcomes(), strict=True)
    if args.format == "json":
        changes = [
            {**change_data(change), "outcome": item.outcome, "reason": item.reason}
            for change, item in became
        ]
        print_document(args, shell, {**_data(past), "changes": changes})
        return Exit.OK
    shell.log(_headline(past))
    rows = [
        {
            "change": str(change.action),
            "address": change.address,
            "outcome": item.outcome,
            "reason": item.reason,
        }
        for change, item in became
    ]
    print_rows(args, shell, rows, _CHANGES)
    return Exit.OK


def _data(past: PastRun) -> dict[str, Any]:
    return {
        "run": past.run,
        "startedAt": past.started_at,
        "endedAt": past.ended_at or None,
        "command": past.command,
        "exit": None if past.exit is None else int(past.exit),
        "summary": past.summary,
        "resumes": past.resumes or None,
        "undoes": past.undoes or None,
    }


def _row(past: PastRun) -> dict[str, str]:
    return {
        "run": past.run,
        "started": past.started_at,
        "took": _took(past),
        "command": _command(past),
        "planned": _counts(past.summary, _SHORT),
        "became": ", ".join(f"{past.summary[word]} {word}" for word in _words(past.summary)),
        "exit": past.word,
    }


def _words(summary: Mapping[str, int]) -> list[str]:
    return [word for word in summary if word not in _SHORT and summary[word]]


def _counts(summary: Mapping[str, int], signs: Mapping[str, str]) -> str:
    return " ".join(f"{sign}{summary[name]}" for name, sign in signs.items() if summary[name])


def _command(past: PastRun) -> str:
    if past.resumes:
        return f"{past.command} --resume {past.resumes}"
    return f"{past.command} {past.undoes}" if past.undoes else past.command


def _took(past: PastRun) -> str:
    try:
        begun, ended = map(datetime.fromisoformat, (past.started_at, past.ended_at))
        seconds = int((ended - begun).total_seconds())
    except (ValueError, TypeError):  # it has not ended
        return ""
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"


def _headline(past: PastRun) -> str:
    text = f"{_command(past)} of {past.started_at}: "
    if past.exit is None:
        return text + f"it never came to its end; finish it with: apply --resume {past.run}"
    return text + f"exit {int(past.exit)}"
