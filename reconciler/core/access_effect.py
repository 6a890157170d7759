"""Whether a change of API Access Control strengthens or weakens. Pure.

What narrows or removes access strengthens; what opens something to more people or for longer
weakens. A grant for an app that every user may authorize by himself opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.core.access import (
    ADMIN_APPROVED,
    BYPASSES,
    IP_RELAXATION,
    REFRESH_TOKEN,
    SWITCHES,
    holder_of,
)
from reconciler.core.effect import NEUTRAL, STRENGTHENS, Effect, Judged, worst
from reconciler.core.model import Resource

_STRICTEST_IP = ("ENFORCE", "ENFORCE_RELAXREFRESH", "BYPASS_2FACTOR", "BYPASS")
_HOURS = {"HOURS": 1, "DAYS": 24, "MONTHS": 24 * 30}
_LIMITED = re.compile(r"specific_(lifetime|inactivity):([0-9]+):(HOURS|DAYS|MONTHS)")
_OPENED = dict(
    zip(
        SWITCHES,
        ("lets every app call the APIs", "lets outsiders use apps that are not installed"),
        strict=True,
    )
)
_BYPASSED = dict(
    zip(BYPASSES, ("may call the APIs with any app", "may use apps nobody installed"), strict=True)
)


def of_switch(name: str, *, on: bool) -> Judged:
    """Of switching on or off."""
    return STRENGTHENS if on else Judged(Effect.WEAKENS, _OPENED[name])


def of_policy(live: Mapping[str, Any], desired: Mapping[str, Any]) -> Judged:
    """Of another policy of an app; only what `desired` says counts."""
    return worst(
        _of_field(name, live.get(name), value)
        for name, value in desired.items()
        if live.get(name) != value
    )


def _of_field(name: str, before: Any, after: Any) -> Judged:
    if name == ADMIN_APPROVED:
        weaker = Judged(Effect.WEAKENS, "lets every user authorize the app by himself")
        return STRENGTHENS if after else weaker
    if name == IP_RELAXATION:
        return (
            STRENGTHENS
            if is_stricter_ip(before, after)
            else Judged(Effect.WEAKENS, "relaxes the IP ranges")
        )
    if name == REFRESH_TOKEN:
        weaker = Judged(Effect.WEAKENS, "lets a refresh token last longer")
        return STRENGTHENS if _is_shorter(str(before), str(after)) else weaker
    return NEUTRAL


def is_stricter_ip(before: Any, after: Any) -> bool:
    """Whether fewer addresses are let in."""
    return _index(after) < _index(before)


def _index(value: Any) -> int:
    return _STRICTEST_IP.index(value) if value in _STRICTEST_IP else len(_STRICTEST_IP)


def _is_shorter(before: str, after: str) -> bool:
    """Whether a token surely lasts no longer: one that lives as long as it is used may live for
    ever."""
    if after == "zero" or before == "infinite":
        return True
    was, now = _LIMITED.fullmatch(before), _LIMITED.fullmatch(after)
    if not was or not now:
        return False
    is_kind_as_strict = now[1] == "lifetime" or was[1] == "inactivity"
    return is_kind_as_strict and _span(now) <= _span(was)


def _span(match: re.Match[str]) -> int:
    return int(match[2]) * _HOURS[match[3]]


def of_grant(desired: Resource, *, is_open: bool) -> Judged:
    """Of a new grant. is_open: every user may authorize the app by himself as it is."""
    if is_open:
        return NEUTRAL
    return Judged(Effect.WEAKENS, f"lets {holder_of(desired)} use {desired.key.type}")


def of_bypass(desired: Resource) -> Judged:
    """Of a new bypass."""
    why = f"{holder_of(desired)} {_BYPASSED[desired.key.type]}"
    return Judged(Effect.WEAKENS, why)
