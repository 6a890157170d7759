"""A Dask scheduler and its workers, in processes of their own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_START_S = 60


@dataclass
class Cluster:
    """`address` as --engine takes it; each worker has a folder and an environment of its own."""

    folder: Path
    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add(self, environ: Mapping[str, str], threads: int = 2) -> subprocess.Popen[bytes]:
        """Starts a worker; it has joined once `wait` returns."""
        own = self.folder / f"worker-{len(self.workers)}"
        own.mkdir()
        arguments = [
            self.address.replace("dask://", "tcp://"),
            *("--nthreads", str(threads), "--no-nanny", "--no-dashboard"),
            *("--local-directory", str(own / "scratch")),
        ]
        worker = _started("dask_worker", arguments, own, environ)
        self.workers.append(worker)
        return worker

    def wait(self) -> None:
        """Until all workers have joined."""
        from distributed import Client

        with Client(self.address.replace("dask://", "tcp://"), set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=_START_S)


@contextlib.contextmanager
def cluster(folder: Path, environs: Sequence[Mapping[str, str]]) -> Iterator[Cluster]:
    """A scheduler with a worker for each environment; all are killed on leaving."""
    told = folder / "scheduler.json"
    arguments = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    environ = dict(environs[0]) if environs else {}
    scheduler = _started(
        "dask_scheduler", [*arguments, "--scheduler-file", str(told)], folder, environ
    )
    found = Cluster(folder, "", scheduler)
    try:
        found.address = str(_told(told)["address"]).replace("tcp://", "dask://")
        for each in environs:
            found.add(each)
        if environs:
            found.wait()
        yield found
    finally:
        for process in (*found.workers, scheduler):
            process.kill()
            process.wait()


def _told(path: Path) -> Any:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError, ValueError):
            return json.loads(path.read_text())
        time.sleep(0.05)
    raise AssertionError("the scheduler does not start")


def _started(
    module: str, arguments: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    with (folder / f"{module}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=dict(environ),
        )
