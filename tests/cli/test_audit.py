"""`audit` in a real process, against the emulated org."""

from __future__ import annotations

import csv
import io

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import Emulator

ACCESS = "policies/acme-crm/uat/access.yaml"
UNIT = "acme-crm/uat/access"


def test_an_org_is_reviewed(crm: Cli) -> None:
    done = crm.run("audit", "--format", "json")
    assert done.code == 0, done.err
    (one,) = done.json["environments"]
    assert one["address"] == UNIT
    apps = {app["name"]: app for app in one["apps"]}
    own, tool = apps["Access Reconciler"], apps["Data Tool"]
    assert own["grants"] == [{"kind": "permissionSet", "name": "Access_Reconciler_Use", "users": 1}]
    assert (own["owner"], own["reviewBy"]) == ("platform-security", "2027-06-30")
    assert (tool["installed"], tool["inFiles"], tool["use"]["users"]) == (False, False, 1)
    assert one["bypass"] == [
        {
            "permission": "Use Any API Client",
            "kind": "permissionSet",
            "name": "Break_Glass_API",
            "users": 1,
        }
    ]
    found = {(each["subject"], each["code"]) for each in one["findings"]}
    assert {
        ("Data Tool", "used-not-installed"),
        ("Billing Sync", "self-authorize"),
        ("Partner Sync", "unused"),
        ("Warehouse Loader", "unlisted"),
    } <= found


@pytest.mark.parametrize("form", ["text", "markdown", "csv", "json"])
def test_what_is_overdue_exits_with_2(crm: Cli, form: str) -> None:
    crm.edit(ACCESS, "reviewBy: 2027-02-01", "reviewBy: 2026-01-31")
    done = crm.run("audit", "--format", form)
    assert done.code == 2
    assert "2026-01-31" in done.out


def test_people_read_the_worst_first_and_its_place(crm: Cli) -> None:
    crm.edit(ACCESS, "reviewBy: 2027-02-01", "reviewBy: 2026-01-31")
    lines = crm.run("audit").out.splitlines()
    assert lines[0] == f"{UNIT}: 5 apps, 1 overdue, 6 warnings"
    assert lines[2] == "Overdue (1):"
    place = crm.place(ACCESS, "name: Billing Sync")
    assert lines[3].endswith(f"(billing-team); review it, and set reviewBy anew  {place}")


def test_a_spreadsheet_takes_nothing_for_a_formula(crm: Cli) -> None:
    crm.edit(ACCESS, "owner: billing-team", 'owner: "=HYPERLINK(\\"http://x\\")"')
    rows = list(csv.DictReader(io.StringIO(crm.run("audit", "--format", "csv").out)))
    billing = next(row for row in rows if row["app"] == "Billing Sync")
    assert billing["owner"] == '\'=HYPERLINK("http://x")'
    assert {row["environment"] for row in rows} == {UNIT}


def test_nothing_is_written(crm: Cli, emulator: Emulator) -> None:
    before = emulator.control("state")["salesforce"]["SetupAuditTrail"]
    assert crm.run("audit").code == 0
    assert emulator.control("state")["salesforce"]["SetupAuditTrail"] == before


def test_rights_that_are_missing_are_told(crm: Cli, emulator: Emulator) -> None:
    refused = {"status": 400, "body": [{"errorCode": "INVALID_TYPE", "message": "no such type"}]}
    emulator.fail(refused, times=9, method="GET", path="LoginHistory")
    done = crm.run("audit", "--format", "json")
    assert done.code == 0
    found = done.json["environments"][0]["findings"]
    assert any("Monitor Login History" in one["message"] for one in found)
    assert "unused" not in {one["code"] for one in found}


def test_it_is_for_salesforce_alone(cli: Cli) -> None:
    done = cli.run("audit")
    assert done.code == 64
    assert "platform: salesforce" in done.err


def test_its_format_is_no_other_commands(cli: Cli) -> None:
    done = cli.run("plan", "--format", "csv")
    assert done.code == 64
    assert "--format csv is for audit" in done.err


def test_an_org_that_cannot_be_reached_is_an_error(crm: Cli) -> None:
    done = crm.run("audit", "--format", "json", SALESFORCE_CLIENT_SECRET="wrong")
    assert done.code == 4
    assert done.json["environments"] == []
    assert done.json["errors"]
