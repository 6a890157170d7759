"""`history`: past runs, newest first, and what became of the changes of one."""

from __future__ import annotations

from tests.cli.driver import Cli
from tests.emulator.driver import Emulator

INVENTORY = ("--api", "inventory")


def test_runs_are_listed_newest_first(cli: Cli, emulator: Emulator) -> None:
    emulator.fail({"status": 400, "body": {"message": "no"}}, method="PATCH")
    assert cli.run("apply", "--yes").code == 7
    emulator.faults()
    done = cli.run("apply", "--yes", *INVENTORY, "--format", "json")
    assert done.code == 0
    listed = cli.run("history", "--format", "json")
    assert (listed.code, listed.json["schemaVersion"]) == (0, 1)
    newest, oldest = listed.json["runs"]
    assert (newest["run"], newest["exit"], newest["command"]) == (done.json["run"], 0, "apply")
    assert newest["summary"]["applied"] == 1
    assert oldest["exit"] == 7
    assert oldest["summary"]["failed"] + oldest["summary"]["applied"] <= 8
    assert oldest["startedAt"] <= newest["startedAt"]


def test_the_table_and_markdown(cli: Cli) -> None:
    assert cli.run("apply", "--yes", *INVENTORY).code == 0
    head, row = cli.run("history").out.splitlines()
    assert head.split() == ["RUN", "STARTED", "TOOK", "COMMAND", "PLANNED", "BECAME", "EXIT"]
    assert row.split()[-5:] == ["apply", "~1", "1", "applied", "0"]
    markdown = cli.run("history", "--format", "markdown").out
    assert markdown.startswith("| run | started | took | command | planned | became | exit |\n")


def test_one_run_is_shown_with_its_changes(cli: Cli) -> None:
    run = cli.run("apply", "--yes", *INVENTORY, "--format", "json").json["run"]
    shown = cli.run("history", run)
    assert "update  acme/production/inventory/rate-limiting  applied" in shown.out
    assert "apply of 20" in shown.err
    as_json = cli.run("history", "last", "--format", "json").json
    assert as_json["run"] == run
    assert [change["outcome"] for change in as_json["changes"]] == ["applied"]


def test_no_run_at_all(cli: Cli) -> None:
    done = cli.run("history")
    assert (done.code, done.out) == (0, "")
    assert "no run has been recorded in" in done.err
    assert cli.run("history", "--format", "json").json["runs"] == []
    assert not (cli.folder / ".reconciler").exists()


def test_a_run_that_changes_nothing_is_none(cli: Cli) -> None:
    assert cli.run("apply", "--yes", "--api", "catalog").code == 0
    assert cli.run("history", "--format", "json").json["runs"] == []


def test_a_run_that_is_none_is_wrong_usage(cli: Cli) -> None:
    done = cli.run("history", "../../etc/passwd", "--format", "json")
    assert done.code == 64
    assert "there is no run '../../etc/passwd'" in done.messages[0]


def test_a_journal_that_cannot_be_read_does_not_hide_the_others(cli: Cli) -> None:
    assert cli.run("apply", "--yes", *INVENTORY).code == 0
    cli.write({".reconciler/journal/2026.jsonl": "garbage\n"})
    done = cli.run("history", "--format", "json")
    assert (done.code, len(done.json["runs"])) == (1, 1)
    assert "2026.jsonl, line 1: this is no record of a journal" in done.messages[0]
    assert "2026.jsonl" in cli.run("history").err


def test_names_in_a_journal_cannot_forge_output(cli: Cli) -> None:
    assert cli.run("apply", "--yes", *INVENTORY).code == 0
    (path,) = (cli.folder / ".reconciler/journal").iterdir()
    text = path.read_text("utf-8")
    path.write_text(text.replace("production/inventory", "production/\\u001b[31m\\u202eno"))
    for arguments in (
        ["history"],
        ["history", "last"],
        ["history", "last", "--format", "markdown"],
    ):
        out = cli.run(*arguments).out
        assert "\x1b" not in out and "\u202e" not in out
