"""`drift` of an org says who made each difference, as far as the setup trail tells."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.driver import Cli
from tests.cli.test_salesforce import ACCESS, UNIT
from tests.emulator.driver import Emulator
from tests.emulator.salesforce.driver import BILLING_APP, BREAK_GLASS, BROWSER, Org

ADMIN = "admin@acme.example"
SWITCH = "enableAdminApprovedAppsOnlyForExternalUser"


@pytest.fixture
def converged(crm: Cli) -> Cli:
    assert crm.run("apply", "--yes").code == 0
    return crm


def by_hand(emulator: Emulator, *, switch: bool = True) -> None:
    """What an administrator does in the browser."""
    org = Org(emulator)
    body = {"ParentId": BREAK_GLASS, "SetupEntityId": BILLING_APP}
    done = org.call("POST", "/sobjects/SetupEntityAccess", json=body, session=BROWSER)
    assert done.status_code == 201
    if switch:
        inner = f"<met:{SWITCH}>false</met:{SWITCH}>"
        org.update("ConnectedAppSettings", "ConnectedApp", inner, session=BROWSER)


def changes(crm: Cli) -> dict[str, Any]:
    done = crm.run("drift", "--format", "json")
    assert done.code == 2, done.err
    return {one["address"].removeprefix(f"{UNIT}/"): one for one in done.json["changes"]}


def test_whoever_made_a_difference_is_named(converged: Cli, emulator: Emulator) -> None:
    by_hand(emulator)
    found = changes(converged)
    assert len(found) == 2
    for one in found.values():
        (by,) = one["changedBy"]
        assert (by["user"], by["own"], one["cause"]) == (ADMIN, False, "live")
        assert by["at"].endswith("Z")
        assert "Billing Sync" in by["what"] or SWITCH in by["what"]


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_people_read_it_on_one_line(converged: Cli, emulator: Emulator, form: str) -> None:
    by_hand(emulator)
    shown = converged.run("drift", "--format", form).out
    assert shown.count(f"by {ADMIN}, 20") == 2


def test_it_is_one_call_more_and_only_where_there_is_drift(
    converged: Cli, emulator: Emulator
) -> None:
    def calls() -> int:
        before = len(emulator.logged())
        converged.run("drift")
        return len(emulator.logged()) - before

    quiet = calls()
    by_hand(emulator)
    assert calls() == quiet + 1


def test_what_the_files_changed_is_nobody_s_deed(converged: Cli, emulator: Emulator) -> None:
    by_hand(emulator, switch=False)
    converged.edit(ACCESS, "refreshToken: zero", 'refreshToken: "specific_lifetime:30:DAYS"')
    found = changes(converged)
    assert found["Billing Sync"]["cause"] == "pending"
    assert "changedBy" not in found["Billing Sync"]
    assert found["Billing Sync/permissionSet:Break_Glass_API"]["changedBy"]


def test_before_the_first_run_the_trail_is_asked_all_the_same(crm: Cli) -> None:
    found = changes(crm)
    assert [name for name in found if "changedBy" in found[name]] == ["Billing Sync"]
    (by,) = found["Billing Sync"]["changedBy"]
    assert (by["user"], by["what"]) == (ADMIN, "Created connected app Billing_Sync")


def test_without_the_right_there_is_a_warning(converged: Cli, emulator: Emulator) -> None:
    by_hand(emulator)
    refused = {"status": 400, "body": [{"errorCode": "INVALID_TYPE", "message": "no such type"}]}
    emulator.faults(
        {"match": {"method": "GET", "path": "SetupAuditTrail"}, "times": 9, "fault": refused}
    )
    done = converged.run("drift", "--format", "json")
    assert done.code == 2
    assert done.json["errors"] == []
    (warning,) = (one for one in done.json["warnings"] if "who changed it" in one)
    assert warning == (
        f"{UNIT}: who changed it cannot be seen: give this login's user View Setup and "
        "Configuration"
    )
    assert all("changedBy" not in one for one in done.json["changes"])
