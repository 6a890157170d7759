"""`rollback`: the inverse plan, shown and confirmed, carried out and recorded like any other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import Emulator


def live(emulator: Emulator) -> Any:
    """What counts of the state: no ids and no order numbers, but the order."""
    made = {}
    for api in emulator.state()["apis"]:
        policies = sorted(api["policies"], key=lambda item: (item["order"] is None, item["order"]))
        names = ("assetId", "assetVersion", "label", "disabled", "pointcutData", "upstreamIds")
        made[api["id"]] = [
            json.dumps(
                [{name: item[name] for name in names}, item["configurationData"]], sort_keys=True
            )
            for item in policies
        ]
    return made


def undo(cli: Cli, *arguments: str, run: str = "last") -> Any:
    return cli.run("rollback", run, "--yes", "--format", "json", *arguments)


def test_a_run_is_undone(cli: Cli, emulator: Emulator) -> None:
    before = live(emulator)
    run = cli.run("apply", "--yes", "--format", "json").json["run"]
    done = undo(cli, "--allow-weakening", run=run)
    assert (done.code, set(done.outcomes().values())) == (0, {"applied"})
    assert live(emulator) == before
    newest, oldest = cli.run("history", "--format", "json").json["runs"]
    assert (newest["command"], newest["undoes"], newest["run"]) == (
        "rollback",
        run,
        done.json["run"],
    )
    assert oldest["run"] == run
    again = cli.run("rollback", run, "--yes")
    assert (again.code, "nothing is to be undone" in again.err) == (0, True)
    assert len(cli.run("history", "--format", "json").json["runs"]) == 2


def test_it_is_confirmed_on_a_terminal(cli: Cli, emulator: Emulator) -> None:
    assert cli.run("apply", "--yes", "--api", "inventory").code == 0
    written = len(emulator.writes())
    no = cli.on_terminal("rollback", "last", "--allow-weakening", answers=["no"])
    assert (no.code, len(emulator.writes())) == (0, written)
    assert "rate-limiting" in no.out and "nothing applied" in no.out
    yes = cli.on_terminal("rollback", "last", "--allow-weakening", answers=["yes"])
    assert yes.code == 0
    assert "Apply: 1 applied" in yes.out


def test_nobody_to_ask_is_wrong_usage(cli: Cli, emulator: Emulator) -> None:
    done = cli.run("rollback", "last")
    assert (done.code, emulator.logged()) == (64, [])
    assert "say --yes" in done.err


def test_a_filter_is_wrong_usage(cli: Cli) -> None:
    assert cli.run("rollback", "last", "--yes", "--api", "orders").code == 64


def test_a_run_that_is_none_is_wrong_usage(cli: Cli) -> None:
    done = undo(cli, run="nonesuch")
    assert done.code == 64
    assert "there is no run 'nonesuch'" in done.messages[0]


def test_what_weakens_is_refused_where_it_is_protected(cli: Cli, emulator: Emulator) -> None:
    cli.edit(
        "policies/acme/production/environment.yaml",
        "kind: Environment\n",
        "kind: Environment\nprotected: true\n",
    )
    assert cli.run("apply", "--yes", "--allow-weakening").code == 0
    written = len(emulator.writes())
    done = undo(cli)
    assert (done.code, len(emulator.writes())) == (5, written)
    assert "--allow-weakening" in done.messages[0]


def test_what_somebody_changed_since_is_left_and_named(cli: Cli, emulator: Emulator) -> None:
    assert cli.run("apply", "--yes").code == 0
    (policy,) = (
        item for item in emulator.stored(19001001)["policies"] if item["assetId"] == "ip-allowlist"
    )
    patch = {"configurationData": {**policy["configurationData"], "ips": ["6.6.6.6"]}}
    emulator.tamper(apiId=19001001, policyId=policy["id"], patch=patch, user="x")
    done = undo(cli, "--allow-weakening")
    assert done.code == 7
    (error,) = done.json["errors"]
    assert error["address"] == "acme/production/orders/ip-allowlist"
    assert error["message"] == "cannot be deleted: it was changed since: config.ips"
    held = [item["assetId"] for item in emulator.stored(19001001)["policies"]]
    assert "ip-allowlist" in held
    text = cli.run("rollback", "last", "--yes", "--allow-weakening")
    assert "Traceback" not in text.err


def test_a_rollback_is_not_resumed_but_done_again(cli: Cli, emulator: Emulator) -> None:
    run = cli.run("apply", "--yes", "--format", "json").json["run"]
    emulator.fail({"status": 400, "body": "no"}, method="DELETE")
    assert undo(cli, "--allow-weakening", run=run).code == 7
    emulator.faults()
    done = cli.run("apply", "--resume", "last", "--yes")
    assert done.code == 64
    assert f"reconciler rollback {run}" in done.err
    assert undo(cli, "--allow-weakening", run=run).code == 0


@pytest.mark.parametrize("format_", ["text", "markdown"])
def test_other_formats(cli: Cli, format_: str) -> None:
    assert cli.run("apply", "--yes", "--api", "inventory").code == 0
    done = cli.run("rollback", "last", "--yes", "--allow-weakening", "--format", format_)
    assert done.code == 0
    assert "acme/production/inventory/rate-limiting" in done.out
