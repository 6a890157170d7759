"""Which values are secret, and how they are shown.

A secret is wrapped where it enters (loading, converting) and unwrapped in two places only: where
two values are compared, and where a request body is built.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

# Keys whose literal values are treated as secret even where no catalogue says so.
_SECRET_KEY = re.compile(
    r"(password|passwd|passphrase|secret|token|api[-_]?key|private[-_]?key|credential)s?$", re.I
)
_SECRET_VARIABLE = re.compile(r"pass|pwd|secret|token|key|credential", re.I)
_TELLING = 8
_URL_PASSWORD = re.compile(r"//[^/\s:@?#]*:[^/\s@?#]+@")

# Shorter pieces of base64 are in many words.
_SHORTEST = 6
_LONG_LINE = 16


class Secret:
    """A value that is never shown.

    `reference` is the text of the file where it is a reference (`${env:NAME}`), which may be
    shown; it is empty for a literal. The value is None where it is not known: an unset variable.
    """

    __slots__ = ("_value", "reference")

    def __init__(self, value: Any = None, reference: str = "") -> None:
        self._value = value
        self.reference = reference

    @property
    def is_known(self) -> bool:
        return self._value is not None

    def reveal(self) -> Any:
        """The value itself, for a comparison or a request body."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.reference or '...'})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return (self._value, self.reference) == (other._value, other.reference)

    def __hash__(self) -> int:
        return hash((str(self._value), self.reference))

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a secret is not pickled")


def forms_of(text: str) -> frozenset[str]:
    """The text as services and libraries write it into messages: as it is, in JSON, in a URL, in
    HTML, as Python shows it, on one line, in hexadecimal, and in base64 wherever it starts in the
    encoded text (less what its neighbours have a part in)."""
    data = text.encode("utf-8", "surrogatepass")
    quoted = {json.dumps(text, ensure_ascii=is_ascii)[1:-1] for is_ascii in (True, False)}
    quoted |= {json.dumps(form)[1:-1] for form in quoted}
    urls = {quote(data), quote(data, safe=""), quote_plus(data)}
    shown = {html.escape(text), html.escape(text, quote=False), repr(text)[1:-1], ascii(text)[1:-1]}
    coded = {repr(data)[2:-1], data.hex(), *_base64(data)}
    return frozenset(
        form for form in {text, " ".join(text.split())} | quoted | urls | shown | coded
    )


def _base64(data: bytes) -> Iterator[str]:
    for before in range(3):
        # A character holds six bits: the first and last may hold bits of what stands beside.
        start, end = (before * 8 + 5) // 6, (before + len(data)) * 8 // 6
        if end - start >= _SHORTEST:
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                yield encode(bytes(before) + data).decode()[start:end]


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with every form of every secret, and of each long line of one, left out, in any
    case of letters."""
    pieces = {piece for secret in secrets for piece in (secret, *_long_lines(secret)) if piece}
    forms = {form for piece in pieces for form in forms_of(piece) if form}
    if not forms:
        return text
    # The longest first: one secret may be part of another.
    found = "|".join(map(re.escape, sorted(forms, key=len, reverse=True)))
    return re.sub(found, "(secret)", text, flags=re.IGNORECASE)


def _long_lines(secret: str) -> list[str]:
    return [line for line in secret.splitlines() if len(line) >= _LONG_LINE]


def is_secret_key(name: str) -> bool:
    """Whether a literal under this key is taken for a secret: password, token, apiKey ..."""
    return bool(_SECRET_KEY.search(name))


def holds_password(text: str) -> bool:
    """Whether the text is or holds a URL with a password."""
    return "@" in text and _URL_PASSWORD.search(text) is not None


def without_password(text: str) -> str:
    """The text with the password of each URL left out."""
    return _URL_PASSWORD.sub("//(secret)@", text) if "@" in text else text


def secrets_of(environ: Mapping[str, str]) -> frozenset[str]:
    """Values of variables that are named like secrets, without those too short to be told from
    other text."""
    return frozenset(
        value
        for name, value in environ.items()
        if _SECRET_VARIABLE.search(name) and len(value) >= _TELLING
    )


def reveal(value: Any) -> Any:
    """The value with every secret in it unwrapped; containers are copied."""
    if isinstance(value, Secret):
        return reveal(value.reveal())
    if isinstance(value, Mapping):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [reveal(item) for item in value]
    return value


def shown_digest(digest: str) -> str:
    """How a secret with this HMAC is shown."""
    return f"(secret sha256:{digest[:8]})"


@dataclass(frozen=True, slots=True)
class Redactor:
    """Shows secrets by the first digits of an HMAC-SHA-256; the key is asked for when needed."""

    key: Callable[[], bytes]

    @property
    def key_id(self) -> str:
        """Tells digests made with this key from those made with another."""
        return self.digest("the name of this key")[:8]

    def show(self, value: Any) -> str:
        """`(secret sha256:1a2b3c4d)`: equal for equal values, and tells nothing else."""
        return shown_digest(self.digest(value))

    def digest(self, value: Any) -> str:
        """The whole HMAC-SHA-256 in hexadecimal, to compare with what was sent before."""
        text = value if isinstance(value, str) else repr(reveal(value))
        return hmac.new(self.key(), text.encode(), hashlib.sha256).hexdigest()

    def redact(self, value: Any) -> Any:
        """The value with each secret in it shown as its reference, or else as its digest."""
        if isinstance(value, Secret):
            return value.reference or self.show(value.reveal())
        if isinstance(value, Mapping):
            return {key: self.redact(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.redact(item) for item in value]
        return value
