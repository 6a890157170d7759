"""`completion`: the script that makes a shell complete commands and flags."""

from __future__ import annotations

import argparse

import argcomplete

from reconciler.cli.shell import Shell
from reconciler.errors import Exit


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    shell.data(argcomplete.shellcode(["reconciler"], shell=args.shell))  # type: ignore[no-untyped-call]
    return Exit.OK
