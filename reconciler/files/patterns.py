r"""Regular expressions of `rules`: whether they compile, and do what they seem to.

Gateways use Java's engine (Mule) and engines without backtracking (Flex). Python's own is near
to both once some escapes are rewritten (`\p{L}`, `\Q...\E`, `(?<name>...)`). RE2 as a second
opinion would add nothing: it refuses look-arounds, which Mule takes.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

_LONGEST = 10_000
_PLACEHOLDER = re.compile(r"(?<!\\[pPxukN])(?<!\\)\{[A-Za-z_][A-Za-z0-9_-]*\}")
_GLOB = re.compile(r"(?<!\\)/\*(/|$)")
_ATOM = r"(\\.|\[(\\.|[^\]\\])+\]|[^\\()\[\]|])"
_ENDLESS = r"([*+]|\{[0-9]+,\})"
_CATASTROPHE = re.compile(rf"\((\?:)?{_ATOM}{_ENDLESS}\){_ENDLESS}(?!\+)")
_REWRITTEN = (
    (re.compile(r"\\Q(.*?)(\\E|$)", re.DOTALL), lambda found: re.escape(found[1])),
    (re.compile(r"\\[pP](\{\^?\w+(=\w+)?\}|[A-Z])"), lambda _: r"\w"),
    (re.compile(r"\\x\{[0-9a-fA-F]{1,6}\}"), lambda _: "x"),
    (re.compile(r"\\[hHRXv]"), lambda _: r"\s"),
    (re.compile(r"\\G"), lambda _: ""),
    (re.compile(r"\\z"), lambda _: r"\Z"),
    (re.compile(r"\(\?[a-zA-Z]*(-[a-zA-Z]+)?\)"), lambda _: ""),
    (re.compile(r"\(\?[a-zA-Z]*(-[a-zA-Z]+)?:"), lambda _: "(?:"),
    (re.compile(r"\(\?<([A-Za-z]\w*)>"), lambda found: f"(?P<{found[1]}>"),
    (re.compile(r"\\k<([A-Za-z]\w*)>"), lambda found: f"(?P={found[1]})"),
    # A set of ten thousand characters takes Python a thousand times as long as one of a hundred.
    (
        re.compile(r"\\\\|\\u(?!00)[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|[^\x00-\xff]"),
        lambda found: found[0] if found[0] == r"\\" else "\xff",
    ),
)
_HINTS = (
    ("unterminated subpattern", r"close the ( with ), or write \( for the character itself"),
    ("unbalanced parenthesis", r"open the ) with (, or write \) for the character itself"),
    ("unterminated character set", r"close the [ with ], or write \[ for the character itself"),
    ("to repeat", "write .* for anything"),
    ("multiple repeat", "leave one of them out"),
    ("bad character range", "write the lower end first"),
    ("min repeat greater", "write the lower count first"),
    ("bad escape", r"write \\ for a backslash"),
)
_EXAMPLE = "write a regular expression such as /orders/.*"
# Java takes look-behinds of bounded length, Python only those of one length.
_PYTHONS_OWN = "look-behind requires"


@dataclass(frozen=True, slots=True)
class PatternFault:
    """What is wrong with a pattern, or only odd."""

    message: str
    hint: str
    is_error: bool


def check_pattern(pattern: str) -> PatternFault | None:
    """The first thing that is wrong with the pattern of a path; None where nothing is."""
    placeholder = _PLACEHOLDER.search(pattern)
    if placeholder:
        message = f"{placeholder[0]} is no pattern: placeholders are not filled in"
        return PatternFault(message, f"write [^/]+ in place of {placeholder[0]}", True)
    if len(pattern) > _LONGEST:
        message = f"is longer than {_LONGEST:,} characters"
        return PatternFault(message, "write several rules, or a shorter one", True)
    trouble = _compile(pattern)
    if trouble:
        hint = next((hint for words, hint in _HINTS if words in trouble), _EXAMPLE)
        return PatternFault(f"is no regular expression: {trouble}", hint, True)
    if _GLOB.search(pattern):
        message = "/* means any number of slashes, not any path"
        return PatternFault(message, "write /.* for all that lies below", False)
    if _CATASTROPHE.search(pattern):
        message = "repeats a repetition: some paths would keep the gateway busy for very long"
        return PatternFault(message, "leave the inner or the outer repetition out", False)
    return None


def _compile(pattern: str) -> str:
    """Python's complaint, or nothing."""
    for written, meant in _REWRITTEN:
        pattern = written.sub(meant, pattern)
    try:
        with warnings.catch_warnings():
            # Intersections of sets (`&&`), which Java knows, are only foreseen in Python.
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except re.error as error:
        return "" if error.msg.startswith(_PYTHONS_OWN) else error.msg
    except (OverflowError, RecursionError):
        return "it is too large"
    return ""
