"""Salesforce as one service of the emulator: routes a request, and takes the control calls."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

from reconciler.emulator.routing import Match, Router
from reconciler.emulator.salesforce import errors
from reconciler.emulator.salesforce.call import Call
from reconciler.emulator.salesforce.composite import answer_all
from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.gate import admit
from reconciler.emulator.salesforce.metadata import soap
from reconciler.emulator.salesforce.metadata.jobs import settle
from reconciler.emulator.salesforce.rest import VERSIONS
from reconciler.emulator.salesforce.routes import COMPOSITE, ROUTES, Route
from reconciler.emulator.salesforce.seed import Seed, dump, read_seed
from reconciler.emulator.salesforce.settings import SalesforceSettings
from reconciler.emulator.salesforce.store import Clock, Store
from reconciler.emulator.salesforce.tampering import tamper
from reconciler.emulator.wire import Request, Response, json_response

_PREFIX = "/salesforce"
_SLASHES = re.compile("/{2,}")
_SOAP = re.compile(r"/services/Soap/m/([^/]+)(?:/.*)?", re.DOTALL)
_VERSION = re.compile(r"v(\d{1,3})\.0", re.ASCII)
_EXPIRE = "expireSessions"


class Salesforce:
    """Holds one store at a time; a reset makes a new one."""

    def __init__(self, seed: Seed, clock: Clock = time.time) -> None:
        self._clock = clock
        composite = Route("POST", COMPOSITE, lambda call: answer_all(call, self._part))
        routes = (*ROUTES, composite)
        self._router: Router[Route] = Router((r.method, r.pattern, r) for r in routes)
        self._store = read_seed(seed, clock)

    @property
    def store(self) -> Store:
        return self._store

    def answer(self, request: Request) -> Response:
        settle(self._store)
        path = _SLASHES.sub("/", request.path).removeprefix(_PREFIX)
        match = _SOAP.fullmatch(path)
        if match:
            return soap.metadata(Call(self._store, request, {"version": match[1]}))
        try:
            return self._rest(request, path)
        except Failure as failure:
            return json_response(failure.status, failure.rest())

    def _rest(self, request: Request, path: str) -> Response:
        match = self._router.match(request.method, path)
        if match is None:
            raise errors.not_found()
        _check_version(match)
        route = match.handler
        if route is not None and route.is_open:
            return route.handler(Call(self._store, request, match.params))
        try:
            return self._inside(request, match)
        except Failure as failure:
            return self._counted(json_response(failure.status, failure.rest()))

    def _inside(self, request: Request, match: Match[Route]) -> Response:
        """What needs a session. The quota is told with every answer, refusals too."""
        scheme, _, token = (request.header(b"authorization") or "").partition(" ")
        known = scheme.lower() in ("bearer", "oauth")
        caller = admit(self._store, token.strip() if known else "")
        if match.handler is None:
            raise errors.wrong_method(request.method)
        response = match.handler.handler(Call(self._store, request, match.params, caller))
        return self._counted(response)

    def _part(self, call: Call, method: str, url: str, body: Any) -> Response:
        """One request within another, by whoever sent that one."""
        target, _, query = url.partition("?")
        headers = call.request.raw_headers
        content = b"" if body is None else json.dumps(body).encode()
        request = Request(method, target, query.encode(), headers, content, call.request.scheme)
        match = self._router.match(method, target)
        route = match.handler if match else None
        # What is open, and what holds requests itself, does not stand within another.
        if match is None or route is None or route.is_open or route.pattern == COMPOSITE:
            failure = errors.not_found()
            return json_response(failure.status, failure.rest())
        try:
            _check_version(match)
            return route.handler(Call(call.store, request, match.params, call.caller))
        except Failure as failure:
            return json_response(failure.status, failure.rest())

    def _counted(self, response: Response) -> Response:
        store = self._store
        usage = f"api-usage={store.used_requests}/{store.settings.dailyApiRequests}"
        header = (b"sforce-limit-info", usage.encode())
        return Response(response.status, response.body, (*response.headers, header))

    def prepare(self, seed: Any) -> Callable[[], None]:
        """Sessions outlive a reset, so that a client need not know of it."""
        store = read_seed(seed, self._clock)

        def take() -> None:
            store.sessions = self._store.sessions
            self._store = store

        return take

    def state(self) -> dict[str, Any]:
        settle(self._store)
        return dump(self._store)

    def tamper(self, order: dict[str, Any]) -> Any:
        settle(self._store)
        return tamper(self._store, order)

    def switches(self) -> tuple[str, ...]:
        return (*SalesforceSettings.names(), _EXPIRE)

    def settings(self) -> dict[str, Any]:
        return self._store.settings.to_plain()

    def change_settings(self, changes: dict[str, Any]) -> None:
        """Sets switches; `expireSessions: true` ends every session that was given."""
        switches = {name: value for name, value in changes.items() if name != _EXPIRE}
        self._store.settings = self._store.settings.changed(switches)
        if changes.get(_EXPIRE, False):
            self._store.sessions.clear()


def _check_version(match: Match[Route]) -> None:
    """Versions that are retired are gone; those to come are not there."""
    text = match.params.get("version")
    found = _VERSION.fullmatch(text) if text is not None else None
    if text is None or found and int(found[1]) in VERSIONS:
        return
    if found and int(found[1]) < VERSIONS.start:
        message = f"Invalid Api version specified on URL: {text}"
        raise Failure("UNSUPPORTED_API_VERSION", message, status=410)
    raise errors.not_found()
