"""Seeds, state, tampering and settings of the org."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.emulator.driver import Emulator
from tests.emulator.salesforce.driver import DATA, TOKEN, Org

ORGANIZATION = [{"Id": "00D5g000000Else", "Name": "Else", "IsSandbox": False}]


def test_the_state_has_both_services(org: Org) -> None:
    assert set(org.emulator.control("state")) == {"anypoint", "salesforce"}


def test_the_state_is_a_seed(org: Org) -> None:
    org.allow("0PS5g000000BUseGAG", "0H45g000000BillCAC")
    org.emulator.settings(dailyApiRequests=7)
    before = org.emulator.control("state")
    org.emulator.reset("empty")
    org.emulator.reset(before)
    assert org.emulator.control("state") == before


def test_new_ids_do_not_meet_those_of_a_seed(org: Org) -> None:
    first = org.allow("0PS5g000000BUseGAG", "0H45g000000BillCAC").json()["id"]
    org.emulator.reset(org.emulator.control("state"))
    second = org.allow("0PS5g000000BUseGAG", "0H45g000000WhseCAC").json()["id"]
    assert first != second


def test_the_empty_org_can_be_signed_in_to(emulator: Emulator) -> None:
    emulator.reset("empty")
    org = Org(emulator)
    names = [r["Name"] for r in org.query("SELECT Name FROM ConnectedApplication")]
    assert names == ["Access Reconciler"]


def test_the_seed_of_the_page_works(emulator: Emulator) -> None:
    page = Path(__file__).parents[3].joinpath("docs", "emulator.md").read_text("utf-8")
    emulator.reset(yaml.safe_load(page.split("```yaml")[1].split("```")[0]))
    token = {"grant_type": "client_credentials", "client_id": "sync", "client_secret": "secret"}
    answer = emulator.anonymous("POST", TOKEN, data=token)
    assert answer.status_code == 200, answer.text


def test_a_seed_for_one_service_empties_the_other(emulator: Emulator) -> None:
    emulator.reset({"salesforce": {"Organization": ORGANIZATION}})
    assert emulator.state()["apis"] == []
    emulator.reset({"anypoint": emulator.state()})
    state = emulator.control("state")["salesforce"]
    assert [app["fullName"] for app in state["ConnectedApp"]] == ["Access_Reconciler"]


@pytest.mark.parametrize(
    "seed",
    [
        {},
        {"Organization": []},
        {
            "Organization": ORGANIZATION * 2
            + [{"Id": "00D5g0000000002", "Name": "b", "IsSandbox": 1}]
        },
        {"Organization": ORGANIZATION, "what": []},
        {"Organization": ORGANIZATION, "User": [{"Username": "a"}]},
        {"Organization": ORGANIZATION, "User": [{"Username": "a", "Profile": "Nobody"}]},
        {"Organization": ORGANIZATION, "User": [7]},
        {"Organization": ORGANIZATION, "SetupEntityAccess": [{"App": "None"}]},
        {"Organization": ORGANIZATION, "ConnectedApp": [{"fullName": "x", "origin": "moon"}]},
        {"Organization": ORGANIZATION, "OauthToken": [{"LastUsedDate": "sometime"}]},
        {"Organization": ORGANIZATION, "settings": {"aacActivated": "yes"}},
        {"Organization": ORGANIZATION, "ConnectedAppSettings": {"on": True}},
        {"Organization": [{"Id": "nonsense", "Name": "x", "IsSandbox": True}]},
    ],
)
def test_a_wrong_seed_is_refused_and_changes_nothing(emulator: Emulator, seed: Any) -> None:
    before = emulator.control("state")
    body = {"seed": {"anypoint": "empty", "salesforce": seed}}
    answer = emulator.anonymous("POST", "/_emulator/reset", json=body)
    assert answer.status_code == 400
    assert emulator.control("state") == before


def test_somebody_grants(org: Org) -> None:
    made = org.tamper("SetupEntityAccess", App="Billing Sync", Profile="System Administrator")
    soql = f"SELECT Parent.Profile.Name FROM SetupEntityAccess WHERE Id = '{made['Id']}'"
    assert org.query(soql)[0]["Parent"]["Profile"]["Name"] == "System Administrator"


def test_somebody_revokes(org: Org) -> None:
    key = org.state()["SetupEntityAccess"][0]["Id"]
    assert org.tamper("SetupEntityAccess", key, delete=True) is None
    assert org.query("SELECT Id FROM SetupEntityAccess") == []


def test_somebody_turns_a_switch(org: Org) -> None:
    order = {"enableAdminApprovedAppsOnlyForExternalUser": True}
    org.emulator.tamper(
        platform="salesforce",
        resource="ConnectedAppSettings",
        patch=order,
        user="admin@acme.example",
    )
    assert org.switches()["enableAdminApprovedAppsOnlyForExternalUser"] == "true"
    (newest,) = org.query(
        "SELECT CreatedBy.Username, DelegateUser FROM SetupAuditTrail"
        " ORDER BY CreatedDate DESC LIMIT 1"
    )
    assert (newest["CreatedBy"]["Username"], newest["DelegateUser"]) == ("admin@acme.example", None)


def test_somebody_unknown_is_in_the_trail_too(org: Org) -> None:
    org.tamper("PermissionSet", "Break_Glass_API", Label="B")
    assert org.state()["SetupAuditTrail"][-1]["DelegateUser"] == "console-user"


def test_somebody_changes_an_app(org: Org) -> None:
    org.tamper("ConnectedApp", "Billing Sync", metadata={"oauthConfig": {"isAdminApproved": True}})
    record = org.read("ConnectedApp", "Billing_Sync")
    assert record.findtext("oauthConfig/isAdminApproved") == "true"
    # The rest of the part is still there.
    assert record.findtext("oauthConfig/callbackUrl") == "https://billing.acme.example/callback"


def test_somebody_changes_an_external_policy(org: Org) -> None:
    kind = "ExtlClntAppOauthConfigurablePolicies"
    org.tamper(kind, "Partner_Sync", permittedUsersPolicyType="AdminApprovedPreAuthorized")
    (record,) = org.query("SELECT PermittedUsersPolicyType FROM ExtlClntAppOauthPlcyCnfg")
    assert record["PermittedUsersPolicyType"] == "AdminApprovedPreAuthorized"


@pytest.mark.parametrize(
    "order",
    [
        {"resource": "Nothing"},
        {"resource": "User", "id": "nobody", "patch": {"IsActive": False}},
        {"resource": "User", "patch": {"delete": True}},
        {"resource": "User", "patch": 7},
        {"resource": "SetupEntityAccess", "patch": {"App": "None"}},
        {"resource": "ConnectedAppSettings", "patch": {"strange": True}},
    ],
)
def test_impossible_tampering_is_refused(org: Org, order: Any) -> None:
    body = {"platform": "salesforce", **order}
    assert org.emulator.anonymous("POST", "/_emulator/tamper", json=body).status_code == 400


@pytest.mark.parametrize(
    "change", [{"nothing": 1}, {"queryBatchSize": -1}, {"inactiveSwitchWrites": "maybe"}]
)
def test_a_wrong_setting_is_refused(org: Org, change: Any) -> None:
    assert org.emulator.anonymous("POST", "/_emulator/settings", json=change).status_code == 400


def test_faults_reach_the_org(org: Org) -> None:
    locked = [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}]
    fault = {"status": 400, "body": locked}
    org.emulator.fail(fault, times=1, method="POST", path="SetupEntityAccess")
    first, second = (org.allow("0PS5g000000BUseGAG", "0H45g000000BillCAC") for _ in range(2))
    assert first.json()[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    assert second.status_code == 201


def test_a_dropped_answer_has_acted(org: Org) -> None:
    org.emulator.fail({"drop": "after"}, times=1, method="POST", path="SetupEntityAccess")
    with pytest.raises(requests.ConnectionError):
        org.allow("0PS5g000000BUseGAG", "0H45g000000BillCAC")
    assert len(org.state()["SetupEntityAccess"]) == 2


def test_requests_are_logged(org: Org) -> None:
    org.call("GET", "/limits")
    assert org.emulator.logged()[-1] == {"method": "GET", "path": f"{DATA}/limits", "status": 200}
