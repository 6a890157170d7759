"""Date literals such as LAST_N_DAYS:30: the stretch of time that each stands for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.emulator.salesforce import times
from reconciler.emulator.salesforce.errors import malformed
from reconciler.emulator.salesforce.soql.syntax import Literal

Span = tuple[str, str]

_DAY = timedelta(days=1)


def span(literal: Literal, now: float) -> Span:
    """From (included) to (excluded), as the service writes times; days are those of UTC."""
    if literal.kind == "time":
        return _point(literal.text)
    name, _, count = literal.text.partition(":")
    current = datetime.fromtimestamp(now, UTC)
    today = current.replace(hour=0, minute=0, second=0, microsecond=0)
    if count:
        start, end = _counted(name, int(count), today, current)
    else:
        start, end = _named(name, today)
    return times.written(start), times.written(end)


def _point(text: str) -> Span:
    moment = times.moment_of(text)
    if moment is None:
        raise malformed(f"Invalid datetime: {text}")
    length = _DAY if len(text) == 10 else timedelta(milliseconds=1)
    return times.written(moment), times.written(moment + length)


def _counted(
    name: str, count: int, today: datetime, current: datetime
) -> tuple[datetime, datetime]:
    days = timedelta(days=count)
    if name == "LAST_N_DAYS":
        return today - days, current + timedelta(seconds=1)
    if name == "NEXT_N_DAYS":
        return today + _DAY, today + _DAY + days
    if name == "N_DAYS_AGO":
        return today - days, today - days + _DAY
    raise _unknown(name)


def _named(name: str, today: datetime) -> tuple[datetime, datetime]:
    month = today.replace(day=1)
    before = (month - _DAY).replace(day=1)
    after = (month + 32 * _DAY).replace(day=1)
    spans = {
        "TODAY": (today, today + _DAY),
        "YESTERDAY": (today - _DAY, today),
        "TOMORROW": (today + _DAY, today + 2 * _DAY),
        "LAST_90_DAYS": (today - 90 * _DAY, today + _DAY),
        "THIS_MONTH": (month, after),
        "LAST_MONTH": (before, month),
    }
    if name not in spans:
        raise _unknown(name)
    return spans[name]


def _unknown(name: str) -> Exception:
    return malformed(f"unexpected token: '{name}'")
