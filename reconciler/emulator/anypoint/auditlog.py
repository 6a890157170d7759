"""The audit log query, paged by offset or by cursor, and its vocabulary."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from reconciler.emulator.anypoint import errors, render
from reconciler.emulator.anypoint.call import Call, ok
from reconciler.emulator.anypoint.model import AuditEntry
from reconciler.emulator.anypoint.store import Store
from reconciler.emulator.wire import Response

_LARGEST_PAGE = 200
_PLATFORM = "API Manager"
_OBJECT_TYPES = (
    "api",
    "api version",
    "application",
    "automated policy",
    "contract",
    "policy",
    "sla tier",
)
_ACTIONS = ("create", "modify", "delete", "login")

_FILTERS: Mapping[str, Callable[[AuditEntry], Any]] = {
    "userIds": lambda entry: entry.user,
    "objectIds": lambda entry: entry.object_id,
    "parentIds": lambda entry: entry.parent_id,
    "environmentIds": lambda entry: entry.environment_id,
    "platforms": lambda entry: _PLATFORM,
    "objectTypes": lambda entry: entry.object_type,
    "actions": lambda entry: entry.action,
}


def query(call: Call) -> Response:
    """Oldest first unless `ascending` is false."""
    organization = call.organization()
    body = call.object_body()
    found = [e for e in call.store.audit if e.organization_id == organization.id]
    found = _filtered(call.store, found, body)
    if body.get("ascending", True) is False:
        found.reverse()
    limit = _bounded(body, "limit", _LARGEST_PAGE, 1, _LARGEST_PAGE)
    answer: dict[str, Any] = {}
    if call.flag("cursorPagination"):
        start = _read_cursor(body.get("cursor"))
        # Pages end with an empty one, which alone has no cursor.
        if start < len(found):
            answer["cursor"] = _write_cursor(min(start + limit, len(found)))
    else:
        start = _bounded(body, "offset", 0, 0, None)
    answer["data"] = [_shape(call.store, e) for e in found[start : start + limit]]
    if call.flag("doIncludeTotal"):
        answer["total"] = len(found)
    return ok(answer)


def _filtered(store: Store, entries: list[AuditEntry], body: dict[str, Any]) -> list[AuditEntry]:
    start = _moment(body, "startDate")
    end = _moment(body, "endDate")
    if start is None:
        raise errors.account(400, "startDate is required")
    found = [e for e in entries if e.at >= start and (end is None or e.at <= end)]
    for name, read in _FILTERS.items():
        wanted = body.get(name)
        if wanted is None:
            continue
        if not isinstance(wanted, list):
            raise errors.account(400, f"{name} must be a list")
        if name == "userIds":
            found = [e for e in found if _user_id(store, e) in wanted]
        else:
            found = [e for e in found if read(e) in wanted]
    return [] if body.get("failed") is True else found


def _moment(body: dict[str, Any], key: str) -> int | None:
    """ISO 8601 or ms since 1970, as ms."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise errors.account(400, f"{key} is no date") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return int(at.timestamp() * 1000)


def _bounded(body: dict[str, Any], key: str, default: int, low: int, high: int | None) -> int:
    value = body.get(key, default)
    if type(value) is not int or value < low or (high is not None and value > high):
        raise errors.account(400, f"{key} is out of range")
    return value


def _write_cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"after:{position}".encode()).decode()


def _read_cursor(cursor: Any) -> int:
    if cursor is None:
        return 0
    try:
        head, _, position = base64.urlsafe_b64decode(str(cursor)).decode().partition(":")
        if head == "after" and position.isdigit() and len(position) < 16:
            return int(position)
    except (binascii.Error, ValueError):
        pass
    raise errors.account(400, "the cursor is not valid")


def _user_id(store: Store, entry: AuditEntry) -> str | None:
    """A person's id; of somebody without a login, the name."""
    if entry.user is None:
        return None
    people = (x for x in store.logins if x.kind == "user" and x.name == entry.user)
    found = next(people, None)
    return found.id if found else entry.user


def _shape(store: Store, entry: AuditEntry) -> dict[str, Any]:
    return {
        "timestamp": render.moment(entry.at),
        "platform": _PLATFORM,
        "organizationId": entry.organization_id,
        "userId": _user_id(store, entry),
        "userName": entry.user,
        "clientId": entry.client_id,
        "action": entry.action,
        "failed": False,
        "objects": [
            {
                "objectType": entry.object_type,
                "objectId": entry.object_id,
                "objectName": entry.object_name,
                "parentId": entry.parent_id,
                "parentType": "api" if entry.parent_id else None,
                "environmentId": entry.environment_id,
            }
        ],
        "payload": dict(entry.payload),
    }


def platforms(call: Call) -> Response:
    call.organization()
    return ok({"data": [{"name": _PLATFORM, "label": _PLATFORM}], "total": 1})


def object_types(call: Call) -> Response:
    return _vocabulary(call, _OBJECT_TYPES)


def actions(call: Call) -> Response:
    return _vocabulary(call, _ACTIONS)


def _vocabulary(call: Call, names: tuple[str, ...]) -> Response:
    call.organization()
    data = [{"name": n, "label": n.title(), "platforms": [_PLATFORM]} for n in names]
    return ok({"data": data, "total": len(data)})
