"""Runs the command of a verb: the one place where failures become messages and exit codes."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol, TextIO, cast

from reconciler.cli.arguments import wanted_format
from reconciler.cli.shell import Shell, process_shell
from reconciler.cli.verbs import VERBS
from reconciler.errors import Exit, PolicyError, ReconcilerError, UsageError, worst
from reconciler.show.clean import clean


class _Command(Protocol):
    def run(self, args: argparse.Namespace, shell: Shell) -> Exit: ...


class _Interrupted(ReconcilerError):
    """Ctrl-C or SIGTERM."""

    exit = Exit.INTERRUPTED


# Modules are imported when their command runs: none pays for the others.
_MODULES: Mapping[str, str] = {
    **{verb: f"reconciler.cli.{verb}" for verb in VERBS},
    "show": "reconciler.cli.plan_file",
}


def dispatch(args: argparse.Namespace) -> int:
    """Runs the command; returns its exit code."""
    shell = process_shell()
    shell = replace(shell, quiet=args.quiet)
    code = Exit.INTERRUPTED
    # A second interrupt, while the first is being told, is no news.
    with suppress(KeyboardInterrupt):
        signal.signal(signal.SIGTERM, _interrupt)
        code = _flushed(shell, _run(args, shell))
    if code is Exit.INTERRUPTED:
        shell.err.flush()
        # An ordinary end would wait for the threads, and so for a service that does not answer.
        os._exit(code)
    return code


def refuse(arguments: Sequence[str], message: str) -> int:
    """Says that the command line does not make sense."""
    shell = process_shell()
    command = next((item for item in arguments if item in VERBS), "")
    format_ = wanted_format(arguments, os.environ)
    return _flushed(shell, _fail(shell, command, format_, UsageError(message)))


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _flushed(shell: Shell, code: Exit) -> Exit:
    """The exit code, which also tells where the output could not be written."""
    shell.out.flush()
    if shell.out.failure:
        shell.err.write(f"error: cannot write the output: {shell.out.failure}\n")
        return worst([code, Exit.FAILURE])
    return code


def _run(args: argparse.Namespace, shell: Shell) -> Exit:
    try:
        _log_to(shell, args.verbose)
        module = cast(_Command, importlib.import_module(_MODULES[args.command]))
        return module.run(args, shell)
    except KeyboardInterrupt as stop:
        error: ReconcilerError = _Interrupted(str(stop) or "interrupted; nothing half-written")
    except ReconcilerError as raised:
        error = raised
    except Exception as bug:  # the one catch-all: a bug must not show a traceback
        logging.getLogger(__name__).debug("internal error\n%s", "\n".join(_places(bug)))
        message = f"internal error: {type(bug).__name__}; -vv shows where (please report it)"
        error = ReconcilerError(message)
    if getattr(args, "out", None) or shell.environ.get("GITHUB_ACTIONS"):
        importlib.import_module("reconciler.cli.outputs").tell_failure(args, shell, error)
    return _fail(shell, args.command, args.format, error)


def _places(bug: BaseException | None) -> Iterator[str]:
    """Where it happened, from the outermost call, with what it came from. Only types and places:
    messages and values may hold a secret."""
    while bug is not None:
        yield f"{type(bug).__name__}, raised at"
        for frame in traceback.extract_tb(bug.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        bug = bug.__cause__ or bug.__context__


def _fail(shell: Shell, command: str, format_: str, error: ReconcilerError) -> Exit:
    if format_ == "json":
        from reconciler.show.data import as_json, failure_data

        shell.data(as_json(failure_data(command, error)))
    shell.err.write("\n".join(_lines(error)) + "\n")
    return error.exit


def _lines(error: ReconcilerError) -> Iterator[str]:
    """The message, each problem of the files on a line of its own; a name with a line break in
    it cannot begin a line."""
    if isinstance(error, PolicyError):
        yield from (f"error: {clean(str(problem))}" for problem in error.problems)
        return
    first, *others = map(clean, str(error).split("\n"))
    yield f"{'usage' if isinstance(error, UsageError) else 'error'}: {first}"
    yield from (f"  {line.strip()}" for line in others)


def _log_to(shell: Shell, verbose: int) -> None:
    levels: dict[int, Any] = {0: logging.WARNING, 1: logging.INFO}
    handler = logging.StreamHandler(cast(TextIO, shell.err))
    handler.setFormatter(_Lines("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    # Of other packages warnings only; of these not even those: they quote what a service sent.
    for name in ("urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger("reconciler").setLevel(levels.get(verbose, logging.DEBUG))


class _Lines(logging.Formatter):
    """Log lines that no name from outside can forge, and that hold no exception: its message may
    hold a secret."""

    def format(self, record: logging.LogRecord) -> str:
        told = logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None})
        return "\n".join(map(clean, super().format(told).split("\n")))
