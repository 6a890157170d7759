"""XML in and out. Only element names count, not their prefixes; entities are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape, quoteattr

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from reconciler.emulator.salesforce.errors import Failure

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_DEEPEST = 30


def read_xml(data: bytes) -> Element:
    """The root element; Failure for what is no XML, or has a document type or entities."""
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Failure("soapenv:Client", f"{type(error).__name__}: {error}") from None
    _check_depth(root, _DEEPEST)
    return root


def _check_depth(element: Element, left: int) -> None:
    if left == 0:
        raise Failure("soapenv:Client", "nested too deeply")
    for inner in element:
        _check_depth(inner, left - 1)


def local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def child(element: Element | None, name: str) -> Element | None:
    """The first inner element of this name."""
    found = (inner for inner in (element if element is not None else ()) if local(inner) == name)
    return next(found, None)


def text_of(element: Element | None, name: str, default: str = "") -> str:
    found = child(element, name)
    return (found.text or "").strip() if found is not None else default


def texts_of(element: Element | None, name: str) -> list[str]:
    inner = element if element is not None else ()
    return [(item.text or "").strip() for item in inner if local(item) == name]


def flag_of(element: Element | None, name: str, default: bool = False) -> bool:
    """A boolean; one client writes True and False."""
    found = text_of(element, name).lower()
    return found in ("true", "1") if found else default


def is_nil(element: Element) -> bool:
    return element.get(_NIL, "").lower() in ("true", "1")


def write(name: str, value: Any, attributes: Mapping[str, str] | None = None) -> str:
    """An element; a list is repeated, None is left out."""
    if value is None:
        return ""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "".join(write(name, item, attributes) for item in value)
    shown = "".join(f" {key}={quoteattr(text)}" for key, text in (attributes or {}).items())
    if isinstance(value, Mapping):
        inner = "".join(write(key, item) for key, item in value.items())
    else:
        inner = escape(_text(value))
    return f"<{name}{shown}>{inner}</{name}>"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def document(name: str, value: Mapping[str, Any]) -> bytes:
    """A metadata file."""
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return (head + write(name, value, {"xmlns": NAMESPACE}) + "\n").encode()
