"""The command line: verbs, flags, variables, wrong usage."""

from __future__ import annotations

import subprocess
import sys

import pytest

from reconciler.cli.verbs import VERBS
from tests.cli.driver import Cli, Done
from tests.emulator.driver import Emulator

_HEAVY = ("yaml", "jsonschema", "requests", "deepdiff", "tqdm", "uvicorn")


def _is_usage_error(done: Done, *words: str) -> None:
    assert (done.code, done.out) == (64, "")
    assert done.err.startswith("usage: ")
    for word in words:
        assert word in done.err


def test_help_of_every_verb_fits_a_terminal(bare: Cli) -> None:
    for verb in ("", *VERBS):
        done = bare.run(*verb.split(), "--help", COLUMNS="80")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"usage: reconciler {verb}".strip())
        assert max(map(len, done.out.splitlines())) <= 84


def test_help_imports_none_of_the_packages(bare: Cli) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "reconciler", "--help"],
        capture_output=True,
        text=True,
        cwd=bare.folder,
        env=bare.environ,
        check=True,
    )
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "reconciler.cli.main" in imported
    assert not imported.intersection(_HEAVY)


def test_version(bare: Cli) -> None:
    assert bare.run("--version").out.startswith("reconciler ")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "say what to do"),
        ("plann", "no command 'plann', did you mean plan"),
        ("plan --nosuch", "unknown: --nosuch; see `reconciler plan --help`"),
        ("plan extra", "unknown: extra"),
        ("plan --format xml", "'xml' is not one of text, json, markdown"),
        ("--format xml plan", "'xml' is not one of"),
        ("plan --parallelism 0", "'0' is not a whole number from 1, nor auto"),
        ("plan --parallelism Auto", "'Auto' is not a whole number from 1, nor auto"),
        ("plan --parallelism ٣", "is not a whole number"),
        ("plan --timeout nan", "'nan' is not a number of seconds"),
        ("plan --forma json", "unknown: --forma json"),
        ("plan -o", "expected one argument"),
        ("list", "WHAT"),
        ("list everything", "not one of orgs, envs, apis, policies"),
        ("show", "PLAN"),
        ("show nosuch.json", "no plan file nosuch.json"),
        ("apply nosuch.json", "no plan file nosuch.json"),
        ("explain acme/production", "three parts"),
        ("describe ip-alowlist", "did you mean ip-allowlist"),
        ("describe ip-allowlist --version 9", "1.1.1"),
        ("export", "--to"),
        ("completion tcsh", "not one of bash, zsh, fish"),
        ("emulator --nosuch", "unknown: --nosuch"),
    ],
)
def test_wrong_usage_is_64_and_says_what_is_right(bare: Cli, line: str, words: str) -> None:
    _is_usage_error(bare.run(*line.split()), words)


@pytest.mark.parametrize(
    "line", ["", "plann", "plan --nosuch", "list", "show nosuch.json", "apply", "explain a"]
)
def test_wrong_usage_is_json_where_that_is_asked_for(bare: Cli, line: str) -> None:
    before = bare.run("--format", "json", *line.split())
    by_variable = bare.run(*line.split(), RECONCILER_FORMAT="json")
    for done in (before, by_variable):
        assert done.code == 64
        assert done.json["schemaVersion"] == 1
        assert done.json["errors"][0]["exit"] == 64
    assert before.json == by_variable.json


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FORMAT", "xml"),
        ("PARALLELISM", "many"),
        ("TIMEOUT", "-1"),
        ("VERBOSE", "loud"),
        ("QUIET", "perhaps"),
        ("NO_COLOR", "maybe"),
    ],
)
def test_a_variable_with_a_bad_value_is_wrong_usage(bare: Cli, name: str, value: str) -> None:
    done = bare.run("validate", **{f"RECONCILER_{name}": value})
    _is_usage_error(done, f"RECONCILER_{name}", value)


def test_flags_stand_before_and_after_the_verb_and_in_variables(cli: Cli) -> None:
    wanted = ["acme/production/inventory/rate-limiting"]
    after = cli.run("plan", "--format", "json", "--api", "inventory", "--org", "ac*")
    before = cli.run("--format=json", "--api=inventory", "plan")
    variables = {"RECONCILER_FORMAT": "json", "RECONCILER_API": "inv*, nosuch"}
    by_variable = cli.run("plan", **variables)
    for done in (after, before, by_variable):
        assert [change["address"] for change in done.json["changes"]] == wanted


def test_filters_add_up_and_a_flag_beats_its_variable(cli: Cli) -> None:
    line = ("--api", "inventory", "--format", "text", "plan", "--api", "orders-api:partners")
    done = cli.run(*line, "--format", "json", RECONCILER_API="customers")
    assert [change["address"].split("/")[2] for change in done.json["changes"]] == [
        "inventory",
        "orders-partners",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "plan --org nosuch",
        "plan --env nosuch",
        "plan --api nosuch",
        "drift --api nosuch",
        "apply --yes --env nosuch",
        "validate --env nosuch",
        "validate --online --api nosuch",
        "list apis --api nosuch",
        "list orgs --org nosuch",
        "list orgs --env Production",
        "export --to out --org nosuch",
        "doctor --org nosuch",
    ],
)
def test_a_filter_that_matches_nothing_is_wrong_usage(
    cli: Cli, emulator: Emulator, line: str
) -> None:
    _is_usage_error(cli.run(*line.split()), "--")
    assert emulator.writes() == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("validate", 0),
        ("plan --detailed-exitcode", 2),
        ("drift", 2),
        ("apply", 64),
        ("list apis", 0),
        ("describe cors", 0),
        ("explain acme/production/orders --live", 0),
        ("doctor", 0),
        ("-f nosuch plan", 3),
    ],
)
def test_the_exit_code_does_not_depend_on_the_format(cli: Cli, line: str, code: int) -> None:
    for format_ in ("text", "markdown"):
        assert cli.run("--format", format_, *line.split()).code == code
    done = cli.run("--format", "json", *line.split())
    assert done.code == code
    assert done.json["schemaVersion"] == 1
    assert done.json["command"] in line.split()
    assert done.json["errors"] == [] if code in (0, 2) else done.json["errors"]


@pytest.mark.parametrize("line", ["validate", "plan --api catalog"])
def test_quiet_leaves_only_the_data(cli: Cli, line: str) -> None:
    done = cli.run("-q", *line.split())
    assert done.err == ""
    assert done.out


def test_a_reader_that_goes_away_changes_nothing(cli: Cli) -> None:
    with cli.started("drift", "--format", "json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 2


def test_output_that_cannot_be_written_is_a_failure(cli: Cli) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", "describe", "cors"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=cli.environ,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error: cannot write the output: No space left on device\n"
