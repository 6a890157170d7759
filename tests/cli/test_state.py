"""Where state lives: one run at a time, places that cannot be written, buckets."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import s3
from tests.cli.driver import ROOT, Cli, Done, checked, command
from tests.cli.gate import gate_before
from tests.cli.standin import Answer, standing_in
from tests.emulator.driver import Emulator

POLICY = r"/apis/\d+/policies"
APPLY = ("apply", "--yes", "--format", "json")


def limited(cli: Cli, size: int, *arguments: str) -> Done:
    """The command where no file may grow beyond a size."""
    done = subprocess.run(
        command(*arguments),
        capture_output=True,
        encoding="utf-8",
        cwd=cli.folder,
        env=cli.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )
    return checked(Done(arguments, done.returncode, done.stdout, done.stderr))


def unwritable(cli: Cli) -> None:
    """A folder that nobody, not even root, can make anything in."""
    (cli.folder / ".reconciler").write_text("a file")


# One run at a time


def test_a_second_run_is_refused_while_the_first_is_at_work(cli: Cli, emulator: Emulator) -> None:
    host = cli.environ["ANYPOINT_HOST"]
    with gate_before(emulator.url, "PATCH", POLICY) as gate:
        cli.environ["ANYPOINT_HOST"] = gate.url
        with cli.started(*APPLY, "--api", "inventory") as first:
            assert gate.arrived.wait(60)
            cli.environ["ANYPOINT_HOST"] = host
            second = cli.run(*APPLY, "--api", "orders")
            resumed = cli.run("apply", "--resume", "last", "--yes", "--format", "json")
            undone = cli.run("rollback", "last", "--yes", "--format", "json")
            gate.open.set()
            first.communicate(timeout=60)
            assert first.returncode == 0
    for done in (second, resumed, undone):
        assert done.code == 5
        assert f"(process {first.pid}, for " in done.messages[0]
        assert "another run is at work: apply 20" in done.messages[0]
    assert len(emulator.writes()) == 1
    assert cli.run(*APPLY, "--api", "orders").code == 0


def test_two_runs_at_once_double_nothing(cli: Cli, emulator: Emulator) -> None:
    with cli.started(*APPLY) as one, cli.started(*APPLY) as two:
        codes = [process.wait(60) for process in (one, two)]
        for process in (one, two):
            process.communicate()
    assert 0 in codes and set(codes) <= {0, 5, 6, 7}, codes
    assert cli.run("apply", "--yes").code == 0
    assert cli.run("plan", "--detailed-exitcode").code == 0
    posts = [entry for entry in emulator.writes() if entry["method"] == "POST"]
    assert sum(entry["status"] in (200, 201) for entry in posts) == 3


def test_the_lock_of_a_killed_run_is_taken_at_once(cli: Cli, emulator: Emulator) -> None:
    host = cli.environ["ANYPOINT_HOST"]
    with gate_before(emulator.url, "PATCH", POLICY) as gate:
        cli.environ["ANYPOINT_HOST"] = gate.url
        with cli.started(*APPLY, "--api", "inventory") as process:
            assert gate.arrived.wait(60)
            process.kill()
            process.communicate()
    cli.environ["ANYPOINT_HOST"] = host
    assert (cli.folder / ".reconciler/lock").exists()
    assert cli.run(*APPLY).code == 0
    assert not (cli.folder / ".reconciler/lock").exists()


@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupt_frees_the_lock_and_leaves_a_journal(
    cli: Cli, emulator: Emulator, times: int
) -> None:
    with gate_before(emulator.url, "PATCH", POLICY) as gate:
        cli.environ["ANYPOINT_HOST"] = gate.url
        arguments = (*APPLY, "--parallelism", "1")
        done = cli.stopped(*arguments, gate=gate, number=signal.SIGINT, times=times)
        assert done.code == 130
        assert not (cli.folder / ".reconciler/lock").exists()
        gate.open.set()
        time.sleep(0.2)  # what was on its way arrives after all
        (run,) = cli.run("history", "--format", "json").json["runs"]
        assert run["exit"] == (130 if times == 1 else None)
        assert run["exit"] or run["run"] in done.err
        assert ("interrupted" if times == 1 else "unfinished") in cli.run("history").out
        assert cli.run("apply", "--resume", run["run"], "--yes").code == 0
        assert cli.run("plan", "--detailed-exitcode").code == 0
    assert [path.name for path in cli.folder.rglob("*.part")] == []


# Places that cannot be written


def test_where_no_journal_can_be_written_nothing_is_sent(cli: Cli, emulator: Emulator) -> None:
    unwritable(cli)
    done = cli.run(*APPLY, "--api", "inventory")
    assert done.code == 1
    assert "cannot write to" in done.messages[0]
    assert "nothing was sent" in done.messages[0] and "--state-dir" in done.messages[0]
    assert emulator.writes() == []


def test_reading_needs_no_state(cli: Cli) -> None:
    unwritable(cli)
    assert cli.run("plan").code == 0
    assert cli.run("apply", "--yes", "--api", "catalog").code == 0
    assert cli.run("history").code == 0


def test_a_disk_that_is_full_at_the_start_sends_nothing(cli: Cli, emulator: Emulator) -> None:
    done = limited(cli, 2000, *APPLY)
    assert done.code == 1
    assert "cannot write to" in done.messages[0]
    assert emulator.writes() == []
    assert not (cli.folder / ".reconciler/lock").exists()


def test_a_disk_that_fills_up_stops_the_run_with_an_account(cli: Cli, emulator: Emulator) -> None:
    assert cli.run("apply", "--yes").code == 0
    (path,) = (cli.folder / ".reconciler/journal").iterdir()
    whole = path.stat().st_size
    path.unlink()
    emulator.reset()
    done = limited(cli, whole - 2500, *APPLY, "--parallelism", "1")
    assert done.code == 7
    outcomes = done.outcomes()
    assert len(outcomes) == 8
    assert set(outcomes.values()) == {"applied", "skipped"}
    sent = len(emulator.writes())
    assert sent == sum(outcome == "applied" for outcome in outcomes.values())
    assert any("the journal cannot be written (File too large)" in text for text in done.messages)
    resumed = cli.run("apply", "--resume", "last", "--yes")
    assert resumed.code == 0
    assert len(emulator.writes()) == 8
    assert cli.run("plan", "--detailed-exitcode").code == 0


# Buckets


@pytest.fixture
def bucket(cli: Cli, s3_server: str) -> str:
    cli.environ |= s3.variables(s3_server)
    cli.environ["RECONCILER_STATE_DIR"] = f"s3://{s3.BUCKET}/team"
    return s3_server


def test_a_bucket_keeps_journals_locks_and_secrets(
    cli: Cli, emulator: Emulator, bucket: str
) -> None:
    done = cli.run(*APPLY, "--resend-secrets")
    assert done.code == 0, done
    (run,) = cli.run("history", "--format", "json").json["runs"]
    assert (run["run"], run["exit"]) == (done.json["run"], 0)
    assert cli.run("plan", "--detailed-exitcode").code == 0
    rotated = cli.run("plan", "--detailed-exitcode", PARTNER_JWT_KEY="rotated-" * 8)
    assert rotated.code == 2
    undone = cli.run("rollback", "last", "--yes", "--allow-weakening")
    assert undone.code in (0, 7), undone
    assert not (cli.folder / ".reconciler").exists()


def test_a_run_that_lost_its_disk_is_finished_from_the_bucket(
    cli: Cli, emulator: Emulator, bucket: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with gate_before(emulator.url, "PATCH", POLICY) as gate:
        cli.environ["ANYPOINT_HOST"] = gate.url
        with cli.started(*APPLY, "--parallelism", "1") as process:
            assert gate.arrived.wait(60)
            process.kill()
            process.communicate()
        other = Cli(tmp_path_factory.mktemp("runner"), cli.environ)
        os.symlink(cli.folder / "policies", other.folder / "policies")
        gate.open.set()
        time.sleep(0.2)  # what was on its way arrives after all
        assert other.run("apply", "--resume", "last", "--yes").code == 0
        assert other.run("plan", "--detailed-exitcode").code == 0


def test_a_second_run_is_refused_by_the_bucket(cli: Cli, emulator: Emulator, bucket: str) -> None:
    with gate_before(emulator.url, "PATCH", POLICY) as gate:
        cli.environ["ANYPOINT_HOST"] = gate.url
        with cli.started(*APPLY, "--api", "inventory") as first:
            assert gate.arrived.wait(60)
            cli.environ["ANYPOINT_HOST"] = emulator.url
            assert cli.run(*APPLY, "--api", "orders").code == 5
            gate.open.set()
            first.communicate(timeout=60)
            assert first.returncode == 0


def test_a_bucket_that_is_not_there_sends_nothing(
    cli: Cli, emulator: Emulator, bucket: str
) -> None:
    done = cli.run(*APPLY, "--state-dir", "s3://nowhere/team")
    assert done.code == 1
    assert "there is no bucket nowhere" in done.messages[0]
    assert emulator.writes() == []


def test_a_bucket_that_refuses_sends_nothing(cli: Cli, emulator: Emulator, bucket: str) -> None:
    body = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    with standing_in(lambda method, path: Answer(403, body)) as refusing:
        cli.environ["AWS_ENDPOINT_URL"] = refusing.url
        done = cli.run(*APPLY)
    assert done.code == 1
    assert "S3 refuses it (AccessDenied)" in done.messages[0]
    assert emulator.writes() == []


@pytest.mark.parametrize("place", ["gs://bucket/x", "https://bucket/x", "s3://", "S3://bucket"])
def test_another_kind_of_place_is_wrong_usage(cli: Cli, place: str) -> None:
    done = cli.run("history", "--state-dir", place)
    assert done.code == 64
    assert "s3://BUCKET/PREFIX" in done.err


def test_without_the_extra_it_says_what_to_install(cli: Cli) -> None:
    code = (
        "import sys; sys.modules['s3fs'] = None; "
        "from reconciler.cli.main import main; "
        "sys.exit(main(['history', '--state-dir', 's3://bucket/x']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=cli.folder,
        env=cli.environ,
        check=False,
    )
    assert done.returncode == 64
    assert "pip install 'reconciler[s3]'" in done.stderr


def test_a_folder_costs_no_import_of_the_extra(cli: Cli) -> None:
    code = (
        "import sys; from reconciler.cli.main import main; main(['history']); "
        "sys.exit(any(name in sys.modules for name in ('s3fs', 'asyncio', 'botocore')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cli.folder, env=cli.environ, check=False
    )
    assert done.returncode == 0


def test_the_usual_folder_stays_closed_to_files_where_state_is_in_a_bucket(cli: Cli) -> None:
    cli.write({".reconciler/secret-key": "x" * 32})
    cli.edit(
        "policies/acme/production/orders.yaml",
        "ips: [1.1.1.1]",
        "ips: ['${file:../../../.reconciler/secret-key}']",
    )
    done = cli.run("validate", "--state-dir", "s3://bucket/x")
    assert done.code == 3
    assert "is none that a configuration may read" in done.err
    assert Path(ROOT).is_dir()
