"""`rollback RUN`: the inverse plan of a past run, shown and confirmed like any other."""

from __future__ import annotations

import argparse
from glob import escape

from reconciler.cli.carry import carry_out, is_agreed, present, report
from reconciler.cli.outputs import check_places
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for, now, run_id, store_for
from reconciler.errors import Exit, UsageError
from reconciler.run.context import Scope
from reconciler.run.journal import Head
from reconciler.run.lock import Lock
from reconciler.run.past import PastRun, find_run
from reconciler.run.reviewed import refuse_invalid
from reconciler.run.rollback import inverse_of


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    check_places(args, shell)
    if args.org or args.env or args.api:
        raise UsageError("a run has its own scope: leave --org, --env and --api out")
    if not (args.yes or shell.is_interactive):
        raise UsageError("there is no terminal to ask on: say --yes")
    store = store_for(args, shell)
    asked = find_run(store, args.run)
    head = Head(run_id(), "rollback", now(), args.policies, undoes=asked.run)
    with Lock(store, run=head.run, command=head.command) as lock:
        # The run itself may have been at work when its journal was read first.
        return _undo(args, shell, find_run(store, asked.run), head, lock)


def _undo(args: argparse.Namespace, shell: Shell, past: PastRun, head: Head, lock: Lock) -> Exit:
    context = context_for(args, shell, read_only=False, scope=_scope(past))
    inverse = inverse_of(past, context, now())
    plan = inverse.plan
    present(args, shell, plan)
    refuse_invalid(plan)
    if not inverse.cleared.works:
        shell.log(f"nothing is to be undone of {past.run}")
    elif is_agreed(args, shell, context, plan):
        return carry_out(args, shell, context, plan, inverse.cleared, head=head, lock=lock)
    else:
        shell.log("nothing applied")
    return report(args, shell, plan, (), plan.errors, run=head.run)


def _scope(past: PastRun) -> Scope:
    """The environments that the run wrote to; folders are no globs."""
    units = [write.unit for write in past.writes]
    return Scope(
        tuple(sorted({escape(unit.organization) for unit in units})),
        tuple(sorted({escape(unit.environment) for unit in units})),
    )
