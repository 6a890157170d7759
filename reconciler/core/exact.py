"""Values as bytes that are equal only where the values are, with their types and their order."""

from __future__ import annotations

import marshal
from typing import Any

_VERSION = 2
"""Of marshal's format: later ones write shared values by reference, so that equal ones differ."""


def exact_bytes(value: Any) -> bytes:
    """The bytes of plain values, for `marshal.loads`; ValueError for anything else, as a secret."""
    return marshal.dumps(value, _VERSION)
