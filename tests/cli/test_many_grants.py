"""Many grants go in one call, and none is lost, doubled or believed without a look."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import Emulator

UNIT = "acme-crm/uat/access"
ACCESS = "policies/acme-crm/uat/access.yaml"
MANY = [f"Team_{number:02}" for number in range(12)]
COLLECTION = "/composite/sobjects"


@pytest.fixture
def teams(crm: Cli, emulator: Emulator) -> Cli:
    """The sample, in which twelve more permission sets are to have Billing Sync."""
    for name in MANY:
        patch = {"Name": name, "Label": name, "userPermissions": []}
        emulator.tamper(platform="salesforce", resource="PermissionSet", patch=patch)
    crm.edit(ACCESS, "[Billing_Sync_Use]", f"[Billing_Sync_Use, {', '.join(MANY)}]")
    return crm


def held(emulator: Emulator) -> Counter[str]:
    """The teams that are granted Billing Sync, each with how often it is."""
    stored = emulator.control("state")["salesforce"]
    names = {one["Id"]: one["Name"] for one in stored["PermissionSet"]}
    rows = stored["SetupEntityAccess"]
    return Counter(name for row in rows if (name := names[row["ParentId"]]) in MANY)


def writes(emulator: Emulator) -> list[str]:
    """Method and path of each call that wrote a grant."""
    pattern = re.compile(rf"{COLLECTION}|/sobjects/SetupEntityAccess")
    return [
        f"{one['method']} {one['path'].partition('?')[0]}"
        for one in emulator.logged()
        if one["method"] in ("POST", "DELETE") and pattern.search(one["path"])
    ]


def fault(
    emulator: Emulator, what: Mapping[str, Any], times: int = 1, method: str = "POST"
) -> None:
    emulator.fail(dict(what), times=times, method=method, path=COLLECTION)


def test_many_grants_go_in_one_call(teams: Cli, emulator: Emulator) -> None:
    done = teams.run("apply", "--yes", "--format", "json")
    assert done.code == 0, done.out
    assert set(done.outcomes().values()) == {"applied"}
    assert held(emulator) == Counter(MANY)
    assert len(writes(emulator)) == 1
    assert teams.run("plan", "--detailed-exitcode").code == 0


def test_many_grants_leave_in_one_call(teams: Cli, emulator: Emulator) -> None:
    assert teams.run("apply", "--yes").code == 0
    teams.edit(ACCESS, f", {', '.join(MANY)}]", "]")
    before = len(writes(emulator))
    done = teams.run("apply", "--yes", "--max-deletes", "12", "--format", "json")
    assert done.code == 0, done.out
    assert not held(emulator)
    assert len(writes(emulator)) == before + 1


@pytest.mark.parametrize(
    "what",
    [{"drop": "before"}, {"drop": "after"}, {"truncate": 7}, {"status": 500}],
    ids=json.dumps,
)
def test_a_lost_answer_is_looked_after(
    teams: Cli, emulator: Emulator, what: Mapping[str, Any]
) -> None:
    fault(emulator, what)
    done = teams.run("apply", "--yes", "--format", "json")
    assert done.code == 0, done.out
    assert held(emulator) == Counter(MANY)


def test_deletes_whose_answer_is_lost_are_done(teams: Cli, emulator: Emulator) -> None:
    assert teams.run("apply", "--yes").code == 0
    teams.edit(ACCESS, f", {', '.join(MANY)}]", "]")
    fault(emulator, {"drop": "after"}, method="DELETE")
    assert teams.run("apply", "--yes", "--max-deletes", "12").code == 0
    assert not held(emulator)


def refusal(code: str) -> dict[str, Any]:
    """An answer that says of all thirteen that they were not saved, as none was."""
    error = {"statusCode": code, "message": "not now", "fields": []}
    return {"status": 200, "body": [{"success": False, "errors": [error]}] * 13}


def test_an_item_that_is_refused_stops_what_follows(teams: Cli, emulator: Emulator) -> None:
    fault(emulator, refusal("FIELD_INTEGRITY_EXCEPTION"))
    done = teams.run("apply", "--yes", "--format", "json")
    assert done.code == 7, done.out
    assert Counter(done.outcomes().values()) == {"failed": 13, "skipped": 3}
    assert "FIELD_INTEGRITY_EXCEPTION: not now" in done.json["changes"][0]["reason"]
    switches = emulator.control("state")["salesforce"]["ConnectedAppSettings"]
    assert not switches["enableAdminApprovedAppsOnly"]
    assert teams.run("apply", "--yes").code == 0
    assert held(emulator) == Counter(MANY)


def test_a_row_that_is_locked_is_waited_for(teams: Cli, emulator: Emulator) -> None:
    fault(emulator, refusal("UNABLE_TO_LOCK_ROW"))
    done = teams.run("apply", "--yes", "--format", "json")
    assert done.code == 0, done.out
    assert held(emulator) == Counter(MANY)


def test_what_somebody_else_granted_meanwhile_is_no_failure(teams: Cli, emulator: Emulator) -> None:
    """A saved plan is stale by it; a plan made afresh has only the rest."""
    teams.plan()
    patch = {"App": "Billing Sync", "PermissionSet": MANY[3]}
    emulator.tamper(platform="salesforce", resource="SetupEntityAccess", patch=patch)
    assert teams.run("apply", "plan.json").code == 6
    done = teams.run("apply", "--yes", "--format", "json")
    assert done.code == 0
    assert len(done.json["changes"]) == 15
    assert held(emulator) == Counter(MANY)
