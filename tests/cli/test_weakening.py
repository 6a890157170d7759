"""What weakens a protected environment is shown first, and not done without saying so."""

from __future__ import annotations

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import Emulator

_INVENTORY = "policies/acme/production/inventory.yaml"
_RATE = "acme/production/inventory/rate-limiting"


@pytest.fixture
def weaker(cli: Cli, emulator: Emulator) -> Cli:
    """A converged, protected environment, and files that raise one limit in it."""
    assert cli.run("apply", "--yes").code == 0
    environment = "policies/acme/production/environment.yaml"
    cli.edit(environment, "environment: Production", "protected: true\nenvironment: Production")
    text = (cli.folder / _INVENTORY).read_text("utf-8")
    before = next(line for line in text.splitlines() if "maximumRequests" in line)
    number = before.split("maximumRequests:")[1].strip(" {}[]").split(",")[0]
    cli.edit(_INVENTORY, f"maximumRequests: {number}", f"maximumRequests: {int(number) * 10}")
    emulator.control("requests")
    return cli


def test_it_is_shown_first_with_the_reason_and_what_to_type(weaker: Cli) -> None:
    done = weaker.run("plan")
    assert done.code == 5
    assert done.out.startswith("Weakens protection (1):\n")
    assert f"▼ {_RATE}: config.rateLimits[0].maximumRequests is raised" in done.out
    assert f"--allow-weakening={_RATE}" in done.out


def test_it_is_refused_before_anything_is_written(weaker: Cli, emulator: Emulator) -> None:
    before = len(emulator.writes())
    done = weaker.run("apply", "--yes", "--format", "json")
    assert done.code == 5
    assert len(emulator.writes()) == before
    assert any(f"--allow-weakening={_RATE}" in message for message in done.messages)


@pytest.mark.parametrize("flag", ["--allow-weakening", f"--allow-weakening={_RATE}"])
def test_it_is_done_where_somebody_says_so(weaker: Cli, flag: str) -> None:
    done = weaker.run("apply", "--yes", flag, "--format", "json")
    assert (done.code, done.outcomes()) == (0, {f"update {_RATE}": "applied"})
    assert done.json["changes"][0]["effect"] == "weakens"


def test_the_word_for_another_address_is_none_for_this(weaker: Cli) -> None:
    done = weaker.run("apply", "--yes", "--allow-weakening=acme/production/orders")
    assert done.code == 5


def test_a_saved_plan_carries_the_word(weaker: Cli) -> None:
    assert weaker.run("plan", "-o", "refused.json").code == 5
    assert weaker.run("apply", "refused.json").code == 5
    assert weaker.run("plan", "-o", "allowed.json", "--allow-weakening").code == 0
    assert weaker.run("apply", "allowed.json").code == 0


def test_a_word_given_with_a_saved_plan_is_wrong_usage(weaker: Cli) -> None:
    weaker.run("plan", "-o", "refused.json")
    assert weaker.run("apply", "refused.json", "--allow-weakening").code == 64


def test_healing_needs_no_word(weaker: Cli, emulator: Emulator) -> None:
    weaker.run("apply", "--yes", "--allow-weakening")
    api = next(a for a in emulator.state()["apis"] if a["assetId"] == "inventory-api")
    held = next(p for p in api["policies"] if p["assetId"] == "rate-limiting")
    emulator.tamper(apiId=api["id"], policyId=held["id"], patch={"disabled": True})
    done = weaker.run("apply", "--yes", "--format", "json")
    assert (done.code, done.json["changes"][0]["effect"]) == (0, "strengthens")
