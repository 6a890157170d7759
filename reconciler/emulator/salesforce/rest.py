"""REST over records: queries with pages, one record, many records, and what the org offers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.salesforce import errors
from reconciler.emulator.salesforce.call import Call, ok
from reconciler.emulator.salesforce.errors import Failure, malformed
from reconciler.emulator.salesforce.ids import PREFIXES, to_18
from reconciler.emulator.salesforce.objects import Writer
from reconciler.emulator.salesforce.schema import SOBJECTS, Field, SObject
from reconciler.emulator.salesforce.soql.select import Answer, Attributes, select
from reconciler.emulator.salesforce.view import View, capped
from reconciler.emulator.wire import Response

VERSIONS = range(31, 68)
LATEST = 67

_MOST_RECORDS = 200
_MOST_CURSORS = 50
_TOKEN_PAGE = 500
_HINT = re.compile(r"batchSize=(\d{1,5})", re.ASCII | re.IGNORECASE)
_NO_ID = "000000000000000AAA"


def versions(call: Call) -> Response:
    found = [
        {"label": f"{v}.0", "url": f"/services/data/v{v}.0", "version": f"{v}.0"} for v in VERSIONS
    ]
    return ok(found)


def resources(call: Call) -> Response:
    names = ("limits", "query", "queryAll", "sobjects", "tooling", "composite", "metadata")
    whose = f"{call.base}/id/{call.store.organization['Id']}/{call.caller.user_id}"
    return ok({name: f"{call.data_path}/{name}" for name in names} | {"identity": whose})


def limits(call: Call) -> Response:
    store = call.store
    most = store.settings.dailyApiRequests
    left = max(0, most - store.used_requests)
    return ok({"DailyApiRequests": {"Max": most, "Remaining": left}})


# Queries


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The rest of an answer, for whoever asked."""

    user_id: str
    total: int
    records: list[Any]
    size: int


def query(call: Call) -> Response:
    text = call.request.query.get("q")
    if not text:
        raise malformed("SOQL query cannot be empty")
    answer = select(text, View(call.store, call.caller), _attributes(call))
    if "columns" in call.request.query:
        return ok(_columns(answer))
    records = capped(answer.sobject, answer.records)
    total = len(records) if answer.records else answer.total
    cursor = _Cursor(call.caller.user_id, total, records, _page_size(call, answer.sobject))
    return ok(_page(call, cursor, 0, None))


def more(call: Call) -> Response:
    """The page of a locator `ID-OFFSET`; one that is not known, or not the caller's, is stale."""
    key, _, offset = call.params["locator"].rpartition("-")
    cursor = call.store.cursors.get(key)
    whole = offset.isascii() and offset.isdigit() and len(offset) < 9
    if not isinstance(cursor, _Cursor) or not whole or cursor.user_id != call.caller.user_id:
        raise Failure("INVALID_QUERY_LOCATOR", "invalid query locator")
    return ok(_page(call, cursor, int(offset), key))


def _page(call: Call, cursor: _Cursor, start: int, key: str | None) -> dict[str, Any]:
    end = start + cursor.size
    page: dict[str, Any] = {"totalSize": cursor.total, "done": end >= len(cursor.records)}
    if not page["done"]:
        key = key or _keep(call, cursor)
        page["nextRecordsUrl"] = f"{call.data_path}/query/{key}-{end}"
    return {**page, "records": cursor.records[start:end]}


def _keep(call: Call, cursor: _Cursor) -> str:
    cursors = call.store.cursors
    key = call.store.ids.next("Cursor")
    cursors[key] = cursor
    if len(cursors) > _MOST_CURSORS:
        del cursors[next(iter(cursors))]
    return key


def _page_size(call: Call, sobject: SObject) -> int:
    """The org's bound; the header is a hint between 200 and 2000."""
    size = 2000
    hint = _HINT.search(call.request.header(b"sforce-query-options") or "")
    if hint:
        size = min(max(int(hint[1]), 200), 2000)
    if sobject.name == "OauthToken":
        size = min(size, _TOKEN_PAGE)
    return max(1, min(size, call.store.settings.queryBatchSize))


def _attributes(call: Call) -> Attributes:
    path = f"{call.data_path}/sobjects"

    def make(sobject: SObject, row: Mapping[str, Any]) -> dict[str, Any]:
        url = f"{path}/{sobject.name}/{row.get('Id') or _NO_ID}"
        return {"type": sobject.name, "url": url}

    return make


def _columns(answer: Answer) -> dict[str, Any]:
    """What the vendor's own client asks before it draws a table."""
    first = answer.records[0] if answer.records else {}
    columns = [
        {"columnName": name, "displayName": name, "aggregate": False, "joinColumns": []}
        for name in first
        if name != "attributes"
    ]
    return {"columnMetadata": columns, "entityName": answer.sobject.name, "groupBy": False}


# One record


def _sobject(call: Call, name: str | None = None) -> SObject:
    """The type of the path; an unknown one is not found."""
    wanted = name or call.params["type"]
    try:
        return View(call.store, call.caller).sobject(wanted)
    except Failure:
        raise errors.not_found() from None


def create(call: Call) -> Response:
    key = Writer(call.store, call.caller).create(_sobject(call), call.body())
    return ok({"id": key, "success": True, "errors": []}, 201)


def update(call: Call) -> Response:
    Writer(call.store, call.caller).update(_sobject(call), call.params["id"], call.body())
    return Response(204)


def delete(call: Call) -> Response:
    Writer(call.store, call.caller).delete(_sobject(call), call.params["id"])
    return Response(204)


def retrieve(call: Call) -> Response:
    sobject, view = _sobject(call), View(call.store, call.caller)
    row = view.row(sobject, to_18(call.params["id"]) or "")
    if row is None:
        raise errors.not_found()
    record: dict[str, Any] = {"attributes": _attributes(call)(sobject, row)}
    for field in _asked(call, view, sobject):
        record[field.name] = row.get(field.name)
    return ok(record)


def _asked(call: Call, view: View, sobject: SObject) -> list[Field]:
    names = call.request.query.get("fields")
    known = {field.name.lower(): field for field in view.fields(sobject)}
    if not names:
        return list(known.values())
    found = []
    for name in names.split(","):
        field = known.get(name.strip().lower())
        if field is None:
            raise errors.no_column(name.strip(), sobject.name)
        found.append(field)
    return found


def describe(call: Call) -> Response:
    sobject, view = _sobject(call), View(call.store, call.caller)
    return ok(_described(call, sobject) | {"fields": [_field(f) for f in view.fields(sobject)]})


def about(call: Call) -> Response:
    return ok({"objectDescribe": _described(call, _sobject(call)), "recentItems": []})


def describe_all(call: Call) -> Response:
    view, found = View(call.store, call.caller), []
    for name in SOBJECTS:
        try:
            found.append(_described(call, view.sobject(name)))
        except Failure:
            continue
    return ok({"encoding": "UTF-8", "maxBatchSize": _MOST_RECORDS, "sobjects": found})


def _described(call: Call, sobject: SObject) -> dict[str, Any]:
    return {
        "name": sobject.name,
        "label": sobject.label,
        "keyPrefix": PREFIXES[sobject.name],
        "queryable": True,
        "retrieveable": sobject.name != "OauthToken",
        "createable": "c" in sobject.calls,
        "updateable": "u" in sobject.calls,
        "deletable": "d" in sobject.calls,
        "urls": {"sobject": f"{call.data_path}/sobjects/{sobject.name}"},
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "type": field.kind,
        "createable": field.createable,
        "updateable": field.updateable,
        "filterable": field.filterable,
        "groupable": field.groupable,
        "nillable": field.kind != "boolean",
    }


# Many records


def create_many(call: Call) -> Response:
    writer = Writer(call.store, call.caller)
    return _many(call, lambda record: writer.create(_typed(call, record), record))


def update_many(call: Call) -> Response:
    writer = Writer(call.store, call.caller)

    def one(record: Mapping[str, Any]) -> str:
        values = {name: value for name, value in record.items() if name.lower() != "id"}
        key = next((v for n, v in record.items() if n.lower() == "id"), "")
        writer.update(_typed(call, record), str(key), values)
        return to_18(key) or ""

    return _many(call, one)


def delete_many(call: Call) -> Response:
    writer, asked = Writer(call.store, call.caller), call.request.query
    keys = [{"id": key.strip()} for key in asked.get("ids", "").split(",") if key.strip()]

    def one(record: Mapping[str, Any]) -> str:
        writer.delete(_by_prefix(call, record["id"]), record["id"])
        return to_18(record["id"]) or ""

    return _each(call, keys, one, asked.get("allOrNone", "false").lower() == "true")


def _by_prefix(call: Call, key: str) -> SObject:
    for name, prefix in PREFIXES.items():
        if key.startswith(prefix) and name.lower() in SOBJECTS:
            return _sobject(call, name)
    raise Failure("MALFORMED_ID", f"malformed id {key[:40]}", fields=())


def _typed(call: Call, record: Mapping[str, Any]) -> SObject:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str):
        raise Failure("INVALID_FIELD", "the type of a record is missing", fields=("type",))
    return View(call.store, call.caller).sobject(name)


def _many(call: Call, act: Callable[[Mapping[str, Any]], str]) -> Response:
    body = call.body()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise Failure("JSON_PARSER_ERROR", "records must be an array of objects")
    _check_types(records)
    return _each(call, records, act, body.get("allOrNone") is True)


def _check_types(records: list[dict[str, Any]]) -> None:
    """All types here are setup objects, and those do not mix."""
    named = (r.get("attributes") for r in records)
    types = {str(a.get("type")).lower() for a in named if isinstance(a, dict)}
    if len(types) > 1:
        text = "types cannot be mixed where one is a setup object"
        raise Failure("INVALID_OPERATION", text)


def _each(
    call: Call,
    records: list[dict[str, Any]],
    act: Callable[[Mapping[str, Any]], str],
    all_or_none: bool,
) -> Response:
    """One result per record, status 200 whatever they say."""
    if len(records) > _MOST_RECORDS:
        text = f"record limit reached. cannot submit more than {_MOST_RECORDS} records into this"
        raise Failure("EXCEEDED_ID_LIMIT", text + " operation")
    before = call.store.snapshot()
    results = [_result(record, act) for record in records]
    if all_or_none and not all(result["success"] for result in results):
        call.store.restore(before)
        results = [_rolled_back(result) for result in results]
    return ok(results)


def _result(record: Mapping[str, Any], act: Callable[[Mapping[str, Any]], str]) -> dict[str, Any]:
    try:
        return {"id": act(record), "success": True, "errors": []}
    except Failure as failure:
        return {"success": False, "errors": [failure.item()]}


def _rolled_back(result: dict[str, Any]) -> dict[str, Any]:
    if not result["success"]:
        return result
    text = "Record rolled back because not all records were valid and the request was using"
    failure = Failure("ALL_OR_NONE_OPERATION_ROLLED_BACK", text + " AllOrNone header")
    return {"success": False, "errors": [failure.item()]}
