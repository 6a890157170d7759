"""Values to YAML text that reads like the samples and comes back equal.

Strings that YAML 1.1 or 1.2 would read as something else are quoted; short mappings and lists
stand on one line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from reconciler.files.yaml import reads_as_text

_FLOW_WIDTH = 88
_INDENT_WIDTH = 100


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Lists stand two columns in from their key."""
        super().increase_indent(flow, False)


def to_yaml(value: Mapping[str, Any]) -> str:
    """One document, without a leading `---`; mappings keep their order."""
    return str(
        yaml.serialize(
            _node(value, depth=0),
            Dumper=_Dumper,
            width=_INDENT_WIDTH * 10,
            allow_unicode=True,
            indent=2,
        )
    )


def text_of(text: str) -> str:
    """A string as it stands on a line of YAML."""
    return to_yaml({"x": text})[3:].strip()


def _node(value: Any, depth: int) -> yaml.Node:
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if isinstance(value, list | tuple):
        return _sequence(value, depth)
    if isinstance(value, str):
        return yaml.ScalarNode("tag:yaml.org,2002:str", value, style=_style(value))
    return _Dumper("").represent_data(value)  # type: ignore[arg-type]


def _mapping(value: Mapping[str, Any], depth: int) -> yaml.Node:
    pairs = [(_node(key, depth + 1), _node(item, depth + 1)) for key, item in value.items()]
    is_flow = not value or (depth > 0 and _is_short(value))
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=is_flow)


def _sequence(value: Sequence[Any], depth: int) -> yaml.Node:
    items = [_node(item, depth + 1) for item in value]
    return yaml.SequenceNode("tag:yaml.org,2002:seq", items, flow_style=_is_short(value))


def _is_short(value: Any) -> bool:
    parts = value.values() if isinstance(value, Mapping) else value
    if any(isinstance(part, str) and "\n" in part for part in parts):
        return False
    nested = [part for part in parts if isinstance(part, Mapping | list | tuple)]
    if isinstance(value, Mapping) and nested:
        return False
    if any(not _is_short(part) for part in nested):
        return False
    return len(str(value)) <= _FLOW_WIDTH


_PLAIN = re.compile(r"[A-Za-z0-9/._*][A-Za-z0-9 /._*+:@-]*")


def _style(text: str) -> str | None:
    """Plain where every YAML reads the same text; else quoted, or a block for several lines."""
    if text.endswith("\n") and all(_is_block_line(line) for line in text[:-1].split("\n")):
        return "|"
    is_plain = _PLAIN.fullmatch(text) and ": " not in text and text[-1] not in " :"
    return None if is_plain and reads_as_text(text) else '"'


def _is_block_line(line: str) -> bool:
    return line.isascii() and line.isprintable() and line == line.strip() and line != ""
