"""`apply`: carry out a reviewed plan, or plan, ask and carry out."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

from reconciler.cli.plan import show
from reconciler.cli.plan_file import read
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for, now, run_id
from reconciler.core.outcome import Outcome, exit_of
from reconciler.core.plan import Plan, PlanError, digest
from reconciler.errors import Exit, Refusal, UsageError, worst
from reconciler.run.apply import Work, apply
from reconciler.run.context import Context, Scope
from reconciler.run.converge import Compared, compare
from reconciler.run.reviewed import Cleared, check_digest, clear, refuse_invalid
from reconciler.run.settle import begin_run, keep_run, with_rest
from reconciler.show.clean import clean
from reconciler.show.data import apply_data, as_json
from reconciler.show.markdown import outcomes_markdown
from reconciler.show.text import Style, outcomes_text, plan_text

# What somebody said when the plan was made, and where it stands in the plan's scope.
_PLANNED = {
    "max_deletes": "maxDeletes",
    "allow_weakening": "allowWeakening",
    "allow_empty": "allowEmpty",
    "resend_secrets": "resendSecrets",
}
_ABANDONED = "stopped at once; calls in flight may have been taken: plan again to see"


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    if args.plan:
        return _apply_saved(args, shell)
    if not (args.yes or args.expect_digest or shell.is_interactive):
        raise UsageError("there is no terminal to ask on: say --yes, or apply a saved plan")
    context = context_for(args, shell, read_only=False)
    compared = compare(context)
    plan = compared.plan(context, now())
    if args.expect_digest:
        _expect(plan, args.expect_digest)
    if args.format == "text":
        show(plan, args, shell)
    elif not (args.yes or args.expect_digest):
        # Whoever is asked sees what about; stdout is for one document in the format asked for.
        style = Style(shell.has_colour(shell.err, no_color=args.no_color))
        shell.err.write(plan_text(plan, style))
    refuse_invalid(plan)
    run_ = run_id()
    if not plan.changes:
        _warn(shell, keep_run(context, compared, run_, now()))
        return _report(args, shell, plan, run_, (), plan.errors)
    cleared = _agreed(args, shell, plan, context, compared)
    if cleared is None:
        shell.log("nothing applied")
        return _report(args, shell, plan, run_, (), plan.errors)
    return _carry_out(args, shell, context, plan, run_, replace(cleared, compared=compared))


def _apply_saved(args: argparse.Namespace, shell: Shell) -> Exit:
    plan, claimed = read(shell.cwd / args.plan, args.plan)
    _refuse_other_scope(args, plan)
    check_digest(plan, claimed)
    if args.expect_digest:
        _expect(plan, args.expect_digest)
    for name, flag in _PLANNED.items():
        setattr(args, name, plan.scope.get(flag))
    context = context_for(args, shell, read_only=False, scope=_scope(plan))
    _refuse_other_baseline(plan, context)
    cleared = clear(plan, context, skip_stale=args.on_stale == "skip")
    return _carry_out(args, shell, context, plan, run_id(), cleared)


def _refuse_other_baseline(plan: Plan, context: Context) -> None:
    """What guarded the plan must guard its apply; more may."""
    planned = plan.scope.get("baseline")
    if planned and not context.baseline:
        raise Refusal("the plan was made against a baseline: say the same --baseline here")
    if planned and planned != context.baseline:
        raise Refusal(
            "the baseline guards something else than when the plan was made: "
            "make a new plan and have it reviewed"
        )


def _refuse_other_scope(args: argparse.Namespace, plan: Plan) -> None:
    """The same filters may be given again, as variables of a pipeline do."""
    given = Scope(tuple(args.org), tuple(args.env), tuple(args.api))
    is_other = given not in (Scope(), _scope(plan))
    flags = [
        name
        for name, flag in _PLANNED.items()
        if getattr(args, name) not in (None, plan.scope.get(flag))
    ]
    if is_other or flags:
        raise UsageError(
            "a saved plan has its own scope and limits: leave --org, --env, --api, "
            f"{', '.join('--' + name.replace('_', '-') for name in _PLANNED)} out"
        )


def _scope(plan: Plan) -> Scope:
    names = ("org", "env", "api")
    return Scope(*(tuple(map(str, plan.scope.get(name, ()))) for name in names))


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
    with context.deadline.paused():
        answer = shell.ask(f"\nApply {_counted(plan)}? Only 'yes' does it: ")
    if answer != "yes":
        return None
    # Time has passed while somebody was reading.
    return clear(plan, context, skip_stale=args.on_stale == "skip")


def _counted(plan: Plan) -> str:
    count = len(plan.changes)
    return "1 change" if count == 1 else f"{count} changes"


def _carry_out(
    args: argparse.Namespace,
    shell: Shell,
    context: Context,
    plan: Plan,
    run_: str,
    cleared: Cleared,
) -> Exit:
    stop = Event()
    with _stopping(stop, shell):
        _warn(shell, begin_run(context, cleared.compared, run_, now()))
        outcomes = apply(context, cleared.works, stop)
        read = cleared.compared if stop.is_set() else with_rest(context, cleared.compared)
        _warn(shell, keep_run(context, read, run_, now()))
    errors = (*plan.errors, *cleared.errors)
    code = _report(args, shell, plan, run_, (*outcomes, *cleared.skipped), errors)
    return Exit.INTERRUPTED if stop.is_set() else code


def _warn(shell: Shell, text: str) -> None:
    if text:
        shell.err.write(f"warning: {clean(text)}\n")


@contextmanager
def _stopping(stop: Event, shell: Shell) -> Iterator[None]:
    """While it lasts Ctrl-C and SIGTERM let calls in flight finish and nothing new begin."""

    def note(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt(_ABANDONED)
        stop.set()
        shell.err.write("\nstopping: calls in flight finish, nothing new is sent\n")

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report(
    args: argparse.Namespace,
    shell: Shell,
    plan: Plan,
    run_: str,
    outcomes: Sequence[Outcome],
    errors: Sequence[PlanError],
) -> Exit:
    if args.format == "json":
        shell.data(as_json(apply_data(plan, run_, outcomes, errors)))
    elif args.format == "markdown":
        shell.data(outcomes_markdown(outcomes, errors))
    elif outcomes:
        style = Style(shell.has_colour(shell.out, no_color=args.no_color))
        shell.data("\n" + outcomes_text(outcomes, errors, style))
    return worst([*exit_of(outcomes), *(error.exit for error in errors)])
