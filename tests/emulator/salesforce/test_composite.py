"""Several requests in one, and paths as clients join them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.salesforce.driver import BILLING_APP, BILLING_SET, DATA, Org

RECORDS = "/services/data/v64.0/sobjects"
GRANT = {"ParentId": BILLING_SET, "SetupEntityId": BILLING_APP}


def asked(name: str, method: str, url: str, **more: Any) -> dict[str, Any]:
    return {"method": method, "url": url, "referenceId": name, **more}


def send(org: Org, *requests: dict[str, Any], whole: bool = False) -> list[dict[str, Any]]:
    body = {"allOrNone": whole, "compositeRequest": list(requests)}
    answer = org.call("POST", f"{DATA}/composite", json=body)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["compositeResponse"]
    assert [one["referenceId"] for one in found] == [one["referenceId"] for one in requests]
    return found


def labels(org: Org) -> set[str]:
    return {row["Label"] for row in org.query("SELECT Label FROM PermissionSet")}


def test_a_later_request_refers_to_an_earlier_answer(org: Org) -> None:
    set_query = (
        "/services/data/v64.0/query?q=SELECT+Id+FROM+PermissionSet+WHERE+Name='Break_Glass_API'"
    )
    found, changed, made, read = send(
        org,
        asked("found", "GET", set_query),
        asked(
            "change",
            "PATCH",
            f"{RECORDS}/PermissionSet/@{{found.records[0].Id}}",
            body={"Label": "New"},
        ),
        asked("made", "POST", f"{RECORDS}/SetupEntityAccess", body=GRANT),
        asked("read", "GET", f"{RECORDS}/SetupEntityAccess/@{{made.id}}"),
    )
    assert (found["httpStatusCode"], changed["httpStatusCode"], changed["body"]) == (200, 204, None)
    assert made["httpStatusCode"] == 201
    assert read["body"]["Id"] == made["body"]["id"]
    assert "New" in labels(org)


def test_each_request_stands_for_itself_unless_all_or_none_is_said(org: Org) -> None:
    new = asked("new", "POST", f"{RECORDS}/PermissionSet", body={"Name": "New", "Label": "New"})
    bad = asked("bad", "POST", f"{RECORDS}/PermissionSet", body={"Name": "Bad"})
    made, failed = send(org, new, bad, whole=True)
    assert (made["httpStatusCode"], failed["httpStatusCode"]) == (400, 400)
    assert made["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert failed["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert "New" not in labels(org)
    made, failed = send(org, new, bad)
    assert (made["httpStatusCode"], failed["httpStatusCode"]) == (201, 400)
    assert "New" in labels(org)


def test_a_reference_to_nothing_halts_its_request_alone(org: Org) -> None:
    first, second = send(
        org,
        asked("a", "GET", f"{RECORDS}/PermissionSet/@{{nobody.id}}"),
        asked("b", "GET", "/services/data/v64.0/limits"),
    )
    assert first["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert second["httpStatusCode"] == 200


def test_a_request_that_leads_nowhere_is_not_found(org: Org) -> None:
    inner = asked("in", "POST", "/services/data/v64.0/composite", body={})
    (found,) = send(org, asked("a", "GET", "/services/oauth2/token"))
    assert found["body"][0]["errorCode"] == "NOT_FOUND"
    (found,) = send(org, inner)
    assert found["body"][0]["errorCode"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "requests",
    [
        None,
        [],
        [{}],
        ["x"],
        [asked("a", "GET", "/x"), asked("a", "GET", "/x")],
        [asked(f"a{n}", "GET", "/x") for n in range(26)],
        [asked("a b", "GET", "/x")],
    ],
)
def test_what_is_no_composite_request_is_refused(org: Org, requests: Any) -> None:
    answer = org.call("POST", f"{DATA}/composite", json={"compositeRequest": requests})
    assert answer.status_code == 400


def test_doubled_slashes_lead_to_the_same_place(org: Org) -> None:
    for path in ("//services/data/v64.0/limits", "/salesforce//services/data/v64.0//limits"):
        headers = {"Authorization": f"Bearer {org.session}"}
        assert org.emulator.anonymous("GET", path, headers=headers).status_code == 200
