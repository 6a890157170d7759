"""`apply --resume`: what was begun is finished, nothing is sent twice, nobody is overwritten."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from typing import Any

import pytest

from tests.cli.driver import Cli, Done
from tests.cli.gate import gate_before
from tests.emulator.driver import Emulator

POLICY = r"/apis/\d+/policies"


def runs(cli: Cli) -> list[Any]:
    found: list[Any] = cli.run("history", "--format", "json").json["runs"]
    return found


def resume(cli: Cli, *arguments: str) -> Done:
    return cli.run("apply", "--resume", "last", "--yes", "--format", "json", *arguments)


def check_converged(cli: Cli, emulator: Emulator) -> None:
    assert cli.run("plan", "--detailed-exitcode").code == 0
    for api in emulator.state()["apis"]:
        held = Counter(
            (policy["assetId"], policy["label"], upstream)
            for policy in api["policies"]
            for upstream in policy["upstreamIds"] or [""]
        )
        assert max(held.values(), default=1) == 1, held


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_killed_run_is_unfinished_and_is_finished(
    cli: Cli, emulator: Emulator, method: str
) -> None:
    with gate_before(emulator.url, method, POLICY) as gate:
        cli.environ["ANYPOINT_HOST"] = gate.url
        with cli.started("apply", "--yes", "--parallelism", "1") as process:
            assert gate.arrived.wait(60)
            process.kill()
            process.communicate(timeout=60)
        sent = len(emulator.writes())
        (run,) = runs(cli)
        assert run["exit"] is None
        assert run["summary"]["applied"] + run["summary"]["unknown"] == sent + 1
        gate.open.set()
        time.sleep(0.2)  # what was on its way arrives after all
        done = resume(cli)
        assert done.code == 0, done
        check_converged(cli, emulator)
    *finished, begun = runs(cli)
    assert all((item["exit"], item["resumes"]) == (0, begun["run"]) for item in finished)
    assert len(finished) == (method != "DELETE")  # the last of them all, and on its way


def test_a_finished_run_has_nothing_left(cli: Cli, emulator: Emulator) -> None:
    assert cli.run("apply", "--yes").code == 0
    written = len(emulator.writes())
    done = cli.run("apply", "--resume", "last", "--yes")
    assert done.code == 0
    assert "nothing is left to do" in done.err
    assert len(emulator.writes()) == written
    assert len(runs(cli)) == 1


def test_what_failed_is_tried_again(cli: Cli, emulator: Emulator) -> None:
    emulator.fail({"status": 400, "body": {"message": "no"}}, method="PATCH", path=POLICY)
    first = cli.run("apply", "--yes", "--format", "json")
    assert first.code == 7
    failed = {name for name, outcome in first.outcomes().items() if outcome != "applied"}
    emulator.faults()
    done = resume(cli)
    assert done.code == 0
    assert set(done.outcomes()) == failed
    check_converged(cli, emulator)


@pytest.mark.parametrize("seed", range(4))
def test_a_run_killed_at_any_moment_is_finished(cli: Cli, emulator: Emulator, seed: int) -> None:
    kill_and_finish(cli, emulator, random.Random(seed))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 300))
def test_two_hundred_killed_runs_are_finished(cli: Cli, emulator: Emulator, seed: int) -> None:
    kill_and_finish(cli, emulator, random.Random(seed))


def kill_and_finish(cli: Cli, emulator: Emulator, chance: random.Random) -> None:
    """One apply, killed at a moment by chance and perhaps killed again, and finished."""
    emulator.faults({"match": {"path": POLICY}, "fault": {"delayMs": chance.choice([5, 20, 40])}})
    begin = ["apply", "--yes", "--parallelism", str(chance.randint(1, 4))]
    _kill(cli, emulator, begin, chance)
    while not runs(cli):
        _kill(cli, emulator, begin, chance)
    if chance.random() < 0.3:
        _kill(cli, emulator, ["apply", "--resume", "last", "--yes"], chance)
    emulator.faults()
    time.sleep(0.1)  # what was on its way has arrived
    done = resume(cli)
    assert done.code == 0, done
    check_converged(cli, emulator)


def _kill(cli: Cli, emulator: Emulator, arguments: list[str], chance: random.Random) -> None:
    before = len(emulator.writes())
    with cli.started(*arguments) as process:
        while process.poll() is None and len(emulator.writes()) == before:
            time.sleep(0.005)
        try:
            process.wait(chance.uniform(0, 0.4))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
