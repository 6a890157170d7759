"""Services that accept and then take their time: each is given up, in bounded time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from reconciler.errors import Unreachable
from reconciler.transport import Backoff, Bounds, Transport

TIMEOUT_S = 0.3
# Twice the time-out for head and body, and slack for a busy machine.
BOUND_S = 3.0
ONCE = Backoff(attempts=1)

Serve = Callable[[socket.socket, threading.Event], None]


@contextmanager
def serving(serve: Serve) -> Iterator[str]:
    """One connection, whose request is read; then `serve` does as it likes until it is over."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    connection.recv(65536)
                    serve(connection, over)
                except OSError:  # the other side has given up
                    pass

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join(5)


def trickle(head: bytes, piece: bytes) -> Serve:
    """Sends the head at once, then the piece again and again, each well within the time-out."""

    def serve(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head)
        while not over.wait(TIMEOUT_S / 6):
            connection.sendall(piece)

    return serve


OK = b"HTTP/1.1 200 OK\r\n"
SLOW: dict[str, Serve] = {
    "nothing": lambda connection, over: void(over.wait(60)),
    "half a status line": trickle(b"HTTP/1.1 2", b""),
    "a status line byte by byte": trickle(b"HTTP/1.1 200 ", b"O"),
    "header after header": trickle(OK, b"X-More: 1\r\n"),
    "one header byte by byte": trickle(OK + b"X-Long: ", b"x"),
    "no end of 100-continue": trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body byte by byte": trickle(OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "chunk after chunk": trickle(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "half a body": trickle(OK + b"Content-Length: 10\r\n\r\n{", b""),
}


def void(value: object) -> None:
    """Drops a value where a function that returns none is asked for."""


@pytest.mark.parametrize("serve", SLOW.values(), ids=SLOW)
def test_whatever_it_sends_slowly_it_is_given_up(serve: Serve) -> None:
    with serving(serve) as url:
        transport = Transport(url, bounds=Bounds(TIMEOUT_S), backoff=ONCE)
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"no answer from 127\.0\.0\.1:\d+ within 0\.3"):
            transport.request("GET", "/x", token="t0k3n")
        assert time.monotonic() - began < BOUND_S
        transport.close()


def test_a_slow_answer_within_its_time_is_taken() -> None:
    def serve(connection: socket.socket, over: threading.Event) -> None:
        for piece in (b"HTTP/1.1 200 OK\r\n", b"Content-Length: 8\r\n", b"\r\n", b'{"a"', b": 1}"):
            connection.sendall(piece)
            over.wait(TIMEOUT_S / 6)

    with serving(serve) as url:
        transport = Transport(url, bounds=Bounds(TIMEOUT_S), backoff=ONCE)
        assert transport.request("GET", "/x") == {"a": 1}
        transport.close()


def test_one_who_accepts_no_tls_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda connection, over: void(over.wait(60))) as url:
        secure = url.replace("http://127.0.0.1", "https://localhost")
        transport = Transport(secure, bounds=Bounds(TIMEOUT_S), backoff=ONCE)
        began = time.monotonic()
        with pytest.raises(Unreachable):
            transport.request("GET", "/x")
        assert time.monotonic() - began < BOUND_S
        transport.close()


def test_the_end_of_the_run_cuts_a_read_short() -> None:
    with serving(lambda connection, over: void(over.wait(60))) as url:
        transport = Transport(url, bounds=Bounds(30.0, max_time_s=0.3))
        began = time.monotonic()
        with pytest.raises(Unreachable, match="no time is left: --max-time"):
            transport.request("GET", "/x")
        assert time.monotonic() - began < BOUND_S
        transport.close()
