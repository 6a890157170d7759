"""Secrets stand in every field that can carry one; no command, format or failure shows any.

Looked through: both streams, the state, saved plans, exported files, temporary files and the
arguments of the process and its children; for each secret in each of its forms.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.cli.arguments import FORMATS
from reconciler.cli.verbs import VERBS
from tests.cli.driver import ROOT, command
from tests.emulator.driver import Emulator
from tests.security.canaries import Canary, a_token, leaks, texts_below
from tests.security.echo import FAILURES, Echo, echoing
from tests.security.planted import LOGINS, Planted, login, planted

_API = "acme/sandbox/orders"
# Each verb with what its recipes are called with; `{plan}` is a saved plan.
RECIPES: Mapping[str, Sequence[str]] = {
    "init": ("-f made init --yes",),
    "validate": ("validate", "validate --online"),
    "fmt": ("fmt --diff",),
    "plan": (
        "plan",
        "plan -o other.json --resend-secrets",
        "plan --env sandbox",
        "plan --out json=o.json --out markdown=o.md --out sarif=o.sarif --out junit=o.xml",
    ),
    "show": ("show {plan}",),
    "apply": (
        "apply --yes",
        "apply {plan}",
        "apply --yes --resend-secrets",
        "apply --yes --max-deletes 0",
        "apply --expect-digest sha256:0",
        "apply {stale}",
        "apply --resume {run}",
    ),
    "promote": ("promote acme/sandbox acme/production",),
    "history": ("history", "history {run}"),
    "rollback": ("rollback {run} --yes", "rollback nowhere"),
    "drift": ("drift", "drift --fail-on-unmanaged"),
    "audit": ("audit",),
    "list": ("list orgs", "list apis", "list policies"),
    "describe": ("describe", "describe jwt-validation"),
    "explain": (
        f"explain {_API}",
        f"explain {_API} --live",
        "explain acme/production/orders --live",
    ),
    "export": ("export --to out", "export --to folded --fold"),
    "schema": ("schema pull",),
    "versions": ("versions",),
    "doctor": ("doctor",),
    "emulator": ("emulator --seed nowhere.yaml",),
    "completion": ("completion bash",),
}
_READ, _WRITE = "GET /apimanager", "(POST|PATCH) /apimanager"
_PLACES = (_READ, _WRITE, "POST /accounts", "GET /accounts", ".*")
_FILES = (
    "policies/acme/production/orders.yaml",
    "policies/acme/sandbox/customers.yaml",
    "policies/acme/organization.yaml",
)
_BROKEN = (
    "password: [\n",
    "  - {policyRef: {name: jwt-validation}, config: {textKey: {a: %s}}}\n",
    "  - {policyRef: {name: jwt-validation}, config: {textKey: [%s], nokey: %s}}\n",
    "  - {policyRef: {name: jwt-validation}, config: {signingKeyLength: %s}}\n",
    "password: %s\n",
)


_PARTS = 4


@dataclass(frozen=True, slots=True)
class Case:
    """One run of the command."""

    line: str
    format: str
    failure: str = ""
    where: str = "$^"
    login: str = "app"
    broken: str = ""


def every_case() -> list[Case]:
    """Every recipe in every format with every failure at every place."""
    lines = [line for verb in VERBS for line in RECIPES.get(verb, ())]
    sound = [Case(line, each, login=kind) for line in lines for each in FORMATS for kind in LOGINS]
    failing = [
        Case(line, each, failure, where)
        for line in lines
        for each in FORMATS
        for failure in FAILURES
        for where in _PLACES
    ]
    broken = [
        Case(line, each, broken=f"{file} {number}")
        for line in lines
        for each in FORMATS
        for file in _FILES
        for number in range(len(_BROKEN))
    ]
    return sound + failing + broken


def a_sample(size: int) -> list[Case]:
    """Some of them, the same each time, with each command and each failure among them."""
    cases = every_case()
    chosen = random.Random(4).sample(cases, len(cases))
    wanted = {line: 1 for verb in VERBS for line in RECIPES.get(verb, ())}
    first = [case for case in chosen if wanted.pop(case.line, 0)]
    writes = [
        c for c in chosen if c.line == "apply --yes" and c.where in (_WRITE, "POST /accounts")
    ]
    told = {case.failure: case for case in writes}
    return first + list(told.values()) + chosen[: max(0, size - len(first) - len(told))]


class Watched:
    """Runs the command and keeps what it showed, and the arguments that others can see."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder, self.environ = folder, dict(environ)

    def run(self, line: str, **variables: str) -> str:
        """All that it wrote, and the command lines of the process and its children."""
        (self.folder / "tmp").mkdir(exist_ok=True)
        environ = {**self.environ, "TMPDIR": str(self.folder / "tmp"), **variables}
        arguments = ""
        with subprocess.Popen(
            command(*line.split()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env=environ,
        ) as process:
            os.set_blocking(process.stdout.fileno(), True) if process.stdout else None
            time.sleep(0.2)
            arguments = "".join(_arguments(process.pid))
            out, _ = process.communicate(timeout=60)
        text = out.decode("utf-8", "replace")
        assert "Traceback" not in text
        assert "internal error" not in text, text
        return text + arguments


def _arguments(pid: int) -> Iterator[str]:
    try:
        yield Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace")
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from _arguments(int(child))
    except OSError:
        return  # it has ended, or this is no Linux


def look_for_leaks(cases: Sequence[Case], folder: Path, emulator: Emulator) -> list[str]:
    """What leaked, by case."""
    token = a_token("token of the service")
    found: list[str] = []
    with echoing(emulator.url, token.text, Echo) as echo:
        for number, case in enumerate(cases):
            emulator.reset()
            echo.fail("", "$^")
            work = folder / str(number)
            work.mkdir()
            made = planted(work, emulator, echo.url, token)
            found += [f"{case}: {leak}" for leak in _looked(case, work, made, echo, emulator)]
        # What never reached the service could not have been told by it.
        assert leaks(echo.received, [token])
    return found


def _looked(case: Case, work: Path, made: Planted, echo: Echo, emulator: Emulator) -> list[str]:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **made.environ}
    watched = Watched(work, {**environ, **login(made, case.login), "RECONCILER_TIMEOUT": "1"})
    before = set(texts_below(work))
    shown = _prepared(case, watched, emulator)
    if case.broken:
        _break(case.broken, work, made)
    echo.fail(case.failure, case.where)
    line = case.line.format(plan="plan.json", stale="plan.json", run=_last_run(work))
    shown += watched.run(f"--format {case.format} -vv {line}")
    written = {name: text for name, text in texts_below(work).items() if name not in before}
    return [
        f"{place}: {leak}"
        for place, text in {"shown": shown, **written}.items()
        for leak in leaks(text, made.canaries)
    ]


def _prepared(case: Case, watched: Watched, emulator: Emulator) -> str:
    """Saves the plan that the case is about; a stale one by a change made meanwhile."""
    if "{" not in case.line:
        return ""
    if "{run}" in case.line:
        return watched.run("apply --yes")
    shown = watched.run("plan -o plan.json")
    if "{stale}" in case.line:
        policy = emulator.stored(19001002)["policies"][2]
        patch = {"configurationData": {**policy["configurationData"], "exposeHeaders": False}}
        emulator.tamper(apiId=19001002, policyId=policy["id"], patch=patch, user="x")
    return shown


def _last_run(work: Path) -> str:
    found = sorted((work / ".reconciler").glob("journal/*.jsonl"))
    return found[-1].stem if found else "none"


def _break(which: str, work: Path, made: Planted) -> None:
    """Wrong files with secrets in the wrong places."""
    name, _, number = which.rpartition(" ")
    secret = next(each for each in made.canaries if each.name == "url").text
    text = _BROKEN[int(number)].replace("%s", secret)
    with (work / name).open("a") as file:
        file.write(text)


def test_every_command_has_recipes() -> None:
    missing = sorted(set(VERBS) - set(RECIPES))
    assert not missing, f"say in RECIPES how the leak test calls: {', '.join(missing)}"


@pytest.mark.parametrize("part", range(_PARTS))
def test_no_secret_is_shown_kept_or_passed_on(
    tmp_path: Path, emulator: Emulator, part: int
) -> None:
    assert look_for_leaks(a_sample(36)[part::_PARTS], tmp_path, emulator) == []


@pytest.mark.parametrize("form", FORMATS)
def test_going_back_shows_no_secret_that_the_run_sent(
    tmp_path: Path, emulator: Emulator, form: str
) -> None:
    """Its value is live in a field that nothing but the run's own journal knows to be secret."""
    assert look_for_leaks([Case("rollback {run} --yes", form)], tmp_path, emulator) == []


@pytest.mark.soak
@pytest.mark.parametrize("part", range(40))
def test_no_secret_is_shown_in_any_case(tmp_path: Path, emulator: Emulator, part: int) -> None:
    cases = every_case()
    random.Random(4).shuffle(cases)
    assert look_for_leaks(cases[part::40], tmp_path, emulator) == []


def test_a_proxy_s_password_is_not_shown(tmp_path: Path, emulator: Emulator) -> None:
    made = planted(tmp_path, emulator, "http://127.0.0.1:9", Canary("none", "cnry-none"))
    secret = next(each for each in made.canaries if each.name == "proxy").text
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **made.environ}
    watched = Watched(tmp_path, {**environ, **login(made, "app")})
    proxies = (f"http://u:{secret}@127.0.0.1:9", f"{secret}://u:{secret}@[", f"http://u:{secret}@")
    for proxy in proxies:
        host = {"ANYPOINT_HOST": "https://anypoint.mulesoft.com", "HTTPS_PROXY": proxy}
        shown = watched.run("list orgs -vv", **host, https_proxy=proxy)
        assert leaks(shown, made.canaries) == []


@pytest.mark.parametrize(
    "host",
    [
        "https://u:{}@127.0.0.1",
        "https://u:{}%40@x.example.com",
        "u:{}@h",
        "https://u:{} @h",
        "//u:{}@[",
    ],
)
def test_a_host_s_password_is_not_shown(tmp_path: Path, emulator: Emulator, host: str) -> None:
    made = planted(tmp_path, emulator, emulator.url, Canary("none", "cnry-none"))
    secret = next(each for each in made.canaries if each.name == "url").text
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **made.environ}
    watched = Watched(tmp_path, {**environ, **login(made, "app")})
    shown = watched.run("list orgs -vv", ANYPOINT_HOST=host.format(secret))
    file = tmp_path / "policies/acme/organization.yaml"
    file.write_text(file.read_text() + f"host: '{host.format(secret)}'\n")
    watched.environ.pop("ANYPOINT_HOST")
    assert leaks(shown + watched.run("plan -vv"), made.canaries) == []
