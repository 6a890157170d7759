"""DataWeave expressions: whether the brackets and quotes of `#[...]` fit together.

Nothing more is understood of the language, so that nothing right is refused.
"""

from __future__ import annotations

_CLOSES = {")": "(", "]": "[", "}": "{"}
_CLOSED_BY = {opened: closer for closer, opened in _CLOSES.items()}
_QUOTES = "\"'`"


def is_wrapped(text: str) -> bool:
    """Whether the text stands in `#[...]`."""
    bare = text.strip()
    return bare.startswith("#[") and bare.endswith("]") and len(bare) > 3


def imbalance(text: str) -> tuple[str, str] | None:
    """Message and hint where the inside of `#[...]` does not fit together; None where it does.

    A slash may divide or start a regular expression, in which brackets mean something else:
    only what is wrong either way counts.
    """
    inner = text.strip()[2:-1]
    found = _scan(inner, has_patterns=False)
    if found and "/" in inner and _scan(inner, has_patterns=True) is None:
        return None
    return found


def _scan(code: str, *, has_patterns: bool) -> tuple[str, str] | None:
    """`opened` holds the brackets and quotes that are open; a quote on top means within a text."""
    opened: list[str] = []
    at = 0
    while at < len(code):
        if opened and opened[-1] in _QUOTES:
            at = _in_text(code, at, opened)
            continue
        character = code[at]
        if character in _QUOTES or character in _CLOSED_BY:
            opened.append(character)
        elif character in _CLOSES:
            if not opened or opened[-1] != _CLOSES[character]:
                return _surplus(character, opened)
            opened.pop()
        elif character == "/":
            at = _after_slash(code, at, has_patterns=has_patterns)
            continue
        at += 1
    return _unclosed(opened[-1]) if opened else None


def _in_text(code: str, at: int, opened: list[str]) -> int:
    """One step within a text; `$(` starts code that is put into it."""
    if code[at] == "\\":
        return at + 2
    if code.startswith("$(", at):
        opened.append("(")
        return at + 2
    if code[at] == opened[-1]:
        opened.pop()
    return at + 1


def _after_slash(code: str, at: int, *, has_patterns: bool) -> int:
    """Behind a comment or a regular expression; behind the slash where it is neither."""
    if code.startswith("//", at):
        end = code.find("\n", at)
        return len(code) if end < 0 else end
    if code.startswith("/*", at):
        end = code.find("*/", at + 2)
        return len(code) if end < 0 else end + 2
    if has_patterns:
        end = at + 1
        while end < len(code) and code[end] not in "/\n":
            end += 2 if code[end] == "\\" else 1
        if code[end : end + 1] == "/":
            return end + 1
    return at + 1


def _surplus(closer: str, opened: list[str]) -> tuple[str, str]:
    if not opened:
        return f"a {closer} closes nothing", f"remove it, or open it with {_CLOSES[closer]}"
    missing = _CLOSED_BY[opened[-1]]
    return f"a {closer} stands where {missing} closes {opened[-1]}", f"add {missing} before it"


def _unclosed(mark: str) -> tuple[str, str]:
    if mark in _QUOTES:
        return f"a text that starts with {mark} has no end", f"add {mark} at its end"
    return f"a {mark} is never closed", f"add {_CLOSED_BY[mark]}"
