"""`/composite`: up to 25 requests in one; later ones may refer to the answers of earlier ones.

`allOrNone` undoes everything where one fails, and halts the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.emulator.salesforce.call import Call, ok
from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.wire import Response

Part = Callable[[Call, str, str, Any], Response]
"""Answers one request of method, URL and body."""

_MOST = 25
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.\w+|\[\d+\])*)\}", re.ASCII)
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*", re.ASCII)
_UNDONE = "The transaction was rolled back since another operation in the same transaction failed."


def answer_all(call: Call, part: Part) -> Response:
    """One result per request, with status 200 whatever they say."""
    body = call.body()
    requests = _requests(body)
    is_whole = body.get("allOrNone") is True
    before = call.store.snapshot()
    results: dict[str, dict[str, Any]] = {}
    for asked in requests:
        results[asked["referenceId"]] = found = _answer(call, part, asked, results)
        if is_whole and found["httpStatusCode"] >= 400:
            call.store.restore(before)
            return ok({"compositeResponse": _undone(requests, found)})
    return ok({"compositeResponse": list(results.values())})


def _requests(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = body.get("compositeRequest")
    if not isinstance(found, list) or not found or not all(map(_is_request, found)):
        text = "compositeRequest must be an array of {method, url, referenceId, body}"
        raise Failure("JSON_PARSER_ERROR", text)
    if len(found) > _MOST:
        raise Failure("LIMIT_EXCEEDED", f"no more than {_MOST} subrequests in one request")
    names = [asked["referenceId"] for asked in found]
    if len(set(names)) < len(names):
        raise Failure("INVALID_INPUT", "each referenceId must be unique")
    return found


def _is_request(asked: Any) -> bool:
    if not isinstance(asked, dict):
        return False
    named = asked.get("referenceId")
    texts = (asked.get("method"), asked.get("url"))
    is_named = isinstance(named, str) and bool(_NAME.fullmatch(named))
    return is_named and all(isinstance(text, str) for text in texts)


def _answer(
    call: Call, part: Part, asked: Mapping[str, Any], earlier: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    name = asked["referenceId"]
    try:
        url, body = _resolved(asked["url"], earlier), _resolved(asked.get("body"), earlier)
    except LookupError:
        text = f"Invalid reference specified in {name}: the value was not found"
        return _result(name, 400, [{"errorCode": "PROCESSING_HALTED", "message": text}])
    response = part(call, asked["method"], url, body)
    return _result(name, response.status, json.loads(response.body) if response.body else None)


def _result(name: str, status: int, body: Any) -> dict[str, Any]:
    return {"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": name}


def _undone(requests: list[dict[str, Any]], failed: dict[str, Any]) -> list[dict[str, Any]]:
    halted = [{"errorCode": "PROCESSING_HALTED", "message": _UNDONE}]
    names = [asked["referenceId"] for asked in requests]
    own = failed["referenceId"]
    return [failed if name == own else _result(name, 400, halted) for name in names]


def _resolved(value: Any, earlier: Mapping[str, dict[str, Any]]) -> Any:
    """The value with its references; LookupError for one that leads nowhere."""
    if isinstance(value, dict):
        return {key: _resolved(item, earlier) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, earlier) for item in value]
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: _looked_up(found, earlier), value)
    return value


def _looked_up(found: re.Match[str], earlier: Mapping[str, dict[str, Any]]) -> str:
    value = earlier[found[1]]["body"]
    for key, index in _STEP.findall(found[2]):
        try:
            value = value[key] if key else value[int(index)]
        except TypeError:
            raise LookupError(found[0]) from None
    return str(value)
