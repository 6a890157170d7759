"""Anypoint as one service of the emulator: routes a request, and takes the control calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from reconciler.emulator.anypoint import errors
from reconciler.emulator.anypoint.accounts import authenticate
from reconciler.emulator.anypoint.call import Call
from reconciler.emulator.anypoint.routes import PUBLIC, READING_POSTS, ROUTES, Route
from reconciler.emulator.anypoint.seed import Seed, read_seed
from reconciler.emulator.anypoint.settings import Settings
from reconciler.emulator.anypoint.state import dump
from reconciler.emulator.anypoint.store import Clock, Store
from reconciler.emulator.anypoint.tampering import tamper
from reconciler.emulator.routing import Router
from reconciler.emulator.wire import Request, Response


class Anypoint:
    """Holds one store at a time; a reset makes a new one."""

    def __init__(self, seed: Seed, clock: Clock = time.time) -> None:
        self._clock = clock
        self._router: Router[Route] = Router((r.method, r.pattern, r) for r in ROUTES)
        self._store = read_seed(seed, clock)

    @property
    def store(self) -> Store:
        return self._store

    def answer(self, request: Request) -> Response:
        match = self._router.match(request.method, request.path)
        if match is None:
            raise errors.no_route()
        if match.handler is None:
            raise errors.wrong_method(request.method, request.path, match.allowed)
        route = match.handler
        if route.access == PUBLIC:
            return route.handler(Call(self._store, request, match.params))
        grant = authenticate(self._store, request)
        if grant.login.read_only and _writes(request, route):
            raise errors.forbidden()
        return route.handler(Call(self._store, request, match.params, grant))

    def prepare(self, seed: Any) -> Callable[[], None]:
        """Tokens outlive a reset, so that a client need not know of it."""
        store = read_seed(seed, self._clock)

        def take() -> None:
            store.grants = self._store.grants
            self._store = store

        return take

    def state(self) -> dict[str, Any]:
        return dump(self._store)

    def tamper(self, order: dict[str, Any]) -> Any:
        return tamper(self._store, order)

    def switches(self) -> tuple[str, ...]:
        return (*Settings.names(), "expireTokens")

    def settings(self) -> dict[str, Any]:
        return self._store.settings.to_plain()

    def change_settings(self, changes: dict[str, Any]) -> None:
        """Sets switches; `expireTokens: true` ends every token that was given."""
        expire = changes.get("expireTokens", False)
        switches = {name: value for name, value in changes.items() if name != "expireTokens"}
        self._store.settings = self._store.settings.changed(switches)
        if expire:
            self._store.grants.clear()


def _writes(request: Request, route: Route) -> bool:
    return request.method not in ("GET", "HEAD") and route.access != READING_POSTS
