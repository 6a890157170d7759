"""How long to wait before a call is sent again. Pure.

Our own and not urllib3's Retry: that one knows neither full jitter nor X-RateLimit-Reset, and does
not bound the time that all attempts take together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime


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


def asked_wait_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the service asks to wait, or None; Retry-After counts before the rate limit.

    `now` is in epoch seconds, as X-RateLimit-Reset is (facts, section 10).
    """
    after = _retry_after_s(headers.get("Retry-After", ""), now)
    if after is not None:
        return after
    reset = headers.get("X-RateLimit-Reset", "").strip()
    if not _is_number(reset) or float(reset) <= now:
        return None
    return float(reset) - now


def told_budget(headers: Mapping[str, str]) -> dict[str, str]:
    """`limit`, `remaining`, `reset` (epoch seconds) of the X-RateLimit-* headers; digits only."""
    names = ("limit", "remaining", "reset")
    told = {name: headers.get(f"X-RateLimit-{name.title()}", "").strip() for name in names}
    return {name: value for name, value in told.items() if _is_number(value)}


def _retry_after_s(text: str, now: float) -> float | None:
    text = text.strip()
    if _is_number(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12
