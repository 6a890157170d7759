"""Proxies of the environment: what goes through them, what they see, and what is never told."""

from __future__ import annotations

import base64
import logging
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

from reconciler.errors import ProviderError, Unreachable
from reconciler.transport import Backoff, Bounds, Transport
from reconciler.transport.sessions import route_to
from tests.cli.standin import Answer, StandIn, standing_in
from tests.transport.clock import Clock
from tests.transport.proxy import Proxy, proxying

HOST = "anypoint.mulesoft.com"
PASSWORD = "hunter2 @:/%"
USERINFO = f"proxy-user:{quote(PASSWORD, safe='')}"
ENCODED = base64.b64encode(f"proxy-user:{PASSWORD}".encode()).decode()
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variables but those of the test."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """The service behind the proxy, with a certificate of an authority of our own."""
    authority = trustme.CA()
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(context)
    with standing_in(lambda method, path: Answer(body='{"a": 1}'), context) as stand_in:
        yield stand_in


@pytest.fixture
def proxy(service: StandIn) -> Iterator[Proxy]:
    with proxying(int(service.url.rpartition(":")[2])) as made:
        yield made


def call(base_url: str = f"https://{HOST}") -> object:
    transport = Transport(base_url, bounds=Bounds(5.0, timing=Clock().timing))
    try:
        return transport.request("GET", "/x", token="t0k3n")
    finally:
        transport.close()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_calls_go_through_the_tunnel_and_the_proxy_sees_no_token(
    name: str, service: StandIn, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    assert call() == {"a": 1}
    assert proxy.asked[0].startswith(f"CONNECT {HOST}:443 ".encode())
    assert b"t0k3n" not in proxy.asked[0]
    (_, _, headers) = service.requests[0]
    assert headers["Authorization"] == "Bearer t0k3n"


def test_the_password_goes_to_the_proxy_and_not_to_the_service(
    service: StandIn, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{USERINFO}@127.0.0.1:{proxy.port}")
    assert call() == {"a": 1}
    assert f"Proxy-Authorization: Basic {ENCODED}".encode() in proxy.asked[0]
    assert "hunter2" not in str(service.requests)
    assert ENCODED not in str(service.requests)


@pytest.mark.parametrize(
    ("status", "words", "attempts"),
    [
        ("407 Proxy Authentication Required", "it asks for a name and password", 1),
        ("403 Forbidden hunter2", "it answered 403", 1),
        ("502 Bad Gateway", "it answered 502", 5),
    ],
)
def test_a_proxy_that_refuses_is_told_without_its_password(
    status: str,
    words: str,
    attempts: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with proxying(1, f"HTTP/1.1 {status}".encode()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{USERINFO}@127.0.0.1:{proxy.port}")
        with caplog.at_level(logging.DEBUG, "reconciler"), pytest.raises(Unreachable) as caught:
            call()
    told = repr(caught.value) + str(caught.value) + caplog.text
    assert f"the proxy gave no connection to {HOST}: {words}" in told
    assert len(proxy.asked) == attempts
    assert not {"hunter2", ENCODED, quote(PASSWORD, safe=""), "proxy-user"} & set(told.split())
    assert all(secret not in told for secret in ("hunter2", ENCODED, "proxy-user", "t0k3n"))


@pytest.mark.parametrize(
    "url",
    [
        f"http://{USERINFO}@[bad",
        f"http://{USERINFO}@:0",
        f"nothing://{USERINFO}@127.0.0.1:1",
        f"{USERINFO}",
        f"socks5://{USERINFO}@127.0.0.1:1",
        f"http://{USERINFO}@127.0.0.1:port",
    ],
)
def test_a_proxy_that_cannot_be_used_is_told_without_its_password(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    with pytest.raises(ProviderError) as caught:
        call()
    told = repr(caught.value) + str(caught.value)
    assert "proxy" in told.lower()
    assert "hunter2" not in told
    assert "proxy-user" not in told


@pytest.mark.parametrize(
    ("no_proxy", "is_direct"),
    [("", False), ("mulesoft.com", True), ("a.b, .mulesoft.com", True), ("soft.com", False)],
)
def test_a_host_of_no_proxy_is_reached_directly(
    no_proxy: str, is_direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (not route_to(f"https://{HOST}").proxies) == is_direct


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"])
def test_loopback_goes_through_no_proxy(
    name: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    with standing_in(lambda method, path: Answer(body='{"b": 2}')) as here:
        assert call(here.url) == {"b": 2}
    assert proxy.asked == []


def test_a_proxy_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
        transport = Transport(f"https://{HOST}", bounds=Bounds(0.2), backoff=Backoff(attempts=1))
        with pytest.raises(Unreachable):
            transport.request("GET", "/x")
        transport.close()
