"""What a newcomer runs: init, describe, completion, the emulator and the demo."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys

import pytest
import requests

from reconciler.files.catalogue import ShippedCatalogue
from tests.cli.driver import ROOT, Cli, checked, command
from tests.cli.driver import Done as _Done
from tests.emulator.driver import Emulator

INIT = ("--organization", "Acme Corp", "--environment", "Production", "--asset", "catalog-api")


def test_a_new_tree_is_valid_and_plans(bare: Cli, emulator: Emulator) -> None:
    done = bare.run("init", *INIT)
    assert done.code == 0
    assert done.out.splitlines() == [
        "policies/reconciler.yaml",
        "policies/acme-corp/organization.yaml",
        "policies/acme-corp/production/environment.yaml",
        "policies/acme-corp/production/catalog.yaml",
    ]
    assert "reconciler validate" in done.err
    assert bare.run("validate").out == "policies: 1 API document, no errors\n"
    planned = bare.run("plan", "--format", "json").json
    assert planned["errors"] == []
    assert planned["summary"]["create"] == 2
    assert emulator.writes() == []


def test_init_takes_its_defaults_and_several_environments(bare: Cli) -> None:
    assert bare.run("init", "--yes", "-f", "new tree", "--format", "json").code == 0
    assert bare.run("-f", "new tree", "validate").code == 0
    names = ("--environment", "Pre Prod", "--environment", "Über/Test: 'x' \"y\" #z")
    assert bare.run("init", "-f", "odd", *INIT, *names).code == 0
    assert bare.run("-f", "odd", "validate").code == 0


def test_init_asks_on_a_terminal(bare: Cli) -> None:
    done = bare.on_terminal("init", answers=["Acme Corp", "Production", ""])
    assert done.code == 0
    assert "organization (name or id) [My Company]:" in done.out
    files = sorted(path.name for path in (bare.folder / "policies").rglob("*.yaml"))
    assert files == ["environment.yaml", "orders.yaml", "organization.yaml", "reconciler.yaml"]


def test_init_overwrites_nothing_unasked(cli: Cli) -> None:
    before = {path: path.read_bytes() for path in cli.folder.rglob("*.yaml")}
    done = cli.run("init", "--yes")
    assert (done.code, done.out) == (64, "")
    assert "--force" in done.err
    assert {path: path.read_bytes() for path in cli.folder.rglob("*.yaml")} == before
    (cli.folder / "file").write_text("")
    assert cli.run("init", "--yes", "-f", "file").code == 64


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b[31m"])
def test_init_refuses_what_is_no_name(bare: Cli, name: str) -> None:
    done = bare.run("init", "--organization", name, "--yes")
    assert done.code == 64
    assert not list(bare.folder.iterdir())


def test_init_where_nothing_can_be_written(bare: Cli) -> None:
    done = bare.run("init", "--yes", "-f", "/proc/policies")
    assert done.code == 1
    assert "cannot write below /proc/policies" in done.err


# describe


def test_every_policy_is_described_with_a_valid_example(bare: Cli) -> None:
    listed = bare.run("describe", "--format", "json").json["items"]
    names = [item["policy"] for item in listed]
    assert names == sorted(ShippedCatalogue.load().names())
    environment = "apiVersion: reconciler/v1\nkind: Environment\nenvironment: E\n"
    organization = "apiVersion: reconciler/v1\nkind: Organization\norganization: O\n"
    bare.write({"t/o/organization.yaml": organization, "t/o/e/environment.yaml": environment})
    for name in names[:: max(len(names) // 12, 1)]:
        done = bare.run("describe", name)
        assert done.out.startswith(f"{name}  ")
        example = done.out.split("\nexample\n\n")[1].replace("\n  ", "\n").strip()
        head = f"apiVersion: reconciler/v1\nkind: ApiInstance\napi: {{asset: {name}}}\n"
        bare.write({f"t/o/e/{name}.yaml": head + example + "\n"})
    done = bare.run("-f", "t", "validate")
    assert done.code == 0, done.err


def test_describe_as_data(bare: Cli) -> None:
    data = bare.run("describe", "ip-allowlist", "--version", "1.1.1", "--format", "json").json
    assert (data["policy"], data["version"]) == ("ip-allowlist", "1.1.1")
    ips = next(field for field in data["fields"] if field["name"] == "ips")
    assert (ips["type"], ips["required"], ips["unordered"]) == ("array", True, True)


# completion


def test_bash_completes_verbs(bare: Cli) -> None:
    script = bare.run("completion", "bash")
    assert (script.code, script.err) == (0, "")
    bare.write({"completion.bash": script.out})
    subprocess.run(["bash", "-eu", "completion.bash"], cwd=bare.folder, check=True)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script_too(bare: Cli, shell: str) -> None:
    script = bare.run("completion", shell)
    assert "reconciler" in script.out
    if shutil.which(shell):
        bare.write({"script": script.out})
        subprocess.run([shell, "-n", "script"], cwd=bare.folder, check=True)


# emulator and demo


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_emulator_says_where_it_is_and_ends_when_told(
    bare: Cli, number: signal.Signals
) -> None:
    with bare.started("-q", "emulator", "--port", "0", "--seed", "empty") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"{url}/_emulator/state", timeout=10).json()
        assert answer["anypoint"]["apis"] == []
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("flags", [("--seed", "nosuch"), ("--port", "99999"), ("--port", "1x")])
def test_an_emulator_that_cannot_start_says_why(bare: Cli, flags: tuple[str, ...]) -> None:
    done = bare.run("emulator", *flags)
    assert done.code in (1, 64)
    assert done.out == ""
    assert flags[1] in done.err or "port" in done.err


def test_the_demo_ends_well_and_leaves_nothing_running(bare: Cli) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reconciler.cli.demo"],
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        env=bare.environ,
        timeout=120,
        check=False,
    )
    checked(_Done(("demo",), done.returncode, done.stdout, done.stderr))
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing is left running" in done.stdout
    for said in ("Anypoint:", "Salesforce:", "lock-out guard: ", "- Billing Sync/profile:Standard"):
        assert said in done.stdout
    assert not (ROOT / ".reconciler").exists()


def test_the_module_and_the_script_are_the_same_command(bare: Cli) -> None:
    assert command("--version")[1:] == ["-m", "reconciler", "--version"]
