"""Error answers: REST's arrays, OAuth's objects, and what a SOAP fault is made of.

Codes are documented; texts are, where a source has them, and else unverified.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.emulator.wire import Refusal, json_response


class Failure(Exception):  # an answer, not a fault of the program
    """A refusal by code, before it is known in which protocol it is told."""

    def __init__(
        self, code: str, message: str, *, status: int = 400, fields: Sequence[str] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields

    def rest(self) -> list[dict[str, Any]]:
        """The whole body of a REST answer: always an array."""
        entry: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            entry["fields"] = list(self.fields)
        return [entry]

    def item(self) -> dict[str, Any]:
        """The same inside an answer about several records."""
        fields = list(self.fields or ())
        return {"statusCode": self.code, "message": self.message, "fields": fields}


def oauth(error: str, description: str, status: int = 400) -> Refusal:
    return Refusal(json_response(status, {"error": error, "error_description": description}))


def session_unknown() -> Failure:
    return Failure("INVALID_SESSION_ID", "Session expired or invalid", status=401)


def session_not_for_api() -> Failure:
    text = "This session is not valid for use with the REST API"
    return Failure("INVALID_SESSION_ID", text, status=401)


def api_disabled() -> Failure:
    text = "The REST API is not enabled for this Organization."
    return Failure("API_DISABLED_FOR_ORG", text, status=403)


def limit_exceeded() -> Failure:
    return Failure("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)


def not_found() -> Failure:
    return Failure("NOT_FOUND", "The requested resource does not exist", status=404)


def deleted() -> Failure:
    return Failure("ENTITY_IS_DELETED", "entity is deleted", status=404, fields=())


def wrong_method(method: str) -> Failure:
    text = f"HTTP Method '{method}' not allowed"
    return Failure("METHOD_NOT_ALLOWED", text, status=405)


def insufficient(what: str) -> Failure:
    text = f"insufficient access rights on {what}"
    return Failure("INSUFFICIENT_ACCESS_OR_READONLY", text, fields=())


def no_type(name: str) -> Failure:
    return Failure(
        "INVALID_TYPE",
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be"
        " sure to append the '__c' after the entity name. Please reference your WSDL or the"
        " describe call for the appropriate names.",
    )


def no_column(column: str, entity: str) -> Failure:
    return Failure(
        "INVALID_FIELD",
        f"No such column '{column}' on entity '{entity}'. If you are attempting to use a custom"
        " field, be sure to append the '__c' after the custom field name. Please reference your"
        " WSDL or the describe call for the appropriate names.",
    )


def malformed(message: str) -> Failure:
    return Failure("MALFORMED_QUERY", message)
