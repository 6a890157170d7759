"""Requests and responses as plain values, and the one place that writes JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

_DEEPEST = 100

JSON_TYPE = (b"content-type", b"application/json; charset=utf-8")


@dataclass(slots=True)
class Response:
    """A complete answer; `headers` are sent as they are, the length is added on sending."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Refusal(Exception):  # an answer, not a fault of the program
    """Ends the handling of a request with `response`."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass
class Request:
    """One request. `path` is still percent-encoded; `headers` have lower-case names."""

    method: str
    path: str
    query_string: bytes = b""
    raw_headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    scheme: str = "http"

    @property
    def origin(self) -> str:
        """Where the client found this server."""
        return f"{self.scheme}://{self.header(b'host') or '127.0.0.1'}"

    @property
    def target(self) -> str:
        """Path and query, as they were sent."""
        query = self.query_string.decode("latin-1")
        return f"{self.path}?{query}" if query else self.path

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The query; of a repeated key the last value."""
        if not self.query_string:
            return {}
        return dict(parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True))

    def header(self, name: bytes) -> str | None:
        for key, value in self.raw_headers:
            if key == name:
                return value.decode("latin-1")
        return None

    def json(self) -> Any:
        """The body as JSON; ValueError for anything else, for NaN, and for a bottomless one."""
        document = json.loads(
            self.body.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite
        )
        # What can just be read may be too deep to be written again inside an answer.
        if self.body.count(b"[") + self.body.count(b"{") > _DEEPEST:
            _check_depth(document, _DEEPEST)
        return document

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large")
    return value


def _check_depth(value: Any, left: int) -> None:
    if left == 0:
        raise ValueError("nested too deeply")
    inner = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for item in inner:
            _check_depth(item, left - 1)


def segments(path: str) -> tuple[str, ...]:
    """The parts of a percent-encoded path, decoded; one trailing slash does not count."""
    parts = path.strip("/").split("/") if path != "/" else []
    return tuple(unquote(part) if "%" in part else part for part in parts)


def json_response(status: int, payload: Any, *headers: tuple[bytes, bytes]) -> Response:
    try:
        body = _encode(payload).encode()
    except UnicodeEncodeError:
        # A lone surrogate is legal in JSON text and cannot be written as UTF-8.
        body = json.dumps(payload).encode()
    return Response(status, body, (JSON_TYPE, *headers))


def text_response(status: int, text: str) -> Response:
    headers = ((b"content-type", b"text/plain; charset=utf-8"),)
    return Response(status, text.encode(), headers)
