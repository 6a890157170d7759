"""Sound data made unsound: kinds changed, keys dropped, doubled and swapped, marks put in."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

_ODD_FILE: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, 10**30, "", "x", "a" * 3_000, "${env:ANYPOINT_TOKEN}", "${env:KEY}",
    "${file:../../x}", "${", "$${x}", "#[", "#[(]", "1.1.1.1/99", "*", "[" * 50, "(a+)+$", "\u202e",
    "\x1b[2J", "\ud7ff", "<<", "no", "0x10", "..", "a/b", "%", "\n", [], {}, [[]], [None], {"": ""},
    {"a": {"b": {"c": [1, {"d": None}]}}}, [1] * 300, {"env": "${env:A}"},
)  # fmt: skip
_ODD_ANSWER: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, 10**30, -(10**30), "", "x", "7", "a" * 3_000, "..", "../x", "\ud7ff",
    "\x1b[2J", "\u202e", "::error::x", "<html>", "${env:X}", [], {}, [[]], [None], {"": ""},
    {"id": "x"}, [{"id": 1}] * 3, [1] * 300, {"a": {"b": [1, {"d": None}]}},
)  # fmt: skip
_KEYS = ("", "id", "name", "policies", "config", "policyRef", "${env:X}", "x" * 300, "a.b", "a[0]")

Place = tuple[Any, Any]
"""A container and the key or index in it."""


def mutated_file(data: Any, random: Random) -> Any:
    """A document with some places changed."""
    return _mutated(data, random, _ODD_FILE)


def mutated_answer(data: Any, random: Random) -> Any:
    """An answer with some places changed."""
    return _mutated(data, random, _ODD_ANSWER)


def _mutated(data: Any, random: Random, odd: tuple[Any, ...]) -> Any:
    holder = [copy.deepcopy(data)]
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        container, key = random.choice(_places(holder))
        _change(container, key, random, odd, holder)
    return holder[0]


def _places(holder: list[Any]) -> list[Place]:
    found: list[Place] = []
    waiting: list[Any] = [holder]
    while waiting:
        container = waiting.pop()
        items = container.items() if isinstance(container, dict) else enumerate(container)
        for key, item in items:
            found.append((container, key))
            if isinstance(item, dict | list):
                waiting.append(item)
    return found


def _change(container: Any, key: Any, random: Random, odd: tuple[Any, ...], holder: Any) -> None:
    value = container[key]
    match random.randrange(8):
        case 0 | 1 | 2:
            container[key] = copy.deepcopy(random.choice(odd))
        case 3 if container is not holder:
            del container[key]
        case 4 if isinstance(container, dict):
            container[random.choice(_KEYS)] = copy.deepcopy(value)
        case 5 if isinstance(container, list) and container is not holder:
            container.extend([copy.deepcopy(value)] * random.choice((1, 1, 40)))
        case 6:
            other, place = random.choice(_places(holder))
            if not _holds(value, other) and not _holds(other[place], container):
                container[key], other[place] = other[place], value
        case _:
            container[key] = random.choice(([value], {"a": value}, str(value), [value, value]))


def _holds(outer: Any, inner: Any) -> bool:
    """Whether it is the inner one, or has it somewhere in it."""
    if outer is inner:
        return True
    parts = outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ()
    return any(_holds(part, inner) for part in parts)


def torn(text: bytes, random: Random) -> bytes:
    """Text with bytes dropped, doubled, swapped or put in."""
    made = bytearray(text)
    for _ in range(random.randrange(1, 9)):
        at = random.randrange(len(made) + 1)
        match random.randrange(4):
            case 0:
                del made[at : at + random.randrange(1, 40)]
            case 1:
                made[at:at] = made[max(0, at - 30) : at]
            case 2:
                made[at:at] = random.choice(_BYTES)
            case _:
                made[at : at + 1] = random.randbytes(1)
    return bytes(made)


_BYTES = (
    b"\0", b"\xff", b"\t", b"\r", b"&a ", b"*a ", b"!!x ", b"<<: *a", b"? ", b"- ", b": ", b"[",
    b"{", b"]", b"}", b"|\n", b">\n", b"'", b'"', b"#", b"%YAML 9\n", b"---\n", b"...\n", b"@",
    b"`",
    b"\\",
    "\u2028\x85\ufeff".encode(), b"${env:A}", b"1e999", b".nan", b"0o17", b"~", b"yes: no\n",
)  # fmt: skip
