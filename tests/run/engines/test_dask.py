"""`--engine dask://...`: a real scheduler, real workers, and the plan that one machine gives."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import corpus
from tests.cli.driver import SECRETS, Cli, Done, environment, sample
from tests.emulator.driver import Emulator
from tests.run.engines.cluster import Cluster, cluster
from tests.run.engines.proxy import proxy

KEY = {"RECONCILER_SECRET_KEY": "0123456789abcdef0123456789abcdef"}
ORDERS = 19001001


@pytest.fixture
def here(tmp_path: Path, emulator: Emulator) -> Cli:
    """The command in a folder that holds the sample, with the key that an engine needs."""
    sample(tmp_path)
    return Cli(tmp_path, {**environment(emulator), **KEY})


@pytest.fixture(scope="module")
def workers(
    tmp_path_factory: pytest.TempPathFactory, emulator_process: Emulator
) -> Iterator[Cluster]:
    """Two workers that have what the command has."""
    environ = {**environment(emulator_process), **KEY}
    with cluster(tmp_path_factory.mktemp("cluster"), [environ, environ]) as found:
        yield found


def told(done: Done) -> str:
    """What it printed, but for the moment."""
    return re.sub(r'"createdAt": "[^"]*"', "", done.out)


def large(cli: Cli, apis: int) -> None:
    """In place of the sample: the files of `scale:N`, every tenth of them changed."""
    shutil.rmtree(cli.folder / "policies")
    corpus.write(cli.folder, apis, changed_every=10)


@pytest.mark.parametrize("verb", ["plan", "drift"])
def test_what_it_says_is_byte_for_byte_what_one_machine_says(
    here: Cli, workers: Cluster, verb: str
) -> None:
    asked = (verb, "--format", "json")
    local, far = here.run(*asked), here.run(*asked, "--engine", workers.address)
    assert far.code == local.code, far.err
    assert told(far) == told(local)
    assert far.err == local.err
    assert here.run(verb).out == here.run(verb, "--engine", workers.address).out


def test_causes_and_remembered_secrets_are_told_by_workers_too(
    here: Cli, emulator: Emulator, workers: Cluster
) -> None:
    assert here.run("apply", "--yes", "--max-deletes", "3", "--resend-secrets").code == 0
    policies = emulator.stored(ORDERS)["policies"]
    named = next(one for one in policies if one["assetId"] == "ip-allowlist")
    emulator.tamper(apiId=ORDERS, policyId=named["id"], patch={"disabled": True})
    here.edit("policies/acme/production/orders.yaml", "100", "90")
    asked = ("drift", "--format", "json")
    local, far = here.run(*asked), here.run(*asked, "--engine", workers.address)
    assert told(far) == told(local)
    assert {change["cause"] for change in far.json["changes"]} == {"live", "pending"}
    assert not [text for text in far.json["warnings"] if "not compared" in text]


def test_a_saved_plan_of_it_is_applied(here: Cli, workers: Cluster) -> None:
    done = here.run("plan", "-o", "plan.json", "--engine", workers.address)
    assert done.code == 0, done.err
    assert here.run("apply", "plan.json").code == 0
    assert here.run("plan", "--detailed-exitcode", "--engine", workers.address).code == 0


def test_a_worker_that_is_killed_costs_nothing_but_time(
    here: Cli, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    emulator.reset("scale:240")
    large(here, 240)
    local = here.run("plan", "--format", "json")
    assert local.json["summary"]["update"] > 50, local.err
    with cluster(tmp_path_factory.mktemp("lost"), [here.environ, here.environ]) as found:
        emulator.reset("scale:240")
        emulator.fail({"delayMs": 60}, path="/policies")
        asked = ("plan", "--format", "json", "--engine", found.address)
        with here.started(*asked) as process:
            until = time.monotonic() + 30
            while len(emulator.logged()) < 60 and time.monotonic() < until:
                time.sleep(0.02)
            found.workers[0].kill()
            out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert len(emulator.logged()) > 60
        assert told(Done(asked, 0, out, err)) == told(local)


def test_all_workers_together_keep_to_one_budget(
    here: Cli, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    emulator.reset("scale:120")
    large(here, 120)
    with proxy(emulator.url, 0.05) as way:
        environ = {**here.environ, "ANYPOINT_HOST": way.url}
        with cluster(tmp_path_factory.mktemp("budget"), [environ, environ]) as found:
            asked = ("plan", "--parallelism", "6", "--engine", found.address)
            assert here.run(*asked, ANYPOINT_HOST=way.url).code == 0
            assert 4 < way.peak() <= 6

            way.calls.clear()
            emulator.fail(
                {"status": 429, "headers": {"Retry-After": "2"}}, times=1, path="/policies"
            )
            assert here.run(*asked, ANYPOINT_HOST=way.url).code == 0
    (refused,) = [ended for _, ended, status in way.calls if status == 429]
    # Those that were under way, and those that began while the word went round.
    assert not [1 for began, _, _ in way.calls if refused + 0.3 < began < refused + 2]
    assert [1 for began, _, _ in way.calls if began > refused + 2]


def test_a_worker_with_another_environment_refuses(
    here: Cli, tmp_path_factory: pytest.TempPathFactory
) -> None:
    good = here.environ
    without = {name: value for name, value in good.items() if name not in SECRETS}
    cases = {
        "RECONCILER_SECRET_KEY is another one": {**good, "RECONCILER_SECRET_KEY": "x" * 32},
        "RECONCILER_SECRET_KEY is not set": {**good, "RECONCILER_SECRET_KEY": ""},
        "it finds another value for ${env:": without,
        "set ANYPOINT_HOST alike": {**good, "ANYPOINT_HOST": "http://127.0.0.1:1"},
        "no credentials": {**good, "ANYPOINT_CLIENT_ID": "", "ANYPOINT_CLIENT_SECRET": ""},
    }
    for number, (words, environ) in enumerate(cases.items()):
        with cluster(tmp_path_factory.mktemp(f"other-{number}"), [environ]) as found:
            done = here.run("plan", "--format", "json", "--engine", found.address)
        (error,) = done.json["errors"]
        assert words in error["message"]
        assert error["message"].startswith("worker tcp://127.0.0.1:")
        assert done.code == (4 if words == "no credentials" else 5)
        assert not any(secret in done.out + done.err for secret in SECRETS.values())


def test_without_a_scheduler_a_worker_or_a_key_it_says_what_to_do(
    here: Cli, tmp_path_factory: pytest.TempPathFactory
) -> None:
    wrong = {
        "localhost": (64, "write dask://HOST:PORT"),
        "dask://localhost": (64, "write dask://HOST:PORT"),
        "dask://u:p@localhost:1": (64, "write dask://HOST:PORT"),
        "dask://127.0.0.1:1": (1, "start one with `dask scheduler`"),
    }
    for address, (code, words) in wrong.items():
        done = here.run("plan", "--engine", address)
        assert (done.code, words in done.err) == (code, True), done.err
    address = "dask://127.0.0.1:1"
    done = here.run("drift", "--engine", address, RECONCILER_SECRET_KEY=None)
    assert (done.code, "--engine needs RECONCILER_SECRET_KEY" in done.err) == (64, True)
    with cluster(tmp_path_factory.mktemp("empty"), []) as found:
        done = here.run("plan", "--engine", found.address)
        assert (done.code, "has no worker: start one with" in done.err) == (1, True), done.err


def test_a_scheduler_that_dies_ends_the_run(
    here: Cli, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    emulator.reset("scale:240")
    large(here, 240)
    with cluster(tmp_path_factory.mktemp("dead"), [here.environ]) as found:
        emulator.fail({"delayMs": 100}, path="/policies")
        with here.started("plan", "--engine", found.address) as process:
            until = time.monotonic() + 30
            while len(emulator.logged()) < 40 and time.monotonic() < until:
                time.sleep(0.02)
            found.scheduler.kill()
            out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the Dask scheduler was lost" in err
