"""`--baseline`: whoever changes the files cannot loosen what guards them in the same change."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import Emulator

PRODUCTION = "policies/acme/production/environment.yaml"
PROJECT = "policies/reconciler.yaml"
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main")
WEAKEN = ("--env", "production")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [*GIT, *arguments], cwd=folder, check=True, capture_output=True, encoding="utf-8"
    )
    return done.stdout.strip()


@pytest.fixture
def guarded(cli: Cli) -> Cli:
    """A repository whose branch `main` protects production; the work tree is a pull request."""
    cli.edit(PRODUCTION, "environment: Production", "protected: true\nenvironment: Production")
    for arguments in (("init",), ("add", "policies"), ("commit", "-m", "one")):
        git(cli.folder, *arguments)
    git(cli.folder, "checkout", "-b", "change")
    return cli


def attacked(cli: Cli) -> Cli:
    """The pull request drops the protection."""
    cli.edit(PRODUCTION, "protected: true\n", "")
    return cli


def folder_of(cli: Cli) -> str:
    """What is on `main`, as a folder."""
    shutil.copytree(cli.folder / "policies", cli.folder / "base")
    return "./base"


@pytest.mark.parametrize("verb", ["validate", "plan", "apply"])
def test_an_attacker_who_drops_the_protection_is_refused(
    guarded: Cli, emulator: Emulator, verb: str
) -> None:
    attacked(guarded)
    more = ("--yes",) if verb == "apply" else ()
    done = guarded.run(verb, *more, "--baseline", "main")
    assert done.code == 5
    both = done.out + done.err
    assert "acme/production: by the baseline it is protected, and would not be any more" in both
    assert "--allow-weakening=acme/production" in both
    assert emulator.writes() == []
    assert guarded.run(verb, *more, "--baseline", "change~0").code == 5


def test_a_folder_is_a_baseline_too(guarded: Cli) -> None:
    base = folder_of(guarded)
    attacked(guarded)
    assert guarded.run("validate").code == 0
    assert guarded.run("validate", "--baseline", base).code == 5
    assert guarded.run("validate", "--baseline", str(guarded.folder / "base")).code == 5


def test_said_to_be_meant_it_is_allowed_with_a_warning(guarded: Cli) -> None:
    attacked(guarded)
    for flag in ("--allow-weakening", "--allow-weakening=acme/prod*"):
        done = guarded.run("plan", "--baseline", "main", flag)
        assert done.code == 0
        assert "by the baseline it is protected" in done.out
    assert guarded.run("plan", "--baseline", "main", "--allow-weakening=acme/sandbox").code == 5


def test_the_same_files_pass(guarded: Cli) -> None:
    for verb in ("validate", "plan"):
        assert guarded.run(verb, "--baseline", "main").code in (0, 5)
    done = guarded.run("validate", "--baseline", "main")
    assert (done.code, done.err) == (0, "")


def test_drift_warns_and_counts_what_the_baseline_protects(guarded: Cli) -> None:
    attacked(guarded)
    assert guarded.run("apply", "--yes", "--api", "customers").code == 0
    only = ("--api", "customers", "--env", "production")
    assert guarded.run("drift", *only).code == 0
    done = guarded.run("drift", *only, "--baseline", "main")
    assert done.code == 2
    assert "by the baseline it is protected" in done.out


def test_limits_are_guarded(guarded: Cli) -> None:
    (guarded.folder / PROJECT).write_text(
        "apiVersion: reconciler/v1\nkind: Project\nlimits: {maxDeletes: 500}\n"
    )
    done = guarded.run("validate", "--baseline", "main")
    assert done.code == 5
    assert "limits: by the baseline it maxDeletes is" in done.err


def test_a_renamed_environment_is_refused(guarded: Cli) -> None:
    folder = guarded.folder / "policies/acme"
    (folder / "production").rename(folder / "prod")
    guarded.edit("policies/acme/prod/environment.yaml", "protected: true\n", "")
    done = guarded.run("plan", "--baseline", "main", "--env", "prod")
    assert done.code == 5
    assert "acme/production: by the baseline it is guarded, and in no file any more" in done.out


def test_a_second_folder_for_the_same_environment_is_refused(
    guarded: Cli, emulator: Emulator
) -> None:
    """By its id: the protection of the first would not reach what stands in the second."""
    folder = guarded.folder / "policies/acme"
    (folder / "loose").mkdir()
    (folder / "production/orders.yaml").rename(folder / "loose/orders.yaml")
    production = next(
        one["id"]
        for one in emulator.state()["environments"]
        if one["name"] == "Production" and one["id"].endswith("401")
    )
    (folder / "loose/environment.yaml").write_text(
        f"apiVersion: reconciler/v1\nkind: Environment\nenvironment: {production}\n"
    )
    done = guarded.run("plan", "--env", "loose", "--baseline", "main")
    assert done.code == 3
    assert "this environment has a folder already" in done.out


def test_a_plan_made_against_a_baseline_is_applied_against_it(guarded: Cli) -> None:
    guarded.plan("plan.json", "--baseline", "main", "--api", "inventory")
    done = guarded.run("apply", "plan.json")
    assert done.code == 5
    assert "say the same --baseline here" in done.err
    guarded.edit(PRODUCTION, "environment:", "requires: {converged: acme/sandbox}\nenvironment:")
    git(guarded.folder, "commit", "-am", "more guards")
    done = guarded.run("apply", "plan.json", "--baseline", "change")
    assert done.code == 5
    assert "guards something else than when the plan was made" in done.err
    git(guarded.folder, "checkout", "main")
    assert guarded.run("apply", "plan.json", "--baseline", "main").code == 0


def test_a_plan_made_without_one_may_be_applied_against_one(guarded: Cli) -> None:
    guarded.plan("plan.json", "--api", "inventory")
    attacked(guarded)
    assert guarded.run("apply", "plan.json", "--baseline", "main").code == 5
    guarded.edit(PRODUCTION, "environment:", "protected: true\nenvironment:")
    assert guarded.run("apply", "plan.json", "--baseline", "main").code == 0


# Which baseline


def test_a_folder_cannot_take_the_place_of_a_branch(guarded: Cli) -> None:
    attacked(guarded)
    shutil.copytree(guarded.folder / "policies", guarded.folder / "main")
    assert guarded.run("validate", "--baseline", "main").code == 5
    shutil.copytree(guarded.folder / "policies", guarded.folder / "origin/main")
    done = guarded.run("validate", "--baseline", "origin/main")
    assert done.code == 64
    assert "git knows no revision 'origin/main'" in done.err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "git knows no revision 'nothing'"),
        ("--output=x", "is neither a revision nor a folder"),
        ("", "is neither a revision nor a folder"),
        ("main:policies", "git knows no revision"),
        ("main\n", "git knows no revision"),
        ("./nowhere", "the baseline is wrong: there is no such folder"),
    ],
)
def test_what_is_no_baseline(guarded: Cli, name: str, message: str) -> None:
    done = guarded.run("validate", f"--baseline={name}")
    assert done.code in (3, 64)
    assert message in done.err
    assert not (guarded.folder / "x").exists()


def test_outside_of_git_only_a_folder_is_one(cli: Cli) -> None:
    done = cli.run("validate", "--baseline", "main")
    assert done.code == 64
    assert "is in no git work tree" in done.err
    assert "./FOLDER" in done.err
    assert cli.run("validate", "--baseline", folder_of(cli)).code == 0


def test_a_baseline_without_the_folder(guarded: Cli) -> None:
    (guarded.folder / "policies").rename(guarded.folder / "other")
    done = guarded.run("validate", "-f", "other", "--baseline", "main")
    assert done.code == 64
    assert "main has no folder other" in done.err


def test_wrong_files_of_the_baseline_are_said_to_be_its_own(guarded: Cli) -> None:
    guarded.edit(PRODUCTION, "protected: true", "protectd: true")
    git(guarded.folder, "commit", "-am", "wrong")
    guarded.edit(PRODUCTION, "protectd: true", "protected: true")
    done = guarded.run("validate", "--baseline", "change")
    assert done.code == 3
    assert "change:policies/acme/production/environment.yaml:" in done.err
    assert "the baseline is wrong: " in done.err


def test_wrong_configurations_of_the_baseline_guard_nothing(guarded: Cli) -> None:
    inventory = "policies/acme/production/inventory.yaml"
    guarded.edit(inventory, "rateLimits:", "rateLimit:")
    git(guarded.folder, "commit", "-am", "wrong")
    guarded.edit(inventory, "rateLimit:", "rateLimits:")
    assert guarded.run("validate", "--baseline", "change").code == 0


def test_nothing_that_the_repository_brings_is_run(guarded: Cli) -> None:
    """Neither filters of attributes, nor hooks, nor a monitor of the work tree."""
    trap = guarded.folder / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {guarded.folder}/ran\ncat\n")
    trap.chmod(0o755)
    (guarded.folder / ".gitattributes").write_text("*.yaml filter=trap export-ignore\n")
    for name in ("filter.trap.smudge", "filter.trap.clean", "core.fsmonitor", "core.pager"):
        git(guarded.folder, "config", name, str(trap))
    hooks = guarded.folder / ".git/hooks"
    for name in ("post-checkout", "reference-transaction"):
        shutil.copy(trap, hooks / name)
    (guarded.folder / "ran").unlink(missing_ok=True)
    attacked(guarded)
    assert guarded.run("validate", "--baseline", "main").code == 5
    assert not (guarded.folder / "ran").exists()


def test_from_a_folder_below_the_repository(guarded: Cli, tmp_path: Path) -> None:
    attacked(guarded)
    (guarded.folder / "below").mkdir()
    below = Cli(guarded.folder / "below", guarded.environ)
    assert below.run("validate", "-f", "../policies", "--baseline", "main").code == 5


def test_variables_of_git_do_not_lead_elsewhere(guarded: Cli, tmp_path: Path) -> None:
    attacked(guarded)
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init")
    done = guarded.run("validate", "--baseline", "main", GIT_DIR=str(other / ".git"))
    assert done.code == 5
