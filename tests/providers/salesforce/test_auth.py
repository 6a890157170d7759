"""Which credentials are taken, what is sent for them, and what comes of it."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
import requests
import responses
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from reconciler.core.redact import Secret
from reconciler.errors import BadAnswer, NotAllowed, ProviderError, Refusal
from reconciler.providers.salesforce.auth import (
    Credentials,
    TokenSource,
    audience_of,
    credentials_from,
)
from reconciler.providers.salesforce.client import connect
from reconciler.providers.salesforce.refusals import LoginRefused, Why
from reconciler.transport import Bounds
from tests.providers.salesforce.natives import HOST, ORG, TOKEN_URL, USER, a_token, text_of
from tests.providers.salesforce.scene import SECRET, SECRETS, a_login
from tests.transport.clock import NOW, Clock

JWT_VARIABLES = {
    "SALESFORCE_CLIENT_ID": "k",
    "SALESFORCE_USERNAME": "u@x",
    "SALESFORCE_PRIVATE_KEY_FILE": "/k.pem",
}
SECRET_VARIABLES = {"SALESFORCE_CLIENT_ID": "k", "SALESFORCE_CLIENT_SECRET": "s\n"}
JWT_AUTH = {"clientId": "k", "username": "u@x", "privateKeyFile": "keys/k.pem"}
Key = rsa.RSAPrivateKey


def pem(key: Any, password: bytes | None = None) -> bytes:
    encryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    made: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    return made


@pytest.fixture(scope="session")
def key() -> Key:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def key_file(tmp_path: Path, key: Key) -> Path:
    path = tmp_path / "k.pem"
    path.write_bytes(pem(key))
    return path


def a_source(credentials: Credentials = SECRETS, **options: Any) -> TokenSource:
    bounds = Bounds(timing=Clock().timing)
    return connect(HOST, credentials, bounds=bounds, **options)[1]


def sent_form(index: int = -1) -> dict[str, str]:
    body = responses.calls[index].request.body
    text = body.decode() if isinstance(body, bytes) else str(body)
    return {name: values[0] for name, values in parse_qs(text).items()}


@pytest.mark.parametrize(
    ("auth", "environ", "kind", "path"),
    [
        (None, JWT_VARIABLES, "JWT bearer", "/k.pem"),
        (None, {**SECRET_VARIABLES, **JWT_VARIABLES}, "JWT bearer", "/k.pem"),
        (JWT_AUTH, SECRET_VARIABLES, "JWT bearer", "/files/keys/k.pem"),
        ({**JWT_AUTH, "privateKeyFile": Secret("/k\n", "${env:K}")}, {}, "JWT bearer", "/k"),
    ],
)
def test_a_key_is_taken_before_a_secret(
    auth: Mapping[str, Any] | None, environ: dict[str, str], kind: str, path: str
) -> None:
    found = credentials_from(auth, environ, Path("/files"))
    assert (found.kind, found.client_id, found.username) == (kind, "k", "u@x")
    assert found.key_file == Path(path)


@pytest.mark.parametrize(
    ("auth", "environ"),
    [
        (None, SECRET_VARIABLES),
        (None, {**SECRET_VARIABLES, "SALESFORCE_USERNAME": "u"}),
        ({"clientId": "k", "clientSecret": Secret("s", "${env:S}")}, JWT_VARIABLES),
        ({"clientId": Secret("k"), "clientSecret": "s"}, {}),
    ],
)
def test_a_secret_is_taken(auth: Mapping[str, Any] | None, environ: dict[str, str]) -> None:
    found = credentials_from(auth, environ)
    assert (found.kind, found.client_id, found.username) == ("client credentials", "k", "")
    assert found.secret.reveal() == "s"


@pytest.mark.parametrize(
    ("auth", "environ", "message"),
    [
        (None, {}, "no credentials in the process environment; set SALESFORCE_CLIENT_ID"),
        ({}, {}, "no credentials in the process environment"),
        (None, {"SALESFORCE_CLIENT_ID": "k"}, "is missing in the process environment"),
        (None, {**JWT_VARIABLES, "SALESFORCE_USERNAME": ""}, "SALESFORCE_USERNAME is missing"),
        (None, {"SALESFORCE_PASSWORD": "p"}, "no credentials"),
        ({"clientId": "k"}, SECRET_VARIABLES, "is missing in auth: of the environment"),
        ({"clientId": "k", "username": "u"}, {}, "privateKeyFile is missing in auth:"),
        ({"username": "u", "password": "p"}, {}, "clientId, privateKeyFile is missing"),
        ({"token": "t"}, {}, "no credentials in auth: of the environment; set clientId"),
        ({"clientId": Secret(None, "${env:K}")}, {}, "clientId is ${env:K}, which is not set"),
    ],
)
def test_credentials_that_are_not_whole_are_refused(
    auth: Mapping[str, Any] | None, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(NotAllowed) as caught:
        credentials_from(auth, environ)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "is_sandbox", "audience"),
    [
        (HOST, True, "https://test.salesforce.com"),
        ("https://acme.my.salesforce.com", False, "https://login.salesforce.com"),
        ("http://127.0.0.1:8790/salesforce", False, "http://127.0.0.1:8790/salesforce"),
        ("http://localhost:1", True, "http://localhost:1"),
    ],
)
def test_whom_an_assertion_is_for(base_url: str, is_sandbox: bool, audience: str) -> None:
    assert audience_of(base_url, is_sandbox=is_sandbox) == audience


@responses.activate
def test_a_key_signs_who_logs_in(key: Key, key_file: Path) -> None:
    responses.post(TOKEN_URL, json=a_token())
    source = a_source(Credentials("the-key", "u@x", key_file), is_sandbox=True)
    assert source.token().token.reveal() == text_of()
    form = sent_form()
    assert form.keys() == {"grant_type", "assertion"}
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    audience = "https://test.salesforce.com"
    claims = jwt.decode(
        form["assertion"],
        key.public_key(),
        algorithms=["RS256"],
        audience=audience,
        options={"verify_exp": False},
    )
    assert claims == {"iss": "the-key", "sub": "u@x", "aud": audience, "exp": int(NOW) + 150}


@responses.activate
def test_a_secret_is_sent_in_the_form() -> None:
    responses.post(TOKEN_URL, json=a_token())
    grant = a_source().token()
    assert (grant.instance_url, grant.organization, grant.user) == (HOST, ORG, USER)
    assert sent_form() == {
        "grant_type": "client_credentials",
        "client_id": "3MVG9-key",
        "client_secret": SECRET,
    }
    assert "Authorization" not in responses.calls[0].request.headers


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no private key in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n", "no private key"),
        (b"hunter2" * 20_000, "too long for a key"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "RSA keys of 2048"),
    ],
)
def test_a_key_that_does_not_serve_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "k.pem"
    path.write_bytes(content)
    with pytest.raises(NotAllowed, match=message) as caught:
        a_source(Credentials("k", "u", path)).token()
    assert "hunter2" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_package_that_is_missing_is_named(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(NotAllowed, match=r"pip install 'reconciler\[salesforce\]'"):
        a_source(Credentials("k", "u", key_file)).token()


def test_a_key_with_a_passphrase_is_told(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "k.pem"
    path.write_bytes(pem(key, b"hunter2"))
    with pytest.raises(NotAllowed, match="it has a passphrase"):
        a_source(Credentials("k", "u", path)).token()


def test_a_key_that_is_no_file_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "none", tmp_path / "pipe", Path("a\0b"), Path("/dev/zero")):
        with pytest.raises(NotAllowed, match=r"cannot be read|no file"):
            a_source(Credentials("k", "u", path)).token()


@responses.activate
def test_nothing_of_a_login_shows_itself(key_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    body = {"error": "invalid_client", "error_description": f"no {SECRET}"}
    responses.post(TOKEN_URL, status=400, json=body)
    with pytest.raises(LoginRefused) as caught:
        a_source().token()
    responses.post(TOKEN_URL, json=a_token())
    grant = a_source(Credentials("k", "u", key_file)).token()
    told = f"{caught.value!r} {caught.value} {SECRETS!r} {grant!r} {caplog.text}"
    assert SECRET not in told
    assert text_of() not in told
    assert sent_form()["assertion"] not in told


@responses.activate
def test_a_refusal_says_why_and_is_not_tried_again() -> None:
    body = {"error": "invalid_app_access", "error_description": "user is not admin approved"}
    responses.post(TOKEN_URL, status=400, json=body)
    source = a_source()
    for _ in range(3):
        with pytest.raises(LoginRefused, match="by client credentials was refused") as caught:
            source.token()
        assert caught.value.why is Why.NOT_ADMIN_APPROVED
        assert caught.value.code == "invalid_app_access"
    assert len(responses.calls) == 1


@responses.activate
def test_a_broken_login_is_no_refusal() -> None:
    responses.post(TOKEN_URL, status=500)
    with pytest.raises(ProviderError) as caught:
        a_source().token()
    assert not isinstance(caught.value, NotAllowed)


@responses.activate
@pytest.mark.parametrize(
    "answer",
    [None, [], {}, a_token(access_token=""), a_token(access_token=7), a_token(access_token="a b")]
    + [a_token(access_token="a\r\nX: 1"), a_token(instance_url=None), a_token(instance_url="")]
    + [a_token(id=None), a_token(id="https://x/id"), a_token(id=f"https://x/id/{ORG}/../..")]
    + [a_token(id="http://[")],
)
def test_an_answer_of_another_shape_gives_no_token(answer: object) -> None:
    responses.post(TOKEN_URL, json=answer)
    with pytest.raises(BadAnswer):
        a_source().token()


@responses.activate
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example",
        "https://acme.my.salesforce.com.evil.example",
        "http://acme.my.salesforce.com",
        "https://acme.my.salesforce.com@evil.example",
        "https://evilsalesforce.com",
        "file:///etc",
        "http://127.0.0.1:9",
        "http://localhost",
    ],
)
def test_a_token_for_a_foreign_host_is_not_used(url: str) -> None:
    responses.post(TOKEN_URL, json=a_token(instance_url=url))
    with pytest.raises(Refusal, match="host"):
        a_source().token()


@responses.activate
def test_a_host_that_the_environment_allows_is_used() -> None:
    responses.post(TOKEN_URL, json=a_token(instance_url="https://crm.acme.example/"))
    source = a_source(allow_hosts=["*.acme.example"])
    assert source.token().instance_url == "https://crm.acme.example"


@responses.activate
@pytest.mark.parametrize("declared", [ORG, ORG[:15], ORG.lower()])
def test_the_org_of_the_files_is_the_one_logged_in_to(declared: str) -> None:
    responses.post(TOKEN_URL, json=a_token())
    assert a_source(org_id=declared).token().organization == ORG


@responses.activate
@pytest.mark.parametrize("declared", ["00D5g000000AbCx", "00D5g000000abcd", "x"])
def test_another_org_is_refused(declared: str) -> None:
    responses.post(TOKEN_URL, json=a_token())
    with pytest.raises(Refusal, match="correct orgId"):
        a_source(org_id=declared).token()


@responses.activate
def test_many_threads_that_share_a_rejected_token_cause_one_login() -> None:
    for number in range(1, 4):
        responses.post(TOKEN_URL, json=a_token(number))
    source = a_source()
    rejected = source.token()
    ready = threading.Barrier(8)

    def renew(_: int) -> str:
        ready.wait()
        return str(source.renew(rejected).token.reveal())

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(renew, range(8))) == {text_of(2)}
    assert len(responses.calls) == 2


@responses.activate
def test_a_fresh_token_is_asked_for_and_used_from_then_on() -> None:
    for number in range(1, 3):
        responses.post(TOKEN_URL, json=a_token(number))
    source = a_source()
    assert source.token().token.reveal() == text_of(1)
    assert source.fresh().token.reveal() == source.token().token.reveal() == text_of(2)


@responses.activate
def test_a_fresh_token_is_asked_for_once_without_patience() -> None:
    responses.post(TOKEN_URL, status=400, json={"error": "invalid_client_id"})
    with pytest.raises(LoginRefused):
        a_source().fresh()
    assert len(responses.calls) == 1


@responses.activate
def test_a_fresh_token_undoes_an_earlier_refusal() -> None:
    responses.post(TOKEN_URL, status=400, json={"error": "invalid_app_access"})
    responses.post(TOKEN_URL, json=a_token())
    source = a_source()
    with pytest.raises(LoginRefused):
        source.token()
    assert source.fresh() == source.token()


def refusals(clock: Clock, until_s: float, error: str = "invalid_client_id") -> None:
    """The token endpoint refuses until the clock has moved on that far."""

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if clock() - NOW < until_s:
            return 400, {}, f'{{"error": "{error}"}}'
        return 200, {}, json.dumps(a_token())

    responses.add_callback("POST", TOKEN_URL, answer)


@responses.activate
def test_a_change_that_has_not_spread_is_waited_out() -> None:
    clock = Clock()
    refusals(clock, 100)
    a_login(clock)[1].fresh(patience_s=600)
    assert clock.slept == [5, 10, 20, 40, 60]


@responses.activate
def test_patience_ends() -> None:
    clock = Clock()
    refusals(clock, 10_000)
    with pytest.raises(LoginRefused):
        a_login(clock)[1].fresh(patience_s=100)
    assert clock.slept == [5, 10, 20, 40]


@responses.activate
def test_patience_ends_with_the_run() -> None:
    clock = Clock()
    refusals(clock, 10_000)
    bounds = Bounds(max_time_s=20, timing=clock.timing)
    with pytest.raises(LoginRefused):
        connect(HOST, SECRETS, bounds=bounds)[1].fresh(patience_s=600)
    assert clock.slept == [5, 10]


@responses.activate
def test_a_wrong_secret_is_not_tried_again() -> None:
    clock = Clock()
    refusals(clock, 10, "invalid_grant")
    with pytest.raises(LoginRefused):
        a_login(clock)[1].fresh(patience_s=600)
    assert len(responses.calls) == 1


def test_a_foreign_host_gets_no_credentials() -> None:
    with pytest.raises(Refusal, match="no control plane of salesforce"):
        connect("https://evil.example", SECRETS)
