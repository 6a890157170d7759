"""How long to wait, and what a service may ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.transport.backoff import Backoff, asked_wait_s, spent_wait_s, told_budget

NOW = 1_800_000_000.0


@given(st.integers(0, 100), st.floats(0, 1))
def test_jitter_is_never_over_the_cap(attempt: int, share: float) -> None:
    assert 0 <= Backoff(cap_s=8).wait_s(attempt, None, share) <= 8


def test_what_was_asked_for_is_waited_whole() -> None:
    assert Backoff().wait_s(0, 30.0, 0.0) == 30
    assert Backoff(base_s=2).wait_s(0, 30.0, 0.5) == 31


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 0 "}, 0),
        ({"Retry-After": "Fri, 15 Jan 2027 08:00:09 GMT"}, 9),
        ({"Retry-After": "Fri, 15 Jan 2027 07:59:00 GMT"}, 0),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"X-RateLimit-Reset": str(int(NOW) + 12)}, 12),
        ({"X-RateLimit-Reset": str(int(NOW) - 12)}, None),
        ({"X-RateLimit-Reset": "nan"}, None),
        ({"Retry-After": "3", "X-RateLimit-Reset": str(int(NOW) + 12)}, 3),
        ({"Retry-After": "?", "X-RateLimit-Reset": str(int(NOW) + 12)}, 12),
    ],
)
def test_asked_wait(headers: dict[str, str], wait_s: float | None) -> None:
    assert asked_wait_s(headers, NOW) == wait_s


def test_a_budget_is_what_the_headers_tell_in_numbers() -> None:
    headers = {"X-RateLimit-Limit": "500", "X-RateLimit-Remaining": " 12 "}
    assert told_budget(headers) == {"limit": "500", "remaining": "12"}
    assert told_budget({"X-RateLimit-Remaining": "soon\x1b[31m"}) == {}


@pytest.mark.parametrize(
    ("headers", "status", "wait_s"),
    [
        ({"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": str(int(NOW) + 12)}, 503, None),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW) + 12)}, 503, 12),
        ({"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": str(int(NOW) + 12)}, 429, 12),
        ({"X-RateLimit-Reset": str(int(NOW) + 12)}, 503, 12),
    ],
)
def test_a_503_with_calls_left_does_not_wait_for_the_window(
    headers: dict[str, str], status: int, wait_s: float | None
) -> None:
    assert asked_wait_s(headers, NOW, status) == wait_s


@pytest.mark.parametrize("wrong_s", [-86_400, 86_400])
def test_the_clock_of_the_service_counts(wrong_s: int) -> None:
    date = {"Date": "Fri, 15 Jan 2027 08:00:00 GMT"}
    after = {"Retry-After": "Fri, 15 Jan 2027 08:00:09 GMT", **date}
    reset = {"X-RateLimit-Reset": str(int(NOW) + 12), "X-RateLimit-Remaining": "0", **date}
    assert asked_wait_s(after, NOW + wrong_s) == 9
    assert asked_wait_s(reset, NOW + wrong_s) == spent_wait_s(reset, NOW + wrong_s) == 12


@pytest.mark.parametrize(
    ("remaining", "wait_s"), [("0", 12), ("1", None), ("", None), ("none", None), ("00", 12)]
)
def test_a_spent_budget_is_waited_for(remaining: str, wait_s: float | None) -> None:
    headers = {"X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": str(int(NOW) + 12)}
    assert spent_wait_s(headers, NOW) == wait_s
