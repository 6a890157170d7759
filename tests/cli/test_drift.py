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
