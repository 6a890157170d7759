"""A server before the emulator that holds a call until it is let through."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

_TIMEOUT_S = 30
_NOT_FORWARDED = frozenset(("connection", "content-length", "transfer-encoding"))


class Gate:
    """`arrived` is set when a call of this method and path, with this in its body, is held; `open`
    lets all through."""

    def __init__(self, inner: str, method: str, path: str, content: bytes = b"") -> None:
        self.url = ""
        self.arrived = threading.Event()
        self.open = threading.Event()
        self.closed = threading.Event()
        self._inner = inner
        self._held = method, re.compile(path), content

    def pass_on(self, method: str, path: str, headers: Any, body: bytes) -> requests.Response:
        """The inner server's answer; raises ConnectionAbortedError where the gate is closed."""
        held, pattern, content = self._held
        if method == held and pattern.search(path) and content in body:
            self.arrived.set()
            while not self.open.wait(0.02):
                if self.closed.is_set():
                    raise ConnectionAbortedError
        kept = {name: value for name, value in headers if name.lower() not in _NOT_FORWARDED}
        with requests.Session() as session:
            session.trust_env = False
            url = self._inner + path
            return session.request(method, url, headers=kept, data=body, timeout=_TIMEOUT_S)


def _handler(gate: Gate) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                answer = gate.pass_on(self.command, self.path, self.headers.items(), body)
            except ConnectionAbortedError:
                self.close_connection = True
                return
            with contextlib.suppress(ConnectionError):
                self.send_response(answer.status_code)
                for name, value in answer.headers.items():
                    if name.lower() not in (*_NOT_FORWARDED, "content-encoding"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextlib.contextmanager
def gate_before(inner: str, method: str, path: str, content: bytes = b"") -> Iterator[Gate]:
    """A gate that stands while the block lasts."""
    gate = Gate(inner, method, path, content)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(gate)) as server:
        server.daemon_threads = True
        gate.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield gate
        finally:
            gate.closed.set()
            server.shutdown()
            thread.join()
