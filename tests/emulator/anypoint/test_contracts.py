"""Contracts and client applications."""

from __future__ import annotations

import pytest

from tests.emulator.bodies import a_tier
from tests.emulator.driver import ACME, Emulator, api_path, xapi

CONTRACTS = api_path(19001003) + "/contracts"
APPLICATIONS = f"/exchange/api/v2/organizations/{ACME}/applications"
BODY = {"applicationId": 1422343}


def test_a_contract_without_a_tier_is_approved(emulator: Emulator) -> None:
    answer = emulator.post(CONTRACTS, BODY)
    assert answer.status_code == 201
    contract = answer.json()
    assert (contract["status"], contract["application"]["name"]) == ("APPROVED", "orders-client")
    assert contract["application"]["clientSecret"] == "demo-client-secret"
    read = emulator.get(f"{CONTRACTS}/{contract['id']}").json()
    assert "clientSecret" not in read["application"]
    assert emulator.get(CONTRACTS + "?status=PENDING").json()["total"] == 0


def test_a_tier_may_approve_by_itself(emulator: Emulator) -> None:
    tier = emulator.post(api_path(19001003) + "/tiers", a_tier(autoApprove=True)).json()
    contract = emulator.post(CONTRACTS, {**BODY, "requestedTierId": tier["id"]}).json()
    assert (contract["status"], contract["tier"]["name"]) == ("APPROVED", "Silver")


def test_one_contract_per_application(emulator: Emulator) -> None:
    assert emulator.post(CONTRACTS, BODY).status_code == 201
    assert emulator.post(CONTRACTS, BODY).status_code == 409


def test_only_an_ended_contract_can_be_deleted(emulator: Emulator) -> None:
    contract = emulator.post(CONTRACTS, BODY).json()
    path = f"{CONTRACTS}/{contract['id']}"
    assert emulator.delete(path).status_code == 400
    emulator.post(f"{xapi(path)}/revoke")
    assert emulator.delete(path).status_code == 204
    assert emulator.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"applicationId": "x"}, 400), ({"applicationId": 7}, 404), ([], 400)],
)
def test_a_wrong_contract_is_refused(emulator: Emulator, body: object, status: int) -> None:
    assert emulator.post(CONTRACTS, body).status_code == status


def test_an_unknown_action_is_not_found(emulator: Emulator) -> None:
    contract = emulator.post(CONTRACTS, BODY).json()
    assert emulator.post(f"{xapi(CONTRACTS)}/{contract['id']}/shred").status_code == 404


def test_applications_show_their_client_to_administrators_only(emulator: Emulator) -> None:
    (plain,) = emulator.get(APPLICATIONS).json()
    (full,) = emulator.get(APPLICATIONS + "?targetAdminSite=true").json()
    assert "clientId" not in plain
    assert full["clientSecret"] == "demo-client-secret"


def test_an_application_is_created(emulator: Emulator) -> None:
    assert emulator.post(APPLICATIONS, {"name": "new"}).json()["clientId"]
    assert emulator.post(APPLICATIONS, {}).status_code == 400
    assert len(emulator.get(APPLICATIONS).json()) == 2
