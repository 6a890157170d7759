"""A progress bar on stderr, on terminals only."""

from __future__ import annotations

from typing import Any, TextIO, cast

from reconciler.cli.shell import Shell
from reconciler.run.context import Progress, Silent


def progress_for(shell: Shell, *, no_color: bool) -> Progress:
    """A bar where somebody watches, else nothing."""
    if shell.quiet or not shell.err.isatty():
        return Silent()
    has_colour = shell.has_colour(shell.err, no_color=no_color)
    return _Bar(cast(TextIO, shell.err), "cyan" if has_colour else None)


class _Bar:
    def __init__(self, stream: TextIO, colour: str | None) -> None:
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
            bar_format="{desc} {bar:30} {n_fmt}/{total_fmt} {elapsed}",
            disable=total == 0,
        )

    def advance(self) -> None:
        if self._bar:
            self._bar.update()

    def end(self) -> None:
        if self._bar:
            self._bar.close()
            self._bar = None
