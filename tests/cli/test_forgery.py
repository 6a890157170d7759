"""Text from files and services cannot forge what the command prints."""

from __future__ import annotations

import json

import pytest

from tests.cli.driver import Cli
from tests.cli.standin import Answer, standing_in
from tests.cli.test_bad_files import API, TREE, A
from tests.emulator.driver import Emulator

FORGED = "x\x1b[2K\rfine\nerror: forged\n::error::forged\u202e"


def _is_honest(text: str) -> None:
    assert not any(line.startswith(("error: forged", "::error")) for line in text.splitlines())
    for mark in ("\x1b", "\r", "\u202e"):
        assert mark not in text


@pytest.mark.parametrize("verb", ["plan", "list orgs", "doctor"])
def test_a_message_of_a_service(cli: Cli, verb: str) -> None:
    answer = Answer(403, json.dumps({"message": FORGED, "error_description": FORGED}))
    with standing_in(lambda method, path: answer) as server:
        done = cli.run(*verb.split(), ANYPOINT_HOST=server.url)
    assert done.code == 4
    _is_honest(done.out + done.err)


def test_names_in_files(bare: Cli) -> None:
    quoted = json.dumps(FORGED)
    bare.write(
        {
            **TREE,
            f"{A}/p/key.yaml": API + f"{quoted}: 1\n",
            f"{A}/p/kind.yaml": f"apiVersion: reconciler/v1\nkind: {quoted}\n",
            f"{A}/p/policy.yaml": API.replace("name: ip-allowlist", f"name: {quoted}"),
            f"{A}/p/twice.yaml": f"{quoted}: 1\n{quoted}: 2\n",
            f"{A}/p/api.yaml": API.replace("asset: inventory-api", f"asset: {quoted}"),
        }
    )
    for line in ("validate", "plan", "validate --format json"):
        done = bare.run(*line.split())
        assert done.code == 3
        _is_honest(done.err if "json" in line else done.out + done.err)


def test_names_of_files(bare: Cli) -> None:
    bare.write(TREE)
    (bare.folder / A / "p" / "x\nerror: forged.yaml").write_text("a: 1\n")
    done = bare.run("validate")
    assert done.code == 3
    _is_honest(done.out + done.err)


def test_arguments(bare: Cli) -> None:
    for line in ([FORGED], ["plan", FORGED], ["describe", FORGED], ["-f", FORGED, "plan"]):
        done = bare.run(*line)
        assert done.code in (3, 64)
        _is_honest(done.out + done.err)


def test_live_names(cli: Cli, emulator: Emulator) -> None:
    name = "policies/acme/production/inventory.yaml"
    cli.edit(name, "asset: inventory-api, label: internal", "id: 19001006")
    patch = {"instanceLabel": FORGED}
    emulator.tamper(platform="anypoint", resource="apis", id=19001006, patch=patch, user="x")
    policy = emulator.stored(19001006)["policies"][0]
    emulator.tamper(
        apiId=19001006,
        policyId=policy["id"],
        patch={"configurationData": {"inboundHeaders": [FORGED], "outboundHeaders": []}},
        user="x",
    )
    for line in ("list apis", "list policies", "plan", "explain acme/production/inventory --live"):
        done = cli.run(*line.split())
        assert done.code == 0
        assert "forged" in done.out
        _is_honest(done.out + done.err)
