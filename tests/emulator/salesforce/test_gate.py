"""What every call passes, each time anew."""

from __future__ import annotations

import pytest

from tests.emulator.salesforce.driver import BROWSER, RECONCILER, Org, read_body

READ = read_body("ConnectedAppSettings", "ConnectedApp")
BILLING = "billing@acme.example"
ALL = "enableAdminApprovedAppsOnly"
EXTERNAL = "enableAdminApprovedAppsOnlyForExternalUser"


def refusal(org: Org, session: str | None = None) -> tuple[int, str, str]:
    answer = org.call("GET", "/limits", session=session)
    (error,) = answer.json()
    return answer.status_code, error["errorCode"], error["message"]


NOT_FOR_API = (
    401,
    "INVALID_SESSION_ID",
    "This session is not valid for use with the REST API",
)
UNKNOWN = (401, "INVALID_SESSION_ID", "Session expired or invalid")


@pytest.mark.parametrize("session", ["nonsense", "00D5g000000Acme!nonsense", " "])
def test_an_unknown_session(org: Org, session: str) -> None:
    assert refusal(org, session) == UNKNOWN


def test_a_session_that_was_ended(org: Org) -> None:
    org.emulator.settings(expireSessions=True)
    assert refusal(org) == UNKNOWN


def test_sessions_outlive_a_reset(org: Org) -> None:
    org.emulator.reset()
    assert org.call("GET", "/limits").status_code == 200


def test_an_allowlisted_app_goes_on_when_the_switch_is_on(org: Org) -> None:
    org.turn(ALL, True)
    assert org.call("GET", "/limits").status_code == 200
    assert org.switches()[ALL] == "true"


def test_the_switch_locks_out_who_has_no_grant_at_once(org: Org) -> None:
    """The one mistake that no API call can repair."""
    org.tamper(
        "ConnectedApp", "Access Reconciler", metadata={"oauthConfig": {"isAdminApproved": False}}
    )
    grant = org.state()["SetupEntityAccess"][0]["Id"]
    assert org.call("DELETE", f"/sobjects/SetupEntityAccess/{grant}").status_code == 204
    org.turn(ALL, True)
    assert refusal(org) == NOT_FOR_API
    assert org.fault(READ) == "sf:INVALID_SESSION_ID"
    assert org.by_jwt().json()["error"] == "invalid_app_access"
    org.tamper("ConnectedAppSettings", None, **{ALL: False})
    assert org.call("GET", "/limits").status_code == 200


def test_the_browser_is_locked_out_unless_any_client_is_allowed(org: Org) -> None:
    org.turn(ALL, True)
    assert org.call("GET", "/limits", session=BROWSER).status_code == 200
    org.tamper("PermissionSet", "Break_Glass_API", PermissionsUseAnyApiClient=False)
    assert refusal(org, BROWSER) == NOT_FOR_API


def test_without_activation_the_switches_do_nothing(org: Org) -> None:
    session = org.by_jwt("billing-sync", BILLING).json()["access_token"]
    org.turn(ALL, True)
    assert refusal(org, session) == NOT_FOR_API
    org.emulator.settings(aacActivated=False)
    assert org.call("GET", "/limits", session=session).status_code == 200


def test_the_other_switch_holds_for_partners_with_apps_that_are_not_installed(org: Org) -> None:
    org.tamper("OauthToken", App="Data Tool", User="partner@acme.example")
    session = org.by_jwt("data-tool", "partner@acme.example").json()["access_token"]
    inside = org.by_jwt("data-tool", "analyst@acme.example").json()["access_token"]
    assert org.call("GET", "/limits", session=session).status_code == 200
    org.turn(EXTERNAL, True)
    assert refusal(org, session) == NOT_FOR_API
    assert org.call("GET", "/limits", session=inside).status_code == 200
    org.tamper("ConnectedApp", "Data Tool", origin="installed")
    assert org.call("GET", "/limits", session=session).status_code == 200


def test_blocking_an_app_ends_its_sessions(org: Org) -> None:
    org.tamper("ConnectedApp", "Access Reconciler", blocked=True)
    assert refusal(org) == UNKNOWN


def test_a_raised_session_level_shuts_out_machines(org: Org) -> None:
    policy = {"sessionPolicy": {"policyAction": "RaiseSessionLevel"}}
    org.tamper("ConnectedApp", "Access Reconciler", metadata=policy)
    assert refusal(org) == NOT_FOR_API


def test_a_user_needs_api_enabled(org: Org) -> None:
    (owned,) = [s for s in org.state()["PermissionSet"] if s["ProfileId"] == "00e5g000000IntgAAC"]
    org.tamper("PermissionSet", owned["Id"], userPermissions=[])
    assert refusal(org)[:2] == (403, "API_DISABLED_FOR_ORG")
    assert org.fault(READ) == "sf:API_DISABLED_FOR_ORG"


def test_the_quota(org: Org) -> None:
    org.emulator.settings(dailyApiRequests=2)
    assert org.call("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=1/2"
    assert org.call("GET", "/limits").json() == {"DailyApiRequests": {"Max": 2, "Remaining": 0}}
    assert refusal(org)[:2] == (403, "REQUEST_LIMIT_EXCEEDED")
    assert org.fault(READ) == "sf:REQUEST_LIMIT_EXCEEDED"


def test_metadata_needs_a_right_of_its_own(org: Org) -> None:
    session = org.by_jwt("billing-sync", BILLING).json()["access_token"]
    assert org.fault(READ, session=session) == "sf:INSUFFICIENT_ACCESS"


def test_who_may_not_see_apps_is_told_that_there_is_no_such_type(org: Org) -> None:
    session = org.by_jwt("billing-sync", BILLING).json()["access_token"]
    for kind in ("ConnectedApplication", "SetupEntityAccess", "ExternalClientApplication"):
        answer = org.ask(f"SELECT Id FROM {kind}", session=session)
        assert answer.json()[0]["errorCode"] == "INVALID_TYPE"


def test_who_may_not_customize_sees_only_the_own_tokens(org: Org) -> None:
    session = org.by_jwt("billing-sync", BILLING).json()["access_token"]
    answer = org.ask("SELECT AppName FROM OauthToken", session=session).json()
    assert [r["AppName"] for r in answer["records"]] == ["Billing Sync"]


def test_a_group_counts_as_its_members(org: Org) -> None:
    state = org.state()
    state["PermissionSetGroup"] = [{"Id": "0PG5g0000000001", "DeveloperName": "G"}]
    whole = {"Id": "0PS5g0000000001", "Name": "G", "Label": "G", "Type": "Group"}
    state["PermissionSet"].append({**whole, "PermissionSetGroupId": "0PG5g0000000001"})
    member = {"PermissionSetGroupId": "0PG5g0000000001", "PermissionSetId": "0PS5g000000RUse"}
    state["PermissionSetGroupComponent"] = [member]
    for row in state["PermissionSetAssignment"]:
        if row["PermissionSetId"] == "0PS5g000000RUseGAG":
            row["PermissionSetId"] = "0PS5g0000000001"
    org.emulator.reset({"salesforce": state})
    assert org.by_jwt(user=RECONCILER).status_code == 200
