"""The process around the command: streams, environment, terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from reconciler.errors import UsageError


@dataclass(frozen=True, slots=True)
class Shell:
    """Data goes to `out`, everything else to `err`."""

    out: TextIO
    err: TextIO
    input: TextIO
    environ: Mapping[str, str]
    cwd: Path
    quiet: bool = False

    @property
    def is_interactive(self) -> bool:
        """Whether somebody can be asked."""
        return self.input.isatty() and self.err.isatty()

    def has_colour(self, stream: TextIO, *, no_color: bool) -> bool:
        """Colour goes to terminals only, and not where NO_COLOR is set (no-color.org)."""
        return not (no_color or self.environ.get("NO_COLOR")) and stream.isatty()

    def data(self, text: str) -> None:
        self.out.write(text)

    def log(self, text: str) -> None:
        if not self.quiet:
            self.err.write(text + "\n")

    def ask(self, question: str) -> str:
        """The answer on the terminal; raises UsageError where there is none."""
        if not self.is_interactive:
            raise UsageError("there is no terminal to ask on: say --yes")
        self.err.write(question)
        self.err.flush()
        return self.input.readline().strip()


def process_shell() -> Shell:
    """The shell of this process; output is UTF-8 whatever the locale."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(encoding="utf-8", errors="backslashreplace")
    return Shell(sys.stdout, sys.stderr, sys.stdin, os.environ, Path.cwd())
