"""The ASGI application: reads a request, lets the faults have it, logs it, and answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from reconciler.emulator.controls import Controls
from reconciler.emulator.faults import Fault, Faults
from reconciler.emulator.ledger import Ledger
from reconciler.emulator.wire import Refusal, Request, Response, json_response

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_LARGEST_BODY = 16 * 1024 * 1024
# Clients of Salesforce that keep only the host of an instance URL ask at the root. Anypoint has
# nothing there.
_SALESFORCE = ("/salesforce/", "/services/", "/id/")
_logger = logging.getLogger(__name__)


class Service(Protocol):
    """One emulated platform.

    - `answer` handles any request under the service's prefix, and refuses by `Refusal`.
    - `prepare` reads a seed, by name or content, and gives what puts it in force; ValueError
      says what is wrong with it.
    - `state` gives plain data that `prepare` takes back.
    - `tamper` makes a change as another user; ValueError or `Refusal` when it cannot.
    - `switches` names the service's switches, `settings` and `change_settings` read and set them.
    """

    def answer(self, request: Request) -> Response: ...
    def prepare(self, seed: Any) -> Callable[[], None]: ...
    def state(self) -> dict[str, Any]: ...
    def tamper(self, order: dict[str, Any]) -> Any: ...
    def switches(self) -> tuple[str, ...]: ...
    def settings(self) -> dict[str, Any]: ...
    def change_settings(self, changes: dict[str, Any]) -> None: ...


class App:
    """Serves Anypoint at the root, Salesforce at `/salesforce`, the controls at `/_emulator`."""

    def __init__(self, anypoint: Service, salesforce: Service, latency_ms: int = 0) -> None:
        self._anypoint = anypoint
        self._salesforce = salesforce
        self._latency_s = latency_ms / 1000
        self._faults = Faults()
        self._ledger = Ledger()
        self._controls = Controls(
            {"anypoint": anypoint, "salesforce": salesforce}, self._faults, self._ledger
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = await _read_request(scope, receive)
        if request is None:
            await _send(send, json_response(413, {"message": "request entity too large"}))
        elif request.path == "/_emulator" or request.path.startswith("/_emulator/"):
            await _send(send, _guarded(self._controls.answer, request), request.method)
        else:
            await self._serve(request, scope, receive, send)

    async def _serve(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.take(request)
        delay_s = self._latency_s + (fault.delay_ms / 1000 if fault else 0)
        if delay_s:
            await asyncio.sleep(delay_s)
        if fault and fault.drop == "before":
            self._ledger.record(request, 0)
            return await _drop(scope, receive)
        response = fault.response if fault else None
        response = response or _guarded(self._route, request)
        dropped = fault is not None and fault.drop == "after"
        self._ledger.record(request, 0 if dropped else response.status)
        if dropped:
            await _drop(scope, receive)
        elif fault and fault.truncate is not None:
            await _send_part(scope, receive, send, response, fault)
        else:
            await _send(send, response, request.method)

    def _route(self, request: Request) -> Response:
        # One client joins host and path with two slashes.
        if request.path.replace("//", "/").startswith(_SALESFORCE):
            return self._salesforce.answer(request)
        return self._anypoint.answer(request)


async def _read_request(scope: Scope, receive: Receive) -> Request | None:
    """The request with its body, or None when that is larger than anybody needs."""
    method, headers = scope["method"], scope["headers"]
    path = scope["raw_path"].decode("latin-1")
    request = Request(method, path, scope["query_string"], headers, scheme=scope["scheme"])
    if not any(name in (b"content-length", b"transfer-encoding") for name, _ in headers):
        return request
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > _LARGEST_BODY:
            return None
    request.body = b"".join(parts)
    return request


def _guarded(handler: Callable[[Request], Response], request: Request) -> Response:
    try:
        return handler(request)
    except Refusal as refusal:
        return refusal.response
    except RecursionError:
        return json_response(400, {"name": "Bad Request", "message": "nested too deeply"})
    except Exception:  # the outer end: a test must see the status, not a closed connection
        _logger.exception("emulator: %s %s failed", request.method, request.path)
        return json_response(500, {"name": "InternalError", "message": "the emulator failed"})


async def _send(send: Send, response: Response, method: str = "GET") -> None:
    length = (b"content-length", str(len(response.body)).encode())
    headers = list(response.headers)
    # A 204 or 304 has no body, and a length there confuses some clients.
    if response.status not in (204, 304):
        headers.append(length)
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = b"" if method == "HEAD" else response.body
    await send({"type": "http.response.body", "body": body})


async def _send_part(
    scope: Scope, receive: Receive, send: Send, response: Response, fault: Fault
) -> None:
    """Promises the whole body, sends its beginning and closes the connection."""
    length = (b"content-length", str(len(response.body)).encode())
    headers = [*response.headers, length]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    part = response.body[: fault.truncate]
    whole = len(part) == len(response.body)
    await send({"type": "http.response.body", "body": part, "more_body": not whole})
    if not whole:
        await _drop(scope, receive)


async def _drop(scope: Scope, receive: Receive) -> None:
    scope["transport"].close()
    message: dict[str, Any] = {}
    while message.get("type") != "http.disconnect":
        message = await receive()
