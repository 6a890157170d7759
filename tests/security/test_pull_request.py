"""The attacker who opens a pull request: every file of the tree is theirs, nothing else is."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.core.plan import digest, from_file, to_file
from tests.cli.driver import ROOT, Cli, Done, checked, command
from tests.cli.test_bad_files import API, ORGANIZATION, TREE, A
from tests.emulator.driver import Emulator
from tests.security.bombs import BOMBS, matching

_SECONDS = 5
_BYTES = 500 * 1024 * 1024
_FILE = f"{A}/p/api.yaml"
_INJECTION = API.replace(
    "{name: ip-allowlist}\n    config: {ips: [1.1.1.1]}",
    "{name: header-injection, version: 1.3.2}\n"
    "    config: {inboundHeaders: [{key: x, value: %s}], outboundHeaders: []}",
)


def bounded(cli: Cli, *arguments: str, **variables: str) -> Done:
    """Runs the command with no more memory and processor time than a hostile file may take."""

    def limit() -> None:
        # Address space is more than what is used; time is that of the processor, not of the wall.
        resource.setrlimit(resource.RLIMIT_AS, (4 * _BYTES, 4 * _BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS + 1))

    done = subprocess.run(
        command(*arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        cwd=cli.folder,
        env={**cli.environ, **variables},
        timeout=60,
        check=False,
        preexec_fn=limit,
    )
    return checked(Done(arguments, done.returncode, done.stdout, done.stderr))


# References


@pytest.mark.parametrize(
    "reference",
    [
        "${env:ANYPOINT_CLIENT_SECRET}",
        "${env:anypoint_client_secret}",
        "${env:SALESFORCE_X}",
        "${env:RECONCILER_SECRET_KEY}",
        "${env:GITHUB_TOKEN}",
        "${env:ACTIONS_RUNTIME_TOKEN}",
        "${env:CI_JOB_TOKEN}",
        "${env:AWS_SECRET_ACCESS_KEY}",
        "x ${env:PARTNER_JWT_KEY} ${env:ANYPOINT_CLIENT_SECRET}",
        "${file:/etc/passwd}",
        "${file:../../../../../../../../etc/passwd}",
        "${file:/proc/self/environ}",
        "${file:/proc/self/root/proc/self/environ}",
        "${file:/dev/stdin}",
        "${file:../../../.git/config}",
        "${file:../../../.GIT/config}",
        "${file:../../../.reconciler/secret-key}",
        "${file:link}",
        "${file:folder/passwd}",
        "${file:state/secret-key}",
    ],
)
def test_what_is_not_for_files_is_refused_before_any_call(
    bare: Cli, emulator: Emulator, reference: str
) -> None:
    bare.write({**TREE, _FILE: _INJECTION % json.dumps(reference), ".git/config": "x"})
    bare.write({".reconciler/secret-key": "k" * 40})
    place = bare.folder / A / "p"
    (place / "link").symlink_to("/etc/passwd")
    (place / "folder").symlink_to("/etc")
    (place / "state").symlink_to(bare.folder / ".reconciler")
    for verb in ("validate", "plan", "apply --yes"):
        done = bounded(bare, *verb.split(), GITHUB_TOKEN="t" * 20)
        assert done.code == 3, done.out + done.err
        assert "root:" not in done.out + done.err
    assert emulator.logged() == []


@pytest.mark.parametrize("kind", ["fifo", "zero", "huge", "folder", "loop", "null"])
def test_a_file_that_is_none_is_no_trap(bare: Cli, kind: str) -> None:
    bare.write({**TREE, _FILE: _INJECTION % "'${file:odd}'"})
    _make(bare.folder / A / "p" / "odd", kind)
    done = bounded(bare, "plan")
    assert done.code == 3
    assert "odd" in done.err + done.out


@pytest.mark.parametrize("kind", ["fifo", "zero", "huge", "folder", "loop"])
def test_a_policy_file_that_is_none_is_no_trap(bare: Cli, kind: str) -> None:
    bare.write(TREE)
    _make(bare.folder / A / "p" / "odd.yaml", kind)
    assert bounded(bare, "validate").code == (0 if kind == "folder" else 3)


@pytest.mark.parametrize("kind", ["fifo", "zero", "huge", "folder", "loop"])
def test_a_schema_that_is_none_is_no_trap(bare: Cli, kind: str) -> None:
    group = "0a3c1f6e-5b7d-4a7e-9c21-6f1d2e3b4a01"
    own = API.replace("name: ip-allowlist", f"groupId: {group}, name: own, version: 1.0.0")
    bare.write({**TREE, _FILE: own, f"schemas/custom/{group}/other.schema.json": "{}"})
    _make(bare.folder / f"schemas/custom/{group}/own.schema.json", kind)
    assert bounded(bare, "validate").code == 3


def _make(path: Path, kind: str) -> None:
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "zero":
            path.symlink_to("/dev/zero")
        case "null":
            path.write_bytes(b"\xff\xfe\0")
        case "huge":
            path.write_bytes(b"x" * 3_000_000)
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path.name)


def test_files_cannot_widen_what_the_pipeline_allows(bare: Cli, emulator: Emulator) -> None:
    variables = (
        "RECONCILER_ENV_ALLOW=*\nRECONCILER_ALLOW_HOSTS=*\nANYPOINT_HOST=https://evil.example\n"
    )
    settings = f"[tool.reconciler]\n{variables}"
    bare.write({**TREE, _FILE: _INJECTION % "'${env:OTHER}'", ".env": variables})
    bare.write({"pyproject.toml": settings, "setup.cfg": settings, ".reconciler/env": variables})
    done = bounded(bare, "plan", RECONCILER_ENV_ALLOW="PARTNER_*", OTHER="x" * 20)
    assert done.code == 3
    assert "RECONCILER_ENV_ALLOW does not allow" in done.err
    assert emulator.logged() == []


@pytest.mark.parametrize(
    "key",
    ["description", "api: {asset: orders-api, label: '${env:HOME}'}\n#", "tiers", "reason"],
)
def test_a_reference_where_nothing_is_secret_is_not_resolved(bare: Cli, key: str) -> None:
    texts = {
        "description": "description: ${env:PARTNER_JWT_KEY}\n",
        "tiers": "tiers: [{name: '${env:PARTNER_JWT_KEY}', limits: []}]\n",
        "reason": "exclude: [{policy: cors, reason: '${env:PARTNER_JWT_KEY}'}]\n",
    }
    bare.write({**TREE, _FILE: API + texts.get(key, "")})
    for line in ("validate", "plan", "plan --format json", "explain a/p/api"):
        bounded(bare, *line.split())  # `checked` looks for the values of the variables


def test_a_reference_that_is_taken_out_of_a_file_does_not_show_its_value(
    bare: Cli, emulator: Emulator
) -> None:
    secret = "a-header-value-that-is-secret"
    bare.write({**TREE, _FILE: _INJECTION % "'${env:HEADER_TOKEN}'"})
    assert bare.run("apply", "--yes", HEADER_TOKEN=secret).code == 0
    bare.write({_FILE: _INJECTION % "attack"})
    for line in ("plan", "plan --format json", "drift", "explain a/p/api --live", "plan -o p.json"):
        done = bare.run(*line.split(), HEADER_TOKEN=secret)
        assert done.code in (0, 2)
        assert "header-injection" in done.out
        assert secret not in done.out + done.err
    assert secret not in (bare.folder / "p.json").read_text()
    bare.run("export", "--to", "out", HEADER_TOKEN=secret)
    exported = "".join(path.read_text() for path in (bare.folder / "out").rglob("*.yaml"))
    assert "header-injection" in exported
    assert secret not in exported


# Hosts


@pytest.mark.parametrize(
    "host",
    [
        "https://evil.example",
        "https://anypoint.mulesoft.com@evil.example",
        "https://anypoint.mulesoft.com:x@evil.example",
        "https://anypoint.mulesoft.com.evil.example",
        "https://xanypoint.mulesoft.com",
        "https://anypoint.mulesoft.com.",
        "https://anypoint.mulesoft.com:8443",
        "http://anypoint.mulesoft.com",
        "https://anypoint。mulesoft。com",
        "https://anypoint.mulesoft.com\u200b",
        "https://anypoint.mulesoft.com%2eevil.example",
        "https://2130706434",
        "https://0x0a000001",
        "https://012.0.0.1",
        "https://[fe80::1%25eth0]",
        "https://[::ffff:8.8.8.8]",
        "https://anypoint.mulesoft.com\\.evil.example",
        "https:/\\evil.example",
        "https:evil.example",
        "//evil.example",
        "javascript://anypoint.mulesoft.com/%0aevil",
        "https://eu9.anypoint.mulesoft.com",
        "https://evil.platform.mulesoft.com",
        "${env:ANYPOINT_HOST}",
        "${env:EVIL_HOST}",
        "https://${env:EVIL_HOST}",
        "${file:host}",
    ],
)
def test_no_file_sends_credentials_elsewhere(bare: Cli, host: str) -> None:
    organization = f"{ORGANIZATION}host: {json.dumps(host)}\n"
    bare.write({**TREE, f"{A}/organization.yaml": organization, f"{A}/host": "evil.example"})
    bare.environ.pop("ANYPOINT_HOST")
    # Nothing resolves through this proxy: a connection would fail with another code.
    done = bounded(bare, "plan", EVIL_HOST="evil.example", HTTPS_PROXY="http://127.0.0.1:9")
    assert done.code in (3, 5), done.out + done.err


# Bombs


@pytest.mark.parametrize("name", BOMBS)
def test_no_file_takes_the_machine_down(bare: Cli, name: str) -> None:
    content = BOMBS[name]
    bare.write(TREE)
    path = bare.folder / A / "p" / "bomb.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = bounded(bare, "validate")
    assert done.code in (0, 3)
    assert not (bare.folder / "owned").exists()
    assert len(done.out + done.err) < 40_000_000


def test_a_thousand_folders_deep_is_said(bare: Cli) -> None:
    bare.write(TREE)
    folder = bare.folder / A / "p"
    for _ in range(200):
        folder /= "deep"
    folder.mkdir(parents=True)
    (folder / "x.yaml").write_text("a: 1\n")
    done = bounded(bare, "validate")
    assert (done.code, "too deep" in done.err) == (3, True)


@pytest.mark.parametrize(
    "name", ["a\nb.yaml", "\x1b[2J.yaml", "a\u202eb.yaml", "::error::x.yaml", "-rf.yaml"]
)
def test_odd_file_names(bare: Cli, name: str) -> None:
    bare.write(TREE)
    (bare.folder / A / "p" / name).write_text("a: 1\n")
    done = bounded(bare, "validate")
    assert done.code == 3
    assert not {"\x1b", "\u202e"} & set(done.err)
    assert not any(line.lstrip().startswith("::") for line in done.err.splitlines())


# Patterns: what Python compiles, it never runs against a text of the attacker.


def test_no_pattern_of_a_file_is_matched_against_anything(bare: Cli, emulator: Emulator) -> None:
    evil = r"/(a+)+(b|c|(d|e)*)*$"
    api = emulator.stored(19001006)
    paths = [{"methodRegex": "GET", "uriTemplateRegex": "/" + "a" * 5_000 + "!"}]
    patch = {"pointcutData": paths}
    emulator.tamper(apiId=19001006, policyId=api["policies"][0]["id"], patch=patch, user="x")
    rules = f"    rules: [{{methods: [GET], path: '{evil}'}}]\n"
    bare.write({**TREE, _FILE: API + rules})
    for line in ("validate", "plan", "drift", "apply --yes", "explain a/p/api --live"):
        assert bounded(bare, *line.split()).code in (0, 2)


def test_a_glob_is_no_bomb(bare: Cli, emulator: Emulator) -> None:
    emulator.tamper(
        platform="anypoint", resource="apis", id=19001006, patch={"assetId": "a" * 3_000}, user="x"
    )
    glob = "*a" * 120 + "b"
    group = matching(f"{{asset: '{glob}'}}, mayBeEmpty: true")
    bare.write({**TREE, _FILE: group})
    for line in ("plan", f"list apis --api {glob}", f"plan --env {glob}"):
        assert bounded(bare, *line.split()).code in (0, 64)


# A plan file


PLANS: Mapping[str, str] = {
    "lists": "[" + "[]," * 3_000_000 + "[]]",
    "deep": "[" * 200_000,
    "a long text": '{"a": "' + "x" * 100_000_000 + '"}',
    "too long": " " * 140_000_000,
    "not a number": '{"schemaVersion": 1, "digest": NaN}',
    "infinity": '{"schemaVersion": 1, "digest": -Infinity}',
    "the same key twice": '{"schemaVersion": 1, "schemaVersion": 2}',
    "a long number": "9" * 1_000_000,
    "nothing": "",
}


@pytest.mark.parametrize("name", PLANS)
def test_a_hostile_plan_file_is_refused(bare: Cli, name: str) -> None:
    bare.write({**TREE, "plan.json": PLANS[name]})
    for verb in ("show", "apply"):
        assert bounded(bare, verb, "plan.json").code == 3


@pytest.mark.parametrize("kind", ["zero", "loop", "folder"])
def test_a_plan_file_that_is_none_is_no_trap(bare: Cli, kind: str) -> None:
    bare.write(TREE)
    _make(bare.folder / "plan.json", kind)
    assert bounded(bare, "apply", "plan.json").code in (3, 64)


def test_a_plan_with_another_body_and_a_right_digest_is_refused(
    cli: Cli, emulator: Emulator
) -> None:
    data = cli.plan("plan.json", "--api", "orders", "--env", "production")
    for change in data["changes"]:
        for field in change["fields"]:
            field["desired"] = ["0.0.0.0/0"] if field["path"] == "config.ips" else field["desired"]
    plan, _ = from_file(data)
    forged = {**to_file(plan), "digest": digest(plan)}
    (cli.folder / "plan.json").write_text(json.dumps(forged))
    before = len(emulator.writes())
    assert cli.run("apply", "plan.json").code == 5
    assert len(emulator.writes()) == before


# The working directory


_EVIL = "open('owned', 'w').write('x')\n"
_NAMES = ("yaml", "requests", "jsonschema", "deepdiff", "argcomplete", "tqdm", "json", "logging",
          "argparse", "urllib3", "sitecustomize", "usercustomize", "reconciler_evil")  # fmt: skip


def _trap(folder: Path, *names: str) -> None:
    for name in names:
        (folder / f"{name}.py").write_text(_EVIL)
    (folder / "conftest.py").write_text(_EVIL)
    (folder / "evil.pth").write_text(f"import os; {_EVIL}")


def test_nothing_of_the_working_directory_is_imported(bare: Cli) -> None:
    bare.write(TREE)
    _trap(bare.folder, *_NAMES)
    for line in ("validate", "plan -vv", "describe cors", "completion bash"):
        assert bare.run(*line.split()).code == 0
    assert not (bare.folder / "owned").exists()


def test_the_command_of_the_package_imports_nothing_of_it_either(bare: Cli) -> None:
    bare.write(TREE)
    _trap(bare.folder, *_NAMES, "runpy", "reconciler")
    script = bare.folder.parent / "bin" / "reconciler"
    script.parent.mkdir(exist_ok=True)
    # As an installer writes it for [project.scripts].
    script.write_text("import sys\nfrom reconciler.__main__ import main\nsys.exit(main())\n")
    done = subprocess.run(
        [sys.executable, str(script), "plan"],
        cwd=bare.folder,
        env={**bare.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (bare.folder / "owned").exists()
