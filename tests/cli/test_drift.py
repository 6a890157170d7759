"""`drift`: reads only, and its exit codes."""

from __future__ import annotations

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import Emulator

READS = {"GET", "POST"}


def test_drift_is_a_plan_with_causes_and_writes_nothing(cli: Cli, emulator: Emulator) -> None:
    done = cli.run("drift", "--format", "json")
    plan = cli.run("plan", "--format", "json").json
    assert done.code == 2
    assert done.json["command"] == "drift"
    assert done.json["summary"] == plan["summary"]
    assert {item["cause"] for item in done.json["changes"]} <= {"pending", "live", "unknown"}
    without = [{key: item[key] for key in item if key != "cause"} for item in done.json["changes"]]
    assert without == plan["changes"]
    assert emulator.writes() == []


def test_text_and_markdown_call_it_drift(cli: Cli) -> None:
    text = cli.run("drift", "--api", "inventory")
    markdown = cli.run("drift", "--api", "inventory", "--format", "markdown")
    assert (text.code, markdown.code) == (2, 2)
    assert text.out.splitlines()[-1].startswith("Drift: 1 to update")
    assert markdown.out.startswith("## Drift\n")


def test_no_drift_is_0(cli: Cli) -> None:
    done = cli.run("drift", "--api", "catalog")
    assert (done.code, done.out) == (0, "Drift: no drift; 3 unchanged.\n")


@pytest.mark.parametrize(
    ("flags", "protected", "code"),
    [((), False, 0), (("--fail-on-unmanaged",), False, 2), ((), True, 2)],
)
def test_unmanaged_policies_alone(
    cli: Cli, flags: tuple[str, ...], protected: bool, code: int
) -> None:
    assert cli.run("apply", "--yes", "--api", "customers").code == 0
    if protected:
        name = "policies/acme/production/environment.yaml"
        cli.edit(name, "environment: Production", "protected: true\nenvironment: Production")
    done = cli.run("drift", "--api", "customers", "--format", "json", *flags)
    assert done.code == code
    assert done.json["changes"] == []
    assert done.json["summary"]["unmanaged"] == 1


# Which of the two moved

INVENTORY = "policies/acme/production/inventory.yaml"


def drifted(cli: Cli) -> dict[str, str]:
    """Address of each change, with its cause."""
    done = cli.run("drift", "--format", "json", "--api", "inventory")
    return {item["address"].rpartition("/")[2]: item["cause"] for item in done.json["changes"]}


def tampered(emulator: Emulator, patch: dict[str, object]) -> None:
    policies = emulator.stored(19001006)["policies"]
    policy = next(item for item in policies if item["assetId"] == "rate-limiting")
    emulator.tamper(apiId=19001006, policyId=policy["id"], patch=patch, user="x")


def test_before_a_converged_run_no_cause_is_known(cli: Cli) -> None:
    assert drifted(cli) == {"rate-limiting": "unknown"}
    assert "[" not in cli.run("drift", "--api", "inventory").out.splitlines()[1]


def test_what_somebody_changed_is_live(cli: Cli, emulator: Emulator) -> None:
    assert cli.run("apply", "--yes", "--api", "inventory").code == 0
    assert drifted(cli) == {}
    tampered(emulator, {"disabled": True})
    assert drifted(cli) == {"rate-limiting": "live"}
    assert "[live]" in cli.run("drift", "--api", "inventory").out
    markdown = cli.run("drift", "--api", "inventory", "--format", "markdown")
    assert "rate-limiting` (live)" in markdown.out


def test_what_somebody_took_away_is_live(cli: Cli, emulator: Emulator) -> None:
    assert cli.run("apply", "--yes", "--api", "inventory").code == 0
    tampered(emulator, {"delete": True})
    assert drifted(cli) == {"rate-limiting": "live"}


def test_what_the_files_say_since_is_pending(cli: Cli) -> None:
    assert cli.run("apply", "--yes", "--api", "inventory").code == 0
    cli.edit(INVENTORY, "maximumRequests: ", "maximumRequests: 1")
    assert drifted(cli) == {"rate-limiting": "pending"}
    assert "[pending]" in cli.run("drift", "--api", "inventory").out


def test_what_both_changed_is_live(cli: Cli, emulator: Emulator) -> None:
    assert cli.run("apply", "--yes", "--api", "inventory").code == 0
    cli.edit(INVENTORY, "maximumRequests: ", "maximumRequests: 1")
    tampered(emulator, {"disabled": True})
    assert drifted(cli) == {"rate-limiting": "live"}
