"""Listening: uvicorn on 127.0.0.1, with the transport in reach of the application."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from reconciler.emulator.app import App

_HOST = "127.0.0.1"
_BACKLOG = 2048
# Longer than clients keep idle connections, so that they are not closed under a request.
_KEEP_ALIVE_S = 120


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of a certificate and its key, in PEM."""

    certificate: str
    key: str


class _Protocol(HttpToolsProtocol):
    """Puts the transport into the scope, because dropping a connection needs it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["transport"] = self.transport  # type: ignore[typeddict-unknown-key]


class _Server(uvicorn.Server):
    """Tells when it answers, and treats a signal as the ordinary end."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._announce()

    async def main_loop(self) -> None:
        # uvicorn looks ten times a second; a stop should not take that long.
        await self.on_tick(0)
        ticks = 0
        while not self.should_exit:
            await asyncio.sleep(0.02)
            ticks += 1
            if ticks % 50 == 0:
                await self.on_tick(0)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def listen(port: int) -> socket.socket:
    """A bound socket; OSError when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except OSError:
        listener.close()
        raise
    return listener


def serve(
    app: App, listener: socket.socket, announce: Callable[[str], None], tls: Tls | None = None
) -> None:
    """Serves until SIGINT or SIGTERM; `announce` gets the base URL once it answers."""
    scheme = "https" if tls else "http"
    url = f"{scheme}://{_HOST}:{listener.getsockname()[1]}"
    config = uvicorn.Config(app, **_options(tls))
    _Server(config, lambda: announce(url)).run(sockets=[listener])


def _options(tls: Tls | None) -> dict[str, Any]:
    return {
        "http": _Protocol,
        "ws": "none",
        "loop": "auto",
        "lifespan": "off",
        "interface": "asgi3",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "backlog": _BACKLOG,
        "timeout_keep_alive": _KEEP_ALIVE_S,
        "timeout_graceful_shutdown": 1,
        "ssl_certfile": tls.certificate if tls else None,
        "ssl_keyfile": tls.key if tls else None,
    }
