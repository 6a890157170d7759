"""Automated policies of an environment, and what they do to the policies of its APIs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.driver import Cli, Done
from tests.emulator.driver import ACME, MULESOFT, SANDBOX, Emulator

FILE = "policies/acme/sandbox/environment.yaml"
ORDERS = "policies/acme/sandbox/orders.yaml"
API = 19002001
UNIT = "acme/sandbox/automatedPolicies"
LIST = "automated-policies"

HEADERS = """
automatedPolicies:
  - policyRef: {name: header-injection, version: 1.3.1}
    ruleOfApplication: {technologies: [mule4], range: {from: 4.1.1, to: 4.6.x}}
    config:
      inboundHeaders: [{key: x-team, value: a}]
      outboundHeaders: []
"""
LIMITS = """
automatedPolicies:
  - policyRef: {name: rate-limiting}
    config: {rateLimits: [{maximumRequests: 9, timePeriodInMilliseconds: 1000}]}
"""


@pytest.fixture
def sandbox(cli: Cli) -> Cli:
    """The command for the sandbox alone, whose own automated policy no file names."""
    cli.environ["RECONCILER_ENV"] = "sandbox"
    cli.environ["RECONCILER_FORMAT"] = "json"
    return cli


def append(cli: Cli, text: str, file: str = FILE) -> None:
    path = cli.folder / file
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def plan(cli: Cli, code: int = 0) -> Done:
    done = cli.run("plan")
    assert done.code == code, done.out
    return done


def changes(cli: Cli) -> list[str]:
    return [f"{item['action']} {item['address']}" for item in plan(cli).json["changes"]]


def apply(cli: Cli) -> Done:
    done = cli.run("apply", "--yes")
    assert done.code == 0, done.out + done.err
    return done


def automated(emulator: Emulator) -> dict[str, Any]:
    found = emulator.state()["automatedPolicies"]
    return {item["assetId"]: item for item in found}


def an_automated(emulator: Emulator, asset: str = "rate-limiting", **rule: Any) -> None:
    """A live automated policy of the sandbox, which switches off what it covers."""
    emulator.tamper(
        platform="anypoint",
        resource="automatedPolicies",
        patch={
            "ruleOfApplication": {"organizationId": ACME, "environmentId": SANDBOX, **rule},
            "groupId": MULESOFT,
            "assetId": asset,
            "assetVersion": "1.4.0",
            "configurationData": {
                "rateLimits": [{"maximumRequests": 9, "timePeriodInMilliseconds": 1000}]
            },
        },
    )


def lists(emulator: Emulator) -> int:
    """How often automated policies were listed since the last reset."""
    return sum(item["method"] == "GET" and LIST in item["path"] for item in emulator.logged())


def test_one_is_created_updated_and_deleted(sandbox: Cli, emulator: Emulator) -> None:
    append(sandbox, HEADERS)
    assert changes(sandbox) == [f"create {UNIT}/header-injection"]
    apply(sandbox)
    made = automated(emulator)["header-injection"]
    assert made["ruleOfApplication"]["technologies"] == ["mule4"]
    assert made["ruleOfApplication"]["range"] == {"from": "4.1.1", "to": "4.6.x"}
    assert changes(sandbox) == []

    sandbox.edit(FILE, "value: a", "value: b")
    sandbox.edit(FILE, "to: 4.6.x", "to: 4.9.x")
    done = plan(sandbox).json["changes"]
    assert [field["path"] for field in done[0]["fields"]] == [
        "config.inboundHeaders[0].value",
        "ruleOfApplication.range.to",
    ]
    apply(sandbox)
    changed = automated(emulator)["header-injection"]
    assert (changed["id"], changed["ruleOfApplication"]["range"]["to"]) == (made["id"], "4.9.x")
    assert changes(sandbox) == []

    text = (sandbox.folder / FILE).read_text("utf-8").partition("automatedPolicies:")[0]
    (sandbox.folder / FILE).write_text(f"{text}prune: true\nautomatedPolicies: []\n", "utf-8")
    assert changes(sandbox) == [
        f"delete {UNIT}/message-logging",
        f"delete {UNIT}/header-injection",
    ]
    apply(sandbox)
    assert automated(emulator) == {}
    assert changes(sandbox) == []


def test_what_no_file_names_is_left_alone(sandbox: Cli, emulator: Emulator) -> None:
    append(sandbox, HEADERS)
    unmanaged = plan(sandbox).json["unmanaged"]
    assert [item["address"] for item in unmanaged] == [f"{UNIT}/message-logging"]
    apply(sandbox)
    assert set(automated(emulator)) == {"message-logging", "header-injection"}


def test_its_version_comes_from_the_pins(sandbox: Cli, emulator: Emulator) -> None:
    append(sandbox, HEADERS.replace(", version: 1.3.1", ""))
    sandbox.edit(
        FILE, "environment: Sandbox", "environment: Sandbox\nversions: {header-injection: 1.3.1}"
    )
    apply(sandbox)
    assert automated(emulator)["header-injection"]["assetVersion"] == "1.3.1"
    assert changes(sandbox) == []


def test_one_policy_for_each_technology(sandbox: Cli, emulator: Emulator) -> None:
    entry = HEADERS.replace("\nautomatedPolicies:", "").replace("value: a", "value: flex")
    flex = entry.replace(
        "{technologies: [mule4], range: {from: 4.1.1, to: 4.6.x}}", "{technologies: [flexGateway]}"
    )
    append(sandbox, HEADERS.rstrip("\n") + flex)
    both = [f"{UNIT}/header-injection:{name}" for name in ("mule4", "flexGateway")]
    assert changes(sandbox) == [f"create {address}" for address in both]
    apply(sandbox)
    assert len(emulator.state()["automatedPolicies"]) == 3
    assert changes(sandbox) == []
    sandbox.edit(FILE, "value: flex", "value: other")
    sandbox.edit(FILE, "to: 4.6.x", "to: 4.7.x")
    assert sorted(changes(sandbox)) == sorted(f"update {address}" for address in both)
    apply(sandbox)
    assert changes(sandbox) == []


@pytest.mark.parametrize("verb", [("plan",), ("validate", "--online"), ("apply", "--yes")])
def test_a_declared_one_over_a_policy_of_an_api_is_an_error_that_says_which(
    sandbox: Cli, emulator: Emulator, verb: tuple[str, ...]
) -> None:
    append(sandbox, LIMITS)
    done = sandbox.run(*verb)
    assert done.code == 3
    error = done.json["errors"][0] if verb[0] != "apply" else done.json["errors"][-1]
    assert f"the automated policy {UNIT}/rate-limiting ({FILE}:" in error["message"]
    assert "covers this API" in error["message"]
    assert error["file"] == ORDERS
    assert emulator.writes() == []


def test_a_live_one_over_a_policy_of_an_api_is_an_error_of_validate_online(
    sandbox: Cli, emulator: Emulator
) -> None:
    an_automated(emulator)
    done = sandbox.run("validate", "--online")
    assert done.code == 3
    assert f"{UNIT}/rate-limiting (live, id " in done.json["errors"][0]["message"]
    assert lists(emulator) == 1
    assert sandbox.run("validate").code == 0


def test_another_technology_is_no_conflict(sandbox: Cli, emulator: Emulator) -> None:
    append(sandbox, LIMITS + "    ruleOfApplication: {technologies: [flexGateway]}\n")
    assert sandbox.run("validate", "--online").code == 0
    assert changes(sandbox) == [f"create {UNIT}/rate-limiting"]
    apply(sandbox)


def test_a_range_leaves_it_open_and_is_a_warning(sandbox: Cli, emulator: Emulator) -> None:
    append(sandbox, LIMITS + "    ruleOfApplication: {range: {from: 4.9.0}}\n")
    for verb in (("validate", "--online"), ("plan",)):
        done = sandbox.run(*verb)
        assert done.code == 0
        assert any("may cover this API" in text for text in done.json["warnings"])


def test_what_a_live_one_switched_off_is_explained_and_no_change(
    sandbox: Cli, emulator: Emulator
) -> None:
    an_automated(emulator)
    assert [item["disabled"] for item in emulator.stored(API)["policies"]] == [False, True]
    before = lists(emulator)
    for verb, code in (("plan", 0), ("drift", 0)):
        done = sandbox.run(verb)
        assert (done.code, done.json["changes"]) == (code, [])
        assert any(
            "acme/sandbox/orders/rate-limiting: switched off by the automated policy "
            f"{UNIT}/rate-limiting (live, id " in text
            for text in done.json["warnings"]
        )
    assert lists(emulator) == before + 2


def test_another_field_of_it_is_still_changed_alone(sandbox: Cli, emulator: Emulator) -> None:
    an_automated(emulator)
    sandbox.edit(ORDERS, "1000,", "2000,")
    sandbox.plan("plan.json")
    assert [item["path"] for item in plan(sandbox).json["changes"][0]["fields"]] == [
        "config.rateLimits[0].maximumRequests"
    ]
    done = sandbox.run("apply", "plan.json", RECONCILER_ENV=None)
    assert done.code == 0, done.out
    stored = emulator.stored(API)["policies"][1]
    assert stored["disabled"]
    assert stored["configurationData"]["rateLimits"][0]["maximumRequests"] == 2000
    assert changes(sandbox) == []


def test_what_somebody_switched_off_is_drift(sandbox: Cli, emulator: Emulator) -> None:
    policy = emulator.stored(API)["policies"][1]["id"]
    emulator.tamper(apiId=API, policyId=policy, patch={"disabled": True})
    done = sandbox.run("drift")
    assert done.code == 2
    assert [field["path"] for field in done.json["changes"][0]["fields"]] == ["disabled"]


def test_lists_are_read_only_where_they_are_needed(sandbox: Cli, emulator: Emulator) -> None:
    plan(sandbox)
    assert lists(emulator) == 0
    append(sandbox, HEADERS)
    plan(sandbox)
    assert lists(emulator) == 1


def test_a_list_that_may_not_be_read_leaves_the_change_and_says_so(
    sandbox: Cli, emulator: Emulator
) -> None:
    an_automated(emulator)
    emulator.fail({"status": 403, "body": {}}, method="GET", path=LIST)
    done = plan(sandbox)
    assert [item["action"] for item in done.json["changes"]] == ["update"]
    assert any("which automated policies cover" in text for text in done.json["warnings"])


@pytest.mark.parametrize("back", [False, True])
def test_a_policy_moves_between_its_api_and_the_environment(
    sandbox: Cli, emulator: Emulator, back: bool
) -> None:
    """The service has only one of the two at a time, so one goes before the other comes."""
    original = {file: (sandbox.folder / file).read_text("utf-8") for file in (FILE, ORDERS)}
    append(sandbox, LIMITS)
    text = original[ORDERS]
    moved = text[: text.index("policies:")] + (
        "absent: [{policy: rate-limiting, reason: for the whole environment}]\n"
    )
    (sandbox.folder / ORDERS).write_text(moved, "utf-8")
    assert sorted(changes(sandbox)) == [
        "create acme/sandbox/automatedPolicies/rate-limiting",
        "delete acme/sandbox/orders/rate-limiting",
    ]
    apply(sandbox)
    assert changes(sandbox) == []
    if back:
        (sandbox.folder / ORDERS).write_text(original[ORDERS], "utf-8")
        empty = original[FILE] + "\nprune: true\nautomatedPolicies: []\n"
        (sandbox.folder / FILE).write_text(empty, "utf-8")
        assert "create acme/sandbox/orders/rate-limiting" in changes(sandbox)
        apply(sandbox)
        assert changes(sandbox) == []
