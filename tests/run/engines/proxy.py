"""Stands between workers and the emulator: answers late, and notes when each call came and went."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests


@dataclass
class Proxy:
    """calls: moment it began, moment it was answered, and status, of each call; seconds."""

    url: str = ""
    calls: list[tuple[float, float, int]] = field(default_factory=list)

    def peak(self) -> int:
        """How many calls there were at once, at most."""
        moments = [(began, 1) for began, _, _ in self.calls]
        moments += [(ended, -1) for _, ended, _ in self.calls]
        now = most = 0
        for _, step in sorted(moments):
            now += step
            most = max(most, now)
        return most


@contextlib.contextmanager
def proxy(upstream: str, delay_s: float) -> Iterator[Proxy]:
    """Answers as `upstream` does, each call after `delay_s`."""
    found = Proxy()
    session = requests.Session()
    session.trust_env = False

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            began = time.monotonic()
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            time.sleep(delay_s)
            answer = session.request(
                self.command, upstream + self.path, data=body, headers=headers, timeout=30
            )
            found.calls.append((began, time.monotonic(), answer.status_code))
            self.send_response(answer.status_code)
            for name in ("Content-Type", "Retry-After"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
