"""A large estate: its files are read beside while the platform is asked, and nobody notices."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import corpus
from tests.cli.driver import Cli
from tests.emulator.driver import Emulator

APIS = 520


@pytest.fixture
def large(cli: Cli, emulator: Emulator) -> Cli:
    """An estate whose files are too many to be read before anything is asked."""
    emulator.reset(f"scale:{APIS}")
    shutil.rmtree(cli.folder / "policies", ignore_errors=True)
    corpus.write(cli.folder, APIS, changed_every=100)
    return cli


def calls(emulator: Emulator) -> Counter[str]:
    kinds = ("oauth2/token", "/me", "/hierarchy", "/environments", "/apis", "/policies")
    paths = [str(one["path"]).partition("?")[0] for one in emulator.logged()]
    return Counter(next(kind for kind in kinds if path.endswith(kind)) for path in paths)


def test_it_costs_the_calls_of_the_contract_and_no_more(large: Cli, emulator: Emulator) -> None:
    done = large.run("plan", "--format", "json")
    assert done.code == 0, done.err
    assert done.json["summary"] == {
        "create": 0,
        "update": 20,
        "delete": 0,
        "reorder": 0,
        "unchanged": 4 * APIS - 20,
        "unmanaged": 0,
    }
    first = dict.fromkeys(("oauth2/token", "/me", "/hierarchy", "/environments"), 1)
    assert calls(emulator) == {**first, "/apis": 6, "/policies": APIS}


def test_nothing_is_asked_outside_the_filter(large: Cli, emulator: Emulator) -> None:
    done = large.run("plan", "--api", "api-0010*", "--detailed-exitcode")
    assert done.code == 2, done.err
    assert calls(emulator)["/policies"] == 10


def test_drift_says_the_same_and_the_plan_can_be_applied(large: Cli) -> None:
    drift = large.run("drift", "--format", "json")
    assert (drift.code, drift.json["summary"]["update"]) == (2, 20)
    assert large.run("plan", "-o", "plan.json").code == 0
    assert large.run("apply", "plan.json").code == 0
    assert large.run("drift").code == 0


def test_a_mistake_in_one_file_is_told_with_its_place_and_nothing_else(large: Cli) -> None:
    path = large.folder / "policies" / "acme" / "production" / "api-00300.yaml"
    path.write_text(path.read_text().replace("maximumRequests", "maximumRequest"))
    done = large.run("plan")
    assert done.code == 3
    assert "api-00300.yaml" in done.err + done.out
    assert "Traceback" not in done.err


def test_who_interrupts_it_gets_his_prompt_back(large: Cli, emulator: Emulator) -> None:
    emulator.faults({"match": {"path": "/policies"}, "times": 10_000, "fault": {"delayMs": 3000}})
    with large.started("plan") as process:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert process.wait(20) == 130
        assert time.monotonic() - began < 10
    assert not _children_of(process.pid)


def _children_of(pid: int) -> list[str]:
    """The processes that a process has left behind."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid or (int(fields[2]) == pid and int(entry.parent.name) != pid):
            found.append(entry.parent.name)
    return found if os.path.isdir("/proc/self") else []
