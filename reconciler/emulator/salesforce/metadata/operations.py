"""The operations of the SOAP endpoint: from the operation's element to the answer's XML."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.metadata import jobs
from reconciler.emulator.salesforce.metadata.desk import Desk
from reconciler.emulator.salesforce.metadata.kinds import KINDS, Kind, kind_of, save
from reconciler.emulator.salesforce.metadata.packages import make_package
from reconciler.emulator.salesforce.metadata.shapes import in_order, read_component
from reconciler.emulator.salesforce.metadata.xml import (
    child,
    flag_of,
    local,
    text_of,
    texts_of,
    write,
)

_MOST_COMPONENTS = 10
_MOST_QUERIES = 3
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
OPTIONS = ("checkOnly", "rollbackOnError", "singlePackage", "ignoreWarnings")


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation: its element, and whether all components are saved or none."""

    desk: Desk
    element: Element
    all_or_none: bool


def read_metadata(asked: Asked) -> str:
    """The records in the asked order; one that is not there is nil."""
    kind = kind_of(asked.desk, text_of(asked.element, "type"))
    names = texts_of(asked.element, "fullNames")
    _bounded(len(names))
    return f"<result>{''.join(_record(asked.desk, kind, name) for name in names)}</result>"


def _record(desk: Desk, kind: Kind, name: str) -> str:
    values = kind.read(desk, name)
    if values is None:
        return '<records xsi:nil="true"/>'
    record = {"fullName": name, **in_order(values, kind.shape)}
    return write("records", record, {"xsi:type": kind.name})


def _bounded(count: int) -> None:
    if count > _MOST_COMPONENTS:
        # The code is one of two that sources name.
        text = f"Cannot process more than {_MOST_COMPONENTS} components in one call"
        raise Failure("LIMIT_EXCEEDED", text)


def update_metadata(asked: Asked) -> str:
    return _save_all(asked, upsert=False)


def upsert_metadata(asked: Asked) -> str:
    return _save_all(asked, upsert=True)


def _save_all(asked: Asked, *, upsert: bool) -> str:
    elements = [item for item in asked.element if local(item) == "metadata"]
    _bounded(len(elements))
    read = [_component(asked.desk, element) for element in elements]
    if len({kind.name for kind, _, _ in read}) > 1:
        raise Failure("INVALID_TYPE", "all components of a call are of one type")
    before = asked.desk.store.snapshot()
    results = [_save(asked.desk, *component, upsert=upsert) for component in read]
    if asked.all_or_none and not all(result["success"] for result in results):
        asked.desk.store.restore(before)
        results = [_undone(result) for result in results]
    return write("result", results)


def _component(desk: Desk, element: Element) -> tuple[Kind, str, Mapping[str, Any]]:
    kind = kind_of(desk, element.get(_TYPE, "").rpartition(":")[2])
    name = text_of(element, "fullName")
    if not name:
        raise Failure("soapenv:Client", "a component has no fullName")
    return kind, name, read_component(element, kind.shape)


def _save(
    desk: Desk, kind: Kind, name: str, values: Mapping[str, Any], *, upsert: bool
) -> dict[str, Any]:
    if desk.store.settings.silentSaveFailures:
        return _result(name, [], created=False if upsert else None, success=False)
    try:
        is_new = save(desk, kind, name, values, upsert=upsert)
    except Failure as failure:
        if failure.code.startswith("soapenv:"):
            raise
        return _result(name, [_error(failure)], created=False if upsert else None, success=False)
    return _result(name, [], created=is_new if upsert else None, success=True)


def _result(
    name: str, errors: list[dict[str, Any]], *, created: bool | None, success: bool
) -> dict[str, Any]:
    found = {"created": created, "errors": errors, "fullName": name, "success": success}
    return {key: value for key, value in found.items() if value is not None}


def _error(failure: Failure) -> dict[str, Any]:
    code = failure.code
    return {"fields": list(failure.fields or ()), "message": failure.message, "statusCode": code}


def _undone(result: dict[str, Any]) -> dict[str, Any]:
    if not result["success"]:
        return result
    failure = Failure("ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back")
    return {**result, "errors": [_error(failure)], "success": False}


def list_metadata(asked: Asked) -> str:
    queries = [item for item in asked.element if local(item) == "queries"]
    if len(queries) > _MOST_QUERIES:
        raise Failure("LIMIT_EXCEEDED", f"at most {_MOST_QUERIES} queries in one call")
    names = {row["Id"]: row.get("Name", "") for row in asked.desk.store.rows("User")}
    found = []
    for query in queries:
        kind = _listed_kind(asked.desk, text_of(query, "type"))
        for item in kind.listed(asked.desk):
            path = f"{kind.directory}/{item.full_name}.{kind.suffix}"
            found.append(item.properties(kind.name, path, names))
    return write("result", found)


def _listed_kind(desk: Desk, name: str) -> Kind:
    """Settings are listed under the one name that manifests have for them."""
    return kind_of(desk, "ConnectedAppSettings" if name == "Settings" else name)


def describe_metadata(asked: Asked) -> str:
    objects = [
        {
            "directoryName": kind.directory,
            "inFolder": False,
            "metaFile": False,
            "suffix": kind.suffix,
            "xmlName": kind.package_type,
        }
        for kind in KINDS.values()
        if kind.since <= asked.desk.version
    ]
    about = {"organizationNamespace": "", "partialSaveAllowed": True, "testRequired": False}
    return write("result", {"metadataObjects": objects, **about})


def deploy(asked: Asked) -> str:
    given = child(asked.element, "DeployOptions")
    options = {name: flag_of(given, name) for name in OPTIONS}
    archive = jobs.decode_archive(text_of(asked.element, "ZipFile"))
    job = jobs.submit(asked.desk, archive, options)
    return write("result", {"done": False, "id": job.id, "state": "Queued"})


def check_deploy_status(asked: Asked) -> str:
    job = jobs.find(asked.desk.store, text_of(asked.element, "asyncProcessId"))
    details = flag_of(asked.element, "includeDetails")
    found = {"details": {}, **jobs.report(job, details=details)}
    return write("result", dict(sorted(found.items())))


@dataclass(frozen=True, slots=True)
class _Retrieval:
    id: str
    answer: Mapping[str, Any]


def retrieve(asked: Asked) -> str:
    """Carried out at once; the zip waits for whoever asks for it."""
    # One client gives the request another name, and the service does not mind.
    request = next(iter(asked.element), None)
    package = child(request, "unpackaged")
    types = [i for i in (package if package is not None else ()) if local(i) == "types"]
    wanted = {text_of(item, "name"): texts_of(item, "members") for item in types}
    single = flag_of(request, "singlePackage")
    archive, properties, messages = make_package(asked.desk, wanted, single=single)
    store = asked.desk.store
    key = store.ids.next("RetrieveRequest")
    answer = {
        "done": True,
        "fileProperties": properties,
        "id": key,
        "messages": messages,
        "status": "Succeeded",
        "success": True,
        "zipFile": base64.b64encode(archive).decode(),
    }
    store.jobs[key] = _Retrieval(key, answer)
    return write("result", {"done": False, "id": key, "state": "Queued"})


def check_retrieve_status(asked: Asked) -> str:
    key = text_of(asked.element, "asyncProcessId")
    job = asked.desk.store.jobs.get(key)
    if not isinstance(job, _Retrieval):
        raise Failure("INVALID_CROSS_REFERENCE_KEY", f"no retrieval {key[:40]}")
    answer = dict(job.answer)
    if not flag_of(asked.element, "includeZip", default=True):
        del answer["zipFile"]
    return write("result", answer)


OPERATIONS: Mapping[str, Callable[[Asked], str]] = {
    "readMetadata": read_metadata,
    "updateMetadata": update_metadata,
    "upsertMetadata": upsert_metadata,
    "listMetadata": list_metadata,
    "describeMetadata": describe_metadata,
    "deploy": deploy,
    "checkDeployStatus": check_deploy_status,
    "retrieve": retrieve,
    "checkRetrieveStatus": check_retrieve_status,
}
