"""Calls, repeats and failures, against canned answers and against sockets that misbehave."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from reconciler import __version__
from reconciler.errors import (
    BadAnswer,
    Conflict,
    NotAllowed,
    NotFound,
    ProviderError,
    Refusal,
    Throttled,
    Unreachable,
)
from reconciler.transport import Backoff, Bounds, Transport
from reconciler.transport import http as http_module
from reconciler.transport.sessions import Route, new_session
from tests.transport.clock import NOW, Clock

HOST = "https://anypoint.mulesoft.com"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def transport(clock: Clock) -> Iterator[Transport]:
    made = Transport(HOST, bounds=Bounds(timing=clock.timing))
    yield made
    made.close()


@responses.activate
def test_a_call_carries_who_calls_and_gives_the_json(transport: Transport) -> None:
    responses.get(f"{HOST}/x", json={"a": [1]})
    assert transport.request("GET", "/x", params={"b": "1"}, token="t0k") == {"a": [1]}
    sent = responses.calls[0].request
    assert sent.url == f"{HOST}/x?b=1"
    assert sent.headers["Authorization"] == "Bearer t0k"
    assert sent.headers["User-Agent"] == f"reconciler/{__version__}"
    assert len(sent.headers["X-Request-Id"]) == 36


@responses.activate
def test_a_body_keeps_its_key_order(transport: Transport) -> None:
    responses.post(f"{HOST}/x", json={}, status=201)
    transport.request("POST", "/x", json={"b": 1, "a": None}, ok=(201,))
    assert responses.calls[0].request.body == b'{"b": 1, "a": null}'
    assert responses.calls[0].request.headers["Content-Type"] == "application/json"


@responses.activate
@pytest.mark.parametrize("status", [200, 204])
def test_an_empty_answer_is_none(transport: Transport, status: int) -> None:
    responses.delete(f"{HOST}/x", status=status)
    assert transport.request("DELETE", "/x", ok=(200, 204)) is None


def test_a_number_that_is_none_is_not_sent(transport: Transport) -> None:
    with pytest.raises(ProviderError, match="cannot be written as JSON"):
        transport.request("POST", "/x", json={"a": float("nan")})


@responses.activate
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ProviderError),
        (401, NotAllowed),
        (403, NotAllowed),
        (404, NotFound),
        (405, ProviderError),
        (409, Conflict),
        (418, ProviderError),
        (429, Throttled),
        (500, ProviderError),
        (503, Throttled),
        (599, ProviderError),
    ],
)
def test_a_status_has_its_error(
    transport: Transport, status: int, kind: type[ProviderError]
) -> None:
    responses.get(f"{HOST}/x", status=status, headers={"X-Request-Id": "theirs"})
    with pytest.raises(ProviderError) as caught:
        transport.request("GET", "/x")
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.path) == (status, "/x")
    assert caught.value.request_id == "theirs"


@responses.activate
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": "PolicyValidationError", "message": "no"}, "PolicyValidationError: no"),
        ({"name": "Bad Request", "errors": [], "message": "body"}, "Bad Request: body"),
        ({"name": "Bad", "errors": [{"path": "/x", "message": "POST not"}]}, "POST not"),
        ({"errors": [{"data": "x", "message": "one"}, {"message": "two"}]}, "one; two"),
        ({"status": 400, "message": "plain"}, "plain"),
        ({"error": "invalid_client", "error_description": "who?"}, "who?"),
        ([{"errorCode": "X", "message": "listed"}], "listed"),
        ({"name": "ConflictError"}, "ConflictError"),
        ({"message": 7}, "bad request"),
        ("text", "bad request"),
        ({"message": "a\u202eb\n\x1b[31mc"}, "a b [31mc"),
        ({"message": "x" * 1000}, "x" * 300),
    ],
)
def test_the_message_of_an_error_body(transport: Transport, body: Any, message: str) -> None:
    responses.get(f"{HOST}/x", status=400, json=body)
    with pytest.raises(ProviderError) as caught:
        transport.request("GET", "/x")
    assert caught.value.message == message


@responses.activate
def test_an_error_in_plain_text_is_quoted_and_one_in_html_is_not(transport: Transport) -> None:
    responses.get(f"{HOST}/x", status=400, body="Unauthorized\n", content_type="text/plain")
    responses.get(f"{HOST}/y", status=500, body="<html>secret", content_type="text/html")
    with pytest.raises(ProviderError, match="-> 400: Unauthorized"):
        transport.request("GET", "/x")
    with pytest.raises(ProviderError, match=r"internal server error \(HTML, 12 bytes\)"):
        transport.request("GET", "/y")


@responses.activate
@pytest.mark.parametrize("around", ["", "x" * 292])
def test_what_is_to_be_hidden_is_in_no_error(transport: Transport, around: str) -> None:
    said = f"{around}bad hunter2 and t0k3n"
    responses.post(f"{HOST}/x", status=400, json={"message": said})
    with pytest.raises(ProviderError) as caught:
        transport.request("POST", "/x", token="t0k3n", hide=["hunter2", ""])
    assert not {"hunter2", "hunt", "t0k3n"} & set(str(caught.value).replace("x", "").split())
    assert "hun" not in str(caught.value)


@responses.activate
@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("https://evil.example.com/steal?session=1", "evil.example.com/steal"),
        ("/login?target=x#y", "/login"),
        ("https://u:pw@evil.example.com:99/a", "evil.example.com:99/a"),
        ("https://[bad", "an unreadable place"),
        ("", "nowhere"),
    ],
)
def test_a_redirect_is_not_followed(transport: Transport, location: str, named: str) -> None:
    responses.get(f"{HOST}/x", status=302, headers={"Location": location})
    with pytest.raises(BadAnswer) as caught:
        transport.request("GET", "/x", token="t0k")
    assert f"a redirect to {named}; not followed, no token was sent there" in str(caught.value)
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"<!doctype html><title>Sign in", "text/html", "a login page"),
        (b"  <html>", "application/json", "a login page"),
        (b'{"a": [1, 2', "application/json", "no whole JSON (application/json, 11 bytes)"),
        (b"secret words", "text/plain", "no whole JSON (text/plain, 12 bytes)"),
        (b"\xff\xfe\x00", "application/json", "no whole JSON"),
        (b'{"a": NaN}', "application/json", "no whole JSON"),
        (b'{"a": "\\ud800"}', "application/json", "no whole JSON"),
        (b"[" * 200_000, "application/json", "no whole JSON"),
        (b"1" * 5000, "application/json", "no whole JSON"),
    ],
)
def test_what_is_no_json_is_a_bad_answer(
    transport: Transport, body: bytes, kind: str, message: str
) -> None:
    responses.get(f"{HOST}/x", body=body, content_type=kind)
    with pytest.raises(BadAnswer) as caught:
        transport.request("GET", "/x")
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


@responses.activate
def test_a_whole_surrogate_pair_is_text(transport: Transport) -> None:
    responses.get(f"{HOST}/x", body=b'{"a": "\\ud83d\\ude00"}')
    assert transport.request("GET", "/x") == {"a": "\U0001f600"}


@responses.activate
def test_an_undocumented_success_is_a_bad_answer(transport: Transport) -> None:
    responses.post(f"{HOST}/x", status=202, json={})
    with pytest.raises(BadAnswer):
        transport.request("POST", "/x", ok=(201,))


@responses.activate
def test_an_answer_is_bounded(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_module, "MAX_ANSWER_BYTES", 100_000)
    responses.get(f"{HOST}/x", body=b" " * 100_001)
    with pytest.raises(BadAnswer, match="more than 100000 bytes"):
        transport.request("GET", "/x")


@responses.activate
@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_be_repeated_is(
    transport: Transport, clock: Clock, method: str, status: int
) -> None:
    responses.add(method, f"{HOST}/x", status=status)
    responses.add(method, f"{HOST}/x", status=status)
    responses.add(method, f"{HOST}/x", json={})
    assert transport.request(method, "/x") == {}
    assert clock.slept == [0.25, 0.5]


@responses.activate
@pytest.mark.parametrize("fault", [500, 502, 503, requests.ConnectionError("reset")])
def test_a_create_is_sent_once(transport: Transport, fault: int | Exception) -> None:
    if isinstance(fault, Exception):
        responses.post(f"{HOST}/x", body=fault)
    else:
        responses.post(f"{HOST}/x", status=fault)
    with pytest.raises(ProviderError):
        transport.request("POST", "/x", json={})
    assert len(responses.calls) == 1


@responses.activate
def test_a_create_that_was_throttled_is_sent_again(transport: Transport, clock: Clock) -> None:
    responses.post(f"{HOST}/x", status=429, headers={"Retry-After": "3"})
    responses.post(f"{HOST}/x", status=201, json={})
    transport.request("POST", "/x", json={}, ok=(201,))
    assert clock.slept == [3.25]


@responses.activate
def test_the_rate_limit_is_waited_for(transport: Transport, clock: Clock) -> None:
    headers = {"X-RateLimit-Reset": str(int(NOW) + 60), "X-RateLimit-Remaining": "0"}
    responses.get(f"{HOST}/x", status=429, headers=headers)
    responses.get(f"{HOST}/x", json={})
    transport.request("GET", "/x")
    assert clock.slept == [60.25]


@responses.activate
def test_an_hour_is_not_waited_for(transport: Transport, clock: Clock) -> None:
    responses.get(f"{HOST}/x", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(Throttled, match="not waited for: 3600 s"):
        transport.request("GET", "/x")
    assert clock.slept == []


@responses.activate
def test_who_is_told_to_wait_speaks_for_all_calls(transport: Transport, clock: Clock) -> None:
    responses.get(f"{HOST}/x", status=503, headers={"Retry-After": "300"})
    with pytest.raises(Throttled, match="not waited for: 300 s"):
        transport.request("GET", "/x")
    with pytest.raises(Throttled, match="not sent: the service asked to be left alone for 301 s"):
        transport.request("GET", "/y")
    assert len(responses.calls) == 1
    clock.now += 300
    responses.get(f"{HOST}/y", json={})
    assert transport.request("GET", "/y") == {}


@responses.activate
def test_the_last_call_of_a_window_is_followed_by_a_pause(
    transport: Transport, clock: Clock
) -> None:
    spent = {"X-RateLimit-Reset": str(int(NOW) + 60), "X-RateLimit-Remaining": "0"}
    responses.get(f"{HOST}/x", json={}, headers=spent)
    responses.get(f"{HOST}/y", json={})
    transport.request("GET", "/x")
    assert clock.slept == []
    transport.request("GET", "/y")
    assert clock.slept == [61]


@responses.activate
def test_a_window_of_an_hour_is_only_a_hint(transport: Transport, clock: Clock) -> None:
    spent = {"X-RateLimit-Reset": str(int(NOW) + 3600), "X-RateLimit-Remaining": "0"}
    responses.get(f"{HOST}/x", json={}, headers=spent)
    transport.request("GET", "/x")
    transport.request("GET", "/x")
    assert clock.slept == []


@responses.activate
def test_transports_of_a_run_share_the_pace_of_a_host(clock: Clock) -> None:
    bounds = Bounds(timing=clock.timing)
    responses.get(f"{HOST}/x", status=429)
    responses.get(f"{HOST}/x", json={})
    Transport(HOST, bounds=bounds).request("GET", "/x")
    assert bounds.budgets.of(HOST).limit == 4
    responses.get("https://eu1.anypoint.mulesoft.com/x", json={})
    Transport("https://eu1.anypoint.mulesoft.com", bounds=bounds).request("GET", "/x")
    assert bounds.budgets.of("https://eu1.anypoint.mulesoft.com").limit == 8


@responses.activate
def test_a_failed_call_gives_its_place_back(transport: Transport) -> None:
    responses.get(f"{HOST}/x", status=500)
    for _ in range(20):
        with pytest.raises(ProviderError):
            transport.request("GET", "/x")
    responses.get(f"{HOST}/y", body=RuntimeError("a bug"))
    for _ in range(20):
        with pytest.raises(RuntimeError):
            transport.request("GET", "/y")


@responses.activate
def test_a_long_wait_is_told(transport: Transport, caplog: pytest.LogCaptureFixture) -> None:
    responses.get(f"{HOST}/x", status=429, headers={"Retry-After": "30"})
    responses.get(f"{HOST}/x", status=503)
    responses.get(f"{HOST}/x", json={})
    with caplog.at_level("INFO", "reconciler"):
        transport.request("GET", "/x", token="t0k3n")
    assert [record.getMessage() for record in caplog.records] == [
        "GET /x: too many requests; again in 30.25 s"
    ]


@responses.activate
def test_repeats_end(transport: Transport, clock: Clock) -> None:
    responses.get(f"{HOST}/x", status=503)
    with pytest.raises(Throttled):
        transport.request("GET", "/x")
    assert len(responses.calls) == Backoff().attempts


@responses.activate
@pytest.mark.parametrize(
    ("failure", "kind", "message"),
    [
        (requests.ConnectTimeout("pw"), Unreachable, "no connection to anypoint.mulesoft.com"),
        (requests.ReadTimeout("pw"), Unreachable, "within 30 s"),
        (requests.exceptions.ProxyError("http://u:pw@p"), Unreachable, "the proxy gave"),
        (requests.exceptions.SSLError("pw"), Unreachable, "REQUESTS_CA_BUNDLE"),
        (requests.ConnectionError("pw"), Unreachable, "closed the connection"),
        (requests.exceptions.InvalidHeader("pw"), BadAnswer, "a header"),
        (requests.exceptions.InvalidProxyURL("pw"), Unreachable, "could not be made"),
        (OSError("no such CA bundle pw"), Unreachable, "REQUESTS_CA_BUNDLE"),
        (UnicodeError("pw"), Unreachable, "could not be made"),
    ],
)
def test_failures_of_requests_are_ours(
    transport: Transport, failure: Exception, kind: type[ProviderError], message: str
) -> None:
    responses.get(f"{HOST}/x", body=failure)
    with pytest.raises(ProviderError) as caught:
        transport.request("GET", "/x")
    assert type(caught.value) is kind
    assert message in str(caught.value)
    assert "pw" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("method", "path", "is_read"),
    [
        ("GET", "/x", True),
        ("POST", "/login", True),
        ("POST", "/login/x", False),
        ("POST", "/x", False),
        ("PATCH", "/login", False),
        ("PUT", "/x", False),
        ("DELETE", "/x", False),
    ],
)
@responses.activate
def test_a_read_only_transport_sends_no_write(method: str, path: str, is_read: bool) -> None:
    responses.add(method, f"{HOST}{path}", json={})
    transport = Transport(HOST, read_only=True, reads=["/login"])
    if is_read:
        assert transport.request(method, path) == {}
    else:
        with pytest.raises(Refusal, match="only reads"):
            transport.request(method, path)
    assert len(responses.calls) == is_read


@responses.activate
def test_netrc_and_cookies_are_not_used(
    transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine anypoint.mulesoft.com login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    responses.get(f"{HOST}/x", json={}, headers={"Set-Cookie": "session=1; Path=/"})
    transport.request("GET", "/x", token="t0k")
    transport.request("GET", "/x")
    sent = [call.request.headers for call in responses.calls]
    assert sent[0]["Authorization"] == "Bearer t0k"
    assert "Authorization" not in sent[1]
    assert "Cookie" not in sent[1]


@contextmanager
def _server(answer: Callable[[socket.socket], None], calls: int = 1) -> Iterator[str]:
    """A socket that reads one request per connection and answers as told."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(calls):
                connection, _address = listener.accept()
                with connection:
                    connection.recv(65536)
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(timeout=5)


def test_a_refused_connection_names_the_host(clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    transport = Transport(f"http://127.0.0.1:{port}", bounds=Bounds(timing=clock.timing))
    with pytest.raises(Unreachable, match=f"nothing answers at 127.0.0.1:{port}"):
        transport.request("GET", "/x")
    transport.close()


def test_a_lost_answer_is_asked_for_again(clock: Clock) -> None:
    body = json.dumps({"whole": True}).encode()
    cut = [10, len(body)]

    def answer(connection: socket.socket) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + body[: cut.pop(0)])

    with _server(answer, calls=2) as url:
        transport = Transport(url, bounds=Bounds(timing=clock.timing))
        assert transport.request("GET", "/x") == {"whole": True}
        transport.close()
    assert len(clock.slept) == 1


def test_a_silent_service_is_given_up() -> None:
    release = threading.Event()
    with _server(lambda connection: void(release.wait(5))) as url:
        backoff = Backoff(attempts=1)
        transport = Transport(url, bounds=Bounds(0.05), backoff=backoff)
        with pytest.raises(Unreachable, match=r"within 0\.05 s"):
            transport.request("GET", "/x")
        transport.close()
        release.set()


def test_connections_are_kept() -> None:
    seen: list[int] = []

    def answer(connection: socket.socket) -> None:
        for _ in range(2):
            seen.append(connection.fileno())
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            connection.recv(65536)

    with _server(answer) as url:
        transport = Transport(url)
        transport.request("GET", "/x")
        transport.request("GET", "/y")
        transport.close()
    assert len(seen) == 2


def void(value: object) -> None:
    """Drops a value where a function that returns none is asked for."""


@responses.activate
def test_threads_that_come_and_go_share_kept_connections(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    responses.get(f"{HOST}/a", json={})
    made: list[Route] = []

    def counted(route: Route) -> requests.Session:
        made.append(route)
        return new_session(route)

    monkeypatch.setattr(http_module, "new_session", counted)
    for _ in range(5):
        thread = threading.Thread(target=transport.request, args=("GET", "/a"))
        thread.start()
        thread.join()
    assert len(made) == 1
