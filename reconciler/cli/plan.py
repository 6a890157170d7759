"""`plan`: fetch, diff, print; `-o` saves it for `apply`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from reconciler.cli.outputs import check_places, places_of, plan_file_of, tell
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import changed_since, context_for, engine_for, now
from reconciler.core.plan import Plan, to_file
from reconciler.errors import Exit, ReconcilerError, worst
from reconciler.run.converge import compare
from reconciler.run.state import write_atomically
from reconciler.show.data import as_json, plan_data
from reconciler.show.findings import Result
from reconciler.show.markdown import plan_markdown
from reconciler.show.text import Style, plan_text


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    file = plan_file_of(args)
    check_places(args, shell, file)
    engine = engine_for(args, shell)
    is_whole = args.changed_since is None
    context = context_for(args, shell, read_only=True, is_early=is_whole and engine is None)
    released: tuple[str, ...] = ()
    if not is_whole:
        context, released = changed_since(args, shell, context)
    compared = compare(context, engine=engine)
    compared = replace(compared, warnings=(*compared.warnings, *released))
    plan = compared.plan(context, now())
    if file:
        _save(plan, shell.cwd / file, file)
    show(plan, args, shell)
    told = Result("plan", plan, plan_data(plan), places=places_of(context.project))
    codes = tell(args, shell, told)
    if file:
        shell.log(f"saved as {file}; apply it with: reconciler apply {file}")
    codes += [error.exit for error in plan.errors]
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


def _save(plan: Plan, path: Path, name: str) -> None:
    """Writes the plan file, whole or not at all."""
    try:
        write_atomically(path, as_json(to_file(plan)).encode())
    except OSError as error:
        raise ReconcilerError(f"cannot write {name}: {error.strerror}") from error
