"""One tree for both platforms, and a login to one of them, both or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.driver import Cli, crm_environment, crm_sample, sample
from tests.emulator.driver import Emulator


@pytest.fixture
def both(tmp_path: Path, emulator: Emulator) -> Cli:
    """The command in a folder that holds all of the sample, signed in to both platforms."""
    sample(tmp_path)
    crm_sample(tmp_path)
    return Cli(tmp_path, crm_environment(emulator))


def platforms(data: dict[str, list[dict[str, str]]]) -> set[str]:
    return {change["platform"] for change in data["changes"]}


def test_one_plan_is_of_both(both: Cli) -> None:
    done = both.run("plan", "--format", "json")
    assert (done.code, done.json["errors"]) == (0, [])
    assert platforms(done.json) == {"anypoint", "salesforce"}
    assert both.run("apply", "--yes").code == 0
    assert both.run("drift").code == 0


def test_without_a_login_to_the_org_the_rest_is_planned(both: Cli) -> None:
    done = both.run("plan", "--format", "json", SALESFORCE_CLIENT_ID=None)
    assert done.code == 4
    assert platforms(done.json) == {"anypoint"}
    (message,) = done.messages
    assert "SALESFORCE_CLIENT_ID" in message
    assert message.endswith("; or go on without acme-crm: --org acme")
    way = both.run("plan", "--org", "acme", SALESFORCE_CLIENT_ID=None)
    assert way.code == 0


def test_without_a_login_to_anypoint_the_rest_is_planned(both: Cli) -> None:
    done = both.run("plan", "--format", "json", ANYPOINT_CLIENT_ID=None)
    assert done.code == 4
    assert platforms(done.json) == {"salesforce"}
    (message,) = done.messages
    assert message.endswith("; or go on without acme: --org acme-crm")


def test_apply_with_one_login_writes_what_it_can_reach_and_tells(
    both: Cli, emulator: Emulator
) -> None:
    done = both.run("apply", "--yes", "--format", "json", ANYPOINT_CLIENT_ID=None)
    assert done.code == 4
    assert len(done.messages) == 1
    assert all("/apimanager/" not in call for call in map(str, emulator.writes()))


def test_with_one_organization_there_is_no_way_without_it(both: Cli) -> None:
    done = both.run("plan", "--format", "json", "--org", "acme-crm", SALESFORCE_CLIENT_ID=None)
    assert done.code == 4
    assert "go on without" not in done.messages[0]
