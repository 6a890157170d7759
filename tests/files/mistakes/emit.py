"""Plain values as block YAML, with the line of each key and value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Emitted:
    """The lines of a document, and on which line, from 1, a path's key and value start."""

    lines: list[str] = field(default_factory=list)
    key_line: dict[Path, int] = field(default_factory=dict)
    value_line: dict[Path, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def emit(document: Mapping[str, Any]) -> Emitted:
    """The document as YAML in which every scalar has a line of its own."""
    emitted = Emitted()
    _mapping(document, (), "", emitted, first="")
    return emitted


def _mapping(value: Mapping[str, Any], path: Path, indent: str, out: Emitted, first: str) -> None:
    """`first` stands before the first key, in place of the indent: that of an item of a list."""
    for index, (key, item) in enumerate(value.items()):
        below, lead = (*path, key), first if index == 0 and first else indent
        out.key_line[below] = len(out.lines) + 1
        if isinstance(item, Mapping | list) and item:
            out.lines.append(f"{lead}{key}:")
            out.value_line[below] = len(out.lines) + 1
            _inner(item, below, indent + "  ", out)
        else:
            out.lines.append(f"{lead}{key}: {json.dumps(item)}")
            out.value_line[below] = len(out.lines)


def _inner(value: Any, path: Path, indent: str, out: Emitted) -> None:
    if isinstance(value, Mapping):
        _mapping(value, path, indent, out, first="")
    else:
        _sequence(value, path, indent, out)


def _sequence(value: Sequence[Any], path: Path, indent: str, out: Emitted) -> None:
    for index, item in enumerate(value):
        below = (*path, index)
        out.value_line[below] = len(out.lines) + 1
        if isinstance(item, Mapping) and item:
            _mapping(item, below, indent + "  ", out, first=indent + "- ")
        else:
            out.lines.append(f"{indent}- {json.dumps(item)}")
