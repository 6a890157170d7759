"""Draws the pictures of README and docs from real runs: `make docs`.

The command runs on a pseudo-terminal against the emulator, so that the picture shows what a
terminal shows.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from reconciler.cli.demo import open_allowlist
from reconciler.cli.demo_stage import Stage, emulator

_HERE = Path(__file__).parent
_WIDTH = 96
_THEME = TerminalTheme(
    (13, 17, 23),
    (201, 209, 217),
    [
        (72, 79, 88),
        (255, 123, 114),
        (86, 211, 100),
        (227, 179, 65),
        (121, 192, 255),
        (210, 168, 255),
        (86, 212, 221),
        (201, 209, 217),
    ],
)


def main() -> int:
    """Writes docs/plan.svg and docs/drift.svg."""
    with emulator() as url, tempfile.TemporaryDirectory() as state:
        stage = Stage(url, state)
        _draw(stage, ["plan", "--org", "acme"], "plan.svg")
        stage.run("apply", "--org", "acme", "--yes", since="Plan:")
        open_allowlist(stage)
        _draw(stage, ["drift", "--org", "acme"], "drift.svg")
    return 0


def _draw(stage: Stage, arguments: Sequence[str], name: str) -> None:
    console = Console(width=_WIDTH, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(Text(f"$ reconciler {' '.join(arguments)}\n", style="bold"))
    console.print(Text.from_ansi(_on_terminal(stage, arguments)))
    title = f"reconciler {arguments[0]}"
    console.save_svg(str(_HERE / name), title=title, theme=_THEME, unique_id=arguments[0])
    print(f"docs/{name}")


def _on_terminal(stage: Stage, arguments: Sequence[str]) -> str:
    """What the command prints on a terminal; standard error is left out."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "reconciler", *arguments]
    with subprocess.Popen(
        command, env=stage.environ, stdout=theirs, stderr=subprocess.DEVNULL
    ) as process:
        os.close(theirs)
        text = b"".join(iter(lambda: _read(ours), b""))
        process.wait(60)
    os.close(ours)
    return text.decode().replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


if __name__ == "__main__":
    sys.exit(main())
