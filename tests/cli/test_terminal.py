"""Colour and progress are for terminals only."""

from __future__ import annotations

import pytest

from tests.cli.driver import Cli

ESCAPE = "\x1b["


def test_a_terminal_gets_colour_and_progress(cli: Cli) -> None:
    shown = cli.on_terminal("plan").out
    assert f"{ESCAPE}32m+{ESCAPE}0m ip-allowlist" in shown
    assert f"{ESCAPE}1mPlan: 3 to create" in shown
    assert "reading policies" in shown


@pytest.mark.parametrize(
    ("flags", "variables"),
    [
        (("--no-color",), {}),
        ((), {"NO_COLOR": "1"}),
        ((), {"RECONCILER_NO_COLOR": "true"}),
    ],
)
def test_colour_can_be_switched_off(
    cli: Cli, flags: tuple[str, ...], variables: dict[str, str]
) -> None:
    shown = cli.on_terminal("drift", *flags, **variables).out
    assert ESCAPE not in shown.replace(f"{ESCAPE}A", "")
    assert "Drift: 3 to create" in shown


def test_an_empty_no_color_means_nothing(cli: Cli) -> None:
    assert f"{ESCAPE}1m" in cli.on_terminal("plan", NO_COLOR="").out


def test_quiet_shows_no_progress(cli: Cli) -> None:
    assert "reading policies" not in cli.on_terminal("plan", "-q").out


@pytest.mark.parametrize("line", ["plan", "list policies", "doctor", "export --to out", "drift"])
def test_pipes_get_neither(cli: Cli, line: str) -> None:
    done = cli.run(*line.split())
    for text in (done.out, done.err):
        assert "\x1b" not in text
        assert "\r" not in text
        assert "reading policies" not in text


def test_json_on_a_terminal_has_no_colour(cli: Cli) -> None:
    shown = cli.on_terminal("plan", "-q", "--format", "json").out
    assert "\x1b" not in shown
