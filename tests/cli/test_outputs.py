"""Several outputs of one run, and what a build server is told."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import Emulator

ALL = (
    "--out",
    "json=o.json",
    "--out",
    "markdown=o.md",
    "--out",
    "sarif=o.sarif",
    "--out",
    "junit=o.xml",
)


def test_one_run_writes_all_of_them_and_a_plan_file(cli: Cli) -> None:
    done = cli.run("plan", "--format", "json", "-o", "plan.json", *ALL)
    assert done.code == 0, done.err
    data = done.json
    assert json.loads((cli.folder / "o.json").read_text()) == data
    assert (cli.folder / "o.md").read_text().startswith("## Plan\n")
    log = json.loads((cli.folder / "o.sarif").read_text())
    results = log["runs"][0]["results"]
    places = {
        one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for one in results
        if "locations" in one
    }
    assert "policies/acme/production/orders.yaml" in places
    assert all((cli.folder / place).is_file() for place in places)
    assert int(ElementTree.parse(cli.folder / "o.xml").getroot().get("tests", "0")) == len(results)
    assert json.loads((cli.folder / "plan.json").read_text())["apply"]
    assert (cli.folder / "o.md").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "verb", [["drift"], ["validate"], ["apply", "--yes", "--max-deletes", "3"]]
)
def test_other_commands_do_too(cli: Cli, verb: list[str]) -> None:
    done = cli.run(*verb, "--format", "json", *ALL)
    assert json.loads((cli.folder / "o.json").read_text()) == done.json
    assert (cli.folder / "o.md").read_text().startswith(f"## {verb[0].capitalize()}\n")
    assert (cli.folder / "o.sarif").is_file()


def test_a_saved_plan_can_be_shown_in_all_forms(cli: Cli) -> None:
    cli.plan()
    assert cli.run("show", "plan.json", *ALL).code == 0
    assert (
        "🔻" in (cli.folder / "o.md").read_text()
        or "**create**" in (cli.folder / "o.md").read_text()
    )


@pytest.mark.parametrize("verb", ["plan", "drift", "validate"])
def test_they_are_written_on_every_way_out(cli: Cli, emulator: Emulator, verb: str) -> None:
    cli.edit("policies/acme/production/orders.yaml", "ips:", "ipz:")
    assert cli.run(verb, *ALL).code == 3
    (error,) = json.loads((cli.folder / "o.json").read_text())["errors"]
    assert error["file"] == "policies/acme/production/orders.yaml"
    result = json.loads((cli.folder / "o.sarif").read_text())["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == error["line"]
    assert "ipz" in (cli.folder / "o.md").read_text()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["plan", "--out", "pdf=x"], "there is json, markdown, sarif, junit"),
        (["plan", "--out", "json="], "name a file"),
        (["plan", "-o", "a.json", "-o", "b.json"], "one plan file is written"),
        (["drift", "--out", "x.json"], "write KIND=FILE"),
        (["plan", "--out", "json=none/x.json"], "there is no folder"),
        (["apply", "--yes", "--out", "json=policies"], "is a folder"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is_done(
    cli: Cli, emulator: Emulator, given: list[str], words: str
) -> None:
    done = cli.run(*given)
    assert (done.code, words in done.err) == (64, True), done.err
    assert emulator.logged() == []


def test_a_file_that_cannot_be_written_after_all_fails_and_the_others_are_there(cli: Cli) -> None:
    (cli.folder / "o.xml").mkdir()
    done = cli.run("plan", "--out", "json=o.json", "--out", "markdown=/proc/self/none")
    assert done.code == 1
    assert "cannot write /proc/self/none" in done.err
    assert (cli.folder / "o.json").is_file()


def test_on_github_lines_are_annotated_and_the_step_has_a_summary(cli: Cli, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    done = cli.run("drift", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
    commands = [line for line in done.err.splitlines() if line.startswith("::")]
    assert any(
        line.startswith("::error title=reconciler%3A unprotected,file=policies/")
        for line in commands
    )
    assert summary.read_text().startswith("before\n## Drift\n")
    assert "::" not in done.out
    cli.edit("policies/acme/production/orders.yaml", "ips:", "ipz:")
    wrong = cli.run("validate", GITHUB_ACTIONS="true")
    assert (
        "::error title=reconciler%3A invalid,file=policies/acme/production/orders.yaml,line="
        in wrong.err
    )


def test_a_name_cannot_be_a_command(cli: Cli) -> None:
    cli.edit(
        "policies/acme/production/orders.yaml", "ips:", '"x\\n::stop-commands::y": [1]\n      ips:'
    )
    done = cli.run("validate", GITHUB_ACTIONS="true")
    assert done.code == 3
    for line in (done.out + done.err).splitlines():
        assert not line.lstrip().startswith("::") or line.startswith(
            ("::error title=", "::warning title=")
        )
