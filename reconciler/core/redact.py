"""Which values are secret, and how they are shown.

A secret is wrapped where it enters (loading, converting) and unwrapped in two places only: where
two values are compared, and where a request body is built.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# Keys whose literal values are treated as secret even where no catalogue says so.
_SECRET_KEY = re.compile(
    r"(password|passwd|passphrase|secret|token|api[-_]?key|private[-_]?key|credential)s?$", re.I
)


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


def is_secret_key(name: str) -> bool:
    """Whether a literal under this key is taken for a secret: password, token, apiKey ..."""
    return bool(_SECRET_KEY.search(name))


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
