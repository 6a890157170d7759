"""What no request may do to the emulator."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.emulator.bodies import a_policy
from tests.emulator.driver import Emulator, api_path

POLICIES = api_path(19001001) + "/policies"
JSON = {"Content-Type": "application/json"}


def raw(emulator: Emulator, request: bytes, *, is_last: bool = True) -> bytes:
    """The whole answer to bytes on a connection of their own.

    is_last: say that nothing follows, which ends what the server has not yet begun to answer.
    """
    port = urlsplit(emulator.url).port or 0
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as line:
        line.sendall(request)
        if is_last:
            line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(65536), b""))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"7",
        b'"text"',
        b"\xff\xfe\x00",
        b'{"groupId": NaN}',
        b'{"order": 1e999}',
        b'{"order": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 500 + b"1" + b"}" * 500,
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", POLICIES),
        ("PATCH", POLICIES),
        ("POST", POLICIES.replace("/api/v1", "/xapi/v1") + "/outbound-policies"),
        ("POST", api_path(19001001) + "/tiers"),
        ("POST", "/accounts/api/v2/oauth2/token"),
        ("POST", "/_emulator/faults"),
        ("POST", "/_emulator/tamper"),
        ("POST", "/_emulator/settings"),
    ],
)
def test_a_garbage_body_is_refused(emulator: Emulator, method: str, path: str, body: bytes) -> None:
    answer = emulator.request(method, path, data=body, headers=JSON)
    assert answer.status_code == 400
    assert emulator.get(POLICIES).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"groupId": []},
        {"assetId": {}},
        {"assetVersion": 7},
        {"label": "\ud800"},
        {"order": 10**30},
        {"configurationData": {"ips": ["\ud800"], "ipExpression": "#[x]", "\ud800": "x"}},
    ],
)
def test_a_strange_value_never_breaks_it(emulator: Emulator, change: dict[str, Any]) -> None:
    body = json.dumps({**a_policy(), **change}).encode()
    answer = emulator.post(POLICIES, data=body, headers=JSON)
    assert answer.status_code in (201, 400)
    assert emulator.get(POLICIES + "?fullInfo=false").json()
    assert emulator.control("bodies")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//",
        "/accounts",
        "/accounts/api/me/more",
        "/apimanager/api/v1/organizations//environments//apis",
        "/apimanager/api/v1/organizations/%00/environments/%ff/apis",
        "/..%2f..%2fetc",
        "/salesforce/services",
        "/x" * 2000,
    ],
)
def test_an_unknown_path_is_not_found(emulator: Emulator, path: str) -> None:
    assert emulator.get(path).status_code in (403, 404)


@pytest.mark.parametrize("api_id", ["0", "-1", "x", "1" * 40, "2147483648", "%C2%B2", "1.0"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_strange_id_is_not_found(emulator: Emulator, api_id: str, method: str) -> None:
    place = POLICIES.replace("19001001", api_id)
    path = place if method in ("GET", "POST") else place + "/1"
    assert emulator.request(method, path, json={}).status_code == 404


def test_a_post_to_no_instance_says_route(emulator: Emulator) -> None:
    answer = emulator.post(POLICIES.replace("19001001", "x"), a_policy())
    assert answer.json()["message"] == '"route" could not be found using "request path"'


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "TRACE"])
def test_a_wrong_verb_names_the_right_ones(emulator: Emulator, method: str) -> None:
    answer = emulator.request(method, POLICIES)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "PATCH, POST, GET"


def test_head_has_no_body(emulator: Emulator) -> None:
    answer = emulator.request("HEAD", POLICIES)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


def test_a_trailing_slash_does_not_matter(emulator: Emulator) -> None:
    assert emulator.get(POLICIES + "/").status_code == 200


def test_a_body_in_chunks_is_read(emulator: Emulator) -> None:
    parts = iter([b'{"disabled"', b": true}"])
    path = f"{POLICIES}/{emulator.policies(19001001)[0]['id']}"
    assert emulator.request("PATCH", path, data=parts, headers=JSON).json()["disabled"] is True


def test_an_enormous_body_is_refused(emulator: Emulator) -> None:
    body = b"[" + b" " * (17 * 1024 * 1024) + b"]"
    with contextlib.suppress(ConnectionError, OSError):
        answer = emulator.request("PATCH", POLICIES, data=body, headers=JSON)
        assert answer.status_code == 413
    assert emulator.get(POLICIES).status_code == 200


@pytest.mark.parametrize(
    "request_line",
    [
        b"nonsense\r\n\r\n",
        b"GET \xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET http:// HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
    ],
)
def test_what_is_no_http_gets_400_or_nothing(emulator: Emulator, request_line: bytes) -> None:
    answer = raw(emulator, request_line)
    assert answer == b"" or b" 400 " in answer.splitlines()[0]
    assert emulator.get(POLICIES).status_code == 200


def test_pipelined_requests_are_answered_in_turn(emulator: Emulator) -> None:
    one = b"GET /_emulator/nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert raw(emulator, one + last, is_last=False).count(b"HTTP/1.1 404") == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nothing", True),
        ("policyListShape", "strange"),
        ("fillDefaults", "yes"),
        ("tokenLifetimeSeconds", True),
        ("outboundInList", None),
    ],
)
def test_a_wrong_setting_is_refused(emulator: Emulator, name: str, value: Any) -> None:
    answer = emulator.anonymous("POST", "/_emulator/settings", json={name: value})
    assert answer.status_code == 400
    assert name in answer.json()["message"]
