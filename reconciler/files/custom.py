"""Schemas of an organization's own policies: `GROUP/NAME.schema.json` below one folder.

They are written from what a platform says and read back when a document names such a policy.
Neither names nor content are trusted: no name leads out of the folder, and of a file only what
`custom_shape` allows is taken.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.core.catalogue import PolicyType
from reconciler.core.model import MULESOFT_GROUP
from reconciler.errors import Problem
from reconciler.files.custom_shape import shape_faults
from reconciler.files.policy_schema import Schema, policy_type_of, schema_of
from reconciler.files.shipped import SUFFIX

_GROUP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MAX_BYTES = 1024 * 1024
_HINT = "write it anew with `reconciler schema pull`, or delete it"


@dataclass(frozen=True, slots=True)
class CustomPolicy:
    """A policy of the folder and the schema made of it; `problems` where its file is broken."""

    known: PolicyType | None
    schema: Schema = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def custom_path(group: str, name: str) -> str | None:
    """The path of a policy's schema below the folder; None for a name that could be no file."""
    if group == MULESOFT_GROUP or not _GROUP.fullmatch(group) or not _NAME.fullmatch(name):
        return None
    return f"{group}/{name}{SUFFIX}"


class CustomPolicies:
    """The folder's policies, read when first asked for. Without a folder there are none."""

    def __init__(self, folder: Path | None = None, shown: str = "") -> None:
        self._folder = folder
        self._shown = shown
        self._found: dict[tuple[str, str], CustomPolicy | None] = {}

    def find(self, group: str, name: str) -> CustomPolicy | None:
        """The policy, or None where the folder has no file for it."""
        key = (group, name)
        if key not in self._found:
            self._found[key] = self._read(group, name)
        return self._found[key]

    def only(self, named: Iterable[tuple[str, str]]) -> CustomPolicies:
        """These policies, by group and name, read already: as they are sent to another machine."""
        made = CustomPolicies(None, self._shown)
        made._found = {key: self.find(*key) for key in named}
        return made

    def _read(self, group: str, name: str) -> CustomPolicy | None:
        below = custom_path(group, name)
        if self._folder is None or below is None:
            return None
        path, shown = self._folder / below, f"{self._shown}/{below}"
        if not os.path.lexists(path):
            return None
        try:
            return CustomPolicy(*_parsed(self._bytes(path), group, name))
        except _Broken as error:
            return CustomPolicy(None, problems=tuple(_problems(shown, error)))
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
            message = f"cannot be read: {getattr(error, 'strerror', '') or 'links in a circle'}"
            return CustomPolicy(None, problems=(Problem(shown, message=message, hint=_HINT),))

    def _bytes(self, path: Path) -> bytes:
        assert self._folder is not None
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise _Broken([("", "links out of the folder of schemas")])
        if not path.is_file():
            raise _Broken([("", "is no file")])
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise _Broken([("", "has more than 1 MiB")])
        return data


class _Broken(Exception):
    """What is wrong with a file, as (path, message), and on which line where that is known."""

    def __init__(self, faults: Iterable[tuple[str, str]], line: int = 0) -> None:
        self.faults = tuple(faults)
        self.line = line


def _problems(shown: str, error: _Broken) -> Iterable[Problem]:
    for path, message in error.faults[:10]:
        words = f"no schema of a custom policy: {message}"
        yield Problem(shown, error.line, 1 if error.line else 0, path, words, _HINT)


def _parsed(data: bytes, group: str, name: str) -> tuple[PolicyType, Schema]:
    """The policy and its schema made anew, which holds nothing of the file but its fields."""
    content = _json(data)
    try:
        faults = shape_faults(content)
    except RecursionError:
        faults = [("", "is nested too deep")]
    if faults:
        raise _Broken(faults)
    if not all(text.isprintable() for text in _texts(content)):
        raise _Broken([("", "holds control characters")])
    known = policy_type_of(content, name)
    if known.group != group:
        raise _Broken([("x-reconciler.group", f"must be {group}, as its folder says")])
    return known, schema_of(known)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise _Broken([("", f"not JSON: {error.msg}")], error.lineno) from None
    except (ValueError, RecursionError):  # not UTF-8, a number of thousands of digits, too deep
        raise _Broken([("", "not JSON")]) from None


def _texts(content: Any) -> Iterator[str]:
    waiting = [content]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            waiting += item
