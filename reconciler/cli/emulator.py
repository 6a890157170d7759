"""`emulator`: the local stand-in for the services."""

from __future__ import annotations

import argparse
import importlib
import signal

from reconciler.cli.shell import Shell
from reconciler.errors import Exit, ReconcilerError


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    try:
        module = importlib.import_module("reconciler.emulator.__main__")
    except ModuleNotFoundError as error:
        install = "pip install 'reconciler[emulator]'"
        raise ReconcilerError(f"the emulator needs {error.name}: {install}") from error
    # It has its own way to stop.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return Exit.OK if module.run(args) == 0 else Exit.FAILURE
