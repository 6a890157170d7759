"""Error answers, one function for each family of body that the platform has.

The shapes are documented; the names and texts of 403, 404 and 409 are unverified.
"""

from __future__ import annotations

from reconciler.emulator.wire import Refusal, json_response, text_response


def named(status: int, name: str, message: str) -> Refusal:
    """Business errors of API Manager."""
    return Refusal(json_response(status, {"name": name, "message": message}))


def invalid(path: str, message: str, code: str) -> Refusal:
    """Request validation of API Manager; `path` like `/body/order`, `code` like `type`."""
    holder = "request" + path.rpartition("/")[0] if code == "required" else "request" + path
    error = {"path": path, "message": message, "errorCode": f"{code}.openapi.validation"}
    body = {"name": "Bad Request", "errors": [error], "message": f"{holder} {message}"}
    return Refusal(json_response(400, body))


def missing(path: str) -> Refusal:
    """A required key that is not there."""
    return invalid(path, f"must have required property '{path.rpartition('/')[2]}'", "required")


def wrong_type(path: str, kind: str) -> Refusal:
    return invalid(path, f"must be {kind}", "type")


def account(status: int, message: str) -> Refusal:
    """Errors of accounts, Exchange and the audit log."""
    return Refusal(json_response(status, {"status": status, "message": message}))


def unauthorized() -> Refusal:
    return Refusal(text_response(401, "Unauthorized"))


def forbidden() -> Refusal:
    return named(403, "ForbiddenError", "You are not authorized to perform this action")


def not_found(what: str) -> Refusal:
    return named(404, "NotFoundError", f"{what} not found")


def conflict(message: str) -> Refusal:
    return named(409, "ConflictError", message)


def no_route() -> Refusal:
    message = '"route" could not be found using "request path"'
    return named(404, "Not Found", message)


def wrong_method(method: str, path: str, allowed: tuple[str, ...]) -> Refusal:
    allow = ", ".join(allowed)
    body = {
        "name": "Method Not Allowed",
        "headers": {"Allow": allow},
        "errors": [{"path": path, "message": f"{method} method not allowed"}],
    }
    return Refusal(json_response(405, body, (b"allow", allow.encode())))
