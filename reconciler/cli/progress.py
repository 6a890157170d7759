"""What is told on stderr of work that takes a while: how long it will, and a bar on terminals."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Any, TextIO, cast

from reconciler.cli.shell import Shell
from reconciler.run.context import Progress, Silent

_AFTER_S = 2.0
_LONG_S = 10.0
_USUAL = "8 at a time"


def progress_for(shell: Shell, pace: object = "", *, no_color: bool) -> Progress:
    """A bar where somebody watches; everywhere, how long it will take, where that is long. pace:
    as text, how fast calls go, and why."""
    if shell.quiet:
        return Silent()
    if not shell.err.isatty():
        return Expecting(Silent(), shell.log, pace)
    has_colour = shell.has_colour(shell.err, no_color=no_color)
    bar = _Bar(cast(TextIO, shell.err), "cyan" if has_colour else None, pace)
    return Expecting(bar, bar.say, pace)


class Expecting:
    """Says once for each stage how long it will take, and why, as soon as that can be told.

    Nothing is said of what is over in seconds. say: takes a line. clock: seconds.
    """

    def __init__(
        self,
        inner: Progress,
        say: Callable[[str], None],
        pace: object,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner, self._say, self._pace, self._clock = inner, say, pace, clock
        self._lock = Lock()
        self._label, self._total, self._done = "", 0, 0
        self._began = 0.0
        self._is_said = True

    def begin(self, label: str, total: int) -> None:
        self._label, self._total, self._done = label, total, 0
        self._began, self._is_said = self._clock(), False
        self._inner.begin(label, total)

    def advance(self) -> None:
        self._inner.advance()
        with self._lock:
            self._done += 1
            spent_s = self._clock() - self._began
            if self._is_said or spent_s < _AFTER_S:
                return
            self._is_said = True
        whole_s = spent_s / self._done * self._total
        if whole_s >= _LONG_S:
            self._say(self._told(whole_s, self._done / spent_s))

    def end(self) -> None:
        self._is_said = True
        self._inner.end()

    def _told(self, whole_s: float, per_s: float) -> str:
        pace = str(self._pace)
        why = f"{per_s:.3g} a second{f', {pace}' if pace else ''}"
        hint = "; --parallelism 64, or auto, may take less" if pace == _USUAL else ""
        return f"{self._label}: {self._total:,} in about {_duration(whole_s)} ({why}){hint}"


def _duration(seconds: float) -> str:
    """Roughly: `40 s`, `3 min`, `2 h 10 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


class _Bar:
    def __init__(self, stream: TextIO, colour: str | None, pace: object) -> None:
        self._pace = pace
        self._stream, self._colour = stream, colour
        self._bar: Any = None

    def begin(self, label: str, total: int) -> None:
        from tqdm import tqdm  # only where somebody watches

        self._bar = tqdm(
            total=total,
            desc=label,
            file=self._stream,
            leave=False,
            colour=self._colour,
            bar_format="{desc} {bar:30} {n_fmt}/{total_fmt} {elapsed}, {remaining} to go{postfix}",
            disable=total == 0,
        )

    def advance(self) -> None:
        if self._bar:
            self._bar.set_postfix_str(str(self._pace), refresh=False)
            self._bar.update()

    def say(self, text: str) -> None:
        """A line above the bar."""
        self._bar.write(text, file=self._stream)

    def end(self) -> None:
        if self._bar:
            self._bar.close()
            self._bar = None
