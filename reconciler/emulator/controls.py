"""`/_emulator`: how tests and demos watch, reset and disturb the services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.emulator.faults import Faults, parse_faults
from reconciler.emulator.ledger import Ledger
from reconciler.emulator.routing import Router
from reconciler.emulator.seeds import part_of
from reconciler.emulator.wire import Refusal, Request, Response, json_response

if TYPE_CHECKING:
    from reconciler.emulator.app import Service


class Controls:
    """The control calls over all services, the faults and the request log."""

    def __init__(self, services: Mapping[str, Service], faults: Faults, ledger: Ledger) -> None:
        self._services = services
        self._faults = faults
        self._ledger = ledger
        self._router = Router(
            (
                ("GET", "/_emulator/requests", self._requests),
                ("GET", "/_emulator/bodies", self._bodies),
                ("POST", "/_emulator/reset", self._reset),
                ("GET", "/_emulator/state", self._state),
                ("POST", "/_emulator/faults", self._replace_faults),
                ("POST", "/_emulator/tamper", self._tamper),
                ("GET", "/_emulator/settings", self._settings),
                ("POST", "/_emulator/settings", self._change_settings),
            )
        )

    def answer(self, request: Request) -> Response:
        match = self._router.match(request.method, request.path)
        if match is None:
            return json_response(404, {"message": f"no control {request.path}"})
        if match.handler is None:
            allow = (b"allow", ", ".join(match.allowed).encode())
            return json_response(405, {"message": "wrong method"}, allow)
        try:
            return match.handler(request)
        except ValueError as error:
            return json_response(400, {"message": str(error)})

    def _requests(self, _: Request) -> Response:
        return json_response(200, self._ledger.summary())

    def _bodies(self, _: Request) -> Response:
        return json_response(200, self._ledger.bodies())

    def _reset(self, request: Request) -> Response:
        """A body `{"seed": NAME or a state}`; without one the demo seed."""
        order = _object(request) if request.body.strip() else {}
        _known_keys(order, ("seed",))
        seed = order.get("seed", "demo")
        # All are read before one is replaced: a wrong seed changes nothing.
        ready = [s.prepare(part_of(seed, name)) for name, s in self._services.items()]
        for take in ready:
            take()
        self._faults.replace([])
        self._ledger.clear()
        return json_response(200, {"message": "reset"})

    def _state(self, _: Request) -> Response:
        return json_response(200, {name: s.state() for name, s in self._services.items()})

    def _replace_faults(self, request: Request) -> Response:
        rules = parse_faults(_json(request))
        self._faults.replace(rules)
        return json_response(200, {"faults": len(rules)})

    def _tamper(self, request: Request) -> Response:
        order = _object(request)
        _known_keys(order, ("platform", "apiId", "policyId", "resource", "id", "patch", "user"))
        name = order.get("platform", "anypoint")
        if name not in self._services:
            raise ValueError(f"unknown platform {name!r}; there is {', '.join(self._services)}")
        return json_response(200, self._services[name].tamper(order))

    def _settings(self, _: Request) -> Response:
        merged: dict[str, Any] = {}
        for service in self._services.values():
            merged |= service.settings()
        return json_response(200, merged)

    def _change_settings(self, request: Request) -> Response:
        changes = _object(request)
        _known_settings(changes, self._services)
        for service in self._services.values():
            own = service.switches()
            service.change_settings({n: v for n, v in changes.items() if n in own})
        return self._settings(request)


def _json(request: Request) -> Any:
    try:
        return request.json()
    except ValueError as error:
        raise ValueError(f"the body is not JSON: {error}") from None


def _object(request: Request) -> dict[str, Any]:
    document = _json(request)
    if not isinstance(document, dict):
        raise Refusal(json_response(400, {"message": "the body must be an object"}))
    return document


def _known_keys(order: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    unknown = sorted(set(order) - set(keys))
    if unknown:
        raise ValueError(f"unknown keys: {', '.join(unknown)}")


def _known_settings(changes: Mapping[str, Any], services: Mapping[str, Service]) -> None:
    known = [name for service in services.values() for name in service.switches()]
    for name in changes:
        if name not in known:
            raise ValueError(f"unknown setting {name!r}; there is {', '.join(known)}")
