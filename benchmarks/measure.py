"""Figures and how they are taken: each against its reference, in turns, within one run."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ENVIRON = {
    **{name: text for name, text in os.environ.items() if not name.startswith("ANYPOINT_")},
    "PYTHONPATH": str(ROOT),
    "ANYPOINT_CLIENT_ID": "demo",
    "ANYPOINT_CLIENT_SECRET": "demo",
    "RECONCILER_SECRET_KEY": "benchmark",
    "XDG_CACHE_HOME": "",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the table.

    measured, target: in `unit`, a ratio to `reference` where that is "×"; less is better. spread:
    the lowest and the highest of the rounds. detail: the absolute figures.
    """

    name: str
    measured: float
    target: float
    reference: str
    unit: str = "×"
    spread: tuple[float, float] | None = None
    detail: str = ""

    @property
    def is_met(self) -> bool:
        return self.measured <= self.target


@dataclass(slots=True)
class Results:
    """All figures of a run, and the series that are drawn."""

    figures: list[Figure] = field(default_factory=list)
    growth: list[dict[str, float]] = field(default_factory=list)


def in_turns(
    ours: Callable[[], float], theirs: Callable[[], float], rounds: int
) -> tuple[list[float], list[float]]:
    """What each gives in each round, one after the other: what slows the machine slows both."""
    mine, others = [], []
    for _ in range(rounds):
        mine.append(ours())
        others.append(theirs())
    return mine, others


def ratio(
    name: str,
    target: float,
    reference: str,
    taken: tuple[Sequence[float], Sequence[float]],
    *,
    unit: str = "s",
    per: float = 1.0,
) -> Figure:
    """The figure of two series: the ratio of their medians. per: what absolute figures are shown
    divided by."""
    ours, theirs = taken
    middle, other = statistics.median(ours), statistics.median(theirs)
    ratios = [one / two for one, two in zip(ours, theirs, strict=True)]
    detail = f"{middle / per:.4g} {unit} against {other / per:.4g} {unit}"
    return Figure(name, middle / other, target, reference, "×", (min(ratios), max(ratios)), detail)


def seconds(work: Callable[[], Any], repeats: int = 1) -> float:
    """CPU seconds of doing it so many times."""
    began = time.process_time()
    for _ in range(repeats):
        work()
    return time.process_time() - began


@dataclass(frozen=True, slots=True)
class Ran:
    """A process that has ended. wall_s, cpu_s; peak_mb: the most memory that it held."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    out: str


def run(
    command: Sequence[str],
    environ: Mapping[str, str] | None = None,
    *,
    cwd: Path = ROOT,
) -> Ran:
    """Runs a command to its end; RuntimeError where it fails."""
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**ENVIRON, **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {out[-500:]}")
    cpu_s = used.ru_utime + used.ru_stime
    return Ran(time.perf_counter() - began, cpu_s, used.ru_maxrss / 1024, out)


def reconciler(*arguments: str, cwd: Path, environ: Mapping[str, str] | None = None) -> Ran:
    """Runs the real command."""
    return run([sys.executable, "-m", "reconciler", *arguments], environ, cwd=cwd)


@dataclass(frozen=True, slots=True)
class Server:
    """A static server: where it is, the path of its list of APIs, and the authority of its TLS."""

    url: str
    listed: str
    ca: str = ""

    @property
    def environ(self) -> Mapping[str, str]:
        trust = {"REQUESTS_CA_BUNDLE": self.ca} if self.ca else {}
        return {"ANYPOINT_HOST": self.url, **trust}


@contextmanager
def serving(
    apis: int, latency_ms: float = 0, tls: tuple[str, str, str] | None = None
) -> Iterator[Server]:
    """The static server in a process of its own. tls: authority, certificate and key."""
    command = [sys.executable, "-m", "benchmarks.server", "--apis", str(apis)]
    command += ["--latency-ms", str(latency_ms)]
    command += ["--tls-cert", tls[1], "--tls-key", tls[2]] if tls else []
    with told(command) as line:
        url, listed = line.split()
        yield Server(url, listed, tls[0] if tls else "")


@contextmanager
def emulating(seed: str, latency_ms: int = 0) -> Iterator[str]:
    """The emulator in a process of its own; its URL."""
    command = [sys.executable, "-m", "reconciler.emulator", "--port", "0", "--seed", seed]
    with told([*command, "--latency-ms", str(latency_ms)]) as url:
        yield url


@contextmanager
def told(
    command: Sequence[str], *, cwd: Path = ROOT, environ: Mapping[str, str] = ENVIRON
) -> Iterator[str]:
    """The first line that a process says, while it runs."""
    with subprocess.Popen(
        command, cwd=cwd, env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
