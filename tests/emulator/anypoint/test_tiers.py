"""SLA tiers, and the contracts that hold them."""

from __future__ import annotations

import pytest

from tests.emulator.bodies import a_tier
from tests.emulator.driver import Emulator, api_path, xapi

TIERS = api_path(19001001) + "/tiers"
GOLD = f"{TIERS}/123123"
CONTRACTS = api_path(19001001) + "/contracts"


def test_the_list_is_paged(emulator: Emulator) -> None:
    emulator.post(TIERS, a_tier())
    page = emulator.get(TIERS + "?limit=1&offset=1").json()
    assert page["total"] == 2
    assert [tier["name"] for tier in page["tiers"]] == ["Silver"]
    assert emulator.get(TIERS + "?limit=250").status_code == 200
    assert emulator.get(TIERS + "?limit=251").status_code == 400


@pytest.mark.parametrize(
    ("query", "names"),
    [("query=gol", ["Gold"]), ("query=x", []), ("active=true", ["Gold"]), ("active=false", [])],
)
def test_the_list_is_filtered(emulator: Emulator, query: str, names: list[str]) -> None:
    assert [t["name"] for t in emulator.get(f"{TIERS}?{query}").json()["tiers"]] == names


@pytest.mark.parametrize("api_version_id", [19001001, "19001001", None])
def test_create_answers_one_tier(emulator: Emulator, api_version_id: object) -> None:
    answer = emulator.post(TIERS, a_tier(autoApprove=True, apiVersionId=api_version_id))
    assert answer.status_code == 201
    tier = answer.json()
    assert (tier["name"], tier["autoApprove"], tier["applicationCount"]) == ("Silver", True, 0)
    assert tier["apiId"] == 19001001


def test_put_answers_201_and_keeps_what_it_does_not_name(emulator: Emulator) -> None:
    answer = emulator.put(GOLD, {"description": "best"})
    assert answer.status_code == 201
    assert (answer.json()["name"], answer.json()["description"]) == ("Gold", "best")
    assert answer.json()["limits"][0]["maximumRequests"] == 1800


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x"},
        a_tier(""),
        a_tier(status="OLD"),
        a_tier(limits={}),
        a_tier(limits=[7]),
        a_tier(limits=[{"maximumRequests": 1}]),
        a_tier(autoApprove="yes"),
        a_tier(description=7),
    ],
)
def test_a_wrong_tier_is_refused(emulator: Emulator, body: object) -> None:
    assert emulator.post(TIERS, body).status_code == 400


def test_names_are_unique(emulator: Emulator) -> None:
    assert emulator.post(TIERS, a_tier("Gold")).status_code == 409
    silver = emulator.post(TIERS, a_tier()).json()
    assert emulator.put(f"{TIERS}/{silver['id']}", {"name": "Gold"}).status_code == 409
    assert emulator.put(GOLD, {"name": "Gold"}).status_code == 201


def test_a_tier_cannot_be_read_alone(emulator: Emulator) -> None:
    assert emulator.get(GOLD).status_code == 405


def test_a_deleted_tier_is_gone(emulator: Emulator) -> None:
    assert emulator.delete(GOLD).status_code == 204
    assert emulator.delete(GOLD).status_code == 404


def test_a_tier_with_active_applications_stays(emulator: Emulator) -> None:
    body = {"applicationId": 1422343, "requestedTierId": 123123}
    contract = emulator.post(CONTRACTS, body).json()
    assert (contract["status"], contract["tierId"]) == ("PENDING", None)
    act = f"{xapi(CONTRACTS)}/{contract['id']}"
    assert emulator.post(f"{act}/approve").json()["status"] == "APPROVED"
    assert emulator.get(TIERS).json()["tiers"][0]["applicationCount"] == 1
    assert emulator.delete(GOLD).status_code == 400
    assert emulator.post(f"{act}/revoke").json()["revokedDate"]
    assert emulator.delete(GOLD).status_code == 204
