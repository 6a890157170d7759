"""`show`: print a saved plan, stale or not."""

from __future__ import annotations

import argparse
from pathlib import Path

from reconciler.cli.json_file import read_json
from reconciler.cli.plan import show
from reconciler.cli.shell import Shell
from reconciler.core.plan import Plan, PlanFileError, from_file
from reconciler.errors import Exit, PolicyError, Problem, Refusal
from reconciler.run.reviewed import check_digest


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    plan, claimed = read(shell.cwd / args.plan, args.plan)
    show(plan, args, shell)
    try:
        check_digest(plan, claimed)
    except Refusal as refusal:
        shell.err.write(f"error: {refusal}\n")
        return refusal.exit
    return Exit.OK


def read(path: Path, name: str) -> tuple[Plan, str]:
    """The plan in a file and the digest it claims; raises PolicyError for what is no plan."""
    data = read_json(path, name, "plan file")
    try:
        return from_file(data)
    except PlanFileError as error:
        raise PolicyError([Problem(name, message=str(error))]) from error
    except (ValueError, RecursionError):
        raise PolicyError([Problem(name, message="not a plan file")]) from None
