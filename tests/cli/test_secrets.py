"""Secrets that the service does not return: compared by what was last sent, never shown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import Emulator

BASIC = "acme/sandbox/customers/http-basic-authentication"
ONE = ("--org", "acme", "--env", "sandbox", "--api", "customers")
HIDDEN = "correct horse battery staple"


def _password(emulator: Emulator) -> Any:
    [policy] = [
        policy
        for policy in emulator.stored(19002002)["policies"]
        if policy["assetId"] == "http-basic-authentication"
    ]
    return policy["configurationData"].get("password")


def _resent(cli: Cli, **variables: str) -> None:
    """Brings the secret of BASIC under our eyes."""
    done = cli.run("apply", "--yes", "--resend-secrets", *ONE, **variables)
    assert done.code == 0, done.out + done.err


def test_a_secret_that_nobody_remembers_is_no_change_and_is_counted(cli: Cli) -> None:
    done = cli.run("plan", "--detailed-exitcode", "--format", "json", *ONE)
    assert (done.code, done.json["changes"]) == (0, [])
    [warning] = done.json["warnings"]
    assert warning.startswith("1 secret not compared")


def test_what_is_not_known_is_sent_again_when_asked_for(cli: Cli, emulator: Emulator) -> None:
    done = cli.run("plan", "--resend-secrets", "--format", "json", *ONE)
    [change] = done.json["changes"]
    assert (change["address"], change["action"]) == (BASIC, "update")
    assert change["fields"] == [
        {
            "path": "config.password",
            "live": "(unknown)",
            "desired": "${env:SANDBOX_BASIC_PASSWORD}",
        }
    ]
    _resent(cli, SANDBOX_BASIC_PASSWORD=HIDDEN)
    assert _password(emulator) == HIDDEN


def test_an_address_limits_what_is_sent_again(cli: Cli) -> None:
    elsewhere = cli.run("plan", "--resend-secrets=acme/production/*", "--format", "json", *ONE)
    here = cli.run("plan", f"--resend-secrets={BASIC}", "--format", "json", *ONE)
    assert (elsewhere.json["changes"], len(here.json["changes"])) == ([], 1)


def test_a_secret_that_was_sent_is_compared_from_then_on(cli: Cli, emulator: Emulator) -> None:
    _resent(cli)
    done = cli.run("plan", "--detailed-exitcode", "--format", "json", *ONE)
    assert (done.code, done.json["changes"], done.json["warnings"]) == (0, [], [])
    assert not emulator.writes()[1:], "the one write is that of the resend"


def test_a_rotated_secret_is_an_update(cli: Cli, emulator: Emulator) -> None:
    _resent(cli)
    shown = cli.run("plan", *ONE, SANDBOX_BASIC_PASSWORD=HIDDEN)
    assert "(secret sha256:" in shown.out
    assert "${env:SANDBOX_BASIC_PASSWORD}" in shown.out
    assert HIDDEN not in shown.out + shown.err
    done = cli.run("apply", "--yes", *ONE, SANDBOX_BASIC_PASSWORD=HIDDEN)
    assert (done.code, _password(emulator)) == (0, HIDDEN)
    again = cli.run("plan", "--detailed-exitcode", *ONE, SANDBOX_BASIC_PASSWORD=HIDDEN)
    assert again.code == 0


def test_every_update_of_the_policy_sends_its_secret_again(cli: Cli, emulator: Emulator) -> None:
    cli.edit("policies/acme/sandbox/customers.yaml", "username: tester", "username: other")
    assert cli.run("apply", "--yes", *ONE).code == 0
    assert _password(emulator) == "demo-sandbox-password"


def test_another_key_makes_what_was_sent_unknown_and_no_change(cli: Cli) -> None:
    _resent(cli)
    done = cli.run("plan", "--format", "json", *ONE, RECONCILER_SECRET_KEY="another")
    assert done.json["changes"] == []
    assert done.json["warnings"][0].startswith("1 secret not compared")


def test_a_shared_key_is_all_that_a_shared_memory_needs(cli: Cli) -> None:
    key = {"RECONCILER_SECRET_KEY": "a key of the pipeline"}
    _resent(cli, **key)
    done = cli.run("plan", "--format", "json", *ONE, SANDBOX_BASIC_PASSWORD=HIDDEN, **key)
    assert len(done.json["changes"]) == 1
    assert not (cli.folder / ".reconciler" / "secret-key").exists()


@pytest.mark.parametrize("tail", ["", '{"place": "x", "id', "\x00\xff\n", "[]\n7\n{}\n"])
def test_a_torn_or_foreign_line_loses_nothing(cli: Cli, tail: str) -> None:
    _resent(cli)
    memory = cli.folder / ".reconciler" / "secrets.jsonl"
    memory.write_text(memory.read_text() + tail)
    assert cli.run("plan", "--format", "json", *ONE).json["warnings"] == []
    rotated = {"SANDBOX_BASIC_PASSWORD": HIDDEN}
    assert cli.run("apply", "--yes", *ONE, **rotated).code == 0
    assert cli.run("plan", "--detailed-exitcode", *ONE, **rotated).code == 0


def test_what_is_kept_tells_no_secret_and_is_for_its_owner_only(cli: Cli) -> None:
    _resent(cli, SANDBOX_BASIC_PASSWORD=HIDDEN)
    for path in (cli.folder / ".reconciler").rglob("*"):
        assert path.is_dir() or HIDDEN.encode() not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0


def test_a_saved_plan_carries_that_secrets_are_sent_again(cli: Cli, emulator: Emulator) -> None:
    plan = cli.plan("plan.json", "--resend-secrets", *ONE)
    assert plan["apply"]["scope"]["resendSecrets"] == ["*"]
    assert HIDDEN not in str(plan)
    done = cli.run("apply", "plan.json", SANDBOX_BASIC_PASSWORD=HIDDEN)
    assert (done.code, _password(emulator)) == (0, HIDDEN)
