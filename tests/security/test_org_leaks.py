"""No secret of an org or of its login is shown, kept or passed on, whatever fails."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.driver import ROOT
from tests.emulator.driver import Emulator
from tests.security.canaries import leaks, texts_below
from tests.security.echo import FAILURES, echoing
from tests.security.org import FAULT, LOGINS, OrgEcho, Planted, planted
from tests.security.test_leaks import Watched

_UNIT = "acme-crm/uat/access"
_LINES = (
    "plan",
    "plan -o plan.json",
    "apply --yes",
    "apply --resume {run} --yes",
    "rollback {run} --yes",
    "history {run}",
    "drift",
    f"explain --live {_UNIT}",
    "doctor",
    "validate --online",
)
_FORMATS = ("text", "json", "markdown")
_PLACES = (
    "GET /salesforce",
    "POST /salesforce/services/Soap",
    "(POST|PATCH|DELETE) .*/sobjects",
    "POST .*/oauth2/token",
    ".*",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One run of the command."""

    line: str
    format: str
    login: str
    failure: str = ""
    where: str = "$^"


def every_case() -> list[Case]:
    sound = [
        Case(line, format_, login) for line in _LINES for format_ in _FORMATS for login in LOGINS
    ]
    failing = [
        Case(line, format_, login, failure, where)
        for line in _LINES
        for format_ in _FORMATS
        for login in LOGINS
        for failure in (*FAILURES, FAULT)
        for where in _PLACES
    ]
    return sound + failing


def a_sample(size: int) -> list[Case]:
    """Some of them, the same each time, with each command, and each failure of a sign-in and of a
    call of SOAP among them."""
    chosen = random.Random(7).sample(every_case(), len(every_case()))
    lines = {case.line: case for case in chosen}
    told = {
        (case.failure, case.where): case
        for case in chosen
        if case.where in _PLACES[1:4:2] and case.line in ("plan", "apply --yes")
    }
    return [*lines.values(), *told.values(), *chosen][:size]


def look_for_leaks(cases: Sequence[Case], folder: Path, emulator: Emulator) -> list[str]:
    """What leaked, by case."""
    found: list[str] = []
    for number, case in enumerate(cases):
        work = folder / str(number)
        work.mkdir()
        with echoing(emulator.url, "", OrgEcho) as echo:
            made = planted(work, emulator, echo.url)
            found += [f"{case}: {leak}" for leak in _looked(case, work, made, echo)]
            # What never reached the service could not have been told by it.
            assert case.login != "secret" or leaks(echo.received, made.canaries[:1])
    return found


def _looked(case: Case, work: Path, made: Planted, echo: OrgEcho) -> list[str]:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "RECONCILER_TIMEOUT": "1"}
    watched = Watched(work, {**environ, **made.environ[case.login]})
    before = set(texts_below(work))
    shown = watched.run("apply --yes -vv") if "{run}" in case.line else ""
    echo.fail(case.failure, case.where)
    shown += watched.run(f"--format {case.format} -vv {case.line.format(run='last')}")
    written = {name: text for name, text in texts_below(work).items() if name not in before}
    return [
        f"{place}: {leak}"
        for place, text in {"shown": shown, **written}.items()
        for leak in leaks(text, [*made.canaries, *echo.tokens])
    ]


@pytest.mark.parametrize("part", range(4))
def test_no_secret_of_an_org_is_shown_kept_or_passed_on(
    tmp_path: Path, emulator: Emulator, part: int
) -> None:
    assert look_for_leaks(a_sample(36)[part::4], tmp_path, emulator) == []


@pytest.mark.soak
@pytest.mark.parametrize("part", range(20))
def test_no_secret_of_an_org_is_shown_in_any_case(
    tmp_path: Path, emulator: Emulator, part: int
) -> None:
    cases = every_case()
    random.Random(7).shuffle(cases)
    assert look_for_leaks(cases[part::20], tmp_path, emulator) == []
