"""One layout for all files: indentation, order of the first keys, blank lines; comments stay.

The only user of ruamel.yaml. What comes out must say exactly what went in, by our own reading of
it; a file of which that cannot be said is left as it is.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from reconciler.files.yaml import Document, Map, parse

_FIRST = (
    *(
        "apiVersion",
        "kind",
        "name",
        "platform",
        "organization",
        "environment",
        "api",
        "host",
        "auth",
    ),
    *("instanceUrl", "description", "protected", "prune", "requires", "limits", "versions"),
    *(
        "defaults",
        "exclude",
        "policies",
        "outboundPolicies",
        "automatedPolicies",
        "tiers",
        "absent",
    ),
)
"""Top-level keys in the order in which people look for them; others follow as they stand."""

_WIDTH = 4096
"""Nothing is folded: where a line breaks is for whoever wrote it."""

_GAPS = re.compile(r"\n{3,}")
_SPACES = re.compile(r"[ \t]+$", re.MULTILINE)
_MARK = "---"


class CannotFormat(ValueError):
    """A file that is left as it is; the message says why."""


def formatted(data: bytes, file: str) -> str:
    """The text in our layout. Raises CannotFormat where it cannot be read as our files are, or
    would not say the same afterwards."""
    documents, problems = parse(data, file)
    if problems:
        raise CannotFormat(str(problems[0]))
    text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    if not documents:
        return text
    ordered = _reordered(text, documents)
    ways: tuple[Callable[[], str], ...] = (
        lambda: _tidy(_laid_out(_tidy(ordered), file)),
        # Spaces at the end of a line, and gaps, may be part of a text.
        lambda: _laid_out(ordered, file),
        lambda: ordered.rstrip("\n") + "\n",
    )
    for way in ways:
        with suppress(CannotFormat):
            made = way()
            again, problems = parse(made.encode(), file)
            if not problems and list(map(_said, again)) == list(map(_said, documents)):
                return made
    raise CannotFormat(f"{file}: its layout cannot be changed without changing what it says")


def _said(document: Document) -> Any:
    """What a document says, with each value's type and, of a number, its spelling."""
    return _exact(document.value)


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return type(value).__name__, value, getattr(value, "text", None)


def _reordered(text: str, documents: Sequence[Document]) -> str:
    """The first keys of each document in their order. What stands above a key moves with it."""
    lines = text.split("\n")
    for document in reversed(documents):
        if isinstance(document.value, Map) and len(document.value) > 1:
            lines = _with_order(lines, document.value)
    return "\n".join(lines)


def _with_order(lines: list[str], top: Map) -> list[str]:
    starts = {key: place[0] - 1 for key, place in top.key_at.items()}
    is_block = all(place[1] == 1 for place in top.key_at.values())
    if not is_block or len(set(starts.values())) < len(starts):
        return lines  # on one line, or indented: there is nothing to move
    written = sorted(starts, key=lambda key: starts[key])
    wanted = sorted(written, key=lambda key: _FIRST.index(key) if key in _FIRST else len(_FIRST))
    if wanted == written:
        return lines
    end = _end(lines, starts[written[-1]])
    begins = [_above(lines, starts[key], starts[written[0]]) for key in written]
    blocks = {
        key: lines[begin:after]
        for key, begin, after in zip(written, begins, [*begins[1:], end], strict=True)
    }
    moved = [line for key in wanted for line in blocks[key]]
    return [*lines[: begins[0]], *moved, *lines[end:]]


def _above(lines: list[str], start: int, first: int) -> int:
    """Where the comments directly above a key begin; the first key keeps none, so that what heads
    a document stays at its head."""
    if start == first:
        return start
    while lines[start - 1].startswith("#"):
        start -= 1
    return start


def _end(lines: list[str], last: int) -> int:
    """Where the last key of a document ends, without empty lines after it."""
    end = len(lines)
    for number in range(last + 1, len(lines)):
        if lines[number].startswith((_MARK, "...")):
            end = number
            break
    while end > last + 1 and not lines[end - 1].strip():
        end -= 1
    return end


def _laid_out(text: str, file: str) -> str:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.allow_duplicate_keys = True  # told by our own reading
    try:
        documents = list(yaml.load_all(text))
        stream = io.StringIO()
        yaml.dump_all(documents, stream)
    except (YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise CannotFormat(f"{file}: its layout cannot be changed ({reason})") from None
    return stream.getvalue()


def _tidy(text: str) -> str:
    text = _GAPS.sub("\n\n", _SPACES.sub("", text)).lstrip("\n")
    return text.rstrip("\n") + "\n" if text.strip() else ""
