"""One record: what may be written, and the codes of what may not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.salesforce.driver import (
    BILLING_APP,
    BILLING_SET,
    BREAK_GLASS,
    RECONCILER_APP,
    USE_SET,
    Org,
)

GRANTS = "/sobjects/SetupEntityAccess"
SETS = "/sobjects/PermissionSet"
HELD = "/sobjects/PermissionSetAssignment"
ADMIN_SET = "0PS5g000000AdmnGAC"


def refusal(answer: Any) -> tuple[int, str]:
    """Status and code; the body is always an array."""
    (error,) = answer.json()
    return answer.status_code, error["errorCode"]


def test_a_grant_is_created_and_deleted(org: Org) -> None:
    answer = org.allow(BILLING_SET, BILLING_APP)
    body = answer.json()
    assert (answer.status_code, body["success"], body["errors"]) == (201, True, [])
    assert len(body["id"]) == 18 and body["id"].startswith("0J0")
    shown = org.call("GET", f"{GRANTS}/{body['id'][:15]}").json()
    assert shown["SetupEntityType"] == "ConnectedApplication"
    gone = org.call("DELETE", f"{GRANTS}/{body['id'][:15]}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert refusal(org.call("DELETE", f"{GRANTS}/{body['id']}")) == (404, "ENTITY_IS_DELETED")


def test_ids_of_15_characters_are_taken_and_18_given(org: Org) -> None:
    key = org.allow(BILLING_SET[:15], BILLING_APP[:15]).json()["id"]
    (row,) = [r for r in org.state()["SetupEntityAccess"] if r["Id"] == key]
    assert (row["ParentId"], row["SetupEntityId"]) == (BILLING_SET, BILLING_APP)


def test_field_names_are_taken_in_any_case(org: Org) -> None:
    body = {"parentid": BILLING_SET, "SETUPENTITYID": BILLING_APP}
    assert org.call("POST", "/sobjects/setupentityaccess", json=body).status_code == 201


def test_a_second_grant_is_a_duplicate(org: Org) -> None:
    assert refusal(org.allow(USE_SET, RECONCILER_APP)) == (400, "DUPLICATE_VALUE")


def test_a_grant_on_a_profile_goes_to_its_hidden_set(org: Org) -> None:
    assert org.allow(ADMIN_SET, BILLING_APP).status_code == 201
    org.emulator.settings(refuseProfileGrants=True)
    refused = org.allow(ADMIN_SET, RECONCILER_APP)
    assert refusal(refused) == (400, "INSUFFICIENT_ACCESS_OR_READONLY")


def test_a_dormant_grant_is_taken_unless_the_org_refuses(org: Org) -> None:
    org.emulator.settings(refuseDormantGrants=True)
    assert refusal(org.allow(BILLING_SET, BILLING_APP)) == (400, "FIELD_INTEGRITY_EXCEPTION")
    org.emulator.settings(refuseDormantGrants=False)
    assert org.allow(BILLING_SET, BILLING_APP).status_code == 201


def test_a_managed_set_takes_no_grant(org: Org) -> None:
    org.tamper("PermissionSet", "Billing_Sync_Use", NamespacePrefix="whl")
    assert refusal(org.allow(BILLING_SET, BILLING_APP)) == (400, "CANNOT_MODIFY_MANAGED_OBJECT")


def test_a_grant_for_an_external_client_app(org: Org) -> None:
    key = org.allow(BILLING_SET, "0xI5g000000Prtn").json()["id"]
    assert org.call("GET", f"{GRANTS}/{key}?fields=SetupEntityType").json() == {
        "attributes": {
            "type": "SetupEntityAccess",
            "url": f"/services/data/v64.0/sobjects/SetupEntityAccess/{key}",
        },
        "SetupEntityType": "ExternalClientApplication",
    }


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "REQUIRED_FIELD_MISSING"),
        ({"ParentId": BILLING_SET}, "REQUIRED_FIELD_MISSING"),
        (
            {
                "ParentId": BILLING_SET,
                "SetupEntityId": BILLING_APP,
                "SetupEntityType": "ConnectedApplication",
            },
            "INVALID_FIELD_FOR_INSERT_UPDATE",
        ),
        (
            {"ParentId": BILLING_SET, "SetupEntityId": "0H45g000000None"},
            "INVALID_CROSS_REFERENCE_KEY",
        ),
        # An app that is not installed has no row to refer to.
        (
            {"ParentId": BILLING_SET, "SetupEntityId": "0H45g000000Data"},
            "INVALID_CROSS_REFERENCE_KEY",
        ),
        (
            {"ParentId": "0PS5g000000None", "SetupEntityId": BILLING_APP},
            "INVALID_CROSS_REFERENCE_KEY",
        ),
        ({"ParentId": "x", "SetupEntityId": BILLING_APP}, "MALFORMED_ID"),
        ({"ParentId": 7, "SetupEntityId": BILLING_APP}, "JSON_PARSER_ERROR"),
        ({"Nothing": 1}, "INVALID_FIELD"),
        ({"Id": "0J05g000000None"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ],
)
def test_refused_grants(org: Org, body: Any, code: str) -> None:
    assert refusal(org.call("POST", GRANTS, json=body)) == (400, code)


def test_a_grant_cannot_be_updated(org: Org) -> None:
    key = org.state()["SetupEntityAccess"][0]["Id"]
    answer = org.call("PATCH", f"{GRANTS}/{key}", json={"ParentId": BILLING_SET})
    assert refusal(answer) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(("method", "status"), [("POST", 400), ("PATCH", 400), ("DELETE", 400)])
def test_connected_applications_are_read_only(org: Org, method: str, status: int) -> None:
    path = "/sobjects/ConnectedApplication"
    where = path if method == "POST" else f"{path}/{BILLING_APP}"
    answer = org.call(method, where, json={"OptionsAllowAdminApprovedUsersOnly": True})
    assert refusal(answer) == (status, "INVALID_TYPE_FOR_OPERATION")


def test_a_permission_set(org: Org) -> None:
    body = {"Name": "Orders_Use", "Label": "Orders", "PermissionsApiEnabled": True}
    key = org.call("POST", SETS, json=body).json()["id"]
    shown = org.call("GET", f"{SETS}/{key}").json()
    assert (shown["PermissionsApiEnabled"], shown["PermissionsViewSetup"]) == (True, False)
    assert (shown["Type"], shown["IsCustom"], shown["IsOwnedByProfile"]) == ("Regular", True, False)
    assert (
        org.call("PATCH", f"{SETS}/{key}", json={"PermissionsApiEnabled": False}).status_code == 204
    )
    assert org.call("GET", f"{SETS}/{key}").json()["PermissionsApiEnabled"] is False
    assert org.call("DELETE", f"{SETS}/{key}").status_code == 204


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"Label": "x"}, "REQUIRED_FIELD_MISSING"),
        ({"Name": "a b", "Label": "x"}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"Name": "a__b", "Label": "x"}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"Name": "a" * 81, "Label": "x"}, "STRING_TOO_LONG"),
        ({"Name": "billing_sync_use", "Label": "x"}, "DUPLICATE_VALUE"),
        ({"Name": "a", "Label": "x", "Type": "Regular"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Name": "a", "Label": "x", "PermissionsApiEnabled": "yes"}, "JSON_PARSER_ERROR"),
        (
            {"Name": "a", "Label": "x", "PermissionsCanApproveUninstalledApps": True},
            "INVALID_FIELD",
        ),
    ],
)
def test_refused_permission_sets(org: Org, body: Any, code: str) -> None:
    assert refusal(org.call("POST", SETS, json=body)) == (400, code)


def test_the_set_of_a_profile_is_not_modified(org: Org) -> None:
    answer = org.call("PATCH", f"{SETS}/{ADMIN_SET}", json={"Label": "x"})
    assert refusal(answer) == (400, "INSUFFICIENT_ACCESS_OR_READONLY")


def test_an_assigned_set_is_not_deleted(org: Org) -> None:
    assert refusal(org.call("DELETE", f"{SETS}/{BREAK_GLASS}")) == (400, "DELETE_FAILED")


def test_the_bypass_is_taken_away_by_one_boolean(org: Org) -> None:
    body = {"PermissionsUseAnyApiClient": False}
    assert org.call("PATCH", f"{SETS}/{BREAK_GLASS}", json=body).status_code == 204
    trail = org.query("SELECT CreatedBy.Username, Action FROM SetupAuditTrail ORDER BY CreatedDate")
    assert trail[-1]["CreatedBy"]["Username"] == "reconciler@acme.example"


def test_an_assignment(org: Org) -> None:
    body = {"AssigneeId": "0055g000000Anly", "PermissionSetId": BILLING_SET}
    key = org.call("POST", HELD, json=body).json()["id"]
    assert refusal(org.call("POST", HELD, json=body)) == (400, "DUPLICATE_VALUE")
    dated = {"ExpirationDate": "2020-01-01T00:00:00Z"}
    assert org.call("PATCH", f"{HELD}/{key}", json=dated).status_code == 204
    (row,) = org.query(
        f"SELECT ExpirationDate, IsActive FROM PermissionSetAssignment WHERE Id = '{key}'"
    )
    assert (row["ExpirationDate"], row["IsActive"]) == ("2020-01-01T00:00:00.000+0000", False)
    assert org.call("DELETE", f"{HELD}/{key}").status_code == 204


@pytest.mark.parametrize("path", ["/sobjects/Nothing", "/nothing", "/sobjects/User/x/y/z"])
def test_unknown_resources(org: Org, path: str) -> None:
    assert refusal(org.call("GET", path)) == (404, "NOT_FOUND")


def test_a_record_that_is_not_there(org: Org) -> None:
    assert refusal(org.call("GET", "/sobjects/User/0055g000000None")) == (404, "NOT_FOUND")
    assert refusal(org.call("DELETE", f"{GRANTS}/nonsense")) == (400, "MALFORMED_ID")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"7", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object(org: Org, data: bytes) -> None:
    assert refusal(org.call("POST", GRANTS, data=data)) == (400, "JSON_PARSER_ERROR")


def test_describe(org: Org) -> None:
    body = org.call("GET", "/sobjects/setupentityaccess/describe").json()
    writable = {f["name"]: (f["createable"], f["updateable"]) for f in body["fields"]}
    assert writable["SetupEntityType"] == (False, False)
    assert writable["ParentId"] == (True, False)
    assert (body["createable"], body["updateable"], body["keyPrefix"]) == (True, False, "0J0")
    apps = org.call("GET", "/sobjects/ConnectedApplication/describe").json()
    assert not any(f["createable"] or f["updateable"] for f in apps["fields"])


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [
        ("v30.0", 410, "UNSUPPORTED_API_VERSION"),
        ("v99.0", 404, "NOT_FOUND"),
        ("x", 404, "NOT_FOUND"),
    ],
)
def test_versions_that_are_not_there(org: Org, version: str, status: int, code: str) -> None:
    answer = org.call("GET", f"/salesforce/services/data/{version}/limits")
    assert refusal(answer) == (status, code)


def test_versions_are_listed_to_anybody(org: Org) -> None:
    body = org.emulator.anonymous("GET", "/salesforce/services/data").json()
    assert {"label", "url", "version"} == set(body[0])


def test_the_resources_say_who_asks(org: Org) -> None:
    body = org.call("GET", "").json()
    assert body["query"] == "/services/data/v64.0/query"
    answer = org.call("GET", body["identity"].removeprefix(org.emulator.url))
    assert answer.json()["preferred_username"] == "reconciler@acme.example"


def test_the_org_also_answers_at_the_root(org: Org) -> None:
    answer = org.emulator.anonymous("GET", "/services/data")
    assert answer.status_code == 200
