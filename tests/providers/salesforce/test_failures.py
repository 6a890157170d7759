"""Failed answers -> errors, with the service's own word kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.errors import (
    BadAnswer,
    CannotSee,
    Conflict,
    Exit,
    Incomplete,
    NotAllowed,
    NotFound,
    ProviderError,
    Throttled,
)
from reconciler.providers.salesforce.failures import TOKEN, failure, is_locked, unseen
from reconciler.providers.salesforce.refusals import LoginRefused, SessionRefused, Why, meaning_of
from reconciler.transport.answers import Answer, Call
from tests.providers.salesforce.natives import a_fault, an_error
from tests.providers.salesforce.test_nodes import BOMB

EXPIRED = "Session expired or invalid"
LOCKED_OUT = "This session is not valid for use with the REST API"


def failed(status: int, body: Any, path: str = "/x", content_type: str = "") -> ProviderError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": content_type or "application/json;charset=UTF-8"}
    call = Call("salesforce", "GET", path, "id", ("hunter2",))
    return failure(call, Answer(status, headers, content))


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (401, "INVALID_SESSION_ID", EXPIRED, NotAllowed),
        (401, "INVALID_SESSION_ID", LOCKED_OUT, SessionRefused),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", Throttled),
        (403, "API_DISABLED_FOR_ORG", "The REST API is not enabled", NotAllowed),
        (403, "INSUFFICIENT_ACCESS", "no", NotAllowed),
        (400, "INSUFFICIENT_ACCESS_OR_READONLY", "no", NotAllowed),
        (400, "DUPLICATE_VALUE", "duplicate value found", Conflict),
        (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", Throttled),
        (404, "NOT_FOUND", "gone", NotFound),
        (404, "ENTITY_IS_DELETED", "entity is deleted", NotFound),
        (400, "INVALID_QUERY_LOCATOR", "stale", Incomplete),
        (400, "INVALID_TYPE", "not supported", ProviderError),
        (400, "MALFORMED_QUERY", "no", ProviderError),
        (403, "SOMETHING_NEW", "no", NotAllowed),
        (404, "SOMETHING_NEW", "no", NotFound),
        (410, "UNSUPPORTED_API_VERSION", "no", ProviderError),
        (500, "UNKNOWN_EXCEPTION", "no", ProviderError),
        (503, "SERVER_UNAVAILABLE", "no", Throttled),
    ],
)
def test_a_code_has_its_error(
    status: int, code: str, message: str, kind: type[ProviderError]
) -> None:
    error = failed(status, an_error(code, message))
    assert type(error) is kind
    assert (error.code, error.status, error.service) == (code, status, "salesforce")
    assert f"{code}: {message}" in str(error)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("sf:INVALID_SESSION_ID", NotAllowed),
        ("INVALID_SESSION_ID", NotAllowed),
        ("sf:REQUEST_LIMIT_EXCEEDED", Throttled),
        ("sf:INSUFFICIENT_ACCESS", NotAllowed),
        ("sf:UNKNOWN_EXCEPTION", ProviderError),
        ("soapenv:Client", ProviderError),
    ],
)
def test_a_fault_has_its_error(code: str, kind: type[ProviderError]) -> None:
    error = failed(500, a_fault(code, "INVALID: because").encode(), content_type="text/xml")
    assert type(error) is kind
    assert error.code == code.removeprefix("sf:")
    assert "because" in str(error)


def test_a_fault_of_a_session_that_the_api_refuses() -> None:
    text = "INVALID_SESSION_ID: This session is not valid for use with the API"
    error = failed(500, a_fault("sf:INVALID_SESSION_ID", text).encode(), content_type="text/xml")
    assert isinstance(error, SessionRefused)
    assert str(error).count("INVALID_SESSION_ID") == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"[", b"{", b"[]", b"{}", b"[1]", b'[{"errorCode": 7}]', b"null", b'"x"', b"7", BOMB]
    + [b"<html>hunter2", b"<a/>", b"[" * 100_000, b"\xff", b"<a>" * 10_000],
)
def test_a_body_of_another_shape_is_told_by_its_status(body: bytes) -> None:
    for status, kind in ((400, ProviderError), (401, NotAllowed), (302, BadAnswer)):
        error = failed(status, body)
        assert type(error) is kind
        assert error.code == ""
        assert "hunter2" not in str(error)


def test_several_errors_are_told_and_secrets_are_not() -> None:
    body = an_error("A", "one hunter2") + an_error("B", "two\x1b[31m") + [{"x": 1}]
    assert failed(400, body).message == "A: one (secret); two [31m"


def test_a_message_is_cut_behind_what_is_hidden() -> None:
    message = failed(400, an_error("A", "x" * 390 + "hunter2" * 10)).message
    assert "hunter" not in message
    assert len(message) == 400


@pytest.mark.parametrize(
    "code",
    ["INVALID_TYPE", "INVALID_FIELD", "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY"],
)
def test_what_cannot_be_seen_is_an_error_of_its_own(code: str) -> None:
    error = unseen(failed(400, an_error(code, "No such column 'X'")))
    assert isinstance(error, CannotSee)
    assert (error.code, error.status, error.exit) == (code, 400, Exit.NOT_ALLOWED)
    assert "No such column 'X'" in str(error)
    assert unseen(error) is error


def test_other_errors_of_reads_stay_what_they_are() -> None:
    error = failed(400, an_error("MALFORMED_QUERY"))
    assert unseen(error) is error


def test_what_passes_is_told_from_what_does_not() -> None:
    assert is_locked(failed(400, an_error("UNABLE_TO_LOCK_ROW")))
    assert not is_locked(failed(429, {}))
    assert not is_locked(failed(400, an_error("DUPLICATE_VALUE")))


@pytest.mark.parametrize(
    ("error", "description", "why"),
    [
        (
            "invalid_app_access",
            "user is not admin approved to access this app",
            "NOT_ADMIN_APPROVED",
        ),
        ("invalid_grant", "user hasn't approved this consumer", "NOT_CONSENTED"),
        ("invalid_grant", "user hasn’t approved this consumer", "NOT_CONSENTED"),
        ("invalid_grant", "authentication failure", "BAD_CREDENTIALS"),
        ("invalid_grant", "", "BAD_CREDENTIALS"),
        ("invalid_client", "app must be installed into org", "NOT_INSTALLED"),
        ("invalid_client", "invalid client credentials", "WRONG_SECRET"),
        ("invalid_client", "this app is blocked by admin", "BLOCKED"),
        ("OAUTH_APP_BLOCKED", "this app is blocked by admin", "BLOCKED"),
        ("invalid_client_id", "client identifier invalid", "UNKNOWN_APP"),
        ("unsupported_grant_type", "grant type not supported", "FLOW_DISABLED"),
        ("invalid_request", "grant type is missing", "MALFORMED"),
        ("something_new", "", "OTHER"),
    ],
)
def test_a_refusal_has_its_reason(error: str, description: str, why: str) -> None:
    reason = Why[why]
    assert meaning_of(error, description) is reason
    refused = failed(400, {"error": error, "error_description": description}, TOKEN)
    assert isinstance(refused, LoginRefused)
    assert (refused.why, refused.code) == (reason, error)
    assert reason.value in str(refused)
    assert refused.saying("x").why is reason


def test_credentials_that_are_wrong_do_not_pass() -> None:
    """Each try counts against the user."""
    lasting = {why.name for why in Why if not why.is_passing}
    assert lasting == {"WRONG_SECRET", "BAD_CREDENTIALS", "FLOW_DISABLED", "MALFORMED", "OTHER"}


@pytest.mark.parametrize(
    ("status", "is_login"), [(400, True), (403, True), (429, False), (500, False)]
)
def test_a_login_that_is_refused_without_a_word(status: int, is_login: bool) -> None:
    error = failed(status, b"", TOKEN)
    assert isinstance(error, LoginRefused) == is_login
