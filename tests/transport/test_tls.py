"""Certificates are verified, and the environment's authority and proxy are used."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from reconciler.errors import Unreachable
from reconciler.transport import Backoff, Transport

ONCE = Backoff(attempts=1)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def url(authority: trustme.CA) -> Iterator[str]:
    """A service over TLS that answers one call."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _address = listener.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(65536)
                    secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            except OSError:
                connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://localhost:{listener.getsockname()[1]}"
        thread.join(timeout=5)


def test_an_unknown_authority_is_not_trusted(url: str) -> None:
    transport = Transport(url)
    with pytest.raises(Unreachable, match="no trusted TLS connection to localhost"):
        transport.request("GET", "/x")
    transport.close()


def test_the_authority_of_the_environment_is_trusted(
    url: str, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    transport = Transport(url, backoff=ONCE)
    assert transport.request("GET", "/x") == {}
    transport.close()


def test_a_bundle_that_is_not_there_is_named_as_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/ca.pem")
    with pytest.raises(Unreachable, match="REQUESTS_CA_BUNDLE is /nonexistent/ca.pem"):
        Transport("https://localhost:1").request("GET", "/x")


def test_the_proxy_of_the_environment_is_used_and_its_password_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@127.0.0.1:{port}")
    transport = Transport("https://anypoint.mulesoft.com", backoff=ONCE)
    with pytest.raises(Unreachable, match="the proxy gave no connection") as caught:
        transport.request("GET", "/x")
    assert "hunter2" not in repr(caught.value)
