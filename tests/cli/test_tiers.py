"""SLA tiers: created before what needs them, deleted after, and never while they are in use."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.driver import Cli, Done
from tests.emulator.driver import Emulator, api_path

FILE = "policies/acme/production/orders.yaml"
API = 19001001
APPLICATION = 1422343
SCOPE = ("--api", "orders", "--format", "json")
TIER = "acme/production/orders/tier"

GOLD = """
  - name: Gold
    limits: [{maximumRequests: 1800, timePeriodInMilliseconds: 60000}]
    autoApprove: false
"""
SILVER = """
  - name: Silver
    description: for partners
    limits:
      - {maximumRequests: 100, timePeriodInMilliseconds: 60000}
      - {maximumRequests: 5, timePeriodInMilliseconds: 1000, visible: false}
    autoApprove: true
"""
SLA = """
policies:
  - policyRef: {name: rate-limiting-sla-based, version: 1.3.1}
    config:
      clientIdExpression: "#[attributes.headers['client_id']]"
      clientSecretExpression: "#[attributes.headers['client_secret']]"

"""


@pytest.fixture
def converged(cli: Cli) -> Cli:
    """The API as the sample says."""
    apply(cli)
    return cli


def apply(cli: Cli) -> Done:
    done = cli.run("apply", "--yes", *SCOPE)
    assert done.code == 0, done.out + done.err
    return done


def changes(cli: Cli) -> list[tuple[str, str]]:
    done = cli.run("plan", *SCOPE)
    assert done.code == 0, done.out
    return [(change["action"], change["address"]) for change in done.json["changes"]]


def tiers(emulator: Emulator) -> dict[str, Any]:
    listed = emulator.get(f"{api_path(API)}/tiers").json()["tiers"]
    return {tier["name"]: tier for tier in listed}


def writes(emulator: Emulator) -> list[str]:
    """Method and kind of what was written to the API, in order."""
    sent = [(item["method"], item["path"].split(f"/{API}/")[-1]) for item in emulator.writes()]
    return [f"{method} {rest.split('?')[0].split('/')[0]}" for method, rest in sent]


def a_contract(emulator: Emulator) -> None:
    """Makes the tier Gold be in use."""
    body = {"applicationId": APPLICATION, "requestedTierId": tiers(emulator)["Gold"]["id"]}
    made = emulator.post(f"{api_path(API)}/contracts", body).json()
    path = f"{api_path(API)}/contracts/{made['id']}/approve".replace("/api/v1", "/xapi/v1", 1)
    emulator.post(path)
    assert tiers(emulator)["Gold"]["applicationCount"] == 1


def test_a_tier_is_created_with_all_that_the_file_says(converged: Cli, emulator: Emulator) -> None:
    converged.edit(FILE, GOLD, GOLD + SILVER)
    assert changes(converged) == [("create", f"{TIER}:Silver")]
    apply(converged)
    silver = tiers(emulator)["Silver"]
    assert (silver["description"], silver["autoApprove"]) == ("for partners", True)
    assert [limit["visible"] for limit in silver["limits"]] == [True, False]
    assert changes(converged) == []


def test_a_tier_is_updated_in_place(converged: Cli, emulator: Emulator) -> None:
    before = tiers(emulator)["Gold"]["id"]
    converged.edit(FILE, "1800", "2400")
    assert changes(converged) == [("update", f"{TIER}:Gold")]
    apply(converged)
    gold = tiers(emulator)["Gold"]
    assert (gold["id"], gold["limits"][0]["maximumRequests"]) == (before, 2400)
    assert changes(converged) == []


def test_a_tier_that_no_file_names_is_left_alone_and_deleted_with_prune(
    converged: Cli, emulator: Emulator
) -> None:
    converged.edit(FILE, GOLD, SILVER)
    apply(converged)
    assert set(tiers(emulator)) == {"Gold", "Silver"}
    assert changes(converged) == []
    converged.edit(FILE, "tiers:", "prune: true\ntiers:")
    assert changes(converged) == [("delete", f"{TIER}:Gold")]
    apply(converged)
    assert set(tiers(emulator)) == {"Silver"}


def test_tiers_come_before_the_policy_that_needs_them_and_go_after_it(
    converged: Cli, emulator: Emulator
) -> None:
    converged.edit(FILE, GOLD, GOLD + SILVER)
    converged.edit(FILE, "policies:\n", SLA.lstrip("\n").rstrip("\n") + "\n")
    before = len(emulator.writes())
    apply(converged)
    assert writes(emulator)[before:][:2] == ["POST tiers", "POST policies"]
    converged.edit(FILE, SLA.lstrip("\n").rstrip("\n") + "\n", "policies:\n")
    converged.edit(FILE, SILVER, "")
    converged.edit(FILE, "tiers:", "prune: true\ntiers:")
    before = len(emulator.writes())
    apply(converged)
    assert writes(emulator)[before:] == ["DELETE policies", "DELETE tiers"]


def test_a_tier_in_use_is_refused_before_anything_is_sent(
    converged: Cli, emulator: Emulator
) -> None:
    a_contract(emulator)
    converged.edit(FILE, GOLD, SILVER)
    converged.edit(FILE, "tiers:", "prune: true\ntiers:")
    before = emulator.writes()
    planned = converged.run("plan", "-o", "plan.json", *SCOPE)
    assert planned.code == 5
    error = planned.json["errors"][0]
    assert error["address"] == f"{TIER}:Gold"
    assert error["message"].startswith("1 application has a contract for the tier Gold")
    assert "status: DEPRECATED" in error["message"]
    assert converged.run("apply", "--yes", *SCOPE).code == 5
    assert converged.run("apply", "plan.json").code == 5
    assert emulator.writes() == before


def test_a_tier_that_came_into_use_after_the_plan_is_refused_too(
    converged: Cli, emulator: Emulator
) -> None:
    converged.edit(FILE, GOLD, SILVER)
    converged.edit(FILE, "tiers:", "prune: true\ntiers:")
    converged.plan("plan.json", "--api", "orders")
    a_contract(emulator)
    before = emulator.writes()
    done = converged.run("apply", "plan.json")
    assert (done.code, emulator.writes()) == (5, before)
    assert f"{TIER}:Gold: 1 application has a contract" in done.err


def test_a_tier_in_use_may_be_deprecated_instead(converged: Cli, emulator: Emulator) -> None:
    a_contract(emulator)
    converged.edit(FILE, "autoApprove: false", "autoApprove: false\n    status: DEPRECATED")
    apply(converged)
    assert tiers(emulator)["Gold"]["status"] == "DEPRECATED"
    assert changes(converged) == []


def test_what_needs_a_tier_that_failed_is_not_sent(converged: Cli, emulator: Emulator) -> None:
    converged.edit(FILE, GOLD, GOLD + SILVER)
    converged.edit(FILE, "policies:\n", SLA.lstrip("\n").rstrip("\n") + "\n")
    emulator.fail({"status": 400, "body": {}}, method="POST", path="/tiers")
    done = converged.run("apply", "--yes", *SCOPE)
    assert done.outcomes() == {
        f"create {TIER}:Silver": "failed",
        "create acme/production/orders/rate-limiting-sla-based": "skipped",
    }
    assert done.code in (1, 7)


def test_an_empty_description_takes_the_live_one_away(converged: Cli, emulator: Emulator) -> None:
    converged.edit(FILE, GOLD, GOLD + SILVER)
    apply(converged)
    converged.edit(FILE, "    description: for partners\n", "")
    assert changes(converged) == []
    converged.edit(FILE, "  - name: Silver\n", "  - name: Silver\n    description: ''\n")
    assert changes(converged) == [("update", f"{TIER}:Silver")]
    apply(converged)
    assert not tiers(emulator)["Silver"].get("description")
    assert changes(converged) == []
