"""`completion`: the script that makes a shell complete commands and flags."""

from __future__ import annotations

import argparse

from argcomplete.shell_integration import shellcode

from reconciler.cli.shell import Shell
from reconciler.errors import Exit


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    shell.data(shellcode(["reconciler"], shell=args.shell))
    return Exit.OK
