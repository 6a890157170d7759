"""Text to values that know their place: YAML 1.2 rules on libyaml's parser.

The only user of yaml. Differences from PyYAML's loaders: only `true`/`false` are booleans, there
are no octal, sexagesimal or date scalars, `<<` is refused, a duplicate key is an error,
aliases are copied and bounded. Numbers keep their text (`1.10`), for places where the schema
asks for a string.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]

from reconciler.errors import Problem

MAX_FILE_BYTES = 1024 * 1024
_MAX_VALUES = 80_000
_MAX_VALUES_OF_DOCUMENT = 30_000
_MAX_KEY = 500
_MAX_ALIASED_NODES = 10_000
_MAX_ALIASED_TEXT = MAX_FILE_BYTES
_MAX_DEPTH = 50

_INT = re.compile(r"[-+]?[0-9]+")
_STARTS_NUMBER = frozenset("+-.0123456789")
_OCTAL_OR_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NOT_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SAVE = "save the file as UTF-8"
_QUOTE = "quote the value, if it is meant as text"
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WORDS = _NULL | _BOOL.keys()
_ODD_KEYS = frozenset(("", "<<"))
_SCALAR, _MAPPING_END, _SEQUENCE_END = (
    yaml.ScalarEvent,
    yaml.MappingEndEvent,
    yaml.SequenceEndEvent,
)

Place = tuple[int, int]
"""Line and column, counted from 1."""


class Map(dict[str, Any]):
    """A mapping that knows where it, its keys and its values stand."""

    __slots__ = ("at", "key_at", "value_at")

    def __init__(self, at: Place) -> None:
        self.at = at
        self.key_at: dict[str, Place] = {}
        self.value_at: dict[str, Place] = {}


class Seq(list[Any]):
    """A list that knows where it and its items stand."""

    __slots__ = ("at", "item_at")

    def __init__(self, at: Place) -> None:
        self.at = at
        self.item_at: list[Place] = []


class TextInt(int):
    """A whole number written in another way than Python would: `text` is as in the file."""

    text: str

    def __repr__(self) -> str:
        return self.text


class TextFloat(float):
    """A number with a fraction; `text` is as in the file, such as `1.10`."""

    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its value and the line on which it starts."""

    value: Any
    at: Place


class _Invalid(Exception):
    def __init__(self, at: Place, message: str, hint: str = "") -> None:
        self.at, self.message, self.hint = at, message, hint


def parse(data: bytes, file: str) -> tuple[list[Document], list[Problem]]:
    """The documents of a file, and what is wrong with it; never raises for bad content.

    A file with a problem gives the documents before it. Empty documents are left out.
    """
    if len(data) > MAX_FILE_BYTES:
        hint = "split it: 1 MiB per file at most"
        return [], [Problem(file, message=f"the file has {len(data):,} bytes", hint=hint)]
    if data.startswith(_UTF_16) or b"\0" in data[:2]:
        return [], [Problem(file, 1, 1, message="not UTF-8 but UTF-16 or 32", hint=_SAVE)]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return [], [Problem(file, line, 1, message="not UTF-8", hint=_SAVE)]
    return _documents(text, file)


def _documents(text: str, file: str) -> tuple[list[Document], list[Problem]]:
    documents: list[Document] = []
    try:
        for document in _Composer(text).documents():
            documents.append(document)  # noqa: PERF402 - keeps those before an error
    except _Invalid as error:
        return documents, [Problem(file, *error.at, message=error.message, hint=error.hint)]
    except yaml.MarkedYAMLError as error:
        return documents, [_malformed(error, text, file)]
    except yaml.YAMLError:
        return documents, [_unreadable(text, file)]
    return documents, []


def _malformed(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    """What libyaml says, at the start of what it was reading where the file ends within it."""
    mark, start = error.problem_mark or error.context_mark, error.context_mark
    if mark is None:
        return Problem(file, 1, 1, message="not YAML")
    words = f"not YAML: {error.problem or error.context or 'unreadable'}"
    is_at_end = not text[mark.index :].strip()
    if start is not None and is_at_end:
        mark, words = start, f"{words} {error.context}"
    at = (mark.line + 1, mark.column + 1)
    return Problem(file, *at, message=words, hint=_advice(error, text[mark.index :][:1]))


def _advice(error: yaml.MarkedYAMLError, character: str) -> str:
    problem = str(error.problem)
    if character == "\t" or "tab" in problem:
        return "indent with spaces, not with tabs"
    if "cannot start any token" in problem:
        return f"quote the text: it cannot start with {character}"
    if "mapping values are not allowed" in problem:
        return "quote the text, or put the key on a line of its own"
    if any(words in problem for words in ("end of stream", "expected ',' or", "node content")):
        return "close the quote or bracket"
    return ""


def _unreadable(text: str, file: str) -> Problem:
    """The first character that YAML does not allow."""
    found = _NOT_TEXT.search(text)
    if found is None:
        return Problem(file, 1, 1, message="not YAML")
    lines = re.split(r"\r\n|\r|\n", text[: found.start()])
    message = f"not YAML: the character U+{ord(found.group()):04X} is not allowed"
    return Problem(file, len(lines), len(lines[-1]) + 1, message=message, hint="remove it")


class _Composer:
    """Builds values from libyaml's events.

    Taken from the parser itself and told apart by their exact type: this runs for every value of
    every file, and a generator in between or a look along the classes costs as much as the rest.
    """

    def __init__(self, text: str) -> None:
        self._next: Callable[[], Any] = CParser(text).get_event
        self._anchors: dict[str, Any] = {}
        self._aliased = self._aliased_text = 0
        self._left_in_file, self._left = _MAX_VALUES, 0

    def documents(self) -> Iterator[Document]:
        while type(event := self._next()) is not yaml.StreamEndEvent:
            if type(event) is yaml.DocumentStartEvent:
                self._anchors = {}
                allowed = self._left = min(self._left_in_file, _MAX_VALUES_OF_DOCUMENT)
                first = self._next()
                value = self._node(first, 0)
                self._left_in_file -= allowed - self._left
                if value is not None:
                    yield Document(value, _at(first))

    def _node(self, event: Any, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise _Invalid(_at(event), f"nested deeper than {_MAX_DEPTH} levels")
        self._left -= 1
        if self._left < 0:
            raise self._too_many(event)
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self._alias(event)
        if event.tag is not None and event.tag not in ("!", "tag:yaml.org,2002:str"):
            # Neither this nor an alias is named: a password may start with ! or *.
            raise _Invalid(_at(event), "tags are not supported", f"remove it, or {_QUOTE}")
        if kind is yaml.ScalarEvent:
            value = _scalar(event)
        elif kind is yaml.SequenceStartEvent:
            value = self._sequence(event, depth)
        else:
            value = self._mapping(event, depth)
        if event.anchor:
            self._anchors[event.anchor] = value
        return value

    def _too_many(self, event: Any) -> _Invalid:
        """What is checked and said of each value takes far more room than the value itself."""
        message = f"a document of more than {_MAX_VALUES_OF_DOCUMENT:,} values"
        if self._left_in_file < _MAX_VALUES_OF_DOCUMENT:
            message = f"a file of more than {_MAX_VALUES:,} values"
        return _Invalid(_at(event), message, "split it")

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            hint = f"an anchor stands before it and cannot hold itself; {_QUOTE}"
            raise _Invalid(_at(event), "this alias has no anchor", hint)
        value = self._anchors[event.anchor]
        nodes, text = _size(value)
        self._aliased += nodes
        self._aliased_text += text
        if self._aliased > _MAX_ALIASED_NODES or self._aliased_text > _MAX_ALIASED_TEXT:
            hint = f"aliases may add {_MAX_ALIASED_NODES:,} values to a file at most"
            raise _Invalid(_at(event), "the aliases of this file expand without measure", hint)
        return copy.deepcopy(value)

    def _sequence(self, start: Any, depth: int) -> Seq:
        mark = start.start_mark
        items, take = Seq((mark.line + 1, mark.column + 1)), self._next
        places, is_shallow = items.item_at, depth < _MAX_DEPTH
        while (kind := type(event := take())) is not _SEQUENCE_END:
            mark = event.start_mark
            places.append((mark.line + 1, mark.column + 1))
            is_plain = kind is _SCALAR and event.tag is None and event.anchor is None
            if is_plain and is_shallow and self._left > 0:
                self._left -= 1
                items.append(_scalar(event))
            else:
                items.append(self._node(event, depth + 1))
        return items

    def _mapping(self, start: Any, depth: int) -> Map:
        mark = start.start_mark
        mapping, take = Map((mark.line + 1, mark.column + 1)), self._next
        key_at, value_at, is_shallow = mapping.key_at, mapping.value_at, depth < _MAX_DEPTH
        while (kind := type(event := take())) is not _MAPPING_END:
            key = event.value if kind is _SCALAR else ""
            if key in mapping or len(key) > _MAX_KEY or key in _ODD_KEYS:
                self._check_key(event, mapping)
            mark = event.start_mark
            key_at[key] = (mark.line + 1, mark.column + 1)
            event = take()
            mark = event.start_mark
            value_at[key] = (mark.line + 1, mark.column + 1)
            is_plain = type(event) is _SCALAR and event.tag is None and event.anchor is None
            if is_plain and is_shallow and self._left > 0:
                self._left -= 1
                text = event.value
                is_text = event.style or (text not in _WORDS and text[0] not in _STARTS_NUMBER)
                mapping[key] = text if is_text else _scalar(event)
            else:
                mapping[key] = self._node(event, depth + 1)
        return mapping

    def _check_key(self, event: Any, mapping: Map) -> None:
        if type(event) is yaml.AliasEvent:
            raise _Invalid(_at(event), "a key cannot be an alias", "write the key out")
        if type(event) is not yaml.ScalarEvent:
            raise _Invalid(_at(event), "a key must be text", "quote it, if it is meant as text")
        key = event.value
        if len(key) > _MAX_KEY:
            raise _Invalid(_at(event), f"a key of more than {_MAX_KEY} characters", "shorten it")
        if key == "<<" and not event.style:
            hint = "merge keys are YAML 1.1; use defaults, or an alias for the whole value"
            raise _Invalid(_at(event), "the merge key << is not supported", hint)
        if key in mapping:
            line = mapping.key_at[key][0]
            raise _Invalid(
                _at(event), f"the key {key!r} is already set on line {line}", "remove one of them"
            )


def _at(event: Any) -> Place:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


def _size(value: Any) -> tuple[int, int]:
    """Values and characters."""
    if isinstance(value, Map | Seq):
        parts = value.values() if isinstance(value, Map) else value
        sizes = [_size(item) for item in parts]
        return 1 + sum(nodes for nodes, _ in sizes), sum(text for _, text in sizes)
    return 1, len(value) if isinstance(value, str) else 0


def _scalar(event: Any) -> Any:
    """The value of a scalar. Most are text, and `_mapping` sees that by itself."""
    text = event.value
    if event.style or event.tag:
        return text
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    return _number(text, event) if text[0] in _STARTS_NUMBER else text


def _number(text: str, event: Any) -> Any:
    if len(text) > 400:
        return text
    if _INT.fullmatch(text):
        return _text_int(int(text), text)
    if _OCTAL_OR_HEX.fullmatch(text):
        return _text_int(int(text, 0), text)
    if _FLOAT.fullmatch(text):
        number = TextFloat(text)
        number.text = text
        if isfinite(number):
            return number
    if _FLOAT.fullmatch(text) or _SPECIAL_FLOAT.fullmatch(text):
        raise _Invalid(_at(event), "this is no number that a service takes", "quote it")
    return text


def reads_as_text(text: str) -> bool:
    """Whether an unquoted scalar of this text is a string."""
    if text in _NULL or text in _BOOL:
        return False
    return not any(form.fullmatch(text) for form in (_INT, _OCTAL_OR_HEX, _FLOAT, _SPECIAL_FLOAT))


def _text_int(number: int, text: str) -> int:
    if str(number) == text:
        return number
    kept = TextInt(number)
    kept.text = text
    return kept


def number_text(value: Any) -> str | None:
    """The text of a number as it stands in the file; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(getattr(value, "text", value))


def place(root: Any, path: list[str | int], *, of_key: bool = False) -> Place:
    """Where the value at `path` stands, or the last part of the path that exists.

    `of_key`: the place of the key, not of its value.
    """
    at: Place = getattr(root, "at", (1, 1))
    node = root
    for index, part in enumerate(path):
        if isinstance(node, Map) and part in node:
            is_last = index == len(path) - 1
            at = (node.key_at if of_key and is_last else node.value_at)[str(part)]
            node = node[str(part)]
        elif isinstance(node, Seq) and isinstance(part, int) and part < len(node):
            at = node.item_at[part]
            node = node[part]
        else:
            break
    return at
