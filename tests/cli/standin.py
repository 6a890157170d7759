"""A server that answers as it is told, and keeps what it was asked."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """`length` promises another number of bytes than there are."""

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None


@dataclass(slots=True)
class StandIn:
    """Where it listens, and the method, path and headers of each request."""

    url: str
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


Serve = Callable[[str, str], Answer]
"""(method, path) -> answer."""


def _handler(stand_in: StandIn, serve: Serve) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            stand_in.requests.append((self.command, self.path, dict(self.headers.items())))
            answer = serve(self.command, self.path)
            body = answer.body.encode()
            self.send_response(answer.status)
            headers = {"Content-Type": "application/json", **answer.headers}
            headers["Content-Length"] = str(len(body) if answer.length is None else answer.length)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who does not trust our certificate goes away; that is no error of the test."""


@contextlib.contextmanager
def standing_in(serve: Serve, tls: ssl.SSLContext | None = None) -> Iterator[StandIn]:
    """A server on a free port of this machine while the block lasts; with `tls` as localhost."""
    stand_in = StandIn("")
    with _Server(("127.0.0.1", 0), _handler(stand_in, serve)) as server:
        server.daemon_threads = True
        stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
        if tls:
            stand_in.url = f"https://localhost:{server.server_address[1]}"
            server.socket = tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield stand_in
        finally:
            server.shutdown()
            thread.join()
