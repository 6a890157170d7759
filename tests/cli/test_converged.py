"""What a run leaves in the state folder, by the real command."""

from __future__ import annotations

import json
from typing import Any

from tests.cli.driver import SECRETS, Cli

FILE = ".reconciler/converged/acme/{}.json"


def left(cli: Cli, environment: str = "production") -> Any:
    return json.loads((cli.folder / FILE.format(environment)).read_text("utf-8"))


def test_an_apply_of_everything_leaves_every_environment(cli: Cli) -> None:
    done = cli.run("apply", "--yes", "--format", "json")
    assert done.code == 0
    for name in ("production", "sandbox"):
        data = left(cli, name)
        assert data["run"] == done.json["run"]
        assert data["content"].startswith("sha256:")
        assert {"orders", "customers"} <= set(data["units"])
    text = (cli.folder / FILE.format("production")).read_text("utf-8")
    assert not any(secret in text for secret in SECRETS.values())


def test_a_saved_plan_leaves_what_it_touched(cli: Cli) -> None:
    cli.plan("plan.json", "--env", "production")
    assert cli.run("apply", "plan.json").code == 0
    data = left(cli)
    assert "orders" in data["units"]
    assert "catalog" not in data["units"]
    assert data["content"] is None
    assert cli.run("apply", "--yes", "--env", "production").code == 0
    assert left(cli)["content"]


def test_a_state_that_cannot_be_written_is_a_warning(cli: Cli) -> None:
    (cli.folder / ".reconciler").mkdir()
    (cli.folder / ".reconciler/converged").write_text("no folder")
    done = cli.run("apply", "--yes", "--api", "inventory")
    assert done.code == 0
    assert "warning: what this run left cannot be recorded" in done.err
