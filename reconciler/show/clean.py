"""Names from files and services cannot forge output: control and direction marks are escaped."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

_ESCAPED = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))


def clean(text: str) -> str:
    """The text on one line, with what a terminal would act on made visible."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if unicodedata.category(char) not in _ESCAPED:
        return char
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char, f"\\u{ord(char):04x}")


def value(item: Any) -> str:
    """A field's value on one line: text bare, everything else as compact JSON."""
    if isinstance(item, str):
        return clean(item) if item else '""'
    if item is None:
        return "(none)"
    return clean(json.dumps(item, ensure_ascii=False, default=str))
