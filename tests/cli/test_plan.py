"""`plan`, its file, `show` of it, and `apply` of what was reviewed."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.cli.driver import Cli, environment
from tests.emulator.driver import Emulator

ORDERS = 19001001
ALLOWLIST = "policies/acme/production/orders.yaml"
SUMMARY = {"create": 3, "update": 3, "delete": 1, "reorder": 1, "unchanged": 25, "unmanaged": 1}
ADDRESSES = {
    "update acme/production/customers/client-id-enforcement",
    "reorder acme/production/customers",
    "update acme/production/inventory/rate-limiting",
    "create acme/production/orders/ip-allowlist",
    "create acme/production/orders/rate-limiting:writes",
    "update acme/production/orders-partners/rate-limiting",
    "create acme/production/pay-out:internal/spike-control",
    "delete acme/production/pay-out:internal/http-caching",
}


def test_plan_of_the_sample(cli: Cli, emulator: Emulator) -> None:
    plan = cli.run("plan", "--format", "json").json
    assert plan["summary"] == SUMMARY
    assert {f"{item['action']} {item['address']}" for item in plan["changes"]} == ADDRESSES
    unmanaged = {
        "address": "acme/production/customers/message-logging",
        "platform": "anypoint",
        "kind": "policy",
    }
    assert plan["unmanaged"] == [unmanaged]
    assert (plan["schemaVersion"], plan["command"], plan["errors"]) == (1, "plan", [])
    assert plan["digest"].startswith("sha256:")
    assert emulator.writes() == []


def test_plan_file_is_the_printed_plan_and_what_apply_needs(cli: Cli) -> None:
    saved = cli.plan()
    printed = cli.run("plan", "--format", "json").json
    for data in (saved, printed):
        data.pop("createdAt")
    assert set(saved) - set(printed) == {"apply"}
    assert {key: saved[key] for key in printed} == printed
    assert os.stat(cli.folder / "plan.json").st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["missing/plan.json", "policies"])
def test_a_plan_without_a_place_is_refused_before_any_call(
    cli: Cli, emulator: Emulator, name: str
) -> None:
    done = cli.run("plan", "-o", name)
    assert (done.code, done.out) == (64, "")
    assert name in done.err
    assert emulator.logged() == []
    assert [item.name for item in cli.folder.iterdir()] == ["policies"]


def test_show_prints_what_plan_printed(cli: Cli) -> None:
    for format_ in ("text", "markdown"):
        printed = cli.run("plan", "-o", "plan.json", "--format", format_)
        shown = cli.run("show", "plan.json", "--format", format_)
        assert (shown.code, shown.out, shown.err) == (0, printed.out, "")
    assert "apply it with: reconciler apply plan.json" in printed.err


def test_a_saved_plan_is_applied_and_the_next_one_is_empty(cli: Cli, emulator: Emulator) -> None:
    cli.plan()
    done = cli.run("apply", "plan.json", "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert done.outcomes() == dict.fromkeys(ADDRESSES, "applied")
    assert done.json["run"]
    assert len(emulator.writes()) == len(ADDRESSES)
    again = cli.run("plan", "--detailed-exitcode", "--format", "json")
    assert (again.code, again.json["changes"]) == (0, [])


def test_a_plan_applied_twice_writes_nothing_the_second_time(cli: Cli, emulator: Emulator) -> None:
    cli.plan()
    cli.run("apply", "plan.json")
    writes = emulator.writes()
    done = cli.run("apply", "plan.json", "--format", "json")
    assert done.code == 6
    assert "ip-allowlist: is new" in done.messages[0]
    assert emulator.writes() == writes


# Files that are no plan


NO_PLANS = (
    (b"", "not JSON"),
    (b"\x00\xff\xfe", "not a plan file"),
    (b"policies: []", "not JSON"),
    (b"[]", "no plan file"),
    (b"{}", "no plan file"),
    (b'{"command": "plan"}', "no plan file"),
    (b'{"command": "drift", "apply": {}}', "no plan file"),
    (b'{"schemaVersion": 2, "command": "plan", "apply": {}}', "schemaVersion"),
    (b'{"schemaVersion": 1, "command": "plan", "apply": {}}', "damaged"),
    (b'{"schemaVersion": 1, "command": "plan", "apply": []}', "damaged"),
    (b"[" * 100_000, "not a plan file"),
    (b'{"schemaVersion": 1' + b"1" * 5000 + b"}", "not"),
)


def test_what_is_no_plan_is_refused(bare: Cli) -> None:
    for number, (content, words) in enumerate(NO_PLANS):
        (bare.folder / "plan.json").write_bytes(content)
        # Both read it in the same place.
        done = bare.run("apply" if number % 4 else "show", "plan.json")
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith("error: plan.json")
        assert words in done.err


def test_a_truncated_plan_is_refused_with_its_place(cli: Cli) -> None:
    cli.plan()
    path = cli.folder / "plan.json"
    path.write_bytes(path.read_bytes()[:-400])
    done = cli.run("apply", "plan.json", "--format", "json")
    assert (done.code, done.json["errors"][0]["file"]) == (3, "plan.json")
    assert done.json["errors"][0]["line"] > 1


@pytest.mark.parametrize("name", [".", "nosuch/plan.json"])
def test_a_plan_that_cannot_be_read_is_wrong_usage(bare: Cli, name: str) -> None:
    assert bare.run("apply", name).code == 64


# Plans that are not the reviewed one


def _first_field(plan: Any) -> None:
    plan["changes"][0]["fields"][0]["desired"] = "edited"


def _no_delete(plan: Any) -> None:
    plan["changes"] = [item for item in plan["changes"] if item["action"] != "delete"]


def _live(plan: Any) -> None:
    unit = plan["apply"]["units"][0]
    unit["live"][next(iter(unit["live"]))]["order"] = 99


def _fingerprint(plan: Any) -> None:
    plan["apply"]["units"][0]["fingerprint"] = "sha256:" + "0" * 64


def _other_api(plan: Any) -> None:
    plan["apply"]["units"][0]["target"]["api"] = "19001008"


def _wider(plan: Any) -> None:
    plan["apply"]["scope"]["api"] = []


def _digest(plan: Any) -> None:
    plan["digest"] = plan["digest"][:-1] + ("0" if plan["digest"][-1] != "0" else "1")


def test_an_edited_plan_is_refused_and_still_shown(cli: Cli, emulator: Emulator) -> None:
    plan = json.dumps(cli.plan("plan.json", "--api", "pay-*", "--api", "orders"))
    for edit in (_first_field, _no_delete, _live, _fingerprint, _other_api, _wider, _digest):
        edited = json.loads(plan)
        edit(edited)
        cli.write({"plan.json": json.dumps(edited)})
        done = cli.run("apply", "plan.json")
        assert (done.code, done.out) == (5, ""), edit
        assert done.err.startswith("error: the plan was changed after it was made")
    shown = cli.run("show", "plan.json")
    assert shown.code == 5
    assert "\nPlan: " in shown.out
    assert emulator.writes() == []


def test_a_plan_of_another_host_is_refused(cli: Cli, emulator: Emulator) -> None:
    cli.plan()
    other = emulator.url.replace("127.0.0.1", "localhost")
    done = cli.run("apply", "plan.json", ANYPOINT_HOST=other)
    assert done.code == 5
    assert "at another place" in done.err
    assert emulator.writes() == []


def test_a_plan_of_another_organization_is_refused(cli: Cli, emulator: Emulator) -> None:
    cli.plan("plan.json", "--api", "orders", "--env", "production")
    cli.edit("policies/acme/organization.yaml", "Acme Corp", "Payments")
    done = cli.run("apply", "plan.json")
    assert done.code in (3, 5)
    assert emulator.writes() == []


def test_a_plan_of_other_files_is_refused(cli: Cli, emulator: Emulator) -> None:
    edits = (
        (ALLOWLIST, "ips: [1.1.1.1]", "ips: [1.1.1.2]"),
        # Not of an API that the plan touches.
        ("policies/acme/sandbox/orders.yaml", "1000,", "1001,"),
        ("policies/acme/organization.yaml", "cors: 1.3.2", "cors: 1.3.1"),
    )
    cli.plan()
    for name, old, new in edits:
        cli.edit(name, old, new)
        done = cli.run("apply", "plan.json", "--format", "json")
        assert done.code == 5, name
        assert "the files say something else" in done.messages[0]
        cli.edit(name, new, old)
    assert emulator.writes() == []


def test_a_comment_changes_no_plan(cli: Cli) -> None:
    cli.plan("plan.json", "--api", "inventory")
    cli.edit(ALLOWLIST, "kind: ApiInstance", "# one more line\nkind:   ApiInstance")
    assert cli.run("apply", "plan.json").code == 0


def test_a_plan_has_its_own_scope(cli: Cli, emulator: Emulator) -> None:
    cli.plan("plan.json", "--api", "inventory")
    other = cli.run("apply", "plan.json", "--api", "orders")
    assert (other.code, other.out) == (64, "")
    assert "has its own scope" in other.err
    assert emulator.writes() == []
    assert cli.run("apply", "plan.json", RECONCILER_API="inventory").code == 0


def test_an_expected_digest_is_held_against_a_plan_made_afresh(
    cli: Cli, emulator: Emulator
) -> None:
    digest = cli.run("plan", "--api", "orders", "--format", "json").json["digest"]
    wrong = cli.run("apply", "--expect-digest", digest, "--api", "inventory")
    assert wrong.code == 5
    assert "not the reviewed one" in wrong.err
    assert emulator.writes() == []
    right = cli.run("apply", "--expect-digest", digest, "--api", "orders", "--format", "json")
    assert right.code == 0
    assert set(right.outcomes().values()) == {"applied"}


# Plans of what is no longer so


def _tampered(emulator: Emulator) -> None:
    policy = emulator.stored(19001002)["policies"][2]
    assert policy["assetId"] == "rate-limiting"
    limits = [{"maximumRequests": 7, "timePeriodInMilliseconds": 60000}]
    patch = {"configurationData": {"rateLimits": limits, "exposeHeaders": True}}
    emulator.tamper(apiId=19001002, policyId=policy["id"], patch=patch, user="somebody")


def test_a_stale_plan_writes_nothing_and_names_the_fields(cli: Cli, emulator: Emulator) -> None:
    cli.plan()
    _tampered(emulator)
    done = cli.run("apply", "plan.json", "--format", "json")
    assert done.code == 6
    assert "acme/production/orders-partners: rate-limiting: config.rateLimits" in done.messages[0]
    assert emulator.writes() == []
    assert cli.run("show", "plan.json").code == 0


def test_stale_apis_can_be_skipped(cli: Cli, emulator: Emulator) -> None:
    cli.plan()
    _tampered(emulator)
    done = cli.run("apply", "plan.json", "--on-stale", "skip", "--format", "json")
    assert done.code == 7
    skipped = [name for name, outcome in done.outcomes().items() if outcome == "skipped"]
    assert skipped == ["update acme/production/orders-partners/rate-limiting"]
    assert len(done.outcomes()) == len(ADDRESSES)
    assert done.json["summary"]["applied"] == 7


def test_an_api_that_is_gone_stops_its_plan(cli: Cli, emulator: Emulator) -> None:
    cli.plan()
    emulator.tamper(platform="anypoint", resource="apis", id=19001006, patch={"delete": True})
    done = cli.run("apply", "plan.json", "--format", "json")
    assert done.code in (3, 5, 6)
    assert "inventory" in json.dumps(done.json["errors"])
    assert emulator.writes() == []


def test_plans_are_equal_whoever_makes_them(cli: Cli, emulator: Emulator) -> None:
    cli.environ = {**environment(emulator), "RECONCILER_SECRET_KEY": "shared"}
    digests = {
        cli.run("plan", "--format", "json", "--parallelism", number).json["digest"]
        for number in ("1", "8", "auto")
    }
    assert len(digests) == 1
