"""`show`: print a saved plan, stale or not."""

from __future__ import annotations

import argparse
from pathlib import Path

from reconciler.cli.json_file import read_json
from reconciler.cli.outputs import check_places, tell
from reconciler.cli.plan import show
from reconciler.cli.shell import Shell
from reconciler.core.plan import Plan, PlanFileError, from_file
from reconciler.errors import Exit, PolicyError, Problem, Refusal, worst
from reconciler.run.reviewed import check_digest
from reconciler.show.data import plan_data
from reconciler.show.findings import Result


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    check_places(args, shell)
    plan, claimed = read(shell.cwd / args.plan, args.plan)
    show(plan, args, shell)
    codes = tell(args, shell, Result("plan", plan, plan_data(plan)))
    try:
        check_digest(plan, claimed)
    except Refusal as refusal:
        shell.err.write(f"error: {refusal}\n")
        codes.append(refusal.exit)
    return worst(codes)


def read(path: Path, name: str) -> tuple[Plan, str]:
    """The plan in a file and the digest it claims; raises PolicyError for what is no plan."""
    data = read_json(path, name, "plan file")
    try:
        return from_file(data)
    except PlanFileError as error:
        raise PolicyError([Problem(name, message=str(error))]) from error
    except (ValueError, RecursionError):
        raise PolicyError([Problem(name, message="not a plan file")]) from None
