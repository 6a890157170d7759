"""`apply --resume RUN`: finish what a run had planned and did not get to."""

from __future__ import annotations

import argparse

from reconciler.cli.carry import carry_out, is_agreed, present, report
from reconciler.cli.said import refuse_other_baseline, take_over
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for, now, run_id, store_for
from reconciler.core.plan import Plan
from reconciler.errors import Exit, UsageError
from reconciler.run.journal import Head
from reconciler.run.lock import Lock
from reconciler.run.past import PastRun, find_run
from reconciler.run.resume import rest_of
from reconciler.run.reviewed import refuse_invalid


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    if args.plan or args.expect_digest:
        raise UsageError("--resume has a plan of its own: leave PLAN and --expect-digest out")
    if not (args.yes or shell.is_interactive):
        raise UsageError("there is no terminal to ask on: say --yes")
    store = store_for(args, shell)
    asked = find_run(store, args.resume)
    if asked.undoes:
        raise UsageError(
            f"{asked.run} was a rollback; to finish it: reconciler rollback {asked.undoes}"
        )
    head = Head(run_id(), "apply", now(), args.policies, resumes=asked.run)
    with Lock(store, run=head.run, command=head.command) as lock:
        # The run itself may have been at work when its journal was read first.
        return _finish(args, shell, find_run(store, asked.run), head, lock)


def _finish(args: argparse.Namespace, shell: Shell, past: PastRun, head: Head, lock: Lock) -> Exit:
    scope = take_over(args, past.plan, "--resume")
    if past.exit is Exit.OK:
        return _nothing(args, shell, past, head)
    context = context_for(args, shell, read_only=False, scope=scope)
    refuse_other_baseline(past.plan, context)
    skip_stale = args.on_stale == "skip"
    rest = rest_of(past, context, skip_stale=skip_stale, created_at=now())
    if not (rest.plan.changes or rest.cleared.skipped or rest.plan.errors):
        return _nothing(args, shell, past, head)
    present(args, shell, rest.plan)
    refuse_invalid(rest.plan)
    if not rest.cleared.works:
        return report(args, shell, rest.plan, rest.cleared.skipped, rest.plan.errors, run=head.run)
    if is_agreed(args, shell, context, rest.plan):
        return carry_out(args, shell, context, rest.plan, rest.cleared, head=head, lock=lock)
    shell.log("nothing applied")
    return report(args, shell, rest.plan, (), rest.plan.errors, run=head.run)


def _nothing(args: argparse.Namespace, shell: Shell, past: PastRun, head: Head) -> Exit:
    shell.log(f"nothing is left to do of {past.run}")
    return report(args, shell, Plan((), scope=past.plan.scope), (), (), run=head.run)
