"""The token endpoint and its refusals, revoke, and who am I."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.emulator.salesforce.driver import (
    JWT,
    RECONCILER,
    REVOKE,
    USERINFO,
    Org,
    assertion,
)

BILLING = "billing@acme.example"


def refusal(answer: Any) -> tuple[str, str]:
    assert answer.status_code == 400, answer.text
    return answer.json()["error"], answer.json()["error_description"]


def test_client_credentials(org: Org) -> None:
    answer = org.token()
    assert answer["access_token"].startswith("00D5g000000Acme!")
    assert answer["instance_url"] == org.emulator.url + "/salesforce"
    assert answer["id"].endswith("/id/00D5g000000AcmeEAC/0055g000000RcncAAC")
    assert answer["token_type"] == "Bearer"
    assert {"issued_at", "signature", "api_instance_url"} <= set(answer)


def test_client_credentials_in_the_header(org: Org) -> None:
    path, form = "/salesforce/services/oauth2/token", {"grant_type": "client_credentials"}
    answer = org.emulator.anonymous("POST", path, data=form, auth=("demo", "demo"))
    assert answer.status_code == 200


def test_jwt(org: Org) -> None:
    answer = org.by_jwt()
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"access_token", "scope", "instance_url", "id", "token_type"}
    assert org.call("GET", "/limits", session=body["access_token"]).status_code == 200


@pytest.mark.parametrize("expires", [lambda now: str(now + 60), lambda now: now * 1000 + 300])
def test_jwt_times_as_clients_write_them(org: Org, expires: Any) -> None:
    assert org.by_jwt(exp=expires(int(time.time()))).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 0},
        {"exp": int(time.time()) + 86_400},
        {"exp": "soon"},
        {"aud": "https://elsewhere.example"},
        {"sub": "nobody@acme.example"},
        {"iss": 7},
    ],
)
def test_a_wrong_jwt_is_refused(org: Org, claims: dict[str, Any]) -> None:
    assert refusal(org.by_jwt(**claims))[0] == "invalid_grant"


def test_a_jwt_that_somebody_else_signed_is_refused(org: Org) -> None:
    head, body, _ = assertion("demo", RECONCILER).split(".")
    other = assertion("demo", BILLING).split(".")[2]
    answer = org.grant(grant_type=JWT, assertion=f"{head}.{body}.{other}")
    assert refusal(answer) == ("invalid_grant", "invalid assertion")


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "....", "e30.e30.e30", "é.é.é"])
def test_what_is_no_jwt_is_refused(org: Org, text: str) -> None:
    assert refusal(org.grant(grant_type=JWT, assertion=text))[0] == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "strange"}, "unsupported_grant_type"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "invalid_grant"),
        ({"grant_type": "client_credentials", "client_id": "nobody"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", "client_id": "demo"}, "invalid_client"),
        (
            {
                "grant_type": "client_credentials",
                "client_id": "billing-sync",
                "client_secret": "billing-sync",
            },
            "unsupported_grant_type",
        ),
        ({"grant_type": "refresh_token", "client_id": "demo"}, "invalid_grant"),
    ],
)
def test_refused_forms(org: Org, form: dict[str, str], error: str) -> None:
    assert refusal(org.grant(**form))[0] == error


def test_an_admin_approved_app_needs_a_grant(org: Org) -> None:
    org.tamper("SetupEntityAccess", org.state()["SetupEntityAccess"][0]["Id"], delete=True)
    wanted = ("invalid_app_access", "user is not admin approved to access this app")
    assert refusal(org.by_jwt()) == wanted


def test_a_self_authorize_app_needs_consent(org: Org) -> None:
    assert org.by_jwt("billing-sync", BILLING).status_code == 200
    org.emulator.anonymous("POST", REVOKE, data={"token": "delete-billing"})
    wanted = ("invalid_grant", "user hasn't approved this consumer")
    assert refusal(org.by_jwt("billing-sync", BILLING)) == wanted


def test_an_uninstalled_app_needs_to_have_been_authorized(org: Org) -> None:
    assert org.by_jwt("data-tool", "analyst@acme.example").status_code == 200
    wanted = ("invalid_client", "app must be installed into org")
    assert refusal(org.by_jwt("data-tool", BILLING)) == wanted


def test_who_may_approve_uninstalled_apps_still_has_to_consent(org: Org) -> None:
    wanted = ("invalid_grant", "user hasn't approved this consumer")
    assert refusal(org.by_jwt("data-tool", "admin@acme.example")) == wanted


def test_a_blocked_app_is_refused(org: Org) -> None:
    org.tamper("ConnectedApp", "Billing Sync", blocked=True)
    assert refusal(org.by_jwt("billing-sync", BILLING))[1] == "this app is blocked by admin"


def test_an_inactive_user_is_refused(org: Org) -> None:
    org.tamper("User", RECONCILER, IsActive=False)
    assert refusal(org.by_jwt())[0] == "invalid_grant"


def test_the_switch_makes_every_app_need_a_grant(org: Org) -> None:
    org.turn("enableAdminApprovedAppsOnly", True)
    assert org.by_jwt().status_code == 200
    assert refusal(org.by_jwt("billing-sync", BILLING))[0] == "invalid_app_access"


def test_any_client_bypasses_the_grant(org: Org) -> None:
    org.turn("enableAdminApprovedAppsOnly", True)
    org.tamper("PermissionSet", "Billing_Sync_Use", PermissionsUseAnyApiClient=True)
    assert org.by_jwt("billing-sync", BILLING).status_code == 200


def test_an_expired_assignment_does_not_count(org: Org) -> None:
    rows = org.state()["PermissionSetAssignment"]
    key = next(r["Id"] for r in rows if r["PermissionSetId"] == "0PS5g000000RUseGAG")
    org.tamper("PermissionSetAssignment", key, ExpirationDate="2020-01-01T00:00:00.000+0000")
    assert refusal(org.by_jwt())[0] == "invalid_app_access"


def test_a_set_that_must_be_activated_does_not_count(org: Org) -> None:
    org.tamper("PermissionSet", "Access_Reconciler_Use", HasActivationRequired=True)
    assert refusal(org.by_jwt())[0] == "invalid_app_access"


def test_changes_of_an_app_take_time_to_spread(org: Org) -> None:
    org.emulator.settings(propagationLagSeconds=600)
    org.tamper("ConnectedApp", "Access Reconciler", metadata={"description": "new"})
    assert refusal(org.by_jwt()) == ("invalid_client_id", "client identifier invalid")
    org.emulator.settings(propagationLagSeconds=0)
    assert org.by_jwt().status_code == 200


def refreshed(org: Org) -> Any:
    return org.grant(
        grant_type="refresh_token", client_id="billing-sync", refresh_token="refresh-billing"
    )


def test_a_refresh_token_lives_as_long_as_the_policy_says(org: Org) -> None:
    assert refreshed(org).status_code == 200
    policy = {"oauthPolicy": {"refreshTokenPolicy": "specific_lifetime:10:DAYS"}}
    org.tamper("ConnectedApp", "Billing Sync", metadata=policy)
    assert refusal(refreshed(org)) == ("invalid_grant", "expired access/refresh token")
    policy = {"oauthPolicy": {"refreshTokenPolicy": "specific_inactivity:10:DAYS"}}
    org.tamper("ConnectedApp", "Billing Sync", metadata=policy)
    assert refreshed(org).status_code == 200


def test_revoking_ends_the_session(org: Org) -> None:
    answer = org.emulator.anonymous("POST", REVOKE, data={"token": org.session})
    assert (answer.status_code, answer.content) == (200, b"")
    assert org.call("GET", "/limits").status_code == 401
    again = org.emulator.anonymous("POST", REVOKE, data={"token": org.session})
    assert refusal(again)[0] == "invalid_token"


def test_a_delete_token_ends_what_came_by_the_app(org: Org) -> None:
    session = org.by_jwt("billing-sync", BILLING).json()["access_token"]
    assert org.call("GET", "/limits", session=session).status_code == 200
    org.emulator.anonymous("POST", REVOKE, data={"token": "delete-billing"})
    assert org.call("GET", "/limits", session=session).status_code == 401


def test_userinfo(org: Org) -> None:
    body = org.call("GET", USERINFO).json()
    assert body["user_id"] == "0055g000000RcncAAC"
    assert body["organization_id"] == "00D5g000000AcmeEAC"
    assert body["preferred_username"] == RECONCILER


def test_userinfo_by_the_address_of_the_token(org: Org) -> None:
    path = org.token()["id"].removeprefix(org.emulator.url)
    assert org.call("GET", path).json()["preferred_username"] == RECONCILER


def test_userinfo_without_a_token(org: Org) -> None:
    answer = org.emulator.anonymous("GET", USERINFO)
    assert (answer.status_code, answer.text) == (403, "Bad_OAuth_Token")


def test_every_token_request_is_written_down(org: Org) -> None:
    org.by_jwt()
    org.tamper("SetupEntityAccess", org.state()["SetupEntityAccess"][0]["Id"], delete=True)
    org.by_jwt()
    history = [(r["Application"], r["Status"]) for r in org.state()["LoginHistory"][-2:]]
    assert history == [
        ("Access Reconciler", "Success"),
        ("Access Reconciler", "Failed: Not approved for access"),
    ]


def test_use_is_counted(org: Org) -> None:
    for _ in range(2):
        org.by_jwt("billing-sync", BILLING)
    row = next(r for r in org.state()["OauthToken"] if r["AppName"] == "Billing Sync")
    assert row["UseCount"] == 414
