"""Certificates are verified, always, against the authorities that the environment names."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from reconciler.errors import Unreachable
from reconciler.transport import Backoff, Transport
from tests.cli.standin import Answer, StandIn, standing_in

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
ONCE = Backoff(attempts=1)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variables but those of the test."""
    for name in BUNDLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    path = str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(path)
    return path


def context_of(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
def service(authority: trustme.CA) -> Iterator[StandIn]:
    with standing_in(
        lambda method, path: Answer(body="{}"), context_of(authority, "localhost")
    ) as s:
        yield s


def call(url: str) -> object:
    transport = Transport(url, backoff=ONCE)
    try:
        return transport.request("GET", "/x", token="t0k3n")
    finally:
        transport.close()


@pytest.mark.parametrize("name", BUNDLES)
def test_the_authority_of_the_environment_is_trusted(
    name: str, service: StandIn, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, bundle)
    assert call(service.url) == {}


def test_the_first_variable_counts(
    service: StandIn, bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = str(tmp_path / "other.pem")
    trustme.CA().cert_pem.write_to_path(other)
    monkeypatch.setenv("SSL_CERT_FILE", bundle)
    monkeypatch.setenv("CURL_CA_BUNDLE", "")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", other)
    with pytest.raises(Unreachable, match="no trusted TLS connection"):
        call(service.url)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        dict.fromkeys(BUNDLES, ""),
        {"PYTHONHTTPSVERIFY": "0", "CURL_INSECURE": "1", "NODE_TLS_REJECT_UNAUTHORIZED": "0"},
    ],
)
def test_nothing_turns_verification_off(
    variables: dict[str, str], service: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Unreachable, match="no trusted TLS connection to localhost"):
        call(service.url)
    assert service.requests == []


def test_a_certificate_of_another_name_is_not_trusted(
    authority: trustme.CA, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    context = context_of(authority, "anypoint.mulesoft.com")
    with (
        standing_in(lambda method, path: Answer(body="{}"), context) as other,
        pytest.raises(Unreachable, match="no trusted TLS connection"),
    ):
        call(other.url)
    assert other.requests == []


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize("value", ["false", "0", "/nonexistent/ca.pem", "a\x1b[31mb"])
def test_a_bundle_that_is_not_there_is_named(
    name: str, value: str, service: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Unreachable, match=f"{name} is .*No such file .* or unset {name}") as caught:
        call(service.url)
    assert "\x1b" not in str(caught.value)
    assert service.requests == []


@pytest.mark.parametrize("content", [b"", b"not a certificate", b"\x00\xff" * 100])
def test_a_bundle_without_certificates_is_named(
    content: bytes, service: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.pem").write_bytes(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "bad.pem"))
    with pytest.raises(Unreachable, match="REQUESTS_CA_BUNDLE is .*holds no certificates in PEM"):
        call(service.url)


def test_plain_loopback_needs_no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/ca.pem")
    with standing_in(lambda method, path: Answer(body="{}")) as here:
        assert call(here.url) == {}
