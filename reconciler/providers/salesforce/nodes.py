"""XML as plain elements, and back; read without entities, in bounded depth and number. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from xml.sax.saxutils import escape

from reconciler.errors import ProviderError

MAX_DEPTH = 64
MAX_ELEMENTS = 500_000

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# What XML 1.0 cannot hold, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


class BadXml(ValueError):
    """What came is no XML that we read. is_cut: it may be one half of it."""

    def __init__(self, message: str, *, is_cut: bool = False) -> None:
        super().__init__(message)
        self.is_cut = is_cut


@dataclass(frozen=True, slots=True)
class Node:
    """An element: its local name, its text where it has no children, else its children in order.

    type: the local name of its `xsi:type`. An element that is not there is None, never false:
    Salesforce leaves out what an org does not have (facts, section 5.1).
    """

    name: str
    text: str = ""
    children: tuple[Node, ...] = ()
    type: str = ""
    is_nil: bool = False

    def child(self, name: str) -> Node | None:
        """The first child of this name that is not nil."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> tuple[Node, ...]:
        return tuple(node for node in self.children if node.name == name and not node.is_nil)

    def value(self, name: str) -> str | None:
        """The text of the first child of this name."""
        found = self.child(name)
        return found.text if found else None

    def values(self, name: str) -> tuple[str, ...]:
        return tuple(node.text for node in self.all(name))

    def flag(self, name: str) -> bool | None:
        """The truth of the first child of this name; BadXml where it holds something else."""
        text = self.value(name)
        if text is None:
            return None
        try:
            return {"true": True, "1": True, "false": False, "0": False}[text.strip()]
        except KeyError:
            raise BadXml(f"{name} is neither true nor false") from None

    def without(self, *names: str) -> Node:
        """The element less its children of these names."""
        kept = (node for node in self.children if node.name not in names)
        return replace(self, children=tuple(kept))

    def put(self, name: str, *nodes: Node) -> Node:
        """The element with `nodes` as all its children of this name.

        New ones go where the schema has them, or they may be dropped without a word (facts,
        section 5): it lists children by name, behind `fullName`.
        """
        before = [node for node in self.children if node.name != name and not _follows(node, name)]
        behind = [node for node in self.children if node.name != name and _follows(node, name)]
        return replace(self, children=(*before, *nodes, *behind))

    def set(self, name: str, value: str | bool) -> Node:
        """The element with one child of this name, holding this value."""
        return self.put(name, leaf(name, value))


def _follows(node: Node, name: str) -> bool:
    return node.name != "fullName" and (name == "fullName" or node.name > name)


def leaf(name: str, value: str | bool) -> Node:
    """An element with a text, or with `true` or `false`."""
    return Node(name, ("true" if value else "false") if isinstance(value, bool) else value)


def written(node: Node, prefix: str = "") -> str:
    """The element as XML; ValueError where XML cannot hold it.

    prefix: that of the namespace, bound further out. `xsi` is bound there as well.
    """
    if not _NAME.fullmatch(node.name) or (node.type and not _NAME.fullmatch(node.type)):
        raise ValueError(f"{node.name!r} cannot be the name of an element")
    name = f"{prefix}{node.name}"
    kind = f' xsi:type="{prefix}{node.type}"' if node.type else ""
    inner = "".join(written(child, prefix) for child in node.children) or escaped(node.text)
    return f"<{name}{kind}>{inner}</{name}>"


def escaped(text: str) -> str:
    """The text as the content of an element; ValueError for characters that XML cannot hold."""
    if found := _NOT_XML.search(text):
        raise ValueError(f"XML cannot hold the character U+{ord(found[0]):04X}")
    # A bare carriage return would come back as a line end.
    return escape(text, {"\r": "&#13;"})


def parsed(data: bytes) -> Node:
    """The document; BadXml where it is none, declares entities, or is beyond all bounds."""
    try:
        # Of an extra that is not everywhere.
        from defusedxml.common import DefusedXmlException
        from defusedxml.ElementTree import ParseError, XMLParser
    except ImportError:
        message = "reading XML needs: pip install 'reconciler[salesforce]'"
        raise ProviderError(message, service="salesforce") from None
    parser = XMLParser(target=_Builder(), forbid_dtd=True)
    try:
        parser.feed(data)
        # What the target gives at the end.
        root: Any = parser.close()
    except DefusedXmlException:
        raise BadXml("it declares a document type or entities, which are not read") from None
    except BadXml:
        raise
    except (ParseError, LookupError, ValueError):
        raise BadXml("no whole XML", is_cut=True) from None
    assert isinstance(root, Node)
    return root


@dataclass(slots=True)
class _Open:
    """An element whose end has not come yet."""

    name: str
    type: str
    is_nil: bool
    texts: list[str] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    def closed(self) -> Node:
        text = "" if self.children else "".join(self.texts)
        return Node(self.name, text, tuple(self.children), self.type, self.is_nil)


class _Builder:
    """What the parser tells of to; drops namespaces, comments and all attributes but two."""

    def __init__(self) -> None:
        self._open: list[_Open] = [_Open("", "", False)]
        self._count = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._count += 1
        if len(self._open) > MAX_DEPTH or self._count > MAX_ELEMENTS:
            raise BadXml(f"more than {MAX_ELEMENTS} elements, or {MAX_DEPTH} in one another")
        is_nil = attributes.get(f"{_XSI}nil") in ("true", "1")
        kind = attributes.get(f"{_XSI}type", "").rpartition(":")[2]
        self._open.append(_Open(_local(tag), kind, is_nil))

    def end(self, tag: str) -> None:
        node = self._open.pop().closed()
        self._open[-1].children.append(node)

    def data(self, text: str) -> None:
        self._open[-1].texts.append(text)

    def close(self) -> Node:
        return self._open[0].children[0]


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
