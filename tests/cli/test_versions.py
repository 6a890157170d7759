"""`versions`, pins, and an update of version."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import MULESOFT, Emulator

TEMPLATES = "exchange-policy-templates"
INVENTORY = 19001006


def rows(cli: Cli, *arguments: str) -> dict[tuple[str, str], Any]:
    """The rows by environment and policy."""
    done = cli.run("versions", "--format", "json", *arguments)
    assert done.code == 0, done.out
    return {(row["environment"], row["policy"]): row for row in done.json["items"]}


def newest(emulator: Emulator, name: str, version: str, configuration: Any) -> None:
    """Makes the platform answer with another configuration for a newest version."""
    body = {
        "groupId": MULESOFT,
        "assetId": name,
        "version": version,
        "configuration": configuration,
    }
    emulator.fail({"status": 200, "body": body}, path=f"{TEMPLATES}/{MULESOFT}/{name}/{version}")


def test_each_policy_in_use_with_its_versions(cli: Cli) -> None:
    found = rows(cli)
    limits = found["production", "rate-limiting"]
    assert (limits["pinned"], limits["live"], limits["newest"]) == (
        ["1.4.0"],
        ["1.0.0", "1.4.0"],
        "1.4.1",
    )
    assert (limits["behind"], limits["fits"], limits["misfits"]) == (True, True, [])
    assert found["sandbox", "rate-limiting"]["live"] == ["1.4.0"]
    unmanaged = found["production", "message-logging"]
    assert (unmanaged["pinned"], unmanaged["live"]) == ([], ["2.0.2"])


def test_the_newest_is_what_the_platform_says_and_not_the_largest(cli: Cli) -> None:
    tokens = rows(cli)["production", "jwt-validation"]
    assert (tokens["pinned"], tokens["newest"], tokens["behind"]) == (["1.3.2"], "0.12.0", True)


def test_only_what_is_behind_has_its_template_read_once(cli: Cli, emulator: Emulator) -> None:
    found = rows(cli)
    paths = [item["path"] for item in emulator.logged() if TEMPLATES in item["path"]]
    lists = [path for path in paths if f"{TEMPLATES}?" in path or path.endswith(TEMPLATES)]
    ours = {(row["policy"], place) for (place, _), row in found.items() if row["behind"]}
    assert len(lists) == 1
    assert len(paths) - len(lists) == len(ours)
    assert emulator.writes() == []


@pytest.mark.parametrize("shape", ["schema", "descriptors"])
def test_what_does_not_fit_is_said_field_by_field(cli: Cli, emulator: Emulator, shape: str) -> None:
    configuration: Any = {
        "type": "object",
        "properties": {
            "ips": {"type": "array", "items": {"type": "string"}},
            "ipExpression": {"type": "integer"},
            "onMissing": {"type": "string", "enum": ["allow", "deny"]},
        },
        "required": ["onMissing"],
        "additionalProperties": False,
    }
    if shape == "descriptors":
        configuration = [
            {"propertyName": "ips", "type": "string", "allowMultiple": True, "optional": True},
            {"propertyName": "ipExpression", "type": "int", "optional": True},
            {"propertyName": "onMissing", "type": "string", "optional": False},
        ]
    newest(emulator, "ip-allowlist", "1.1.2", configuration)
    row = rows(cli, "--api", "customers")["production", "ip-allowlist"]
    assert row["fits"] is False
    assert {(each["address"], each["path"]) for each in row["misfits"]} == {
        ("acme/production/customers/ip-allowlist", "config"),
        ("acme/production/customers/ip-allowlist", "config.ipExpression"),
    }
    done = cli.run("versions", "--api", "customers")
    assert "behind, ours does not fit" in done.out
    assert "config: onMissing is missing" in done.out


def test_a_key_that_the_newest_does_not_name_leaves_it_open(cli: Cli, emulator: Emulator) -> None:
    newest(emulator, "ip-allowlist", "1.1.2", {"properties": {"ips": {"type": "array"}}})
    row = rows(cli, "--api", "customers")["production", "ip-allowlist"]
    assert row["fits"] is None
    assert [each["path"] for each in row["misfits"]] == ["config.ipExpression"]
    assert "behind, ours may not fit" in cli.run("versions", "--api", "customers").out


def test_secrets_are_not_shown_where_they_do_not_fit(cli: Cli, emulator: Emulator) -> None:
    configuration = {"properties": {"textKey": {"type": "string", "enum": ["x"]}}}
    newest(emulator, "jwt-validation", "0.12.0", configuration)
    # That no secret is in the output holds for every run of the driver.
    rows(cli, "--api", "orders-partners")


def test_the_flag_makes_it_2_where_something_is_behind(cli: Cli) -> None:
    assert cli.run("versions").code == 0
    for flag in ("--detailed-exitcode", "--exit-code"):
        assert cli.run("versions", flag).code == 2
    scope = ("--api", "catalog", "--exit-code")
    assert cli.run("versions", *scope).code == 0


def test_a_table_in_text_and_markdown(cli: Cli) -> None:
    text = cli.run("versions", "--api", "catalog").out
    assert text.split("\n")[0].split() == [
        "ORGANIZATION",
        "ENVIRONMENT",
        "POLICY",
        "PINNED",
        "LIVE",
        "NEWEST",
        "STATE",
    ]
    markdown = cli.run("versions", "--api", "catalog", "--format", "markdown").out
    assert markdown.startswith("| organization | environment | policy |")


def test_a_list_of_templates_that_cannot_be_read_is_an_error(cli: Cli, emulator: Emulator) -> None:
    emulator.fail({"status": 403, "body": {}}, path=TEMPLATES)
    done = cli.run("versions", "--format", "json")
    assert done.code == 4
    assert done.json["errors"][0]["address"] == "acme"
    assert {row["newest"] for row in done.json["items"]} == {None}


def test_the_pin_of_an_environment_beats_that_of_the_organization(
    cli: Cli, emulator: Emulator
) -> None:
    cli.edit(
        "policies/acme/sandbox/environment.yaml",
        "environment: Sandbox",
        "environment: Sandbox\nversions: {rate-limiting: 1.4.1}",
    )
    found = rows(cli)
    assert found["sandbox", "rate-limiting"]["pinned"] == ["1.4.1"]
    assert found["production", "rate-limiting"]["pinned"] == ["1.4.0"]
    done = cli.run("plan", "--env", "sandbox", "--format", "json")
    assert [(change["address"], change["fields"]) for change in done.json["changes"]] == [
        (
            "acme/sandbox/orders/rate-limiting",
            [{"path": "version", "live": "1.4.0", "desired": "1.4.1"}],
        )
    ]


def test_an_update_of_version_is_one_patch_that_keeps_id_and_order(
    cli: Cli, emulator: Emulator
) -> None:
    def held() -> list[tuple[int, int, str]]:
        policies = emulator.stored(INVENTORY)["policies"]
        return [(item["id"], item["order"], item["assetVersion"]) for item in policies]

    before = held()
    policy, order, version = before[-1]
    assert version == "1.0.0"
    done = cli.run("apply", "--yes", "--api", "inventory", "--format", "json")
    assert done.code == 0, done.out
    assert [(item["method"], item["path"].rpartition("/")[2]) for item in emulator.writes()] == [
        ("PATCH", str(policy))
    ]
    assert held() == [*before[:-1], (policy, order, "1.4.0")]
