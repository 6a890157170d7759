"""`plan`: fetch, diff, print; `-o` saves it for `apply`."""

from __future__ import annotations

import argparse
from pathlib import Path

from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for, engine_for, now
from reconciler.core.plan import Plan, to_file
from reconciler.errors import Exit, ReconcilerError, UsageError, worst
from reconciler.run.converge import compare
from reconciler.run.state import write_atomically
from reconciler.show.data import as_json, plan_data
from reconciler.show.markdown import plan_markdown
from reconciler.show.text import Style, plan_text


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    if args.out:
        _refuse_no_place(shell.cwd / args.out, args.out)
    engine = engine_for(args, shell)
    context = context_for(args, shell, read_only=True, is_early=engine is None)
    plan = compare(context, engine=engine).plan(context, now())
    if args.out:
        _save(plan, shell.cwd / args.out, args.out)
    show(plan, args, shell)
    if args.out:
        shell.log(f"saved as {args.out}; apply it with: reconciler apply {args.out}")
    codes = [error.exit for error in plan.errors]
    if plan.changes and args.detailed_exitcode:
        codes.append(Exit.CHANGES)
    return worst(codes)


def show(plan: Plan, args: argparse.Namespace, shell: Shell) -> None:
    """The plan on stdout in the format asked for."""
    if args.format == "json":
        shell.data(as_json(plan_data(plan)))
    elif args.format == "markdown":
        shell.data(plan_markdown(plan))
    else:
        shell.data(plan_text(plan, Style(shell.has_colour(shell.out, no_color=args.no_color))))


def _refuse_no_place(path: Path, name: str) -> None:
    """A plan of a large estate takes a while: what is plain before is said before."""
    if path.is_dir():
        raise UsageError(f"{name} is a folder: name a file")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder for {name}: make it first")


def _save(plan: Plan, path: Path, name: str) -> None:
    """Writes the plan file, whole or not at all."""
    try:
        write_atomically(path, as_json(to_file(plan)).encode())
    except OSError as error:
        raise ReconcilerError(f"cannot write {name}: {error.strerror}") from error
