"""`metadata/deployRequest`: the same deployments by REST, as multipart forms."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from reconciler.emulator.salesforce.call import Call, ok
from reconciler.emulator.salesforce.errors import Failure, insufficient
from reconciler.emulator.salesforce.metadata import jobs
from reconciler.emulator.salesforce.metadata.desk import Desk
from reconciler.emulator.salesforce.metadata.operations import OPTIONS
from reconciler.emulator.wire import Response

_BOUNDARY = re.compile(r'boundary="?([^";,\s]{1,70})"?', re.IGNORECASE)
_NAME = re.compile(rb'\bname="([^"]*)"', re.IGNORECASE)
# Guides call the part of the options `json`, the vendor's library `entity_content`.
_OPTION_PARTS = ("json", "entity_content")


def submit(call: Call) -> Response:
    """Options and a zip, in either order."""
    _may(call)
    parts = _parts(call)
    text = next((parts[name] for name in _OPTION_PARTS if name in parts), b"{}")
    if "file" not in parts:
        raise Failure("INVALID_MULTIPART_REQUEST", "the part named file is missing")
    given = _options(text)
    options = {name: given.get(name) is True for name in OPTIONS}
    desk = Desk(call.store, call.caller, float(call.version))
    job = jobs.submit(desk, parts["file"], options)
    return ok({"id": job.id, "deployOptions": given, "deployResult": _result(job)}, 201)


def check(call: Call) -> Response:
    _may(call)
    job = jobs.find(call.store, call.params["id"])
    details = call.request.query.get("includeDetails", "").lower() == "true"
    url = f"{call.base}{call.data_path}/metadata/deployRequest/{job.id}"
    return ok({"id": job.id, "url": url, "deployResult": _result(job, details=details)})


def cancel(call: Call) -> Response:
    _may(call)
    job = jobs.find(call.store, call.params["id"])
    asked = call.body().get("deployResult")
    if not isinstance(asked, dict) or asked.get("status") != "Canceling":
        raise Failure("INVALID_FIELD", "deployResult.status can only be set to Canceling")
    jobs.cancel(job)
    return ok({"id": job.id, "deployResult": _result(job)}, 202)


def _result(job: jobs.Deployment, *, details: bool = False) -> dict[str, Any]:
    return jobs.report(job, details=details)


def _may(call: Call) -> None:
    if not call.caller.may_any("ModifyMetadata", "ModifyAllData"):
        raise insufficient("the Metadata API")


def _options(text: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Failure("JSON_PARSER_ERROR", f"the options are not JSON: {error}") from None
    found = document.get("deployOptions") if isinstance(document, dict) else None
    if not isinstance(found, dict):
        raise Failure("JSON_PARSER_ERROR", "deployOptions is missing")
    return found


def _parts(call: Call) -> dict[str, bytes]:
    """The parts of a multipart form by name."""
    match = _BOUNDARY.search(call.request.header(b"content-type") or "")
    if match is None:
        text = "Content-Type must be multipart/form-data with a boundary"
        raise Failure("UNSUPPORTED_MEDIA_TYPE", text, status=415)
    mark = b"\r\n--" + match[1].encode()
    found: dict[str, bytes] = {}
    for chunk in (b"\r\n" + call.request.body).split(mark)[1:]:
        head, blank, body = chunk.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if blank and name:
            found[name[1].decode("latin-1")] = body
    return found
