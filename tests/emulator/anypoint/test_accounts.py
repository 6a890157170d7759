"""Signing in, tokens, and the caller's profiles."""

from __future__ import annotations

import pytest

from tests.emulator.bodies import a_policy
from tests.emulator.driver import ACME, PAYMENTS, Emulator, api_path

CREDENTIALS = {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo"}
TOKEN = "/accounts/api/v2/oauth2/token"
ME = "/accounts/api/me"


@pytest.mark.parametrize("path", ["/accounts/login", "/accounts/api/login"])
@pytest.mark.parametrize("form", [True, False])
def test_login_with_a_password(emulator: Emulator, path: str, form: bool) -> None:
    body = {"username": "demo", "password": "demo"}
    answer = emulator.anonymous("POST", path, **{"data" if form else "json": body})
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "bearer"
    assert "expires_in" not in answer.json()
    assert int(answer.headers["X-RateLimit-Limit"]) > 0
    token = answer.json()["access_token"]
    assert emulator.request("GET", ME, token=token).status_code == 200


@pytest.mark.parametrize("form", [True, False])
def test_token_for_a_connected_app(emulator: Emulator, form: bool) -> None:
    answer = emulator.anonymous("POST", TOKEN, **{"data" if form else "json": CREDENTIALS})
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 3600
    token = answer.json()["access_token"]
    assert emulator.request("GET", ME, token=token).status_code == 200


def test_token_for_a_user_through_an_app(emulator: Emulator) -> None:
    body = {**CREDENTIALS, "grant_type": "password", "username": "demo", "password": "demo"}
    token = emulator.anonymous("POST", TOKEN, json=body).json()["access_token"]
    assert "client" not in emulator.request("GET", ME, token=token).json()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/accounts/login", {"username": "demo", "password": "wrong"}, 401),
        ("/accounts/login", {"username": "demo"}, 401),
        ("/accounts/login", {"username": 1, "password": None}, 401),
        ("/accounts/login", [], 400),
        (TOKEN, {**CREDENTIALS, "client_secret": "wrong"}, 401),
        (TOKEN, {**CREDENTIALS, "client_id": "nobody"}, 401),
        (TOKEN, {**CREDENTIALS, "grant_type": "magic"}, 400),
    ],
)
def test_wrong_credentials_are_refused(
    emulator: Emulator, path: str, body: object, status: int
) -> None:
    assert emulator.anonymous("POST", path, json=body).status_code == status


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer unknown", "Basic ZGVtbzpkZW1v", "bearer  "]
)
def test_calls_need_a_known_token(emulator: Emulator, header: str) -> None:
    answer = emulator.anonymous("GET", ME, headers={"Authorization": header})
    assert answer.status_code == 401


def test_an_expired_token_is_refused(emulator: Emulator) -> None:
    emulator.settings(tokenLifetimeSeconds=0)
    assert emulator.request("GET", ME, token=emulator.token()).status_code == 401


def test_tokens_can_be_expired_at_once(emulator: Emulator) -> None:
    token = emulator.token()
    emulator.settings(expireTokens=True)
    assert emulator.request("GET", ME, token=token).status_code == 401


def test_the_token_answer_says_its_lifetime(emulator: Emulator) -> None:
    emulator.settings(tokenLifetimeSeconds=90)
    assert emulator.anonymous("POST", TOKEN, json=CREDENTIALS).json()["expires_in"] == 90


def test_me_names_client_and_organization(emulator: Emulator) -> None:
    profile = emulator.get(ME).json()
    assert profile["client"]["client_id"] == "demo"
    assert profile["client"]["org_id"] == ACME
    assert profile["user"]["organization"]["id"] == ACME


def test_users_me_is_flat(emulator: Emulator) -> None:
    profile = emulator.get("/accounts/api/users/me").json()
    assert profile["id"]
    assert profile["organizationPreferences"] == {}
    assert [o["id"] for o in profile["memberOfOrganizations"]] == [ACME, PAYMENTS]
    assert [o["isRoot"] for o in profile["memberOfOrganizations"]] == [True, True]
    assert [o["isMaster"] for o in profile["memberOfOrganizations"]] == [True, False]


def test_users_me_may_need_a_user(emulator: Emulator) -> None:
    emulator.settings(usersMeForClients=False)
    assert emulator.get("/accounts/api/users/me").status_code == 401
    assert set(emulator.get(ME).json()) == {"client"}


def test_the_viewer_reads_and_does_not_write(emulator: Emulator) -> None:
    token = emulator.token("viewer")
    policies = api_path(19001001) + "/policies"
    assert emulator.request("GET", policies, token=token).status_code == 200
    answer = emulator.request("POST", policies, token=token, json=a_policy())
    assert answer.status_code == 403
    assert set(answer.json()) == {"name", "message"}
    assert len(emulator.stored(19001001)["policies"]) == 2


def test_the_viewer_may_post_what_only_reads(emulator: Emulator) -> None:
    path = f"/audit/v2/organizations/{ACME}/query"
    body = {"startDate": "2026-01-01"}
    answer = emulator.request("POST", path, token=emulator.token("viewer"), json=body)
    assert answer.status_code == 200
