"""What became of each item of a call that may fail in part, and of a deployment. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.providers.salesforce.nodes import Node
from reconciler.transport.answers import clean

MAX_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class ItemError:
    """Why an item was not taken. code: Salesforce's own, such as DUPLICATE_VALUE."""

    code: str
    message: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        fields = f" ({', '.join(self.fields)})" if self.fields else ""
        return f"{self.code}: {self.message}{fields}" if self.code else f"{self.message}{fields}"


@dataclass(frozen=True, slots=True)
class ItemResult:
    """name: the id of the record, or the full name of the component; empty where none was given.

    An item that failed has an error, also where the service told none.
    """

    name: str
    is_success: bool
    errors: tuple[ItemError, ...] = ()


@dataclass(frozen=True, slots=True)
class Deployment:
    """How far a deployment is; `problems` are those of its components."""

    id: str
    is_done: bool
    is_success: bool
    status: str
    problems: tuple[str, ...] = ()


_SILENT = ItemError("", "not taken, and the service does not say why")


def result_from_node(node: Node, name: str = "fullName") -> ItemResult:
    """A `SaveResult` of SOAP (facts, section 5.1)."""
    errors = tuple(
        _error(each.value("statusCode"), each.value("message"), each.values("fields"))
        for each in node.all("errors")
    )
    return _result(node.value(name) or "", node.flag("success") is True, errors)


def result_from_json(item: Mapping[str, Any]) -> ItemResult:
    """An item of sObject Collections (facts, section 4): `statusCode`, not `errorCode`."""
    found = item.get("errors")
    errors = tuple(
        _error(each.get("statusCode"), each.get("message"), each.get("fields"))
        for each in (found if isinstance(found, list) else ())
        if isinstance(each, Mapping)
    )
    name = item.get("id")
    return _result(name if isinstance(name, str) else "", item.get("success") is True, errors)


def deployment_from(answer: Mapping[str, Any]) -> Deployment:
    """The state of a deployment (facts, section 5.3); ValueError for another shape."""
    id, found = answer.get("id"), answer.get("deployResult")
    if not isinstance(found, Mapping) or not isinstance(id, str):
        raise ValueError("no deployment")
    details = found.get("details")
    failures = details.get("componentFailures") if isinstance(details, Mapping) else None
    problems = tuple(
        f"{_text(item.get('fullName'))}: {_text(item.get('problem'))}"
        for item in (failures if isinstance(failures, list) else ())
        if isinstance(item, Mapping)
    )
    is_done, is_success = found.get("done") is True, found.get("success") is True
    return Deployment(id, is_done, is_success, _text(found.get("status")), problems)


def _result(name: str, is_success: bool, errors: tuple[ItemError, ...]) -> ItemResult:
    if is_success and not errors:
        return ItemResult(name, True)
    return ItemResult(name, False, errors or (_SILENT,))


def _error(code: Any, message: Any, fields: Any) -> ItemError:
    listed = fields if isinstance(fields, list | tuple) else ()
    names = tuple(_text(name) for name in listed if isinstance(name, str) and name)
    return ItemError(_text(code), _text(message) or _SILENT.message, names)


def _text(value: Any) -> str:
    return clean(value)[:MAX_MESSAGE] if isinstance(value, str) else ""
