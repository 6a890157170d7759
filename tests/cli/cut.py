"""A way to the emulator that is cut when a call comes: from then on connections are refused."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

_CHUNK = 65536


class _Cut:
    def __init__(self, inner: str, method: str, path: str) -> None:
        parts = urlsplit(inner)
        self._inner = (parts.hostname or "", parts.port or 80)
        self._fatal = re.compile(rf"^{method} \S*{path.rstrip('$')}[? ]".encode())
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._inner)
                self._open += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                if self._fatal.match(data):
                    self.close()
                    return
                target.sendall(data)

    def close(self) -> None:
        # A listener that another thread waits on is only let go by a shutdown.
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextlib.contextmanager
def cut_before(inner: str, method: str, path: str) -> Iterator[str]:
    """The address of a way that stands until the first call of this method and path."""
    cut = _Cut(inner, method, path)
    thread = threading.Thread(target=cut.serve, daemon=True)
    thread.start()
    try:
        yield cut.url
    finally:
        cut.close()
        thread.join()
