"""One pace for all callers of a host: lowered when it throttles, raised slowly, never stuck."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.transport import Timing
from reconciler.transport.budget import RAISE_AFTER, SPREAD_S, Budget, Budgets, Pace
from tests.transport.clock import NOW, Clock

statuses = st.sampled_from([0, 200, 201, 204, 401, 403, 404, 409, 429, 500, 502, 503, 504])
answers = st.lists(st.tuples(statuses, st.integers(0, 2)))


def void(wait_s: float) -> None:
    """Allows any wait."""


def paced(maximum: int, heard: list[tuple[int, int]]) -> Pace:
    """The pace after answers; each is a status and how many halvings ago its call began."""
    pace = Pace(maximum, maximum)
    for status, age in heard:
        pace = pace.heard(status, pace.epoch - age)
    return pace


@given(st.integers(1, 64), answers)
def test_concurrency_stays_between_one_and_the_maximum(
    maximum: int, heard: list[tuple[int, int]]
) -> None:
    assert 1 <= paced(maximum, heard).limit <= maximum


@given(st.integers(1, 64), answers)
def test_enough_answers_bring_the_maximum_back(maximum: int, heard: list[tuple[int, int]]) -> None:
    pace = paced(maximum, heard)
    for _ in range(maximum * RAISE_AFTER):
        pace = pace.heard(200, pace.epoch)
    assert pace.limit == maximum


@given(st.integers(2, 64), statuses)
def test_one_answer_never_raises_by_more_than_one(maximum: int, status: int) -> None:
    before = Pace(maximum, 1, RAISE_AFTER - 1)
    assert before.heard(status, 0).limit - before.limit in (0, 1)


def test_a_burst_of_refusals_halves_once() -> None:
    pace = Pace(8, 8)
    for _ in range(8):
        pace = pace.heard(429, 0)
    assert pace.limit == 4
    assert pace.heard(503, pace.epoch).limit == 2


@pytest.mark.parametrize("status", [0, 500, 502, 504])
def test_a_failure_is_neither_throttling_nor_success(status: int) -> None:
    assert Pace(8, 4, 3).heard(status, 0) == Pace(8, 4, 3)


def test_the_longer_pause_holds() -> None:
    assert Pace(8, 8).quiet(9.0).quiet(5.0).quiet_until == 9


def test_a_pause_holds_for_all_and_they_come_back_spread() -> None:
    clock = Clock(share=0.5)
    budget = Budget(4, clock.timing)
    told = budget.enter(void)
    budget.leave(told, 429, 30.0)
    budget.leave(budget.enter(void), 200)
    assert clock.slept == [30 + SPREAD_S / 2]
    budget.enter(void)
    assert len(clock.slept) == 1


def test_whoever_may_not_wait_takes_no_place() -> None:
    class Impatient(Exception):
        pass

    def allow(wait_s: float) -> None:
        if wait_s:
            raise Impatient(wait_s)

    clock = Clock(share=0.0)
    budget = Budget(1, clock.timing)
    budget.leave(budget.enter(void), 503, 60.0)
    with pytest.raises(Impatient, match="60"):
        budget.enter(allow)
    clock.now += 60
    budget.leave(budget.enter(allow), 200)


def test_each_host_has_one_budget() -> None:
    budgets = Budgets(8, Timing())
    one = budgets.of("https://anypoint.mulesoft.com")
    assert one is budgets.of("https://ANYPOINT.mulesoft.com:443/x")
    assert one is not budgets.of("https://eu1.anypoint.mulesoft.com")
    assert budgets.of("http://127.0.0.1:1") is not budgets.of("http://127.0.0.1:2")


@given(st.integers(1, 6), st.randoms(use_true_random=False))
def test_threads_never_wait_for_ever_nor_exceed_the_limit(
    maximum: int, chance: random.Random
) -> None:
    """Real threads; time passes only while one sleeps."""
    clock = Clock(now=NOW, share=0.1)
    budget = Budget(maximum, clock.timing)
    plan = [(chance.choice([200, 200, 429, 503, 500, 0]), chance.random()) for _ in range(60)]
    in_flight: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    def call(answer: tuple[int, float]) -> None:
        status, quiet_s = answer
        ticket = budget.enter(void)
        with lock:
            in_flight.append(1)
            most.append(len(in_flight))
        with lock:
            in_flight.pop()
        budget.leave(ticket, status, quiet_s if status in (429, 503) else None)

    began = time.monotonic()
    with ThreadPoolExecutor(maximum * 3) as pool:
        list(pool.map(call, plan))
    assert max(most) <= maximum
    assert time.monotonic() - began < 20
    assert budget._in_flight == 0


def test_a_freed_place_goes_to_who_waits() -> None:
    budget = Budget(1, Timing())
    ticket = budget.enter(void)
    got: list[int] = []
    waiting = threading.Thread(target=lambda: got.append(budget.enter(void)))
    waiting.start()
    time.sleep(0.05)
    assert got == []
    began = time.monotonic()
    budget.leave(ticket, 200)
    waiting.join(5)
    assert got == [0]
    assert time.monotonic() - began < 0.5


# Several processes that share a host


def test_a_throttling_is_told_once_and_holds_where_it_is_told() -> None:
    clock, heard = Clock(share=0.5), list[tuple[object, float | None]]()
    here = Budgets(
        8, clock.timing, on_throttled=lambda host, quiet_s: heard.append((host, quiet_s))
    )
    there = Budgets(8, clock.timing, on_throttled=lambda *told: heard.append(told))
    budget, other = (one.of("https://one.example/x") for one in (here, there))
    tickets = [budget.enter(void) for _ in range(3)]
    for ticket in tickets:
        budget.leave(ticket, 429, 7.0)
    assert heard == [(("one.example", 443), 7.0)]
    there.tell(*heard[0])  # type: ignore[arg-type]
    there.tell(("never.asked", 443), 7.0)
    assert (budget.limit, other.limit, len(heard)) == (4, 4, 1)
    other.leave(other.enter(void), 200)
    assert clock.slept == [7 + SPREAD_S * 0.5]


def test_a_rate_falls_where_it_is_told() -> None:
    clock = Clock(share=0.0)
    budgets = Budgets(8, clock.timing, finds_rate=True)
    budget = budgets.of("http://127.0.0.1:1")
    for _ in range(20):
        budget.leave(budget.enter(void), 200)
    before = str(budget)
    budgets.tell(("127.0.0.1", 1), None)
    assert "were refused" not in before
    assert "were refused" in str(budget)
