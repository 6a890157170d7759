"""Failures on demand: what to do to which requests, and how often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.wire import Request, Response, json_response, text_response

_EFFECTS = ("status", "drop", "delayMs", "truncate")
_BODY_KEYS = ("headers", "body")
_LONGEST_DELAY_MS = 600_000


@dataclass(slots=True)
class Fault:
    """One rule of the list; `remaining` None means without end."""

    method: str | None
    path: re.Pattern[str] | None
    remaining: int | None
    body: re.Pattern[str] | None = None
    response: Response | None = None
    drop: str | None = None
    delay_ms: int = 0
    truncate: int | None = None

    def applies_to(self, request: Request) -> bool:
        if self.remaining == 0 or self.method not in (None, request.method):
            return False
        if self.path is not None and not self.path.search(request.target):
            return False
        return self.body is None or self.body.search(_text(request)) is not None


def _text(request: Request) -> str:
    return request.body.decode("utf-8", "replace")


class Faults:
    """The list of rules in force; the first that applies to a request is taken."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []

    def replace(self, rules: list[Fault]) -> None:
        self._rules = rules

    def take(self, request: Request) -> Fault | None:
        """The fault of this request, counted as used."""
        for rule in self._rules:
            if rule.applies_to(request):
                if rule.remaining is not None:
                    rule.remaining -= 1
                return rule
        return None


def parse_faults(document: Any) -> list[Fault]:
    """The rules that a control call asks for; ValueError says what is wrong with them."""
    if not isinstance(document, list):
        raise ValueError("faults must be a list")
    return [_parse_fault(item, f"faults[{index}]") for index, item in enumerate(document)]


def _parse_fault(item: Any, where: str) -> Fault:
    rule = _mapping(item, where, ("match", "times", "fault"))
    match = _mapping(rule.get("match", {}), f"{where}.match", ("method", "path", "body"))
    effect = _mapping(rule.get("fault"), f"{where}.fault", (*_EFFECTS, *_BODY_KEYS))
    if not any(key in effect for key in _EFFECTS):
        raise ValueError(f"{where}.fault needs one of {', '.join(_EFFECTS)}")
    return Fault(
        method=_parse_method(match.get("method"), f"{where}.match.method"),
        path=_parse_regex(match.get("path"), f"{where}.match.path"),
        body=_parse_regex(match.get("body"), f"{where}.match.body"),
        remaining=_count(rule.get("times"), f"{where}.times"),
        response=_parse_response(effect, f"{where}.fault") if "status" in effect else None,
        drop=_parse_drop(effect.get("drop"), f"{where}.fault.drop"),
        delay_ms=_count(effect.get("delayMs", 0), f"{where}.fault.delayMs", _LONGEST_DELAY_MS) or 0,
        truncate=_count(effect.get("truncate"), f"{where}.fault.truncate"),
    )


def _mapping(value: Any, where: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be an object")
    unknown = sorted(set(value) - set(keys))
    if unknown:
        raise ValueError(f"{where} has unknown keys: {', '.join(unknown)}")
    return value


def _parse_method(value: Any, where: str) -> str | None:
    if value is None or value == "*":
        return None
    if not isinstance(value, str):
        raise ValueError(f"{where} must be a string")
    return value.upper()


def _parse_regex(value: Any, where: str) -> re.Pattern[str] | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{where} must be a string")
    try:
        return re.compile(value)
    except re.error as error:
        raise ValueError(f"{where} is not a regular expression: {error}") from None


def _count(value: Any, where: str, limit: int | None = None) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{where} must be a number from 0")
    if limit is not None and value > limit:
        raise ValueError(f"{where} must be at most {limit}")
    return value


def _parse_drop(value: Any, where: str) -> str | None:
    if value not in (None, "before", "after"):
        raise ValueError(f'{where} must be "before" or "after"')
    return str(value) if value else None


def _parse_response(effect: Mapping[str, Any], where: str) -> Response:
    status = _count(effect["status"], f"{where}.status", 599)
    if status is None or status < 200:
        raise ValueError(f"{where}.status must be from 200 to 599")
    response = _parse_body(status, effect.get("body"))
    headers = _parse_headers(effect.get("headers", {}), f"{where}.headers")
    named = {name for name, _ in headers}
    kept = tuple(pair for pair in response.headers if pair[0] not in named)
    return Response(status, response.body, kept + headers)


def _parse_body(status: int, body: Any) -> Response:
    if body is None:
        return Response(status)
    return text_response(status, body) if isinstance(body, str) else json_response(status, body)


def _parse_headers(value: Any, where: str) -> tuple[tuple[bytes, bytes], ...]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be an object")
    pairs = [(str(name).lower(), str(content)) for name, content in value.items()]
    for name, content in pairs:
        if not re.fullmatch(r"[a-z0-9-]+", name) or not re.fullmatch(r"[\x20-\x7e]*", content):
            raise ValueError(f"{where}: {name!r} cannot be sent")
    # The length is counted on sending; a second one would break the connection.
    return tuple((n.encode(), c.encode()) for n, c in pairs if n != "content-length")
