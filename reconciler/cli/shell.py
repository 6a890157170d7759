"""The process around the command: streams, environment, terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from reconciler.errors import UsageError
from reconciler.show.clean import without_commands


@dataclass(frozen=True, slots=True)
class Shell:
    """Data goes to `out`, everything else to `err`."""

    out: Stream
    err: Stream
    input: TextIO
    environ: Mapping[str, str] = field(repr=False)
    cwd: Path
    quiet: bool = False

    @property
    def is_interactive(self) -> bool:
        """Whether somebody can be asked."""
        return self.input.isatty() and self.err.isatty()

    def has_colour(self, stream: Stream, *, no_color: bool) -> bool:
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


class Stream:
    """A stream that goes on in silence when it can no longer be written.

    What the command does, and what it tells of it, does not depend on who reads its output: a
    reader that goes away (`| head`) is no failure. Any other reason is kept in `failure`.
    Nothing that is written is a command to a build server, whatever names are in it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding
        self.failure = ""

    def write(self, text: str) -> int:
        try:
            return self._stream.write(without_commands(text))
        except OSError as error:
            return self._to_nowhere(error, len(text))

    def command(self, text: str) -> None:
        """Lines that a build server is to act on, from `show.github` alone."""
        try:
            self._stream.write(text)
        except OSError as error:
            self._to_nowhere(error)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._to_nowhere(error)

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def _to_nowhere(self, error: OSError, length: int = 0) -> int:
        if not isinstance(error, BrokenPipeError):
            self.failure = error.strerror or type(error).__name__
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        return length


def process_shell() -> Shell:
    """The shell of this process; output is UTF-8 whatever the locale."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(encoding="utf-8", errors="backslashreplace")
    return Shell(Stream(sys.stdout), Stream(sys.stderr), sys.stdin, os.environ, Path.cwd())
