"""Automated policies, and what they do to the policies of single APIs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.bodies import a_policy, an_automated_policy
from tests.emulator.driver import ACME, PAYMENTS, PRODUCTION, SANDBOX, Emulator, api_path

AUTOMATED = f"/apimanager/api/v1/organizations/{ACME}/automated-policies"
SEEDED = f"{AUTOMATED}/125754"
LOGGING = api_path(19001003) + "/policies"


def covering(asset_id: str, version: str, configuration: Any, **others: Any) -> dict[str, Any]:
    body = an_automated_policy(**others)
    return {**body, **a_policy(asset_id, version, configuration)}


def message_logging() -> dict[str, Any]:
    item = {"itemName": "all", "itemData": {"message": "#[payload]", "level": "INFO"}}
    return covering("message-logging", "2.0.2", {"loggingConfiguration": [item]})


def test_the_list_is_of_one_environment(emulator: Emulator) -> None:
    found = emulator.get(f"{AUTOMATED}?environmentId={SANDBOX}").json()
    assert found["total"] == 1
    (policy,) = found["automatedPolicies"]
    assert (policy["id"], policy["assetId"]) == (125754, "message-logging")
    assert policy["ruleOfApplication"]["range"] == {"from": "4.1.1"}
    assert policy["implementationAssets"][0]["technology"] == "mule4"
    other = emulator.get(f"{AUTOMATED}?environmentId={PRODUCTION}").json()
    assert other == {"automatedPolicies": [], "total": 0}


def test_the_list_needs_an_environment(emulator: Emulator) -> None:
    assert emulator.get(AUTOMATED).status_code == 400


def test_create_change_and_delete(emulator: Emulator) -> None:
    answer = emulator.post(AUTOMATED, an_automated_policy())
    assert answer.status_code == 201
    policy = answer.json()
    path = f"{AUTOMATED}/{policy['id']}"
    injection = {"inboundHeaders": [{"key": "x-team", "value": "b"}]}
    changed = emulator.patch(path, an_automated_policy(configurationData=injection))
    assert changed.status_code == 200
    assert emulator.get(path).json()["configurationData"] == injection
    assert emulator.put(path, an_automated_policy()).status_code == 201
    assert emulator.delete(path).status_code == 204
    assert emulator.get(path).status_code == 404


@pytest.mark.parametrize("key", ["ruleOfApplication", "groupId", "assetId", "configurationData"])
def test_a_change_carries_everything(emulator: Emulator, key: str) -> None:
    body = emulator.get(SEEDED).json()
    del body[key]
    assert emulator.patch(SEEDED, body).status_code == 400


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        (None, 400),
        ([], 400),
        ({"environmentId": "nowhere"}, 404),
        ({"environmentId": PRODUCTION, "technologies": ["mule4", "flexGateway"]}, 400),
        ({"environmentId": PRODUCTION, "technologies": ["cobol"]}, 400),
        ({"environmentId": PRODUCTION, "range": {"to": "4.2.x"}}, 400),
    ],
)
def test_a_wrong_rule_is_refused(emulator: Emulator, rule: object, status: int) -> None:
    body = an_automated_policy(ruleOfApplication=rule)
    assert emulator.post(AUTOMATED, body).status_code == status


def test_a_wrong_configuration_is_refused(emulator: Emulator) -> None:
    body = an_automated_policy(configurationData={"inboundHeaders": "x"})
    assert emulator.post(AUTOMATED, body).status_code == 400


def test_the_same_type_twice_is_a_conflict(emulator: Emulator) -> None:
    assert emulator.post(AUTOMATED, an_automated_policy()).status_code == 201
    assert emulator.post(AUTOMATED, an_automated_policy()).status_code == 409
    assert emulator.post(AUTOMATED, an_automated_policy(SANDBOX)).status_code == 201


def test_a_policy_of_an_api_is_a_conflict(emulator: Emulator) -> None:
    before = emulator.state()
    assert emulator.post(AUTOMATED, message_logging()).status_code == 409
    assert emulator.state() == before


def test_overriding_disables_and_a_delete_enables_again(emulator: Emulator) -> None:
    emulator.settings(automatedConflicts="override")
    policy = emulator.post(AUTOMATED, message_logging()).json()
    overridden = emulator.policies(19001003)[-1]
    assert (overridden["assetId"], overridden["disabled"]) == ("message-logging", True)
    emulator.delete(f"{AUTOMATED}/{policy['id']}")
    assert emulator.policies(19001003)[-1]["disabled"] is False
    assert emulator.policies(19001003)[1]["disabled"] is True


def test_the_type_cannot_be_applied_below_it(emulator: Emulator) -> None:
    emulator.post(AUTOMATED, an_automated_policy())
    body = an_automated_policy()
    del body["ruleOfApplication"]
    assert emulator.post(api_path(19001001) + "/policies", body).status_code == 409
    assert emulator.post(api_path(19001006) + "/policies", body).status_code == 201


def test_an_overridden_policy_cannot_be_enabled(emulator: Emulator) -> None:
    emulator.settings(automatedConflicts="override")
    emulator.post(AUTOMATED, message_logging())
    path = f"{LOGGING}/{emulator.policies(19001003)[-1]['id']}"
    assert emulator.patch(path, {"disabled": False}).status_code == 409


@pytest.mark.parametrize(("kind", "total"), [("include", 3), ("exclude", 0), ("all", 3)])
def test_the_covered_instances(emulator: Emulator, kind: str, total: int) -> None:
    page = emulator.get(f"{SEEDED}/apis?type={kind}&limit=2").json()
    assert (page["total"], len(page["apis"])) == (total, min(total, 2))


def test_an_automated_policy_of_somebody_else_is_unknown(emulator: Emulator) -> None:
    assert emulator.get(SEEDED.replace(ACME, PAYMENTS)).status_code == 404


def test_an_implementation_upgrade_answers_201(emulator: Emulator) -> None:
    assert emulator.post(f"{SEEDED}/implementationAssets").status_code == 201
