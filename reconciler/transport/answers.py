"""What came back: decoded JSON, or the error of ours that it means. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from reconciler.core.redact import without
from reconciler.errors import (
    BadAnswer,
    Conflict,
    Incomplete,
    NotAllowed,
    NotFound,
    ProviderError,
    Throttled,
)

MAX_MESSAGE = 300

_READ = 64 * 1024
_MAX_VALUES = 2_000_000

_KINDS: dict[int, type[ProviderError]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    429: Throttled,
    503: Throttled,
}
_MEDIA_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9.+-]{1,60}")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came; header names are looked up without case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def content_type(self) -> str:
        """The media type; nothing where the header holds none."""
        told = self.headers.get("Content-Type", "").split(";")[0].strip().lower()
        return told if _MEDIA_TYPE.fullmatch(told) else ""

    @property
    def is_html(self) -> bool:
        return "html" in self.content_type or self.body[:64].lstrip().startswith(b"<")

    def __str__(self) -> str:
        kind = "HTML" if self.is_html else self.content_type or "no content type"
        return f"{kind}, {len(self.body)} bytes"


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as errors name it. `hide` are texts that no message may hold."""

    service: str
    method: str
    path: str
    request_id: str
    hide: tuple[str, ...] = field(default=(), repr=False)

    def error(
        self, kind: type[ProviderError], message: str, answer: Answer | None = None
    ) -> ProviderError:
        """An error of this call; its message is cleaned and free of what is hidden."""
        theirs = answer.headers.get("X-Request-Id", "") if answer else ""
        return kind(
            self.told(message),
            service=self.service,
            method=self.method,
            path=self.path,
            status=answer.status if answer else 0,
            request_id=self.told(theirs)[:64] or self.request_id,
        )

    def told(self, text: str) -> str:
        """Text of a service on one line, free of what is hidden; to be cut only after this, so
        that no half of a secret is left."""
        return clean(without(text, self.hide))


def clean(text: str) -> str:
    """The text on one line, without control or invisible characters."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def decode(call: Call, answer: Answer) -> Any:
    """The JSON of an answer with a status that was asked for; None for an empty body."""
    if not answer.body.strip():
        return None
    if answer.is_html:
        raise call.error(
            BadAnswer, f"not JSON but {answer}: a login page, or a proxy in between", answer
        )
    if not _is_of_bounded_size(answer.body):
        message = f"an answer of more than {_MAX_VALUES:,} values"
        raise call.error(BadAnswer, message, answer)
    try:
        return _parse(answer.body)
    except (ValueError, RecursionError):
        raise call.error(Incomplete, f"no whole JSON ({answer})", answer) from None


def failure(call: Call, answer: Answer) -> ProviderError:
    """The error that an answer with any other status means."""
    status = answer.status
    if 300 <= status < 400:
        where = _place(call.told(answer.headers.get("Location", "")))
        return call.error(
            BadAnswer, f"a redirect to {where}; not followed, no token was sent there", answer
        )
    if 200 <= status < 300:
        return call.error(BadAnswer, f"a status that this call does not have ({answer})", answer)
    return call.error(_KINDS.get(status, ProviderError), _said(call, answer), answer)


def _is_of_bounded_size(body: bytes) -> bool:
    """Whether its values fit in memory: an empty list takes two bytes here, and 60 there."""
    return sum(map(body.count, (b",", b"[", b"{"))) <= _MAX_VALUES


def _parse(body: bytes) -> Any:
    decoded = json.loads(body, parse_constant=_no_constant)
    if _SURROGATE.search(body):
        # Half a surrogate pair could not be printed or hashed later on.
        json.dumps(decoded, ensure_ascii=False).encode()
    return decoded


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _place(location: str) -> str:
    """Host and path of a redirect: a query may hold a session."""
    try:
        parts = urlsplit(location)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an unreadable place"
    return clean(f"{host}{port}{parts.path}")[:200] or "nowhere"


def _said(call: Call, answer: Answer) -> str:
    """What the service said of the failure: its message, else its text, else the status."""
    if answer.is_html:
        return f"{_phrase(answer.status)} ({answer})"
    try:
        text = "; ".join(_messages(_parse(answer.body[:_READ])))
    except (ValueError, RecursionError):
        is_text = answer.content_type in ("", "text/plain")
        text = answer.body[:_READ].decode("utf-8", "replace") if is_text else f"({answer})"
    text = call.told(text)
    return text[:MAX_MESSAGE] if text else _phrase(answer.status)


def _messages(body: Any) -> Iterator[str]:
    """Messages of all documented error bodies (facts, section 10), OAuth's, and lists of them."""
    if isinstance(body, list):
        for item in body[:5]:
            yield from _messages(item)
    if not isinstance(body, Mapping):
        return
    name, message = body.get("name"), body.get("message")
    if isinstance(message, str) and message:
        yield f"{name}: {message}" if isinstance(name, str) and name else message
    elif isinstance(body.get("errors"), list):
        yield from _messages(body["errors"])
    else:
        words = (body.get(key) for key in ("error_description", "error", "name"))
        yield from [word for word in words if isinstance(word, str) and word][:1]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.lower()
    except ValueError:
        return "an unknown status"
