"""Sends what was agreed to, keeps the journal of it, and tells what became of it."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

from reconciler.cli.outputs import tell
from reconciler.cli.plan import show
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import now, store_for
from reconciler.core.outcome import Outcome, exit_of
from reconciler.core.plan import Plan, PlanError
from reconciler.errors import Exit, worst
from reconciler.run.apply import apply, check_values
from reconciler.run.context import Context
from reconciler.run.journal import Head, Journal
from reconciler.run.lock import Lock
from reconciler.run.reviewed import Cleared
from reconciler.run.settle import begin_run, keep_run, with_rest
from reconciler.show.clean import clean
from reconciler.show.data import apply_data, as_json
from reconciler.show.findings import Result
from reconciler.show.markdown import outcomes_markdown
from reconciler.show.text import Style, outcomes_text, plan_text

_ABANDONED = (
    "stopped at once; calls in flight may have been taken: plan again to see, "
    "or finish with: reconciler apply --resume {}"
)


def present(args: argparse.Namespace, shell: Shell, plan: Plan) -> None:
    """Shows what is about to be applied."""
    if args.format == "text":
        show(plan, args, shell)
    elif not (args.yes or args.expect_digest):
        # Whoever is asked sees what about; stdout is for one document in the format asked for.
        style = Style(shell.has_colour(shell.err, no_color=args.no_color))
        shell.err.write(plan_text(plan, style))


def is_agreed(args: argparse.Namespace, shell: Shell, context: Context, plan: Plan) -> bool:
    """Whether somebody says yes, now or on the command line."""
    if args.yes or args.expect_digest:
        return True
    count = len(plan.changes)
    counted = "1 change" if count == 1 else f"{count} changes"
    with context.deadline.paused():
        return shell.ask(f"\nApply {counted}? Only 'yes' does it: ") == "yes"


def carry_out(
    args: argparse.Namespace,
    shell: Shell,
    context: Context,
    plan: Plan,
    cleared: Cleared,
    *,
    head: Head,
    lock: Lock,
) -> Exit:
    """Applies the works and reports; the lock is held by the caller.

    Raises PolicyError where a value to be sent is not known, ReconcilerError where the journal
    cannot be begun: nothing is sent then.
    """
    check_values(cleared.works)
    journal = Journal(
        store_for(args, shell),
        head,
        plan,
        [work.diff for work in cleared.works],
        redactor=context.redactor,
        clock=now,
        lost=lambda: lock.lost,
    )
    stop = Event()
    errors = (*plan.errors, *cleared.errors)
    is_undone = bool(head.undoes)
    with _stopping(stop, shell, head.run):
        warn(shell, begin_run(context, cleared.compared, head.run, now(), is_undone=is_undone))
        outcomes = apply(replace(context, account=journal), cleared.works, stop)
        is_read = is_undone or stop.is_set()
        read = cleared.compared if is_read else with_rest(context, cleared.compared)
        warn(shell, keep_run(context, read, head.run, now(), is_undone=is_undone))
        journal.left_out(cleared.skipped)
        found = (*outcomes, *cleared.skipped)
        codes = [Exit.INTERRUPTED] if stop.is_set() else []
        code = worst([*codes, *_codes(found, errors)])
        context.memory.close()
        failure = journal.end(code, plan.counts)
    if failure:
        errors = (*errors, PlanError(failure, Exit.FAILURE))
        code = worst([*codes, *_codes(found, errors)])
    code = worst([code, report(args, shell, plan, found, errors, run=head.run)])
    if code in (Exit.INTERRUPTED, Exit.PARTIAL):
        again = f"rollback {head.undoes}" if head.undoes else f"apply --resume {head.run}"
        shell.log(f"not all is done; to finish it: reconciler {again}")
    return code


def warn(shell: Shell, text: str) -> None:
    """Says what went wrong without harm, if anything did."""
    if text:
        shell.err.write(f"warning: {clean(text)}\n")


def report(
    args: argparse.Namespace,
    shell: Shell,
    plan: Plan,
    outcomes: Sequence[Outcome],
    errors: Sequence[PlanError],
    *,
    run: str,
) -> Exit:
    """Prints what became of the changes of a plan; the exit code that it asks for."""
    data = apply_data(plan, run, outcomes, errors)
    told = Result("apply", replace(plan, errors=tuple(errors)), data, outcomes)
    if args.format == "json":
        shell.data(as_json(data))
    elif args.format == "markdown":
        shell.data(outcomes_markdown(outcomes, errors))
    elif outcomes:
        style = Style(shell.has_colour(shell.out, no_color=args.no_color))
        shell.data("\n" + outcomes_text(outcomes, errors, style))
    return worst([*tell(args, shell, told), *_codes(outcomes, errors)])


def _codes(outcomes: Sequence[Outcome], errors: Sequence[PlanError]) -> list[Exit]:
    return [*exit_of(outcomes), *(error.exit for error in errors)]


@contextmanager
def _stopping(stop: Event, shell: Shell, run: str) -> Iterator[None]:
    """While it lasts Ctrl-C and SIGTERM let calls in flight finish and nothing new begin."""

    def note(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt(_ABANDONED.format(run))
        stop.set()
        shell.err.write("\nstopping: calls in flight finish, nothing new is sent\n")

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
