"""Entry point: dispatch, and the one place where failures become messages and exit codes."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, cast

from reconciler.cli.arguments import build_parser, parse
from reconciler.cli.shell import Shell, process_shell
from reconciler.errors import Exit, ReconcilerError, UsageError
from reconciler.show.clean import clean


class _Command(Protocol):
    def run(self, args: argparse.Namespace, shell: Shell) -> Exit: ...


# Modules are imported when their command runs, so that `--help` does not pay for all of them.
_MODULES: Mapping[str, str] = {
    "init": "reconciler.cli.init",
    "validate": "reconciler.cli.validate",
    "plan": "reconciler.cli.plan",
    "show": "reconciler.cli.plan_file",
    "apply": "reconciler.cli.apply",
    "drift": "reconciler.cli.drift",
    "list": "reconciler.cli.list",
    "describe": "reconciler.cli.describe",
    "explain": "reconciler.cli.explain",
    "export": "reconciler.cli.export",
    "doctor": "reconciler.cli.doctor",
    "completion": "reconciler.cli.completion",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if "_ARGCOMPLETE" in os.environ:
        _complete()
    if arguments[:1] == ["emulator"]:
        return _emulator(arguments[1:])
    shell = process_shell()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = _run(arguments, shell)
        shell.out.flush()
    except BrokenPipeError:
        # The reader went away (`| head`): nothing more can be said, and nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    return code


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _complete() -> None:
    import argcomplete

    argcomplete.autocomplete(build_parser())


def _emulator(arguments: Sequence[str]) -> int:
    try:
        module = importlib.import_module("reconciler.emulator.__main__")
    except ModuleNotFoundError as error:
        sys.stderr.write(f"the emulator needs {error.name}: pip install 'reconciler[emulator]'\n")
        return Exit.FAILURE
    return int(module.main(arguments))


def _run(arguments: Sequence[str], shell: Shell) -> Exit:
    command, format_ = _guess(arguments, "command"), _guess(arguments, "format")
    try:
        args = parse(arguments, shell.environ)
        command, format_ = args.command, args.format
        shell = replace(shell, quiet=args.quiet)
        _log_to(shell, args.verbose)
        module = cast(_Command, importlib.import_module(_MODULES[args.command]))
        return module.run(args, shell)
    except SystemExit as stop:  # --help and --version of argparse
        return Exit.OK if not stop.code else Exit.USAGE
    except KeyboardInterrupt:
        return _fail(shell, command, format_, Interrupted("interrupted; nothing half-written"))
    except ReconcilerError as error:
        return _fail(shell, command, format_, error)
    except BrokenPipeError:
        raise
    except Exception as error:  # the one catch-all: a bug must not show a traceback
        logging.getLogger(__name__).debug("internal error", exc_info=True)
        message = f"internal error: {type(error).__name__}; -vv shows where (please report it)"
        return _fail(shell, command, format_, ReconcilerError(message))


class Interrupted(ReconcilerError):
    """Ctrl-C or SIGTERM."""

    exit = Exit.INTERRUPTED


def _guess(arguments: Sequence[str], what: str) -> str:
    """Command and format of a command line that does not parse: JSON is printed all the same."""
    if what == "command":
        return next((item for item in arguments if item in _MODULES), "")
    for before, item in zip(["", *arguments], arguments, strict=False):
        if item == "--format=json" or (before, item) == ("--format", "json"):
            return "json"
    return os.environ.get("RECONCILER_FORMAT", "text")


def _fail(shell: Shell, command: str, format_: str, error: ReconcilerError) -> Exit:
    if format_ == "json":
        from reconciler.show.data import as_json, failure_data

        shell.data(as_json(failure_data(command, error)))
    lines = [clean(line) for line in str(error).split("\n")]
    prefix = "error: " if not isinstance(error, UsageError) else "usage: "
    shell.err.write("\n".join([prefix + lines[0], *lines[1:]]) + "\n")
    return error.exit


def _log_to(shell: Shell, verbose: int) -> None:
    levels: dict[int, Any] = {0: logging.WARNING, 1: logging.INFO}
    logging.basicConfig(
        stream=shell.err,
        level=levels.get(verbose, logging.DEBUG),
        format="%(levelname)s %(name)s: %(message)s",
        force=True,
    )
    # Their debug lines would name hosts, headers and query strings.
    for name in ("urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.WARNING)
