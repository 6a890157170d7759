"""Credentials go to control planes, loopback and what the operator allowed, and nowhere else."""

from __future__ import annotations

import pytest

from reconciler.errors import Refusal
from reconciler.transport import check_host


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://anypoint.mulesoft.com", "https://anypoint.mulesoft.com"),
        ("https://anypoint.mulesoft.com/", "https://anypoint.mulesoft.com"),
        ("https://ANYPOINT.mulesoft.com:443", "https://anypoint.mulesoft.com:443"),
        ("anypoint.mulesoft.com", "https://anypoint.mulesoft.com"),
        ("https://eu1.anypoint.mulesoft.com", "https://eu1.anypoint.mulesoft.com"),
        ("https://gov.anypoint.mulesoft.com", "https://gov.anypoint.mulesoft.com"),
        ("https://ca1.platform.mulesoft.com", "https://ca1.platform.mulesoft.com"),
        ("https://jp1.platform.mulesoft.com", "https://jp1.platform.mulesoft.com"),
        ("http://127.0.0.1:8790", "http://127.0.0.1:8790"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:1/salesforce/", "http://localhost:1/salesforce"),
        ("https://localhost:8443", "https://localhost:8443"),
        ("http://[::1]:8790", "http://[::1]:8790"),
    ],
)
def test_a_known_host_is_used(given: str, used: str) -> None:
    assert check_host(given) == used


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https://example.com",
        "https://anypoint.mulesoft.com.evil.com",
        "https://evil-anypoint.mulesoft.com",
        "https://anypoint.mulesoft.com.",
        "https://mulesoft.com",
        "https://stgx.anypoint.mulesoft.com",
        "https://evil.platform.mulesoft.com",
        "https://ca1.platform.mulesoft.com.evil.com",
        "https://a.ca1.platform.mulesoft.com",
        "http://anypoint.mulesoft.com",
        "https://anypoint.mulesoft.com:8443",
        "https://anypoint.mulesoft.com/accounts",
        "https://anypoint.mulesoft.com?x=1",
        "https://anypoint.mulesoft.com#x",
        "https://user:pw@anypoint.mulesoft.com",
        "https://anypoint.mulesoft.com@evil.com",
        "http://127.0.0.1@evil.com",
        "http://127.0.0.1:80@evil.com",
        "http://127.0.0.1\\@evil.com",
        "http://evil.com\\@127.0.0.1",
        "http://127.0.0.1#@evil.com",
        "http://127.0.0.1%2f@evil.com",
        "http://localhost.evil.com",
        "http://127.0.0.1.evil.com",
        "http://127.1",
        "http://2130706433",
        "http://0x7f.0.0.1",
        "http://0.0.0.0:80",
        "http://128.0.0.1",
        "http://[::ffff:1.2.3.4]",
        "http://[::1",
        "http://localhost:port",
        "http://localhost:99999",
        "http://localhost/../x",
        "http://local host",
        "http://localhost\n.evil.com",
        "ftp://localhost",
        "file:///etc/passwd",
        "https://anypoint。mulesoft.com",
        "https://ａnypoint.mulesoft.com",
    ],
)
def test_any_other_host_is_refused(url: str) -> None:
    with pytest.raises(Refusal):
        check_host(url)


def test_the_refusal_says_how_to_allow_the_host() -> None:
    with pytest.raises(Refusal, match="RECONCILER_ALLOW_HOSTS=api.example.com"):
        check_host("https://api.example.com")


def test_the_refusal_of_user_information_does_not_repeat_it() -> None:
    with pytest.raises(Refusal) as caught:
        check_host("https://user:hunter2@anypoint.mulesoft.com")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "allow", "is_allowed"),
    [
        ("https://pce.example.com:8443/anypoint", ["*.example.com"], True),
        ("https://pce.example.com", ["", " PCE.example.com "], True),
        ("https://pce.example.com.evil.org", ["*.example.com"], False),
        ("https://evil.org/pce.example.com", ["*.example.com"], False),
        ("http://pce.example.com", ["*.example.com"], False),
        ("https://pce.example.com", [""], False),
    ],
)
def test_the_operator_allows_hosts_by_glob(url: str, allow: list[str], is_allowed: bool) -> None:
    if is_allowed:
        assert check_host(url, allow) == url
    else:
        with pytest.raises(Refusal):
            check_host(url, allow)


def test_each_platform_has_its_own_hosts() -> None:
    url = "https://acme.my.salesforce.com"
    assert check_host(url, platform="salesforce") == url
    with pytest.raises(Refusal):
        check_host(url)
    with pytest.raises(Refusal):
        check_host("https://anypoint.mulesoft.com", platform="salesforce")


@pytest.mark.parametrize(
    "host",
    [
        "https://u:s3cret@h",
        "https://u:s3cret%40@h",
        "u:s3cret@h",
        "https://u:s3cret@[",
        "a s3cret@",
    ],
)
def test_what_stands_before_an_at_sign_is_not_shown(host: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_host(host)
    assert "s3cret" not in str(refused.value)
