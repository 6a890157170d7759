"""Files that are wrong: said with place, reason and remedy; nothing is lost, nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import Emulator

ORGANIZATION = """\
apiVersion: reconciler/v1
kind: Organization
organization: Acme Corp
versions: {ip-allowlist: 1.1.1}
"""
ENVIRONMENT = """\
apiVersion: reconciler/v1
kind: Environment
environment: Production
"""
API = """\
apiVersion: reconciler/v1
kind: ApiInstance
api: {asset: inventory-api, label: internal}
policies:
  - policyRef: {name: ip-allowlist}
    config: {ips: [1.1.1.1]}
"""
A = "policies/a"
TREE = {
    f"{A}/organization.yaml": ORGANIZATION,
    f"{A}/p/environment.yaml": ENVIRONMENT,
    f"{A}/p/api.yaml": API,
}


def _with(name: str, old: str, new: str) -> Mapping[str, str]:
    text = TREE[f"{A}/{name}"]
    assert old in text
    return {**TREE, f"{A}/{name}": text.replace(old, new)}


def _and(name: str, text: str) -> Mapping[str, str]:
    return {**TREE, f"{A}/{name}": text}


def _without(name: str) -> Mapping[str, str]:
    return {key: text for key, text in TREE.items() if key != f"{A}/{name}"}


def test_the_tree_itself_is_right(bare: Cli) -> None:
    bare.write(TREE)
    assert bare.run("validate").code == 0
    assert bare.run("plan").code == 0


WRONG: Mapping[str, tuple[Mapping[str, str], str]] = {
    "no tree": ({}, "policies: there is no such folder"),
    "empty tree": ({"policies/readme.txt": ""}, "policies"),
    "no organization": (_without("organization.yaml"), "organization.yaml"),
    "no environment": (_without("p/environment.yaml"), "environment.yaml"),
    "unknown kind": (_with("p/api.yaml", "ApiInstance", "ApiInstanc"), "api.yaml:2:7:"),
    "unknown key": (_with("p/api.yaml", "config:", "confg:"), "did you mean"),
    "unknown policy": (_with("p/api.yaml", "ip-allowlist", "ip-alowlist"), "ip-allowlist"),
    "no apiVersion": (_with("p/api.yaml", "apiVersion: reconciler/v1\n", ""), "apiVersion"),
    "bad configuration": (_with("p/api.yaml", "[1.1.1.1]", "1.1.1.1"), "api.yaml:6:"),
    "one API twice": (_and("p/other.yaml", API), "api.yaml"),
    "a tab": (_with("p/api.yaml", "  - policyRef", "\t- policyRef"), "api.yaml:5:1:"),
    "a duplicate key": (_with("p/api.yaml", "policies:", "api: {id: 1}\npolicies:"), "api"),
    "not a mapping": (_and("p/api.yaml", "- 1\n"), "api.yaml"),
    "not YAML": (_and("p/api.yaml", "a: [\n"), "api.yaml"),
    "too large": (_and("p/big.yaml", "a: " + "x" * 10_000_000), "big.yaml"),
    "control characters": (_and("p/api.yaml", API + "description: \x07\n"), "api.yaml"),
    "billion laughs": (
        _and(
            "p/laughs.yaml",
            "a: &a [x, x, x, x, x, x, x, x, x]\n"
            + "".join(
                f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
                for old, new in zip("abcdefgh", "bcdefghi", strict=True)
            ),
        ),
        "laughs.yaml",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_are_refused_before_any_call(bare: Cli, emulator: Emulator, case: str) -> None:
    files, words = WRONG[case]
    bare.write(files)
    done = bare.run("plan")
    assert (done.code, done.out) == (3, "")
    assert words in done.err
    assert done.err.startswith("error: policies")
    assert max(map(len, done.err.splitlines())) < 500
    assert emulator.logged() == []


def test_all_errors_of_all_files_are_reported_at_once(bare: Cli) -> None:
    bare.write(
        {
            f"{A}/organization.yaml": ORGANIZATION + "hots: x\n",
            f"{A}/p/environment.yaml": ENVIRONMENT + "protectd: true\n",
            f"{A}/p/api.yaml": API.replace("config:", "confg:"),
            f"{A}/p/tab.yaml": "\ta: 1\n",
        }
    )
    done = bare.run("validate", "--format", "json")
    assert done.code == 3
    places = {(error["file"], error["line"]) for error in done.json["errors"]}
    assert places >= {
        (f"{A}/organization.yaml", 5),
        (f"{A}/p/environment.yaml", 4),
        (f"{A}/p/api.yaml", 6),
        (f"{A}/p/tab.yaml", 1),
    }
    text = bare.run("validate").err
    assert len(text.splitlines()) == len(done.json["errors"])


def test_apply_of_wrong_files_writes_nothing(cli: Cli, emulator: Emulator) -> None:
    name = "policies/acme/production/catalog.yaml"
    cli.edit(name, "ttl: 600", "ttl: often")
    done = cli.run("apply", "--yes")
    assert done.code == 3
    assert f"{cli.place(name, 'ttl:')}:" in done.err
    assert emulator.logged() == []


def test_marks_and_line_ends_of_windows_are_fine(bare: Cli) -> None:
    bare.write({name: "﻿" + text.replace("\n", "\r\n") for name, text in TREE.items()})
    done = bare.run("plan", "--format", "json")
    assert (done.code, done.json["summary"]["create"]) == (0, 1)


def test_a_link_out_of_the_tree_is_refused(bare: Cli) -> None:
    bare.write({**TREE, "outside.yaml": API})
    (bare.folder / A / "p/link.yaml").symlink_to(bare.folder / "outside.yaml")
    done = bare.run("validate")
    assert done.code == 3
    assert "link.yaml" in done.err


# What only the platform can tell


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (_with("organization.yaml", "Acme Corp", "Acme Cor"), "did you mean 'Acme Corp'"),
        (_with("organization.yaml", "Acme Corp", "Zebra"), "this login can see: 'Acme Corp'"),
        (_with("p/environment.yaml", "Production", "production"), "'Production'"),
        (_with("p/api.yaml", "inventory-api", "inventry-api"), "inventory-api"),
        (_with("p/api.yaml", "label: internal", "label: external"), "inventory-api:internal"),
        (_with("p/api.yaml", "inventory-api, label: internal", "orders-api"), "19001002"),
        (_with("p/api.yaml", "asset: inventory-api, label: internal", "id: 1"), "1"),
        (_with("organization.yaml", "versions: {ip-allowlist: 1.1.1}\n", ""), "needs a version"),
        (_with("p/api.yaml", "{ips: [1.1.1.1]}", "{}"), "ips is missing"),
        (
            _and(
                "p/other.yaml", API.replace("asset: inventory-api, label: internal", "id: 19001006")
            ),
            "api.yaml",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_names_that_do_not_resolve_are_said_with_near_ones(
    bare: Cli, emulator: Emulator, files: Mapping[str, str], words: str
) -> None:
    bare.write(files)
    done = bare.run("apply", "--yes")
    assert done.code == 3
    assert words in done.out + done.err
    assert f"{A}/" in done.out + done.err
    assert emulator.writes() == []


# Variables


UNSET = {"PARTNER_JWT_KEY": None, "ORDERS_BACKEND_PASSWORD": None, "SANDBOX_BASIC_PASSWORD": None}


def test_an_unset_variable_is_a_warning_where_nothing_is_sent(cli: Cli) -> None:
    for verb in ("plan", "drift"):
        done = cli.run(verb, "--format", "json", **UNSET)
        assert done.code in (0, 2)
        warnings = "\n".join(done.json["warnings"])
        for name in UNSET:
            assert f"the variable {name} is not set" in warnings
    assert cli.run("validate", **UNSET).code == 0


def test_an_unset_variable_stops_only_what_needs_it(cli: Cli, emulator: Emulator) -> None:
    policy = emulator.stored(19001002)["policies"][1]
    assert policy["assetId"] == "jwt-validation"
    emulator.tamper(apiId=19001002, policyId=policy["id"], patch={"delete": True}, user="x")
    needed = cli.run("apply", "--yes", "--format", "json", **UNSET)
    assert needed.code == 3
    assert "${env:PARTNER_JWT_KEY}" in needed.messages[0]
    assert needed.json["errors"][0]["file"] == "policies/acme/production/orders-partners.yaml"
    assert emulator.writes() == []
    others = cli.run("apply", "--yes", "--env", "production", "--api", "orders", **UNSET)
    assert others.code == 0


def test_variables_with_credentials_are_not_for_policies(cli: Cli) -> None:
    name = "policies/acme/production/orders-partners.yaml"
    cli.edit(name, "${env:PARTNER_JWT_KEY}", "${env:ANYPOINT_CLIENT_SECRET}")
    done = cli.run("plan")
    assert done.code == 3
    assert "orders-partners.yaml:" in done.err + done.out
