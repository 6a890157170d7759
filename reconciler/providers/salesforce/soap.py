"""Envelopes of the Metadata API: calls out, results in (facts, section 5). Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from reconciler.errors import BadAnswer, Incomplete
from reconciler.providers.salesforce.failures import failure, fault_of
from reconciler.providers.salesforce.nodes import BadXml, Node, escaped, leaf, parsed, written
from reconciler.providers.salesforce.results import MAX_MESSAGE, ItemResult, result_from_node
from reconciler.transport import Body
from reconciler.transport.answers import Answer, Call, clean

MAX_COMPONENTS = 10
MAX_LIST_QUERIES = 3
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
READS = frozenset(
    ["readMetadata", "listMetadata", "describeMetadata", "retrieve", "checkRetrieveStatus"]
)
"""The operations that change nothing; all go to the same path as those that do."""

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_PREFIX = "met:"

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Listed:
    """A component as `listMetadata` names it; `namespace` is empty for the org's own."""

    type: str
    full_name: str
    id: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How far a `retrieve` is; `archive` is the zip once it is done."""

    is_done: bool
    is_success: bool
    status: str
    message: str
    archive: bytes | None


def read_metadata(kind: str, names: Sequence[str]) -> Node:
    _at_most(MAX_COMPONENTS, names)
    return Node(
        "readMetadata", children=(leaf("type", kind), *(leaf("fullNames", name) for name in names))
    )


def list_metadata(kinds: Sequence[str], version: str) -> Node:
    _at_most(MAX_LIST_QUERIES, kinds)
    queries = (Node("queries", children=(leaf("type", kind),)) for kind in kinds)
    return Node("listMetadata", children=(*queries, leaf("asOfVersion", version)))


def update_metadata(components: Sequence[Node]) -> Node:
    """All of one type, at most ten; each with its `type` and `fullName`."""
    _at_most(MAX_COMPONENTS, components)
    if len({component.type for component in components}) > 1:
        raise ValueError("components of one call are all of one type")
    if not all(component.type and component.value("fullName") for component in components):
        raise ValueError("a component needs its type and fullName")
    named = (
        Node("metadata", each.text, each.children, each.type) if each.name != "metadata" else each
        for each in components
    )
    return Node("updateMetadata", children=tuple(named))


def retrieve(kind: str, members: Sequence[str], version: str) -> Node:
    types = Node(
        "types", children=(*(leaf("members", name) for name in members), leaf("name", kind))
    )
    unpackaged = Node("unpackaged", children=(types, leaf("version", version)))
    asked = (leaf("apiVersion", version), leaf("singlePackage", True), unpackaged)
    return Node("retrieve", children=(Node("retrieveRequest", children=asked),))


def check_retrieve_status(process: str) -> Node:
    asked = (leaf("asyncProcessId", process), leaf("includeZip", True))
    return Node("checkRetrieveStatus", children=asked)


def envelope(operation: Node, session: str) -> Body:
    """The call as it is sent; ValueError for what XML cannot hold."""
    header = f"<met:SessionHeader><met:sessionId>{escaped(session)}</met:sessionId>"
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope xmlns:soapenv="{_SOAP}" xmlns:met="{NAMESPACE}" xmlns:xsi="{_XSI}">'
        f"<soapenv:Header>{header}</met:SessionHeader></soapenv:Header>"
        f"<soapenv:Body>{written(operation, _PREFIX)}</soapenv:Body></soapenv:Envelope>"
    )
    return Body(text.encode(), "text/xml; charset=UTF-8")


def is_read(content: bytes) -> bool:
    """Whether these bytes are the envelope of one operation that changes nothing."""
    try:
        root = parsed(content)
    except BadXml:
        return False
    bodies = [node for node in root.children if node.name == "Body"]
    if root.name != "Envelope" or len(bodies) != 1:
        return False
    return [node.name in READS for node in bodies[0].children] == [True]


def reader(
    operation: str, make: Callable[[tuple[Node, ...]], Made]
) -> Callable[[Call, Answer], Made]:
    """How the answer to an operation is read: `make` gets its `result` elements, and raises BadXml
    for those of another shape. Raises BadAnswer and its kin, and what a fault means."""

    def read(call: Call, answer: Answer) -> Made:
        try:
            root = parsed(answer.body)
            if fault_of(root):
                raise failure(call, answer)
            return make(_results(root, operation))
        except BadXml as error:
            kind = Incomplete if error.is_cut and not _is_page(answer) else BadAnswer
            raise call.error(kind, f"{operation}: {error} ({answer})", answer) from None

    return read


def components_from(results: tuple[Node, ...], names: Sequence[str]) -> tuple[Node | None, ...]:
    """What `readMetadata` gives: a component, or None, for each name asked for, in that order."""
    records = [node for result in results for node in result.all("records")]
    found = {name.casefold(): node for node in records if (name := node.value("fullName"))}
    if len(results) != 1 or not found.keys() <= {name.casefold() for name in names}:
        raise BadXml("components that were not asked for")
    return tuple(found.get(name.casefold()) for name in names)


def saved_from(results: tuple[Node, ...], count: int) -> tuple[ItemResult, ...]:
    """What became of each component of an `updateMetadata`, in the order sent."""
    if len(results) != count:
        raise BadXml(f"{len(results)} results came for {count} components")
    return tuple(map(result_from_node, results))


def listed_from(results: tuple[Node, ...]) -> tuple[Listed, ...]:
    """The components that `listMetadata` names."""
    return tuple(
        Listed(
            _due(node, "type"),
            _due(node, "fullName"),
            node.value("id") or "",
            node.value("namespacePrefix") or "",
        )
        for node in results
    )


def process_from(results: tuple[Node, ...]) -> str:
    """The id of the process that `retrieve` has begun."""
    return _due(_single(results), "id")


def retrieval_from(results: tuple[Node, ...]) -> Retrieval:
    """How far a retrieve is, as `checkRetrieveStatus` tells."""
    node = _single(results)
    try:
        archive = base64.b64decode(node.value("zipFile") or "", validate=False)
    except binascii.Error:
        raise BadXml("the archive is no whole base64", is_cut=True) from None
    said = (node.value("errorStatusCode"), node.value("errorMessage"))
    return Retrieval(
        is_done=node.flag("done") is True,
        is_success=node.flag("success") is True,
        status=clean(node.value("status") or ""),
        message=clean(": ".join(text for text in said if text))[:MAX_MESSAGE],
        archive=archive or None,
    )


def _results(root: Node, operation: str) -> tuple[Node, ...]:
    body = root.child("Body")
    response = body.child(f"{operation}Response") if body else None
    if root.name != "Envelope" or response is None:
        raise BadXml("no answer to this operation")
    return response.all("result")


def _single(results: tuple[Node, ...]) -> Node:
    if len(results) != 1:
        raise BadXml(f"{len(results)} results came where one was due")
    return results[0]


def _due(node: Node, name: str) -> str:
    value = node.value(name)
    if not value:
        raise BadXml(f"{name} is missing")
    return value


def _is_page(answer: Answer) -> bool:
    return "html" in answer.content_type or b"<html" in answer.body[:256].lower()


def _at_most(count: int, items: Sequence[object]) -> None:
    if not 0 < len(items) <= count:
        raise ValueError(f"a call takes 1 to {count} of these, not {len(items)}")
