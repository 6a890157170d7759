"""A progress bar on stderr, on terminals only."""

from __future__ import annotations

from typing import Any, TextIO, cast

from reconciler.cli.shell import Shell
from reconciler.run.context import Progress, Silent


def progress_for(shell: Shell, pace: object = "", *, no_color: bool) -> Progress:
    """A bar where somebody watches, else nothing. pace: as text, how fast calls go, and why."""
    if shell.quiet or not shell.err.isatty():
        return Silent()
    has_colour = shell.has_colour(shell.err, no_color=no_color)
    return _Bar(cast(TextIO, shell.err), "cyan" if has_colour else None, pace)


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

    def end(self) -> None:
        if self._bar:
            self._bar.close()
            self._bar = None
