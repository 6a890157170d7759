"""Which credentials are taken, and one login for many threads."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import responses

from reconciler.core.redact import Secret
from reconciler.errors import NotAllowed, ProviderError
from reconciler.providers.anypoint.auth import Credentials, TokenSource, credentials_from
from reconciler.transport import Transport
from tests.providers.anypoint.natives import HOST

TOKEN_URL = f"{HOST}/accounts/api/v2/oauth2/token"
APP = Credentials("connected app", Secret("id"), Secret("hunter2"))

APP_VARIABLES = {"ANYPOINT_CLIENT_ID": "i", "ANYPOINT_CLIENT_SECRET": "s"}
USER_VARIABLES = {"ANYPOINT_USERNAME": "u", "ANYPOINT_PASSWORD": " p "}
TOKEN_VARIABLES = {"ANYPOINT_TOKEN": "t\n"}


@pytest.mark.parametrize(
    ("auth", "environ", "kind", "name", "secret"),
    [
        (None, APP_VARIABLES, "connected app", "i", "s"),
        (None, USER_VARIABLES, "user", "u", " p "),
        (None, TOKEN_VARIABLES, "token", "", "t"),
        (None, {**TOKEN_VARIABLES, **USER_VARIABLES, **APP_VARIABLES}, "connected app", "i", "s"),
        (None, {**TOKEN_VARIABLES, **USER_VARIABLES}, "user", "u", " p "),
        (None, {**APP_VARIABLES, "ANYPOINT_USERNAME": "u"}, "connected app", "i", "s"),
        ({}, TOKEN_VARIABLES, "token", "", "t"),
        ({"token": Secret("f", "${env:T}")}, APP_VARIABLES, "token", "", "f"),
        ({"clientId": "a", "clientSecret": Secret("b\n")}, {}, "connected app", "a", "b"),
        ({"username": "a", "password": Secret(7)}, {}, "user", "a", "7"),
    ],
)
def test_the_credentials_taken(
    auth: Mapping[str, Any] | None, environ: dict[str, str], kind: str, name: str, secret: str
) -> None:
    found = credentials_from(auth, environ)
    assert (found.kind, found.name.reveal(), found.secret.reveal()) == (kind, name, secret)


@pytest.mark.parametrize(
    ("auth", "environ", "message"),
    [
        (None, {}, "set ANYPOINT_CLIENT_ID and ANYPOINT_CLIENT_SECRET"),
        (None, {"ANYPOINT_CLIENT_ID": "i"}, "ANYPOINT_CLIENT_SECRET is missing in the env"),
        (None, {"ANYPOINT_CLIENT_ID": "i", "ANYPOINT_CLIENT_SECRET": ""}, "CLIENT_SECRET is miss"),
        (None, {"ANYPOINT_CLIENT_SECRET": "i", **TOKEN_VARIABLES}, "ANYPOINT_CLIENT_ID is missing"),
        (None, {"ANYPOINT_PASSWORD": "i"}, "ANYPOINT_USERNAME is missing"),
        ({"clientId": "i"}, APP_VARIABLES, "clientSecret is missing in auth: of the organization"),
        ({"other": "i"}, APP_VARIABLES, "gives no credentials"),
        ({"token": Secret(None, "${env:T}")}, {}, "token is ${env:T}, which is not set"),
    ],
)
def test_credentials_that_are_not_whole_are_refused(
    auth: Mapping[str, Any] | None, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(NotAllowed) as caught:
        credentials_from(auth, environ)
    assert message in str(caught.value)


def test_credentials_do_not_show_themselves() -> None:
    assert "hunter2" not in repr(APP)


@responses.activate
def test_a_connected_app_logs_in_once() -> None:
    responses.post(TOKEN_URL, json={"access_token": "t1", "token_type": "bearer"})
    source = TokenSource(Transport(HOST), APP)
    assert source.token() == source.token() == "t1"
    assert len(responses.calls) == 1
    expected = {"grant_type": "client_credentials", "client_id": "id", "client_secret": "hunter2"}
    assert json.loads(responses.calls[0].request.body or "") == expected


@responses.activate
def test_a_user_logs_in() -> None:
    responses.post(f"{HOST}/accounts/login", json={"access_token": "t1", "redirectUrl": "/home/"})
    source = TokenSource(Transport(HOST), Credentials("user", Secret("u"), Secret("p")))
    assert source.token() == "t1"
    expected = {"username": "u", "password": "p"}
    assert json.loads(responses.calls[0].request.body or "") == expected


@responses.activate
@pytest.mark.parametrize("body", [{"url": "https://sso", "body": "SAML"}, {}, [], None])
def test_a_login_without_a_token_points_to_connected_apps(body: object) -> None:
    responses.post(f"{HOST}/accounts/login", json=body)
    source = TokenSource(Transport(HOST), Credentials("user", Secret("u"), Secret("p")))
    with pytest.raises(NotAllowed, match="use a connected app"):
        source.token()


@responses.activate
@pytest.mark.parametrize("status", [400, 401, 403, 418])
def test_a_refused_login_is_not_allowed_and_hides_the_secret(status: int) -> None:
    responses.post(TOKEN_URL, status=status, json={"message": "no hunter2"})
    with pytest.raises(NotAllowed, match="login of the connected app was refused") as caught:
        TokenSource(Transport(HOST), APP).token()
    assert "hunter2" not in str(caught.value)


@responses.activate
def test_a_broken_login_is_no_matter_of_permission() -> None:
    responses.post(TOKEN_URL, status=500)
    with pytest.raises(ProviderError) as caught:
        TokenSource(Transport(HOST), APP).token()
    assert not isinstance(caught.value, NotAllowed)


@responses.activate
def test_a_token_that_no_header_can_hold_is_refused() -> None:
    responses.post(TOKEN_URL, json={"access_token": "a\r\nX-Evil: 1"})
    with pytest.raises(NotAllowed, match="characters that no token has"):
        TokenSource(Transport(HOST), APP).token()


def test_a_bare_token_is_used_and_cannot_be_renewed() -> None:
    source = TokenSource(Transport(HOST), Credentials("token", Secret(""), Secret("bare")))
    assert source.token() == "bare"
    with pytest.raises(NotAllowed, match="cannot be renewed"):
        source.renew("bare")


@responses.activate
def test_many_threads_that_share_a_rejected_token_cause_one_login() -> None:
    for number in range(1, 4):
        responses.post(TOKEN_URL, json={"access_token": f"t{number}"})
    source = TokenSource(Transport(HOST), APP)
    rejected = source.token()
    ready = threading.Barrier(8)

    def renew(_: int) -> str:
        ready.wait()
        return source.renew(rejected)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(renew, range(8))) == {"t2"}
    assert len(responses.calls) == 2


@responses.activate
def test_a_token_that_never_worked_is_renewed_once_only() -> None:
    for number in range(1, 4):
        responses.post(TOKEN_URL, json={"access_token": f"t{number}"})
    source = TokenSource(Transport(HOST), APP)
    renewed = source.renew(source.token())
    with pytest.raises(NotAllowed, match="even a new token"):
        source.renew(renewed)
    source.accepted("t1")
    with pytest.raises(NotAllowed, match="even a new token"):
        source.renew(renewed)
    source.accepted(renewed)
    assert source.renew(renewed) == "t3"


@responses.activate
def test_a_login_that_was_refused_is_not_tried_again() -> None:
    """Each try may count against the account."""
    responses.post(TOKEN_URL, status=401, json={"message": "who?"})
    source = TokenSource(Transport(HOST), APP)
    for _ in range(3):
        with pytest.raises(NotAllowed, match="login of the connected app was refused: who"):
            source.token()
    assert len(responses.calls) == 1


@responses.activate
def test_a_login_that_broke_is_tried_again() -> None:
    responses.post(TOKEN_URL, status=500)
    responses.post(TOKEN_URL, json={"access_token": "t1"})
    source = TokenSource(Transport(HOST), APP)
    with pytest.raises(ProviderError):
        source.token()
    assert source.token() == "t1"


@responses.activate
def test_a_renewal_that_was_refused_is_not_tried_again() -> None:
    responses.post(TOKEN_URL, json={"access_token": "t1"})
    responses.post(TOKEN_URL, status=401)
    source = TokenSource(Transport(HOST), APP)
    rejected = source.token()
    for _ in range(3):
        with pytest.raises(NotAllowed, match="was refused"):
            source.renew(rejected)
    assert len(responses.calls) == 2
