"""One run at a time: refused while the owner lives, taken over when it is gone, never shared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ReconcilerError, Refusal
from reconciler.run.lock import Lock
from reconciler.run.process import Process, is_gone, this_process
from reconciler.run.state import FolderStore, Store

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ELSEWHERE = Process("olga", "runner-7", "another machine", 4711, "1")


@dataclass
class Clock:
    """A clock and its ticks, set forward by hand."""

    now: datetime = NOON
    ticks: float = 0.0

    def forward(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)
        self.ticks += minutes * 60


@dataclass
class Scene:
    store: Store
    clock: Clock = field(default_factory=Clock)

    def lock(self, process: Process | None = None, run: str = "run-1", **more: Any) -> Lock:
        return Lock(
            self.store,
            run=run,
            command="apply",
            process=process,
            clock=lambda: self.clock.now,
            ticks=lambda: self.clock.ticks,
            **({"each_s": 3600} | more),
        )

    def left_by(self, process: Process) -> None:
        """A lock of a process that did not release it."""
        self.lock(process).__enter__()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(FolderStore(tmp_path / "state"))


@contextmanager
def a_process() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.kill()


def test_a_second_run_is_refused_with_owner_host_and_age(scene: Scene) -> None:
    with scene.lock():
        scene.clock.forward(3)
        with pytest.raises(Refusal) as raised, scene.lock():
            pass
    me = this_process()
    text = str(raised.value)
    assert f"apply run-1 of {me.user} on {me.host} (process {me.pid}, for 3 min)" in text
    assert "wait until it is done" in text


def test_it_is_free_after_any_end(scene: Scene) -> None:
    with pytest.raises(KeyboardInterrupt), scene.lock():
        raise KeyboardInterrupt
    assert scene.store.read("lock") is None
    with scene.lock():
        pass


def test_the_lock_of_a_process_that_is_gone_is_taken_at_once(scene: Scene) -> None:
    with a_process() as pid:
        other = replace(this_process(), pid=pid, started="")
    scene.left_by(other)
    with scene.lock(run="run-2") as lock:
        assert lock.lost == ""
        assert json.loads(scene.store.read("lock") or b"")["run"] == "run-2"


def test_the_lock_of_a_number_that_was_given_again_is_taken(scene: Scene) -> None:
    scene.left_by(replace(this_process(), started="long ago"))
    with scene.lock():
        pass


def test_the_lock_of_a_living_process_is_not_taken_however_silent(scene: Scene) -> None:
    scene.left_by(this_process())
    scene.clock.forward(600)
    with pytest.raises(Refusal, match="another run is at work"), scene.lock():
        pass


@pytest.mark.parametrize(("minutes", "is_taken"), [(14.9, False), (15.1, True)])
def test_a_lock_from_elsewhere_is_taken_after_a_quarter_of_an_hour(
    scene: Scene, minutes: float, is_taken: bool
) -> None:
    scene.left_by(ELSEWHERE)
    scene.clock.forward(minutes)
    if is_taken:
        with scene.lock():
            return
    with pytest.raises(Refusal, match=r"olga on runner-7 .* last heard of 14 min ago"):
        scene.lock().__enter__()


def test_renewing_keeps_a_lock_from_being_taken_elsewhere(scene: Scene) -> None:
    lock = scene.lock(ELSEWHERE)
    with lock:
        for _ in range(4):
            scene.clock.forward(9)
            lock.renew()
        with pytest.raises(Refusal, match="last heard of 0 s ago"), scene.lock():
            pass
        assert lock.lost == ""


def test_it_is_renewed_in_the_background(scene: Scene) -> None:
    with scene.lock(each_s=0.01):
        before = scene.store.read("lock")
        scene.clock.forward(1)
        for _ in range(500):
            if scene.store.read("lock") != before:
                break
            threading.Event().wait(0.01)
        assert scene.store.read("lock") != before


def test_a_holder_finds_that_its_lock_was_taken(scene: Scene) -> None:
    lock = scene.lock(ELSEWHERE)
    with lock:
        scene.clock.forward(16)
        with scene.lock(run="run-2") as other:
            assert "was taken by somebody else" in lock.lost
            assert other.lost == ""
            lock.__exit__(None, None, None)
            assert json.loads(scene.store.read("lock") or b"")["run"] == "run-2"


class Unwilling(FolderStore):
    def swap(self, name: str, old: bytes, new: bytes) -> bool:
        raise OSError(5, "no answer")


def test_whoever_cannot_renew_counts_itself_out_before_others_may_take(tmp_path: Path) -> None:
    scene = Scene(Unwilling(tmp_path))
    with scene.lock() as lock:
        scene.clock.forward(9)
        assert lock.lost == ""
        scene.clock.forward(2)
        assert "could not be renewed" in lock.lost


def test_of_many_that_take_over_at_once_one_wins(scene: Scene) -> None:
    scene.left_by(ELSEWHERE)
    scene.clock.forward(20)
    start = threading.Barrier(8)
    won: list[Lock] = []

    def take(number: int) -> None:
        start.wait()
        with suppress(Refusal):
            won.append(scene.lock(run=f"run-{number}").__enter__())

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert won[0].lost == ""


@pytest.mark.parametrize(
    "found", [b"{", b"[]", b'{"schemaVersion": 2}', b'"x"', b"\xff", b'{"schemaVersion": 1}']
)
def test_what_is_no_lock_is_refused_and_left(scene: Scene, found: bytes) -> None:
    scene.store.write("lock", found)
    with pytest.raises(Refusal, match="no lock that this version can read"), scene.lock():
        pass
    assert scene.store.read("lock") == found


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with (
        pytest.raises(ReconcilerError, match=r"nothing was sent.*--state-dir"),
        Scene(FolderStore(tmp_path / "state")).lock(),
    ):
        pass


def test_processes_elsewhere_are_neither_gone_nor_there() -> None:
    here = this_process()
    assert is_gone(here, here) is False
    assert is_gone(ELSEWHERE, here) is None
    assert is_gone(replace(here, pid=0), here) is None
    assert is_gone(replace(here, pid=2**30), here) is True


def test_a_process_of_a_host_without_boot_ids_is_known_by_its_host() -> None:
    here = replace(this_process(), machine="")
    assert is_gone(replace(here, host="other"), here) is None
    assert is_gone(here, here) is False
    assert os.getpid() == here.pid
