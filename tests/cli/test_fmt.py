"""`fmt` as a command: what it writes, what it only shows, and what it leaves alone."""

from __future__ import annotations

import os

import pytest

from tests.cli.driver import Cli

ORDERS = "policies/acme/production/orders.yaml"


@pytest.fixture
def untidy(cli: Cli) -> Cli:
    path = cli.folder / ORDERS
    path.write_text(path.read_text().replace("\n  - ", "\n-   ") + "\n\n\n")
    return cli


def test_it_writes_only_what_is_not_in_the_layout(untidy: Cli) -> None:
    os.chmod(untidy.folder / ORDERS, 0o640)
    done = untidy.run("fmt")
    assert (done.code, done.out) == (0, f"{ORDERS}\n")
    assert "1 of 17 files changed" in done.err or " files changed" in done.err
    assert (untidy.folder / ORDERS).stat().st_mode & 0o777 == 0o640
    again = untidy.run("fmt")
    assert (again.code, again.out) == (0, "")
    assert untidy.run("validate").code == 0


@pytest.mark.parametrize("flag", ["--check", "--diff"])
def test_checking_changes_nothing_and_exits_2(untidy: Cli, flag: str) -> None:
    before = (untidy.folder / ORDERS).read_text()
    done = untidy.run("fmt", flag)
    assert done.code == 2
    assert (untidy.folder / ORDERS).read_text() == before
    assert ("+  - " in done.out) == (flag == "--diff")
    untidy.run("fmt")
    assert untidy.run("fmt", flag).code == 0


def test_files_can_be_named(untidy: Cli) -> None:
    other = "policies/acme/production/inventory.yaml"
    assert untidy.run("fmt", "--check", other).code == 0
    data = untidy.run("fmt", "--check", other, ORDERS, "--format", "json")
    assert (data.code, data.json["files"]) == (2, [ORDERS])
    assert data.json["summary"] == {"files": 2, "changed": 1}


def test_a_broken_file_is_left_alone_and_the_others_are_done(untidy: Cli) -> None:
    broken = "policies/acme/production/inventory.yaml"
    (untidy.folder / broken).write_text("kind: [\n")
    done = untidy.run("fmt")
    assert (done.code, done.out) == (3, f"{ORDERS}\n")
    assert f"{broken}:" in done.err
    assert (untidy.folder / broken).read_text() == "kind: [\n"


@pytest.mark.parametrize("name", ["nothing", "README.md"])
def test_what_is_no_policy_file_is_wrong_usage(cli: Cli, name: str) -> None:
    assert cli.run("fmt", name).code == 64
    assert cli.run("fmt", "nothing.yaml").code == 3
