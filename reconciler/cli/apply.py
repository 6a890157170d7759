"""`apply`: carry out a reviewed plan, or plan, ask and carry out."""

from __future__ import annotations

import argparse
from dataclasses import replace

from reconciler.cli import resume
from reconciler.cli.carry import carry_out, is_agreed, present, report, warn
from reconciler.cli.outputs import check_places
from reconciler.cli.plan_file import read
from reconciler.cli.said import refuse_other_baseline, take_over
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for, now, run_id, store_for
from reconciler.core.plan import Plan, digest
from reconciler.errors import Exit, Refusal, UsageError
from reconciler.run.apply import Work
from reconciler.run.context import Context
from reconciler.run.converge import Compared, compare
from reconciler.run.journal import Head
from reconciler.run.lock import Lock
from reconciler.run.reviewed import Cleared, check_digest, clear, refuse_invalid
from reconciler.run.settle import keep_run, with_rest


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    check_places(args, shell)
    if args.resume:
        return resume.run(args, shell)
    if args.plan:
        return _apply_saved(args, shell)
    if not (args.yes or args.expect_digest or shell.is_interactive):
        raise UsageError("there is no terminal to ask on: say --yes, or apply a saved plan")
    context = context_for(args, shell, read_only=False)
    compared = compare(context, notes=True)
    plan = compared.plan(context, now())
    if args.expect_digest:
        _expect(plan, args.expect_digest)
    present(args, shell, plan)
    refuse_invalid(plan)
    if not plan.changes:
        name = run_id()
        warn(shell, keep_run(context, compared, name, now()))
        return report(args, shell, plan, (), plan.errors, run=name)
    cleared = _agreed(args, shell, plan, context, compared)
    if cleared is None:
        shell.log("nothing applied")
        return report(args, shell, plan, (), plan.errors, run=run_id())
    return _carry_out(args, shell, context, plan, replace(cleared, compared=compared))


def _apply_saved(args: argparse.Namespace, shell: Shell) -> Exit:
    plan, claimed = read(shell.cwd / args.plan, args.plan)
    scope = take_over(args, plan, "a saved plan")
    check_digest(plan, claimed)
    if args.expect_digest:
        _expect(plan, args.expect_digest)
    context = context_for(args, shell, read_only=False, scope=scope)
    refuse_other_baseline(plan, context)
    cleared = clear(plan, context, skip_stale=args.on_stale == "skip")
    return _carry_out(args, shell, context, plan, cleared)


def _expect(plan: Plan, expected: str) -> None:
    if digest(plan) != expected:
        raise Refusal(f"the plan is not the reviewed one: its digest is {digest(plan)}")


def _agreed(
    args: argparse.Namespace, shell: Shell, plan: Plan, context: Context, compared: Compared
) -> Cleared | None:
    """What to carry out, or None where somebody said no."""
    if args.yes or args.expect_digest:
        jobs = {job.address: job for job in compared.jobs}
        diffs = sorted(compared.diffs, key=lambda diff: diff.desired.address)
        works = [Work(jobs[diff.desired.address], diff) for diff in diffs if diff.steps]
        return Cleared(tuple(works), (), compared)
    if not is_agreed(args, shell, context, plan):
        return None
    # Time has passed while somebody was reading.
    return clear(plan, context, skip_stale=args.on_stale == "skip")


def _carry_out(
    args: argparse.Namespace, shell: Shell, context: Context, plan: Plan, cleared: Cleared
) -> Exit:
    head = Head(run_id(), "apply", now(), context.project.root)
    if not cleared.works:
        read = with_rest(context, cleared.compared)
        warn(shell, keep_run(context, read, head.run, now()))
        errors = (*plan.errors, *cleared.errors)
        return report(args, shell, plan, cleared.skipped, errors, run=head.run)
    with Lock(store_for(args, shell), run=head.run, command=head.command) as lock:
        return carry_out(args, shell, context, plan, cleared, head=head, lock=lock)
