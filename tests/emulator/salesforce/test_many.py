"""Pages and collections."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.salesforce.driver import BILLING_APP, BILLING_SET, RECONCILER_APP, USE_SET, Org

MANY = "/composite/sobjects"


def a_grant(parent: str, app: str) -> dict[str, Any]:
    kind = {"type": "SetupEntityAccess"}
    return {"attributes": kind, "ParentId": parent, "SetupEntityId": app}


def test_small_pages(org: Org) -> None:
    org.emulator.settings(queryBatchSize=2)
    first = org.ask("SELECT Username FROM User ORDER BY Username").json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (5, False, 2)
    assert first["nextRecordsUrl"].startswith("/services/data/v64.0/query/01g")
    assert first["nextRecordsUrl"].endswith("-2")
    second = org.call("GET", "/salesforce" + first["nextRecordsUrl"]).json()
    last = org.call("GET", "/salesforce" + second["nextRecordsUrl"]).json()
    assert (last["done"], "nextRecordsUrl" in last) == (True, False)
    pages = first["records"] + second["records"] + last["records"]
    assert len({record["Username"] for record in pages}) == 5


def test_the_hint_is_bounded(org: Org) -> None:
    headers = {"Sforce-Query-Options": "batchSize=1"}
    assert org.ask("SELECT Id FROM User", headers=headers).json()["done"] is True


@pytest.mark.parametrize("locator", ["01g5g0000000001AAA-2", "x", "x-", "-1", "01g-99999999999"])
def test_a_stale_locator(org: Org, locator: str) -> None:
    (error,) = org.call("GET", f"/query/{locator}").json()
    assert error["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_tokens_end_after_2500_without_a_word(org: Org) -> None:
    state = org.state()
    state["OauthToken"] += [
        {"Id": f"t{n}", "App": "Billing Sync", "User": "billing@acme.example"} for n in range(2600)
    ]
    org.emulator.reset({"salesforce": state})
    assert org.ask("SELECT COUNT() FROM OauthToken").json()["totalSize"] == 2604
    page = org.ask("SELECT AppName FROM OauthToken").json()
    sizes = [len(page["records"])]
    while not page["done"]:
        page = org.call("GET", "/salesforce" + page["nextRecordsUrl"]).json()
        sizes.append(len(page["records"]))
    assert sizes == [500] * 5


def test_a_collection_says_yes_and_no_with_status_200(org: Org) -> None:
    records = [a_grant(BILLING_SET, BILLING_APP), a_grant(USE_SET, RECONCILER_APP)]
    answer = org.call("POST", MANY, json={"records": records})
    good, bad = answer.json()
    assert (answer.status_code, good["success"], bad["success"]) == (200, True, False)
    # In an item it is statusCode; elsewhere errorCode.
    assert bad["errors"][0]["statusCode"] == "DUPLICATE_VALUE"
    assert len(org.state()["SetupEntityAccess"]) == 2


def test_all_or_none(org: Org) -> None:
    records = [a_grant(BILLING_SET, BILLING_APP), a_grant(USE_SET, RECONCILER_APP)]
    answer = org.call("POST", MANY, json={"allOrNone": True, "records": records})
    codes = [item["errors"][0]["statusCode"] for item in answer.json()]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "DUPLICATE_VALUE"]
    assert len(org.state()["SetupEntityAccess"]) == 1


def test_updates(org: Org) -> None:
    record = {"attributes": {"type": "PermissionSet"}, "id": BILLING_SET, "Label": "New"}
    (item,) = org.call("PATCH", MANY, json={"records": [record]}).json()
    assert item == {"id": BILLING_SET, "success": True, "errors": []}


def test_deletes(org: Org) -> None:
    key = org.allow(BILLING_SET, BILLING_APP).json()["id"]
    query = f"?ids={key},{key}&allOrNone=false"
    first, second = org.call("DELETE", MANY + query).json()
    assert first == {"id": key, "success": True, "errors": []}
    assert second["errors"][0]["statusCode"] == "ENTITY_IS_DELETED"


def test_setup_types_do_not_mix(org: Org) -> None:
    other = {"attributes": {"type": "PermissionSet"}, "Name": "A", "Label": "A"}
    answer = org.call("POST", MANY, json={"records": [a_grant(BILLING_SET, BILLING_APP), other]})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_OPERATION")


def test_more_than_200_are_refused(org: Org) -> None:
    records = [a_grant(BILLING_SET, BILLING_APP)] * 201
    answer = org.call("POST", MANY, json={"records": records})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")


@pytest.mark.parametrize("body", [{}, {"records": 7}, {"records": [7]}, {"records": None}])
def test_no_records(org: Org, body: Any) -> None:
    assert org.call("POST", MANY, json=body).json()[0]["errorCode"] == "JSON_PARSER_ERROR"
