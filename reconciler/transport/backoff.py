"""How long to wait before a call is sent again. Pure; tenacity does the sending again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from reconciler.transport.rate import Allowance


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: a random part of `base_s` doubled at each attempt, at most `cap_s`.

    `total_s` bounds the time from the first attempt to the start of the last one, so that a
    service that asks for an hour is given up at once.
    """

    attempts: int = 5
    base_s: float = 0.25
    cap_s: float = 8.0
    total_s: float = 120.0

    def wait_s(self, attempt: int, asked_s: float | None, share: float) -> float:
        """The wait after attempt number `attempt` (from 0); `share` is random in 0 to 1.

        A wait that the service asked for is kept whole, and jitter comes on top: all callers
        were told the same moment.
        """
        jitter = share * min(self.cap_s, self.base_s * float(2**attempt))
        return jitter + (asked_s or 0.0)


def asked_wait_s(headers: Mapping[str, str], now: float, status: int = 429) -> float | None:
    """Seconds that the service asks to wait, or None; Retry-After counts before the rate limit.

    `now` is in epoch seconds, as X-RateLimit-Reset is (facts, section 10); where the answer tells
    its own Date, that is taken, so that a clock that is wrong here does no harm. The end of the
    rate limit does not count for a 503 that tells of calls which remain.
    """
    now = _moment_s(headers.get("Date", "")) or now
    after = _retry_after_s(headers.get("Retry-After", ""), now)
    if after is not None:
        return after
    if status == 503 and told_budget(headers).get("remaining", "0").strip("0"):
        return None
    return _reset_s(headers, now)


def spent_wait_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until there are calls again, where this answer was the last that there was."""
    if told_budget(headers).get("remaining", "1").strip("0"):
        return None
    return _reset_s(headers, _moment_s(headers.get("Date", "")) or now)


def told_budget(headers: Mapping[str, str]) -> dict[str, str]:
    """`limit`, `remaining`, `reset` (epoch seconds) of the X-RateLimit-* headers; digits only."""
    names = ("limit", "remaining", "reset")
    told = {name: headers.get(f"X-RateLimit-{name.title()}", "").strip() for name in names}
    return {name: value for name, value in told.items() if _is_number(value)}


def told_allowance(headers: Mapping[str, str], now: float) -> Allowance | None:
    """What is left of the host's window; None where it does not tell all of it."""
    told = told_budget(headers)
    left_s = _reset_s(headers, _moment_s(headers.get("Date", "")) or now)
    if left_s is None or not {"limit", "remaining"} <= told.keys():
        return None
    return Allowance(float(told["limit"]), float(told["remaining"]), left_s)


def _reset_s(headers: Mapping[str, str], now: float) -> float | None:
    reset = told_budget(headers).get("reset", "")
    return float(reset) - now if reset and float(reset) > now else None


def _retry_after_s(text: str, now: float) -> float | None:
    text = text.strip()
    if _is_number(text):
        return float(text)
    moment = _moment_s(text)
    return None if moment is None else max(0.0, moment - now)


def _moment_s(text: str) -> float | None:
    """The epoch seconds of an HTTP date."""
    try:
        moment = parsedate_to_datetime(text.strip())
    except (TypeError, ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12
