"""Changes by somebody else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.bodies import a_policy, a_tier, an_api, an_automated_policy, an_injection
from tests.emulator.driver import ACME, PRODUCTION, SANDBOX, Emulator, api_path, apis_path

UPSTREAM = "7e1a90c4-2222-4b6b-9d11-0000000000b1"


def first_policy(emulator: Emulator, api_id: int = 19001001) -> int:
    policy_id: int = emulator.policies(api_id)[0]["id"]
    return policy_id


def test_a_policy_is_changed(emulator: Emulator) -> None:
    emulator.tamper(apiId=19001001, policyId=first_policy(emulator), patch={"disabled": True})
    assert emulator.policies(19001001)[0]["disabled"] is True


def test_a_policy_is_deleted(emulator: Emulator) -> None:
    policy_id = first_policy(emulator)
    assert emulator.tamper(apiId=19001001, policyId=policy_id, patch={"delete": True}) is None
    assert policy_id not in [p["id"] for p in emulator.policies(19001001)]


def test_a_policy_is_created_even_twice(emulator: Emulator) -> None:
    for _ in range(2):
        emulator.tamper(apiId=19001001, patch=a_policy())
    assert len(emulator.policies(19001001)) == 4


def test_an_outbound_policy_is_created(emulator: Emulator) -> None:
    (policy,) = emulator.tamper(apiId=19001002, patch=an_injection(UPSTREAM))
    assert policy["upstreamIds"] == [UPSTREAM]


def test_an_automated_policy_overrides(emulator: Emulator) -> None:
    removal = a_policy("header-removal", "1.1.2", {"inboundHeaders": ["x"]})
    body = {**an_automated_policy(), **removal}
    policy = emulator.tamper(resource="automated-policies", patch=body)
    assert emulator.policies(19001001)[0]["disabled"] is True
    emulator.tamper(resource="automated-policies", id=policy["id"], patch={"delete": True})
    assert emulator.policies(19001001)[0]["disabled"] is False


def test_an_automated_policy_is_changed(emulator: Emulator) -> None:
    patch = {
        "configurationData": {
            "loggingConfiguration": [
                {"itemName": "x", "itemData": {"message": "#[payload]", "level": "WARN"}}
            ]
        }
    }
    changed = emulator.tamper(resource="automatedPolicies", id=125754, patch=patch)
    assert changed["configurationData"] == patch["configurationData"]


@pytest.mark.parametrize("platform", [{}, {"platform": "anypoint"}])
def test_an_instance_is_renamed_and_deleted(emulator: Emulator, platform: Any) -> None:
    patch = {"instanceLabel": "inside", "tags": ["x"]}
    emulator.tamper(resource="apis", id=19001001, patch=patch, **platform)
    api = emulator.get(api_path(19001001)).json()
    assert (api["instanceLabel"], api["tags"]) == ("inside", ["x"])
    emulator.tamper(resource="apis", id=19001001, patch={"delete": True}, **platform)
    assert emulator.get(api_path(19001001)).status_code == 404


def test_an_instance_is_created(emulator: Emulator) -> None:
    api = emulator.tamper(resource="apis", patch={**an_api(), "environmentId": SANDBOX})
    assert api["id"] in [i["id"] for i in _instances(emulator, SANDBOX)]


def _instances(emulator: Emulator, environment: str) -> Any:
    return [
        a for asset in emulator.get(apis_path(environment)).json()["assets"] for a in asset["apis"]
    ]


def test_tiers_are_created_changed_and_deleted(emulator: Emulator) -> None:
    emulator.tamper(resource="tiers", id=123123, patch={"autoApprove": True})
    silver = emulator.tamper(resource="tiers", apiId=19001001, patch=a_tier())
    tiers = emulator.get(api_path(19001001) + "/tiers").json()["tiers"]
    assert [(t["name"], t["autoApprove"]) for t in tiers] == [("Gold", True), ("Silver", False)]
    emulator.tamper(resource="tiers", id=silver["id"], patch={"delete": True})
    assert emulator.get(api_path(19001001) + "/tiers").json()["total"] == 1


def test_upstreams_are_created_changed_and_deleted(emulator: Emulator) -> None:
    emulator.tamper(resource="upstreams", id=UPSTREAM, patch={"label": "moved"})
    added = emulator.tamper(resource="upstreams", apiId=19001002, patch={"uri": "https://x.y"})
    shown = emulator.get(api_path(19001002) + "/upstreams").json()["upstreams"]
    assert [u["label"] for u in shown] == ["moved", None]
    emulator.tamper(resource="upstreams", id=added["id"], patch={"delete": True})
    assert emulator.get(api_path(19001002) + "/upstreams").json()["total"] == 1


def test_names_of_environment_and_organization_change(emulator: Emulator) -> None:
    emulator.tamper(resource="environments", id=PRODUCTION, patch={"name": "Live"})
    emulator.tamper(resource="organizations", id=ACME, patch={"name": "Acme"})
    organization = emulator.get(f"/accounts/api/organizations/{ACME}").json()
    assert organization["name"] == "Acme"
    assert "Live" in [e["name"] for e in organization["environments"]]


def test_an_environment_goes_with_its_instances(emulator: Emulator) -> None:
    emulator.tamper(resource="environments", id=SANDBOX, patch={"delete": True})
    assert emulator.get(apis_path(SANDBOX)).status_code == 404
    assert len(emulator.state()["apis"]) == 9


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({}, 404),
        ({"apiId": 1, "patch": a_policy()}, 404),
        ({"apiId": "x", "patch": a_policy()}, 400),
        ({"apiId": 19001001, "policyId": 1, "patch": {}}, 404),
        ({"apiId": 19001001, "policyId": [], "patch": {}}, 400),
        ({"apiId": 19001001, "patch": a_policy(version="9.9.9")}, 400),
        ({"apiId": 19001001, "patch": []}, 400),
        ({"apiId": 19001001, "patch": a_policy(), "user": 7}, 400),
        ({"apiId": 19001001, "pacth": {}}, 400),
        ({"resource": "nothing"}, 400),
        ({"platform": "nothing"}, 400),
        ({"resource": "apis", "id": 1, "patch": {}}, 404),
        ({"resource": "apis", "patch": an_api()}, 404),
        ({"resource": "tiers", "id": 1, "patch": {}}, 404),
        ({"resource": "upstreams", "apiId": 19001002, "patch": {}}, 400),
        ({"resource": "automated-policies", "id": 1, "patch": {}}, 404),
        ({"resource": "environments", "id": "x", "patch": {}}, 404),
        ({"resource": "environments", "id": PRODUCTION, "patch": {"name": 7}}, 400),
        ({"resource": "organizations", "id": ACME, "patch": {"delete": True}}, 404),
    ],
)
def test_a_wrong_order_is_refused_and_changes_nothing(
    emulator: Emulator, order: Any, status: int
) -> None:
    before = emulator.state()
    answer = emulator.anonymous("POST", "/_emulator/tamper", json=order)
    assert answer.status_code == status, answer.text
    assert emulator.state() == before
