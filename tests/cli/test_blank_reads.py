"""A list that came back with less than was there: refused, and never taken for the truth."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.driver import Cli, Done
from tests.emulator.driver import Emulator, apis_path

_INVENTORY = 19001006
_LIST = rf"/apis/{_INVENTORY}/policies\?"


@pytest.fixture
def converged(cli: Cli) -> Cli:
    """An estate that a run has left as the files say."""
    assert cli.run("apply", "--yes").code == 0
    return cli


def plan(cli: Cli, *flags: str) -> Done:
    return cli.run("--timeout", "2", "plan", "--api", "inventory", "--format", "json", *flags)


def answer(emulator: Emulator, body: Any, path: str = _LIST, status: int = 200) -> None:
    emulator.fail({"status": status, "body": body}, method="GET", path=path)


def test_an_empty_list_is_refused_where_the_last_run_saw_something(
    converged: Cli, emulator: Emulator
) -> None:
    answer(emulator, {"policies": []})
    done = plan(converged)
    assert done.code == 5
    assert done.json["changes"] == []
    assert "--allow-empty" in done.messages[0] and "the last run saw" in done.messages[0]


def test_an_apply_sends_nothing_then(converged: Cli, emulator: Emulator) -> None:
    before = len(emulator.writes())
    answer(emulator, [])
    assert converged.run("apply", "--yes", "--api", "inventory").code == 5
    assert len(emulator.writes()) == before


def test_an_empty_list_is_believed_where_somebody_says_so(
    converged: Cli, emulator: Emulator
) -> None:
    for policy in emulator.stored(_INVENTORY)["policies"]:
        emulator.tamper(apiId=_INVENTORY, policyId=policy["id"], patch={"delete": True})
    assert plan(converged).code == 5
    done = plan(converged, "--allow-empty")
    assert done.code == 0
    assert done.json["summary"]["create"] > 1
    assert converged.run("apply", "--yes", "--api", "inventory", "--allow-empty").code == 0


def test_a_short_list_is_refused_where_what_is_missing_is_still_there(
    converged: Cli, emulator: Emulator
) -> None:
    listed = emulator.policies(_INVENTORY)
    answer(emulator, listed[:1])
    done = plan(converged)
    assert done.code == 5
    assert "is there when asked for" in done.messages[0]


def test_what_somebody_deleted_is_drift_like_any_other(converged: Cli, emulator: Emulator) -> None:
    policy = emulator.stored(_INVENTORY)["policies"][0]
    emulator.tamper(apiId=_INVENTORY, policyId=policy["id"], patch={"delete": True})
    assert converged.run("drift", "--api", "inventory").code == 2
    assert converged.run("apply", "--yes", "--api", "inventory").code == 0
    assert plan(converged).json["summary"]["create"] == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 200, "body": '{"policies": [{"id": 1'},
        {"status": 404, "body": {"name": "NotFoundError", "message": "API instance not found"}},
        {"status": 200, "body": "null"},
        {"status": 200, "body": {"policies": None}},
        {"truncate": 20},
    ],
    ids=["half", "404", "null", "no list", "cut off"],
)
def test_a_broken_list_is_refused_where_more_is_known_and_a_failure_else(
    converged: Cli, emulator: Emulator, fault: dict[str, Any]
) -> None:
    emulator.fail(fault, method="GET", path=_LIST)
    assert plan(converged).code == 5
    assert plan(converged, "--state-dir", "another").code == 1


def test_a_missing_permission_keeps_its_own_code(converged: Cli, emulator: Emulator) -> None:
    answer(emulator, {"message": "no"}, status=403)
    assert plan(converged).code == 4


def test_without_the_apis_that_were_there_nothing_is_planned(
    converged: Cli, emulator: Emulator
) -> None:
    answer(emulator, {"total": 0, "assets": []}, path=r"/environments/[^/]+/apis\?")
    done = converged.run("plan", "--env", "production", "--format", "json")
    assert done.code == 5
    assert "no API came back" in done.messages[0]


def test_an_api_that_is_not_listed_and_still_there_is_refused(
    converged: Cli, emulator: Emulator
) -> None:
    listed = emulator.get(apis_path() + "?limit=100").json()
    kept = [a for a in listed["assets"] if all(api["id"] != _INVENTORY for api in a["apis"])]
    answer(emulator, {**listed, "total": len(kept), "assets": kept}, r"/environments/[^/]+/apis\?")
    done = converged.run("plan", "--env", "production", "--format", "json")
    assert done.code == 5
    assert "inventory" in done.messages[0] and "not whole" in done.messages[0]
