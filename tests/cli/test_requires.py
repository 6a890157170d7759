"""`requires:` and `--drift-result`, by the real command."""

from __future__ import annotations

import json

import pytest

from tests.cli.driver import Cli, Done
from tests.emulator.driver import Emulator

PRODUCTION = "policies/acme/production/environment.yaml"
SANDBOX = ("--env", "sandbox")


@pytest.fixture
def gated(cli: Cli) -> Cli:
    """Production requires the sandbox."""
    said = "requires: {converged: acme/sandbox, within: 7d}\nenvironment: Production"
    cli.edit(PRODUCTION, "environment: Production", said)
    return cli


def apply(cli: Cli, *arguments: str) -> Done:
    return cli.run("apply", "--yes", "--env", "production", *arguments)


def test_production_waits_for_the_sandbox(gated: Cli, emulator: Emulator) -> None:
    plan = gated.run("plan", "--env", "production")
    assert plan.code == 5
    assert "Plan: " in plan.out
    assert "it requires acme/sandbox, which has not converged" in plan.out
    done = apply(gated)
    assert done.code == 5
    assert "reconciler apply --org acme --env sandbox" in done.err
    assert emulator.writes() == []
    assert gated.run("apply", "--yes", *SANDBOX).code == 0
    assert apply(gated).code == 0


def test_what_the_sandbox_has_not_got_yet_waits_again(gated: Cli) -> None:
    assert gated.run("apply", "--yes", *SANDBOX).code == 0
    gated.edit("policies/acme/sandbox/orders.yaml", "policies:", "# edited\npolicies:")
    assert gated.run("plan", "--env", "production").code == 0
    gated.edit(
        "policies/acme/sandbox/environment.yaml", "environment:", "prune: true\nenvironment:"
    )
    done = apply(gated)
    assert done.code == 5
    assert "has converged on other files" in done.err


def test_a_saved_plan_of_the_sandbox_is_enough(gated: Cli) -> None:
    gated.plan("sandbox.json", *SANDBOX)
    assert gated.run("apply", "sandbox.json").code == 0
    assert apply(gated).code == 0


def test_the_drift_result_of_another_machine_is_enough(gated: Cli) -> None:
    assert gated.run("apply", "--yes", *SANDBOX).code == 0
    drift = gated.run("drift", *SANDBOX, "--format", "json")
    assert drift.code == 0
    (told,) = drift.json["environments"]
    assert (told["address"], told["converged"]) == ("acme/sandbox", True)
    gated.write({"drift.json": drift.out})
    elsewhere = ("--state-dir", "elsewhere")
    assert apply(gated, *elsewhere).code == 5
    assert apply(gated, *elsewhere, "--drift-result", "drift.json").code == 0


def test_a_drift_result_with_drift_is_not(gated: Cli) -> None:
    gated.edit("policies/acme/sandbox/orders.yaml", "maximumRequests: 1000", "maximumRequests: 9")
    drift = gated.run("drift", *SANDBOX, "--format", "json")
    assert drift.code == 2
    assert [item["converged"] for item in drift.json["environments"]] == [False]
    gated.write({"drift.json": drift.out})
    assert apply(gated, "--drift-result", "drift.json").code == 5


def test_drift_itself_is_not_refused(gated: Cli) -> None:
    done = gated.run("drift", "--env", "production", "--format", "json")
    assert (done.code, done.json["errors"]) == (2, [])


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (None, 64, "no drift result drift.json"),
        ("{", 3, "not JSON"),
        ("{}", 3, "it is no result of `reconciler drift --format json`"),
        (json.dumps({"command": "drift", "schemaVersion": 1}), 3, "another version"),
    ],
)
def test_a_file_that_is_no_drift_result(
    gated: Cli, text: str | None, code: int, message: str
) -> None:
    if text is not None:
        gated.write({"drift.json": text})
    done = apply(gated, "--drift-result", "drift.json")
    assert done.code == code
    assert message in done.err
