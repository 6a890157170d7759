"""Who would lose an app that he uses, end to end: shown, refused, accepted, or not to be seen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.driver import Cli
from tests.cli.test_salesforce import ACCESS, ALL_USERS, UNIT, switches, tamper
from tests.emulator.driver import Emulator

LIMIT = f"{UNIT}/{ALL_USERS}"
WAREHOUSE, DATA_TOOL = "Warehouse Loader", "Data Tool"
LOGINS = "the logins of other users (give the login's user Monitor Login History)"


def use(emulator: Emulator, app: str, user: str = "analyst@acme.example") -> None:
    """Somebody calls the org through the app, yesterday."""
    row = {"App": app, "User": user, "LastUsedDate": "-1d", "UseCount": 7}
    tamper(emulator, "OauthToken", row)


def hide_logins(emulator: Emulator) -> None:
    patch = {"PermissionsMonitorLoginHistory": False}
    tamper(emulator, "PermissionSet", patch, "Access_Reconciler_Admin")


def told(data: Any) -> list[tuple[str, list[str], bool]]:
    return [(one["app"], one["users"], one["accepted"]) for one in data.get("outage", [])]


def test_a_plan_that_takes_an_app_in_use_is_refused(crm: Cli, emulator: Emulator) -> None:
    use(emulator, WAREHOUSE)
    planned = crm.run("plan", "--format", "json")
    assert planned.code == 5
    (one,) = planned.json["outage"]
    assert one.pop("lastUsed").endswith("Z")
    assert one == {
        "address": LIMIT,
        "app": WAREHOUSE,
        "installed": True,
        "users": ["analyst@acme.example"],
        "count": 24,
        "accepted": False,
    }
    assert "say '--accept-outage=Warehouse Loader'" in planned.messages[0]
    assert crm.run("apply", "--yes").code == 5
    assert not any(switches(emulator).values())


@pytest.mark.parametrize("flag", ["--accept-outage", "--accept-outage=Ware*"])
def test_what_is_meant_is_applied(crm: Cli, emulator: Emulator, flag: str) -> None:
    use(emulator, WAREHOUSE)
    data = crm.plan("plan.json", flag)
    assert told(data) == [(WAREHOUSE, ["analyst@acme.example"], True)]
    assert crm.run("apply", "plan.json").code == 0
    assert all(list(switches(emulator).values())[:2])


def test_another_app_is_not_accepted_with_it(crm: Cli, emulator: Emulator) -> None:
    use(emulator, WAREHOUSE)
    use(emulator, DATA_TOOL)
    done = crm.run("plan", f"--accept-outage={WAREHOUSE}", "--format", "json")
    assert done.code == 5
    assert [(app, is_accepted) for app, _, is_accepted in told(done.json)] == [
        (DATA_TOOL, False),
        (WAREHOUSE, True),
    ]
    assert "install it (Setup > Connected Apps OAuth Usage > Install)" in done.messages[0]


def test_an_app_that_the_files_allow_to_its_users_is_no_outage(
    crm: Cli, emulator: Emulator
) -> None:
    use(emulator, WAREHOUSE)
    more = f"  - name: {WAREHOUSE}\n    allow: {{profiles: [Standard User]}}\nunlistedApps"
    crm.edit(ACCESS, "unlistedApps", more)
    assert told(crm.plan()) == []
    assert crm.run("apply", "plan.json").code == 0


def test_how_far_back_use_counts_is_part_of_the_plan(crm: Cli, emulator: Emulator) -> None:
    plain = crm.plan()
    assert told(plain) == []
    done = crm.run("plan", "--use-days", "60", "--format", "json")
    assert done.code == 5
    assert [app for app, _, _ in told(done.json)] == [DATA_TOOL, WAREHOUSE]
    data = crm.plan("wide.json", "--use-days", "60", "--accept-outage")
    assert data["apply"]["scope"]["useDays"] == 60
    assert data["apply"]["scope"]["acceptOutage"] == ["*"]
    assert data["digest"] != plain["digest"]
    assert crm.run("apply", "wide.json", "--use-days", "30").code == 64
    assert crm.run("apply", "wide.json").code == 0


def test_use_is_no_part_of_the_digest(crm: Cli, emulator: Emulator) -> None:
    before = crm.plan("one.json", "--accept-outage")
    use(emulator, WAREHOUSE)
    after = crm.plan("two.json", "--accept-outage")
    assert before["digest"] == after["digest"]
    assert "outage" not in before


def test_an_app_that_is_newly_in_use_since_the_plan_is_refused(
    crm: Cli, emulator: Emulator
) -> None:
    crm.plan()
    use(emulator, WAREHOUSE)
    done = crm.run("apply", "plan.json")
    assert done.code == 5
    assert "it takes 'Warehouse Loader' from users" in done.err
    assert not any(switches(emulator).values())


def test_use_that_cannot_be_seen_is_refused_and_the_right_named(
    crm: Cli, emulator: Emulator
) -> None:
    hide_logins(emulator)
    done = crm.run("plan", "--format", "json")
    assert done.code == 5
    assert [one["unseen"] for one in done.json["outage"]] == [LOGINS]
    assert f"{LOGINS} cannot be read; if you know, say --accept-outage" in done.messages[0]
    assert crm.run("plan", "--accept-outage=Ware*").code == 5
    assert crm.run("apply", "--yes", "--accept-outage").code == 0


def test_a_failure_to_read_use_is_no_use_seen(crm: Cli, emulator: Emulator) -> None:
    emulator.fail({"status": 400, "body": []}, path="LoginHistory")
    done = crm.run("plan", "--format", "json")
    assert done.code == 5
    assert "which apps are in use (salesforce: GET" in done.json["outage"][0]["unseen"]


def test_a_plan_that_narrows_nothing_asks_for_no_use(crm: Cli, emulator: Emulator) -> None:
    assert crm.run("apply", "--yes").code == 0
    hide_logins(emulator)
    crm.edit(ACCESS, f"{ALL_USERS}: true", f"{ALL_USERS}: false")
    assert crm.run("plan").code == 0


def test_it_is_shown_in_a_line_for_each_app(crm: Cli, emulator: Emulator) -> None:
    for number in range(6):
        tamper(
            emulator, "User", {"Username": f"u{number}@acme.example", "Profile": "Standard User"}
        )
        use(emulator, WAREHOUSE, f"u{number}@acme.example")
    use(emulator, DATA_TOOL)
    names = ", ".join(f"u{number}@acme.example" for number in range(4))
    text = crm.run("plan", f"--accept-outage={DATA_TOOL}").out
    assert "In use in the last 30 days, and taken away:\n" in text
    assert "  · Data Tool (not installed)  1 user   10 uses" in text
    assert "  ✗ Warehouse Loader           6 users  42 uses  last 20" in text
    assert f"{names}, u4@acme.example and 1 more\n" in text
    markdown = crm.run("plan", "--format", "markdown", f"--accept-outage={DATA_TOOL}").out
    assert "| app | users | uses | last used | who | |" in markdown
    assert "| `Data Tool (not installed)` | `1` | `10` |" in markdown
    assert "| accepted |" in markdown


def test_a_saved_plan_shows_it_again(crm: Cli, emulator: Emulator) -> None:
    use(emulator, WAREHOUSE)
    planned = crm.run("plan", "-o", "plan.json")
    assert planned.code == 5
    assert "✗ Warehouse Loader" in crm.run("show", "plan.json").out


def test_the_name_of_an_app_forges_nothing(crm: Cli, emulator: Emulator) -> None:
    name = "A`|\x1b[31m\n::error::x"
    row = {"AppName": name, "appId": None, "User": "analyst@acme.example", "LastUsedDate": "-1d"}
    state = emulator.control("state")
    state["salesforce"]["OauthToken"].append({**row, "appId": "0H45g000000Data", "UseCount": 1})
    emulator.reset({"salesforce": state["salesforce"]})
    for format_ in ("text", "markdown", "json"):
        done = crm.run("plan", "--format", format_)
        assert done.code == 5
        assert "\x1b" not in done.out
        assert not any(line.startswith("::error") for line in done.out.splitlines())


@pytest.mark.parametrize("days", ["0", "181", "x", "-1", "1e1"])
def test_days_that_are_none_are_wrong_usage(crm: Cli, days: str) -> None:
    done = crm.run("plan", f"--use-days={days}")
    assert done.code == 64
    assert "from 1 to 180" in done.err
