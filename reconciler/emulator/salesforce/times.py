"""Points in time, always as the text that the service writes: `2026-11-23T14:50:04.000+0000`.

All are UTC and of one length, so that they compare as text.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_RELATIVE = re.compile(r"-(\d{1,6})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def written(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"


def at(seconds: float) -> str:
    """Seconds since 1970, written."""
    return written(datetime.fromtimestamp(seconds, UTC))


def moment_of(text: str) -> datetime | None:
    """What an ISO date or time stands for; None for other text. Without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read(text: str, now: float) -> str | None:
    """An ISO time, or a distance back from `now` such as `-3d` or `-15m`, written."""
    back = _RELATIVE.fullmatch(text)
    if back:
        distance = timedelta(**{_UNITS[back[2]]: int(back[1])})
        return written(datetime.fromtimestamp(now, UTC) - distance)
    found = moment_of(text)
    return written(found) if found else None
