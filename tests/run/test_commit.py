"""Many threads, one log: in whole lines, in order of each thread, with few writes to disk."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from reconciler.run.commit import SharedLog


class Recording:
    """A log that keeps what it was given, and fails at append number `fails_at`, from 1."""

    def __init__(self, fails_at: int = 0) -> None:
        self.data = b""
        self.lasting: list[bool] = []
        self.fails_at = fails_at
        self.closed = 0
        self.during: Callable[[], None] = lambda: None

    def append(self, data: bytes, *, lasting: bool = True) -> None:
        self.lasting.append(lasting)
        if len(self.lasting) == self.fails_at:
            raise OSError(28, "No space left on device")
        self.during()
        self.data += data

    def close(self) -> None:
        self.closed += 1


def run_all(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_every_line_of_every_thread_is_there_in_its_order() -> None:
    inner = Recording()
    log = SharedLog(inner)

    def work(number: int) -> None:
        for line in range(50):
            added = log.add(b"%d %d\n" % (number, line), lasting=line % 3 > 0)
            if line % 3:
                log.wait(added)

    run_all(8, work)
    log.close()
    lines = [tuple(map(int, line.split())) for line in inner.data.splitlines()]
    assert sorted(lines) == [(number, line) for number in range(8) for line in range(50)]
    for number in range(8):
        assert [line for who, line in lines if who == number] == list(range(50))


def test_what_comes_during_a_write_shares_the_next() -> None:
    inner = Recording()
    log = SharedLog(inner)
    begun, go_on = threading.Event(), threading.Event()

    def during() -> None:
        inner.during = lambda: None
        begun.set()
        go_on.wait(10)

    inner.during = during
    first = log.add(b"first\n")
    assert begun.wait(10)
    more = [log.add(b"more\n") for _ in range(7)]
    go_on.set()
    for number in (first, *more):
        log.wait(number)
    assert inner.data == b"first\n" + b"more\n" * 7
    assert inner.lasting == [True, True]
    log.close()


def test_what_need_not_last_is_there_when_it_is_closed() -> None:
    inner = Recording()
    log = SharedLog(inner)
    log.add(b"one\n", lasting=False)
    log.close()
    assert (inner.data, inner.lasting, inner.closed) == (b"one\n", [False], 1)


def test_after_a_failure_nothing_is_added_and_all_are_told() -> None:
    inner = Recording(fails_at=2)
    log = SharedLog(inner)
    log.append(b"one\n")
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            log.append(b"two\n")
    log.add(b"three\n", lasting=False)
    log.close()
    assert log.failure is not None
    assert (inner.data, len(inner.lasting)) == (b"one\n", 2)


def test_all_that_wait_for_a_write_that_fails_are_told() -> None:
    inner = Recording(fails_at=1)
    log = SharedLog(inner)
    failures: list[OSError] = []

    def work(number: int) -> None:
        try:
            log.append(b"%d\n" % number)
        except OSError as error:
            failures.append(error)

    run_all(6, work)
    assert (len(failures), inner.data) == (6, b"")
    log.close()
