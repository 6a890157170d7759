"""What a failed answer of Salesforce means: arrays of errors, OAuth's, and SOAP faults. Pure.

Facts, sections 2 to 5. The service's own word is kept in `code`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.errors import (
    CannotSee,
    Conflict,
    Incomplete,
    NotAllowed,
    NotFound,
    ProviderError,
    Throttled,
)
from reconciler.providers.salesforce.nodes import BadXml, Node, parsed
from reconciler.providers.salesforce.refusals import LoginRefused, SessionRefused, Why, meaning_of
from reconciler.transport.answers import Answer, Call, clean
from reconciler.transport.answers import failure as plain_failure

TOKEN = "/services/oauth2/token"
INVALID_SESSION = "INVALID_SESSION_ID"

_KINDS: dict[str, type[ProviderError]] = {
    INVALID_SESSION: NotAllowed,
    "API_DISABLED_FOR_ORG": NotAllowed,
    "INSUFFICIENT_ACCESS": NotAllowed,
    "INSUFFICIENT_ACCESS_OR_READONLY": NotAllowed,
    "REQUEST_LIMIT_EXCEEDED": Throttled,
    "SERVER_UNAVAILABLE": Throttled,
    "UNABLE_TO_LOCK_ROW": Throttled,
    "DUPLICATE_VALUE": Conflict,
    "NOT_FOUND": NotFound,
    "ENTITY_IS_DELETED": NotFound,
    "INVALID_QUERY_LOCATOR": Incomplete,
}
_HINTS = {
    "API_DISABLED_FOR_ORG": 'the user lacks the permission "API Enabled", or the org has no API',
    "REQUEST_LIMIT_EXCEEDED": "the org has used up its calls of the last 24 hours",
}
# How rights that are missing show themselves where something is read (facts, section 2).
_UNSEEN = frozenset(
    ["INVALID_TYPE", "INVALID_FIELD", "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY"]
)
_LOCKED = "UNABLE_TO_LOCK_ROW"
_LOCKED_OUT = "not valid for use with the"
_MAX_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class _Told:
    code: str
    message: str


def failure(call: Call, answer: Answer) -> ProviderError:
    """The error that an answer means; its code is Salesforce's `errorCode`, `error` or fault."""
    told = _told(answer)
    is_login = call.path == TOKEN and 400 <= answer.status < 500 and answer.status != 429
    if told is None:
        plain = plain_failure(call, answer)
        return LoginRefused.by(plain, Why.OTHER) if is_login else plain
    error = call.error(_kind(told, answer), _message(told), answer)
    error = error.saying(error.message[:_MAX_MESSAGE])
    error.code = told.code
    if is_login:
        return LoginRefused.by(error, meaning_of(told.code, told.message))
    return error


def unseen(error: ProviderError) -> ProviderError:
    """The error of a read, as CannotSee where it may only mean that rights are missing.

    An object or column that "does not exist" is often one that the login may not see.
    """
    if error.code not in _UNSEEN or isinstance(error, CannotSee):
        return error
    made = CannotSee(
        f"the login may not see this, or the org does not have it ({error.message})",
        service=error.service,
        method=error.method,
        path=error.path,
        status=error.status,
        request_id=error.request_id,
        code=error.code,
    )
    return made


def kind_of(code: str) -> type[ProviderError]:
    """The error that a code means where no status comes with it."""
    return _KINDS.get(code, ProviderError)


def is_locked(error: ProviderError) -> bool:
    """Whether another transaction held the record: nothing was changed, and the same call may well
    be taken a moment later."""
    return error.code == _LOCKED


def fault_of(root: Node) -> tuple[str, str] | None:
    """Code and text of the fault in an envelope; None where it holds none."""
    body = root.child("Body")
    fault = body.child("Fault") if body else None
    if fault is None:
        return None
    code = clean(fault.value("faultcode") or "")
    prefix, _, local = code.rpartition(":")
    # `soapenv:Client` is none of Salesforce's codes; its prefix says so.
    return (local if prefix in ("", "sf") else code), clean(fault.value("faultstring") or "")


def _told(answer: Answer) -> _Told | None:
    """What the body says; None where it is of no shape that Salesforce has."""
    start = answer.body[:64].lstrip()
    if start[:1] == b"<":
        return _told_in_xml(answer.body)
    if start[:1] not in (b"[", b"{"):
        return None
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    if isinstance(body, list):
        return _told_in_list(body)
    code, message = _text(body.get("error")), _text(body.get("error_description"))
    return _Told(code, message or code) if code else None


def _told_in_list(body: list[object]) -> _Told | None:
    items = [item for item in body[:5] if isinstance(item, Mapping)]
    codes = [code for item in items if (code := _text(item.get("errorCode")))]
    messages = [text for item in items if (text := _text(item.get("message")))]
    return _Told(codes[0], "; ".join(messages)) if codes else None


def _told_in_xml(body: bytes) -> _Told | None:
    try:
        found = fault_of(parsed(body))
    except BadXml:
        return None
    return _Told(*found) if found else None


def _kind(told: _Told, answer: Answer) -> type[ProviderError]:
    if told.code == INVALID_SESSION and _LOCKED_OUT in told.message:
        return SessionRefused
    if told.code in _KINDS:
        return _KINDS[told.code]
    by_status = {401: NotAllowed, 403: NotAllowed, 404: NotFound, 429: Throttled, 503: Throttled}
    return by_status.get(answer.status, ProviderError)


def _message(told: _Told) -> str:
    said = told.message if told.message.startswith(told.code) else f"{told.code}: {told.message}"
    hint = _HINTS.get(told.code)
    return f"{said} ({hint})" if hint else said


def _text(value: object) -> str:
    return clean(value) if isinstance(value, str) else ""
