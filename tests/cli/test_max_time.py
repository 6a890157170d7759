"""`--max-time` bounds the whole of a run."""

from __future__ import annotations

import time

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import Emulator


@pytest.mark.parametrize("verb", ["plan", "drift", "list apis", "apply --yes"])
def test_a_run_without_time_sends_nothing_and_says_why(
    cli: Cli, emulator: Emulator, verb: str
) -> None:
    done = cli.run(*verb.split(), "--max-time", "0.000001", "--format", "json")
    assert done.code == 1
    assert done.messages
    assert all("took longer than it may (--max-time 1e-06)" in each for each in done.messages)
    assert emulator.logged() == []


def test_the_variable_serves_too(cli: Cli) -> None:
    done = cli.run("plan", RECONCILER_MAX_TIME="0.000001")
    assert done.code == 1
    assert "--max-time" in done.out + done.err


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan", "inf"])
def test_what_is_no_time_is_wrong_usage(cli: Cli, value: str) -> None:
    assert cli.run("plan", f"--max-time={value}").code == 64


def test_a_wait_that_the_run_has_no_time_for_is_not_begun(cli: Cli, emulator: Emulator) -> None:
    fault = {"status": 429, "headers": {"Retry-After": "90"}}
    emulator.fail(fault, method="PATCH", path="/policies")
    began = time.monotonic()
    done = cli.run("apply", "--yes", "--max-time", "30", "--format", "json")
    assert time.monotonic() - began < 30
    assert done.code in (1, 7)
    reasons = [change["reason"] for change in done.json["changes"]]
    assert any("no time is left: --max-time 30" in reason for reason in reasons)
    assert any("not sent: " in reason for reason in reasons)
    throttled = [each for each in emulator.writes() if each["status"] == 429]
    assert 1 <= len(throttled) <= 8
    emulator.faults()
    again = cli.run("apply", "--yes", "--format", "json")
    assert again.code == 0
    assert cli.run("plan", "--detailed-exitcode").code == 0
