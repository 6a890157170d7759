"""Names from files and services cannot forge output: control and direction marks are escaped."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

_ESCAPED = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
# Letters, marks and signs that show nothing (Default_Ignorable_Code_Point, and Braille's blank).
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]")
# What a build server obeys in the output of a job: GitHub's and GitLab's at the start of a line,
# GitHub's old form and those of Azure and TeamCity anywhere.
_COMMAND = re.compile(
    r"^(\s*)(:)(?=:)|()(#)(?=#(\[|vso\[|teamcity\[))", re.MULTILINE | re.IGNORECASE
)


def clean(text: str) -> str:
    """The text on one line, with what a terminal would act on made visible."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    if unicodedata.category(char) not in _ESCAPED and not _UNSEEN.match(char):
        return char
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char, f"\\u{ord(char):04x}")


def without_commands(text: str) -> str:
    """Lines of output in which nothing is a command to the build server that shows them; JSON
    stays the same JSON."""
    if "::" not in text and "##" not in text:
        return text
    return _COMMAND.sub(lambda found: f"{found[1] or ''}\\u{ord(found[2] or found[4]):04x}", text)


def value(item: Any) -> str:
    """A field's value on one line: text bare, everything else as compact JSON."""
    if isinstance(item, str):
        return clean(item) if item else '""'
    if item is None:
        return "(none)"
    return clean(json.dumps(item, ensure_ascii=False, default=str))
