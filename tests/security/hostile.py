"""A service that answers over a raw socket, as no honest one would."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

TOKEN = b'{"access_token": "t0k3n"}'
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

Reply = Callable[[socket.socket], None]


def sent(body: bytes, headers: bytes = b"") -> Reply:
    """A whole answer."""
    length = f"Content-Length: {len(body)}\r\n".encode()
    return lambda to: to.sendall(_HEAD + headers + length + b"\r\n" + body)


def as_json(body: Any) -> Reply:
    return sent(json.dumps(body).encode())


def bomb(size: int) -> Reply:
    """Zeros that are a thousandth on the way."""
    return sent(gzip.compress(b"0" * size, 9), b"Content-Encoding: gzip\r\n")


def endless(piece: bytes, head: bytes = b"") -> Reply:
    """Goes on until nobody listens."""

    def reply(to: socket.socket) -> None:
        to.sendall(head)
        while True:
            to.sendall(piece)

    return reply


def chunked(piece: bytes) -> Reply:
    chunk = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    return endless(chunk, _HEAD + b"Transfer-Encoding: chunked\r\n\r\n")


def raw(answer: bytes) -> Reply:
    return lambda to: to.sendall(answer)


REPLIES: dict[str, Reply] = {
    "a gzip bomb": bomb(400_000_000),
    "a gzip bomb in a gzip bomb": sent(
        gzip.compress(gzip.compress(b"0" * 100_000_000)), b"Content-Encoding: gzip, gzip\r\n"
    ),
    "endless chunks": chunked(b"0" * 65_536),
    "endless empty lines": endless(b"\r\n" * 1000),
    "endless headers": endless(b"X-A: b\r\n" * 1000, b"HTTP/1.1 200 OK\r\n"),
    "one endless header": endless(b"a" * 65_536, b"HTTP/1.1 200 OK\r\nX-A: "),
    "an endless status": endless(b"a" * 65_536, b"HTTP/1.1 200 "),
    "many headers": raw(_HEAD + b"X-A: b\r\n" * 5_000 + b"Content-Length: 2\r\n\r\n{}"),
    "many interim answers": raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000 + _HEAD + b"\r\n"),
    "a length too long": raw(_HEAD + b"Content-Length: 9999\r\n\r\n{}"),
    "a length too short": raw(_HEAD + b"Content-Length: 1\r\n\r\n{}"),
    "a negative length": raw(_HEAD + b"Content-Length: -1\r\n\r\n{}"),
    "a length that is none": raw(_HEAD + b"Content-Length: x\r\n\r\n{}"),
    "two lengths": raw(_HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"),
    "a bad chunk": raw(_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
    "a huge chunk": raw(_HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n{}"),
    "no HTTP": raw(b"SSH-2.0-OpenSSH_9.0\r\n"),
    "an old HTTP": raw(b"HTTP/0.9 200\r\n\r\n{}"),
    "a status that is none": raw(b"HTTP/1.1 abc OK\r\n\r\n{}"),
    "a huge status": raw(b"HTTP/1.1 99999999999 OK\r\n\r\n{}"),
    "nothing": raw(b""),
    "an unknown coding": sent(b"{}", b"Content-Encoding: br\r\n"),
    "broken gzip": sent(b"{}", b"Content-Encoding: gzip\r\n"),
    "deep lists": sent(b"[" * 100_000 + b"]" * 100_000),
    "deep mappings": sent(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "not a number": sent(b'{"id": NaN}'),
    "a long number": sent(b'{"id": ' + b"9" * 1_000_000 + b"}"),
    "half a pair": sent(b'{"id": "\\ud800"}'),
    "not UTF-8": sent(b'{"id": "\xff"}'),
    "UTF-16": sent('{"id": "x"}'.encode("utf-16")),
    "a wait of a year": raw(
        b"HTTP/1.1 429 No\r\nRetry-After: 31536000\r\nContent-Length: 0\r\n\r\n"
    ),
    "a wait without end": raw(
        b"HTTP/1.1 503 No\r\nRetry-After: " + b"9" * 400 + b"\r\nContent-Length: 0\r\n\r\n"
    ),
    "an odd wait": raw(
        b"HTTP/1.1 429 No\r\nRetry-After: Fri, 99 Foo 99999\r\nX-RateLimit-Reset: 1e999\r\n"
        b"Content-Length: 0\r\n\r\n"
    ),
}


@contextlib.contextmanager
def serving(choose: Callable[[str, str], Reply]) -> Iterator[str]:
    """The URL of a service that answers each call with what is chosen by method and path."""
    stop = threading.Event()

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(10)
            while not stop.is_set():
                data = b""
                while b"\r\n\r\n" not in data:
                    piece = connection.recv(65_536)
                    if not piece:
                        return
                    data += piece
                method, path = data.split(b" ", 2)[:2]
                _drain(connection, data)
                choose(method.decode(), path.decode())(connection)

    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        server.settimeout(0.05)

        def accept() -> None:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _ = server.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


def _drain(connection: socket.socket, data: bytes) -> None:
    """Reads the body of the request."""
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    left = int(lengths[0].split(b":")[1]) - len(body) if lengths else 0
    while left > 0:
        left -= len(connection.recv(left)) or left
