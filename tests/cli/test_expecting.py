"""How long a run will take is told once, where that is long, with the reason."""

from __future__ import annotations

import pytest

from reconciler.cli.progress import Expecting
from reconciler.run.context import Silent
from tests.cli.driver import Cli
from tests.emulator.driver import Emulator


def told(total: int, step_s: float, pace: str = "8 at a time", *, steps: int = 0) -> list[str]:
    now, lines = [0.0], list[str]()
    progress = Expecting(Silent(), lines.append, pace, lambda: now[0])
    for label in ("finding APIs", "reading policies"):
        progress.begin(label, 1 if label.startswith("finding") else total)
        for _ in range(steps or (1 if label.startswith("finding") else total)):
            now[0] += step_s
            progress.advance()
        progress.end()
    return lines


@pytest.mark.parametrize(
    ("total", "step_s", "pace", "line"),
    [
        (
            1000,
            0.0625,
            "8 at a time",
            "reading policies: 1,000 in about 62 s (16 a second, 8 at a time); "
            "--parallelism 64, or auto, may take less",
        ),
        (
            100_000,
            0.01,
            "100 calls/s, as the service told",
            "reading policies: 100,000 in about 17 min (100 a second, 100 calls/s, "
            "as the service told)",
        ),
        (
            100_000,
            0.1,
            "64 at a time",
            "reading policies: 100,000 in about 2 h 47 min (10 a second, 64 at a time)",
        ),
    ],
)
def test_it_is_told_once(total: int, step_s: float, pace: str, line: str) -> None:
    assert told(total, step_s, pace) == [line]


@pytest.mark.parametrize(("total", "step_s"), [(10, 0.1), (100, 0.05), (1, 9.0)])
def test_nothing_is_said_of_what_is_over_soon(total: int, step_s: float) -> None:
    assert told(total, step_s) == []


def test_a_real_run_tells_it_on_stderr(cli: Cli, emulator: Emulator) -> None:
    emulator.fail({"delayMs": 1200}, path="/policies")
    done = cli.run("plan", "--format", "json", "--parallelism", "1")
    assert done.json["command"] == "plan"
    assert "reading policies: 9 in about" in done.err
    assert "1 at a time)" in done.err


def test_on_a_terminal_it_stands_above_the_bar(cli: Cli, emulator: Emulator) -> None:
    emulator.fail({"delayMs": 1200}, path="/policies")
    done = cli.on_terminal("plan", "--parallelism", "1")
    assert "reading policies: 9 in about" in done.out
    assert "1 at a time)\n" in done.out
