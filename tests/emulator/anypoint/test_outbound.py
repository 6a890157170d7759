"""Outbound policies: a path of their own to create, the common one afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.bodies import a_policy, an_injection
from tests.emulator.driver import Emulator, api_path, xapi

INVENTORY = api_path(19001006) + "/policies"
PARTNERS = api_path(19001002) + "/policies"
CREATE = xapi(INVENTORY) + "/outbound-policies"
UPSTREAM = "7e1a90c4-2222-4b6b-9d11-0000000000b6"


def shown(emulator: Emulator, query: str) -> bool:
    return "credential-injection-basic-auth" in emulator.get(PARTNERS + query).text


def test_the_answer_is_an_array_with_one_policy_per_upstream(emulator: Emulator) -> None:
    spare = emulator.post(api_path(19001006) + "/upstreams", {"uri": "https://s.example.com"})
    answer = emulator.post(CREATE, an_injection(UPSTREAM, spare.json()["id"]))
    assert answer.status_code == 201
    assert [p["upstreamIds"] for p in answer.json()] == [[UPSTREAM], [spare.json()["id"]]]
    assert [p["order"] for p in answer.json()] == [4, 5]
    assert answer.json()[0]["configurationData"]["password"] == "hunter2"


def test_upstreams_are_required_and_may_be_none(emulator: Emulator) -> None:
    body = an_injection()
    (policy,) = emulator.post(CREATE, body).json()
    assert policy["upstreamIds"] == []
    del body["upstreamIds"]
    answer = emulator.post(CREATE, body)
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {
            "path": "/body/upstreamIds",
            "message": "must have required property 'upstreamIds'",
            "errorCode": "required.openapi.validation",
        }
    ]
    assert answer.json()["message"] == "request/body must have required property 'upstreamIds'"


@pytest.mark.parametrize(
    "change",
    [
        {"order": 1},
        {"disabled": False},
        {"pointcutData": None},
        {"upstreamIds": None},
        {"upstreamIds": "x"},
        {"upstreamIds": ["unknown"]},
        {"upstreamIds": [7]},
        {"assetVersion": "9.9.9"},
    ],
)
def test_what_is_not_accepted(emulator: Emulator, change: dict[str, Any]) -> None:
    assert emulator.post(CREATE, an_injection(UPSTREAM, **change)).status_code == 400


def test_an_inbound_policy_is_refused_here(emulator: Emulator) -> None:
    answer = emulator.post(CREATE, a_policy(upstreamIds=[UPSTREAM]))
    assert (answer.status_code, answer.json()["name"]) == (400, "PolicyValidationError")


def test_an_outbound_policy_is_refused_as_inbound(emulator: Emulator) -> None:
    answer = emulator.post(INVENTORY, an_injection(UPSTREAM))
    assert answer.status_code == 400
    assert answer.json() == {
        "name": "PolicyValidationError",
        "message": "This policy can not be applied as inbound",
    }


def test_the_look_alike_reads_a_policy_id(emulator: Emulator) -> None:
    path = INVENTORY + "/outbound-policies"
    answer = emulator.post(path, an_injection(UPSTREAM))
    assert answer.status_code == 405
    assert answer.json() == {
        "name": "Method Not Allowed",
        "headers": {"Allow": "DELETE, PATCH, GET"},
        "errors": [{"path": path, "message": "POST method not allowed"}],
    }
    assert emulator.get(path).status_code == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_the_path_only_creates(emulator: Emulator, method: str) -> None:
    answer = emulator.request(method, CREATE)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_the_same_upstream_twice_is_a_conflict(emulator: Emulator) -> None:
    assert emulator.post(CREATE, an_injection(UPSTREAM)).status_code == 201
    assert emulator.post(CREATE, an_injection(UPSTREAM)).status_code == 409
    answer = emulator.post(CREATE + "?allowDuplicated=true", an_injection(UPSTREAM))
    assert answer.status_code == 201


def test_one_policy_is_managed_with_the_others(emulator: Emulator) -> None:
    (policy,) = emulator.post(CREATE, an_injection(UPSTREAM)).json()
    path = f"{INVENTORY}/{policy['id']}"
    read = emulator.get(path).json()
    assert read["upstreamIds"] == [UPSTREAM]
    assert read["configurationData"] == {"username": "svc", "overwrite": False}
    assert emulator.patch(path, {"order": 1}).json()["order"] == 1
    assert emulator.patch(path, {"upstreamIds": []}).json()["upstreamIds"] == []
    assert emulator.delete(path).status_code == 204


@pytest.mark.parametrize(
    ("setting", "in_full", "in_flat"),
    [("full", True, False), ("flat", False, True), ("both", True, True), ("none", False, False)],
)
def test_which_list_shows_them_is_a_setting(
    emulator: Emulator, setting: str, in_full: bool, in_flat: bool
) -> None:
    emulator.settings(outboundInList=setting)
    assert shown(emulator, "") is in_full
    assert shown(emulator, "?fullInfo=false") is in_flat


def test_only_the_object_list_shows_them_by_default(emulator: Emulator) -> None:
    (policy,) = (p for p in emulator.get(PARTNERS).json()["policies"] if p.get("upstreamIds"))
    assert policy["upstreamIds"] == ["7e1a90c4-2222-4b6b-9d11-0000000000b1"]
    assert not shown(emulator, "?fullInfo=false")
