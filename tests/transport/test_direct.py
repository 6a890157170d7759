"""Reads beneath `requests` behave as those over it, and only reads go there."""

from __future__ import annotations

import gzip
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import trustme

from reconciler.core.redact import without
from reconciler.errors import ProviderError
from reconciler.transport import Backoff, Bounds, Transport, http, sessions
from tests.cli.standin import Answer, standing_in
from tests.transport.test_tls import context_of

ONCE = Backoff(attempts=1)


def outcome(url: str, path: str = "/x", token: str | None = "t0k3n", **options: object) -> object:
    """What a read gives: its value, or kind and words of its error without the way to it."""
    transport = Transport(url, backoff=ONCE, bounds=Bounds(timeout_s=0.3))
    try:
        return transport.request("GET", path, token=token, **options)  # type: ignore[arg-type]
    except ProviderError as error:
        return type(error), error.status, without(error.message, (url,))
    finally:
        transport.close()


def over_both(ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What a call gives beneath `requests`, and over it."""
    direct = ask()
    with monkeypatch.context() as patch:
        patch.setattr(http, "may_be_direct", lambda base_url, route: False)
        return [direct, ask()]


ANSWERS = {
    "a value": Answer(body='{"a": [1, 2.5, "é"]}'),
    "nothing": Answer(204),
    "a refusal": Answer(403, body='{"message": "no"}'),
    "a redirect": Answer(302, headers={"Location": "http://169.254.169.254/"}),
    "a cookie": Answer(body="{}", headers={"Set-Cookie": "a=b"}),
    "throttling": Answer(429, headers={"Retry-After": "1"}),
    "half an answer": Answer(body='{"a": 1}', length=100),
    "no compression": Answer(body="{}", headers={"Content-Encoding": "gzip"}),
    "a page": Answer(body="<html>", headers={"Content-Type": "text/html"}),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_it_reads_what_requests_reads(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with standing_in(lambda method, path: ANSWERS[name]) as server:
        params = {"a": "b c", "d": "é&"}

        def ask() -> object:
            return outcome(server.url, "/x%2Fy", params=params, ok=(200, 204))

        first, second = over_both(ask, monkeypatch)
    assert first == second
    asked = [(method, path, _own(headers)) for method, path, headers in server.requests]
    assert asked[0] == asked[1]


def _own(headers: dict[str, str]) -> dict[str, str]:
    left_out = ("x-request-id",)
    return {name.lower(): text for name, text in headers.items() if name.lower() not in left_out}


@pytest.mark.parametrize("token", ["a\nb", "a\r\nX-Evil: 1", "☃"])
def test_a_token_that_is_no_header_is_not_sent_and_not_shown(token: str) -> None:
    with standing_in(lambda method, path: Answer(body="{}")) as server:
        found = outcome(server.url, token=token)
        assert server.requests == []
    assert "a header, perhaps the token" in str(found)
    assert token not in str(found)


def test_nobody_there_and_nobody_answering_are_told_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    with standing_in(lambda method, path: Answer()) as server:
        gone = server.url
    urls = [gone, "http://127.0.0.1:1", "http://no-such-host.invalid"]
    for url in urls:
        first, second = over_both(lambda url=url: outcome(url), monkeypatch)  # type: ignore[misc]
        assert first == second

    wait = threading.Event()

    def silent(method: str, path: str) -> Answer:
        wait.wait(5)
        return Answer()

    with standing_in(silent) as server:
        first, second = over_both(lambda: outcome(server.url), monkeypatch)
        wait.set()
    assert first == second


def test_a_compressed_answer_is_read() -> None:
    class Packed(str):
        def encode(self, *args: object) -> bytes:
            return gzip.compress(b'{"a": 1}')

    answer = Answer(body=Packed(), headers={"Content-Encoding": "gzip"})
    with standing_in(lambda method, path: answer) as server:
        assert outcome(server.url) == {"a": 1}


def test_reads_go_beneath_requests_and_writes_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    over: list[str] = []
    real = requests.Session.request

    def counted(self: requests.Session, method: str, *args: object, **options: object) -> object:
        over.append(method)
        return real(self, method, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(requests.Session, "request", counted)
    with standing_in(lambda method, path: Answer(body="{}")) as server:
        transport = Transport(server.url)
        for method in ("GET", "POST", "GET", "PATCH", "PUT", "DELETE"):
            transport.request(method, "/x", json=None if method == "GET" else {})
        transport.close()
    assert over == ["POST", "PATCH", "PUT", "DELETE"]
    assert len(server.requests) == 6


def test_all_connections_share_one_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    read: list[str] = []
    real = ssl.SSLContext.load_verify_locations

    class Counted(ssl.SSLContext):
        def load_verify_locations(self, *args: object, **options: object) -> None:
            read.append("authorities")
            real(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(
        sessions, "create_urllib3_context", lambda: Counted(ssl.PROTOCOL_TLS_CLIENT)
    )
    both = threading.Barrier(2, timeout=5)

    def together(method: str, path: str) -> Answer:
        if method == "GET":
            both.wait()  # so that there have to be two connections
        return Answer(body="{}")

    with standing_in(together, context_of(authority, "localhost")) as server:
        transport = Transport(server.url)
        threads = [threading.Thread(target=transport.request, args=("GET", "/x")) for _ in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        transport.request("POST", "/x", json={})
        transport.close()
    assert len(server.requests) == 3
    assert read == ["authorities"]
