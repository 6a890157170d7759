"""When a run's time is up, and what may still be done then."""

from __future__ import annotations

import threading

import pytest
import responses

from reconciler.errors import OutOfTime, Throttled, Unreachable
from reconciler.transport import Bounds, Deadline, Transport
from reconciler.transport.deadline import GRACE_S
from tests.transport.clock import Clock

HOST = "https://anypoint.mulesoft.com"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def transport(clock: Clock) -> Transport:
    return Transport(HOST, bounds=Bounds(30.0, 100.0, timing=clock.timing))


def test_time_runs_out(clock: Clock) -> None:
    deadline = Deadline(10.0, clock)
    assert (deadline.left_s(), deadline.is_over) == (10, False)
    clock.now += 10
    assert (deadline.left_s(), deadline.is_over) == (0, True)
    assert str(deadline) == "--max-time 10"


def test_without_a_bound_time_never_runs_out(clock: Clock) -> None:
    deadline = Deadline(clock=clock)
    clock.now += 1e9
    assert not deadline.is_over


def test_grace_is_for_this_thread_and_while_it_lasts(clock: Clock) -> None:
    deadline = Deadline(10.0, clock)
    clock.now += 15
    others: list[float] = []
    with deadline.grace():
        assert deadline.left_s() == GRACE_S
        other = threading.Thread(target=lambda: others.append(deadline.left_s()))
        other.start()
        other.join()
        assert deadline.is_over
    assert (deadline.left_s(), others) == (-5, [-5])


def test_grace_takes_nothing_away(clock: Clock) -> None:
    deadline = Deadline(1000.0, clock)
    with deadline.grace():
        assert deadline.left_s() == 1000


def test_the_time_of_a_question_does_not_count(clock: Clock) -> None:
    deadline = Deadline(10.0, clock)
    with deadline.paused():
        clock.now += 500
    assert deadline.left_s() == 10


@responses.activate
def test_after_the_end_nothing_is_sent(transport: Transport, clock: Clock) -> None:
    clock.now += 100
    for method in ("GET", "POST"):
        with pytest.raises(OutOfTime, match=r"not sent: the run took longer .*--max-time 100"):
            transport.request(method, "/x")
    assert len(responses.calls) == 0


@responses.activate
def test_a_wait_past_the_end_is_not_begun(transport: Transport, clock: Clock) -> None:
    responses.get(f"{HOST}/x", status=429, headers={"Retry-After": "60"})
    clock.now += 50
    with pytest.raises(Throttled, match=r"no time is left: --max-time 100"):
        transport.request("GET", "/x")
    assert clock.slept == []


@responses.activate
def test_a_call_that_would_begin_after_the_end_is_not_sent(
    transport: Transport, clock: Clock
) -> None:
    responses.get(f"{HOST}/x", status=429, headers={"Retry-After": "60"})
    clock.now += 50
    with pytest.raises(Throttled):
        transport.request("GET", "/x")
    with pytest.raises(OutOfTime, match=r"left alone for 61 s, and the run has 50 s left"):
        transport.request("POST", "/y")
    assert len(responses.calls) == 1


@responses.activate
def test_transports_of_a_run_share_its_end(clock: Clock) -> None:
    bounds = Bounds(30.0, 100.0, timing=clock.timing)
    clock.now += 100
    for host in (HOST, "https://eu1.anypoint.mulesoft.com"):
        with pytest.raises(OutOfTime):
            Transport(host, bounds=bounds).request("GET", "/x")


@responses.activate
def test_in_grace_a_read_is_sent(transport: Transport, clock: Clock) -> None:
    responses.get(f"{HOST}/x", json={})
    clock.now += 100
    with transport._bounds.deadline.grace():
        assert transport.request("GET", "/x") == {}


@responses.activate
@pytest.mark.parametrize(("method", "timeout_s"), [("GET", 5.0), ("PATCH", 30.0)])
def test_a_read_ends_with_the_run_and_a_write_in_flight_is_not_cut(
    transport: Transport, clock: Clock, method: str, timeout_s: float
) -> None:
    responses.add(method, f"{HOST}/x", json={})
    clock.now += 95
    transport.request(method, "/x")
    assert responses.calls[0].request.req_kwargs["timeout"][1] == timeout_s  # type: ignore[attr-defined]


@responses.activate
def test_a_service_that_is_gone_does_not_hold_a_run(transport: Transport, clock: Clock) -> None:
    responses.get(f"{HOST}/x", body=ConnectionError("gone"))
    responses.get(f"{HOST}/x", status=502)
    clock.now += 99.9
    with pytest.raises(Unreachable):
        transport.request("GET", "/x")
    assert len(responses.calls) == 1
