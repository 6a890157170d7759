"""The rate of a host is found: nearly all of it is used, and hardly a call is refused."""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.throttled import Takes, fixed_window, run, sliding_window, token_bucket
from reconciler.transport import Bounds, Timing
from reconciler.transport.backoff import told_allowance
from reconciler.transport.budget import Budget, Budgets
from reconciler.transport.rate import START_PER_S, Allowance, Rate
from tests.transport.clock import NOW, Clock

statuses = st.sampled_from([0, 200, 201, 404, 429, 500, 503, 504])


def void(wait_s: float) -> None:
    """Allows any wait."""


def shapes(limit: int, shift_s: float) -> dict[str, Takes]:
    return {
        "fixed": fixed_window(limit, 1.0, shift_s),
        "sliding": sliding_window(limit, 1.0),
        "small bucket": token_bucket(limit, limit / 10),
        "large bucket": token_bucket(limit, limit),
    }


@pytest.mark.parametrize("shape", shapes(1, 0.0))
@pytest.mark.parametrize("latency_s", [0.02, 0.05, 0.1])
def test_a_limit_of_a_hundred_a_second_is_used_and_kept(shape: str, latency_s: float) -> None:
    done = run(shapes(100, 0.0)[shape], 3000, latency_s)
    assert done.seconds < 1.2 * 3000 / 100
    assert done.refused < 0.02 * 3000
    assert done.lost == 0


@given(
    st.integers(60, 250),
    st.floats(0.01, 0.1),
    st.floats(0, 1),
    st.sampled_from(sorted(shapes(1, 0.0))),
    st.integers(0, 99),
)
def test_a_limit_is_found_whatever_it_is(
    limit: int, latency_s: float, shift_s: float, shape: str, seed: int
) -> None:
    calls = limit * 30
    done = run(shapes(limit, shift_s)[shape], calls, latency_s, seed)
    assert done.seconds < 1.25 * calls / limit
    assert done.refused < 0.025 * calls
    assert done.lost == 0


@given(st.integers(5, 400), st.floats(0.01, 1.0), st.floats(1, 20), st.booleans())
def test_every_run_ends_with_all_its_calls(
    limit: int, latency_s: float, window_s: float, is_fixed: bool
) -> None:
    window = fixed_window if is_fixed else sliding_window
    calls = 1000
    done = run(window(max(1, int(limit * window_s)), window_s), calls, latency_s)
    assert done.seconds < 10 + 3 * (calls / min(limit, 128 / latency_s) + window_s)
    assert min(done.rates) >= 1


def test_without_a_limit_the_callers_are_what_limits() -> None:
    done = run(lambda now: True, 10_000, 0.05)
    assert done.refused == 0
    assert done.seconds < 15


@given(st.lists(st.tuples(statuses, st.integers(0, 1), st.floats(0, 2)), max_size=60))
def test_a_rate_is_never_none_nor_stuck(heard: list[tuple[int, int, float]]) -> None:
    rate, now = Rate(), 0.0
    for status, age, passed_s in heard:
        now += passed_s
        before = rate.reserved(now)
        rate = before.heard(status, before.epoch - age, now)
        assert 1 <= rate.per_s < math.inf
        assert rate.per_s <= before.per_s or status not in (429, 503)
        assert rate.next_at - now < 1 + 8 + 0.25


def test_a_burst_of_refusals_lowers_once() -> None:
    rate = Rate(100.0, taken_per_s=90.0, heard_at=0.0)
    first = rate.heard(429, 0, 0.0)
    assert first.per_s == pytest.approx(0.95 * 90)
    for _ in range(20):
        assert first.heard(429, 0, 0.0) == first


def test_calls_are_spread() -> None:
    rate, moments = Rate(10.0), []
    now = 100.0
    for _ in range(5):
        now = max(now, rate.next_at)
        moments.append(now)
        rate = rate.reserved(now)
    assert moments[-1] - moments[0] == pytest.approx(0.4, abs=0.03)


def test_who_feels_for_room_does_so_at_growing_distances() -> None:
    rate = Rate().heard(429, 0, 0.0)
    waits = []
    for _ in range(8):
        waits.append(rate.spacing_s)
        rate = rate.heard(503, rate.epoch, 0.0)
    assert waits == [0.25, 0.5, 1, 2, 4, 8, 8, 8]
    found = rate.heard(200, rate.epoch, 5.0)
    assert found.feeling is None
    assert found.next_at == 5


def test_half_a_window_is_free_and_the_rest_is_spread() -> None:
    assert Allowance(100, 51, 10.0).per_s == math.inf
    assert Allowance(100, 50, 10.0).per_s == 5
    assert Allowance(100, 0, 10.0).per_s == 0.05
    told = Rate(80.0).heard(200, 0, 0.0, Allowance(100, 20, 10.0))
    assert told.spacing_s == 0.5
    assert told.heard(200, 0, 1.0, Allowance(100, 99, 60.0)).spacing_s < 1 / 80


@pytest.mark.parametrize(
    ("headers", "allowance"),
    [
        ({"Limit": "9", "Remaining": "3", "Reset": str(int(NOW) + 5)}, Allowance(9, 3, 5)),
        ({"Limit": "9", "Remaining": "3", "Reset": str(int(NOW) - 5)}, None),
        ({"Limit": "9", "Remaining": "3"}, None),
        ({"Remaining": "3", "Reset": str(int(NOW) + 5)}, None),
        ({"Limit": "x", "Remaining": "3", "Reset": str(int(NOW) + 5)}, None),
        ({}, None),
    ],
)
def test_what_a_service_tells_of_its_window(
    headers: dict[str, str], allowance: Allowance | None
) -> None:
    named = {f"X-RateLimit-{name}": value for name, value in headers.items()}
    assert told_allowance(named, NOW) == allowance


def test_a_budget_spreads_the_calls_of_all_its_threads() -> None:
    clock = Clock(now=0.0, share=0.0)
    budget = Budget(16, clock.timing, Rate(10.0))

    def call(_: int) -> None:
        budget.leave(budget.enter(void), 500)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(call, range(101)))
    assert clock.now == pytest.approx(10, abs=0.2)


def test_who_waits_for_a_turn_is_asked_whether_there_is_time() -> None:
    class Over(Exception):
        pass

    def allow(wait_s: float) -> None:
        if clock.now > 3:
            raise Over

    clock = Clock(now=0.0, share=0.0)
    budget = Budget(4, clock.timing, Rate(0.1))
    budget.leave(budget.enter(allow), 500)
    with pytest.raises(Over):
        budget.enter(allow)
    assert clock.now < 4
    clock.now = 10
    budget.leave(budget.enter(void), 200)


def test_a_refusal_holds_for_who_waits_already() -> None:
    budget = Budget(4, Timing(), Rate(1000.0))
    tickets = [budget.enter(void) for _ in range(3)]
    budget.leave(tickets[0], 429)
    began = time.monotonic()
    waiting = threading.Thread(target=lambda: budget.leave(budget.enter(void), 200))
    waiting.start()
    waiting.join(5)
    assert time.monotonic() - began > 0.15


def test_people_are_told_how_fast_and_why() -> None:
    budgets = Budgets(8, Clock().timing)
    assert str(budgets) == ""
    budgets.of("https://anypoint.mulesoft.com")
    assert str(budgets) == "8 at a time"
    found = Bounds(calls=128, finds_rate=True).budgets
    budget = found.of("https://anypoint.mulesoft.com")
    assert str(found) == f"{START_PER_S:g} calls/s"
    budget.leave(budget.enter(void), 429)
    assert str(found) == "20 calls/s, 40 were refused"
    budget.leave(budget.enter(void), 200, None, Allowance(100, 20, 10.0))
    assert str(found) == "2 calls/s, as the service told"
