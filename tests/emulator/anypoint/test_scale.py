"""Large seeds."""

from __future__ import annotations

import pytest

from tests.emulator.bodies import a_policy
from tests.emulator.driver import PRODUCTION, Emulator, api_path, apis_path


def test_every_instance_has_the_four_policies(emulator: Emulator) -> None:
    emulator.reset("scale:3")
    assets = emulator.get(apis_path(PRODUCTION)).json()["assets"]
    assert [asset["assetId"] for asset in assets] == ["api-00001", "api-00002", "api-00003"]
    for asset in assets:
        (api,) = asset["apis"]
        policies = emulator.policies(api["id"])
        assert [(p["assetId"], p["order"]) for p in policies] == [
            ("client-id-enforcement", 1),
            ("ip-allowlist", 2),
            ("rate-limiting", 3),
            ("header-removal", 4),
        ]


def test_ids_are_not_shared(emulator: Emulator) -> None:
    emulator.reset("scale:50")
    ids = [policy["id"] for api in emulator.state()["apis"] for policy in api["policies"]]
    assert len(set(ids)) == 200


def test_a_change_of_one_leaves_the_others(emulator: Emulator) -> None:
    emulator.reset("scale:2")
    first, second = (api["id"] for api in emulator.state()["apis"])
    policy = emulator.policies(first)[1]
    emulator.patch(
        f"{api_path(first)}/policies/{policy['id']}",
        {
            "configurationData": a_policy()["configurationData"],
        },
    )
    assert emulator.policies(first)[1]["configurationData"]["ips"] == ["1.1.1.1"]
    assert emulator.policies(second)[1]["configurationData"]["ips"] != ["1.1.1.1"]


def test_none_at_all(emulator: Emulator) -> None:
    emulator.reset("scale:0")
    assert emulator.get(apis_path()).json()["total"] == 0


@pytest.mark.soak
def test_a_hundred_thousand(emulator: Emulator) -> None:
    emulator.reset("scale:100000")
    page = emulator.get(apis_path() + "?offset=99950").json()
    assert (page["total"], len(page["assets"])) == (100_000, 50)
    assert len(emulator.policies(page["assets"][-1]["apis"][0]["id"])) == 4
