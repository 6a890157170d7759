"""`schema pull`, and validating with what it has written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import ACME, Emulator

NAME = "tenant-guard"
PATH = f"schemas/custom/{ACME}/{NAME}.schema.json"
FILE = "policies/acme/sandbox/orders.yaml"
TEMPLATES = "exchange-policy-templates"


def a_template(**changes: Any) -> dict[str, Any]:
    """A row of a seed: an own policy with two versions."""
    fields = [
        {"name": "tenants", "type": "array", "itemType": "string", "required": True, "minimum": 1},
        {"name": "mode", "type": "string", "enum": ["strict", "lax"], "default": "strict"},
        {"name": "signingKey", "type": "string", "sensitive": True},
        {"name": "apiToken", "type": "string"},
    ]
    row = {
        "groupId": ACME,
        "assetId": NAME,
        "name": "Tenant Guard",
        "versions": ["1.10.0", "1.9.0"],
        "technologies": ["mule4", "flexGateway"],
        "category": "Security",
        "fields": fields,
    }
    return row | changes


@pytest.fixture
def own(cli: Cli, emulator: Emulator) -> Cli:
    """The sample with an entry for the organization's own policy, which the platform offers."""
    seed(emulator, a_template())
    path = cli.folder / FILE
    entry = (
        f"\n  - policyRef: {{groupId: {ACME}, name: {NAME}, version: 1.9.0}}\n"
        "    config: {tenants: [acme], mode: lax, signingKey: '${env:SIGNING_KEY}'}\n"
    )
    path.write_text(path.read_text("utf-8") + entry, "utf-8")
    cli.environ["RECONCILER_FORMAT"] = "json"
    return cli


def seed(emulator: Emulator, *templates: dict[str, Any]) -> None:
    emulator.reset({**emulator.state(), "templates": list(templates)})


def pulled(cli: Cli) -> Any:
    done = cli.run("schema", "pull")
    assert done.code == 0, done.out
    return json.loads((cli.folder / PATH).read_text("utf-8"))


def test_own_policies_become_schemas_in_the_form_of_the_shipped_ones(own: Cli) -> None:
    done = own.run("schema", "pull")
    assert (done.code, done.json["files"]) == (0, [f"{ACME}/{NAME}.schema.json"])
    schema = pulled(own)
    # The newest by the platform's word comes last.
    assert schema["x-reconciler"] == {
        "group": ACME,
        "versions": ["1.10.0", "1.9.0"],
        "category": "authentication",
        "gateways": [],
        "direction": "inbound",
        "rules": True,
        "ordered": True,
        "complete": False,
    }
    fields = schema["properties"]
    hidden = [name for name, field in fields.items() if field.get("x-sensitive")]
    assert hidden == ["signingKey", "apiToken"]
    assert fields["mode"]["anyOf"][0]["enum"] == ["strict", "lax", None]
    assert fields["tenants"]["x-required"]


def test_pulling_twice_writes_the_same_and_changes_nothing_there(
    own: Cli, emulator: Emulator
) -> None:
    pulled(own)
    first = (own.folder / PATH).read_bytes()
    pulled(own)
    assert (own.folder / PATH).read_bytes() == first
    assert emulator.writes() == []


def test_the_calls_are_few(own: Cli, emulator: Emulator) -> None:
    pulled(own)
    paths = [item["path"] for item in emulator.logged() if TEMPLATES in item["path"]]
    assert len(paths) == 5
    assert sum(NAME in path for path in paths) == 1


def test_validate_then_checks_them_like_the_rest(own: Cli) -> None:
    before = own.run("validate")
    assert before.code == 0
    assert any("schema pull" in text for text in before.json["warnings"])
    pulled(own)
    done = own.run("validate")
    assert (done.code, done.json["warnings"]) == (0, [])
    own.edit(FILE, "mode: lax", "mode: laxx")
    own.edit(FILE, "tenants: [acme]", "tenants: []")
    done = own.run("validate")
    assert done.code == 3
    assert {(error["path"], error["file"]) for error in done.json["errors"]} == {
        ("policies[1].config.mode", FILE),
        ("policies[1].config.tenants", FILE),
    }
    own.edit(FILE, "tenants: []", "tenants: [acme]")
    own.edit(FILE, "mode: laxx", "mod: lax")
    assert any('did you mean "mode"' in text for text in own.run("validate").json["warnings"])


def test_a_field_that_is_secret_there_is_secret_here(own: Cli, emulator: Emulator) -> None:
    own.edit(FILE, "'${env:SIGNING_KEY}'", "in-plain-sight")
    pulled(own)
    done = own.run("plan", "--env", "sandbox")
    assert "in-plain-sight" not in done.out + done.err
    assert any("a secret stands here as plain text" in text for text in done.json["warnings"])
    assert own.run("apply", "--yes", "--env", "sandbox").code == 0
    assert own.run("plan", "--env", "sandbox").json["changes"] == []


@pytest.mark.parametrize("shape", ["schema", "descriptors"])
def test_both_shapes_give_the_same_checks(own: Cli, emulator: Emulator, shape: str) -> None:
    if shape == "descriptors":
        path = f"/apimanager/xapi/v1/organizations/{ACME}/{TEMPLATES}/{ACME}/{NAME}/1.9.0"
        body = emulator.get(f"{path}?splitModel=false").json()
        assert isinstance(body["configuration"], list)
        emulator.fail({"status": 200, "body": body}, path=f"{TEMPLATES}/{ACME}/{NAME}/")
    fields = pulled(own)["properties"]
    assert {name: field["x-type"] for name, field in fields.items()} == {
        "tenants": "array",
        "mode": "string",
        "signingKey": "string",
        "apiToken": "string",
    }
    assert fields["signingKey"]["x-sensitive"]
    assert own.run("validate").code == 0
    own.edit(FILE, "mode: lax", "mode: 5")
    assert own.run("validate").code == 3


def test_another_folder_by_flag_and_variable(own: Cli) -> None:
    assert own.run("schema", "pull", "--to", "elsewhere").code == 0
    assert not (own.folder / "schemas").exists()
    assert (own.folder / "elsewhere" / ACME).is_dir()
    own.edit(FILE, "mode: lax", "mode: laxx")
    assert own.run("validate").code == 0
    assert own.run("validate", "--schema-dir", "elsewhere").code == 3
    assert own.run("validate", RECONCILER_SCHEMA_DIR="elsewhere").code == 3


def test_a_broken_schema_is_a_problem_that_names_it_and_pulling_mends_it(own: Cli) -> None:
    pulled(own)
    (own.folder / PATH).write_text('{"$ref": "http://127.0.0.1:9/evil"}', "utf-8")
    for verb in ("validate", "plan"):
        done = own.run(verb)
        assert done.code == 3
        assert {error["file"] for error in done.json["errors"]} == {PATH}
    pulled(own)
    assert own.run("validate").code == 0


@pytest.mark.parametrize("name", ["../../../../evil", "..", "a/../../b", "/etc/evil", "a\u202eb"])
def test_a_name_from_outside_leads_nowhere(own: Cli, emulator: Emulator, name: str) -> None:
    listed = [{"groupId": ACME, "assetId": name, "version": "1.0.0", "isOOTB": False}]
    one = {**listed[0], "configuration": []}
    emulator.faults(
        {"match": {"path": f"{TEMPLATES}\\?"}, "fault": {"status": 200, "body": listed}},
        {"match": {"path": f"{TEMPLATES}/"}, "fault": {"status": 200, "body": one}},
    )
    before = {path for path in own.folder.parent.rglob("*") if "policies" not in str(path)}
    done = own.run("schema", "pull")
    assert done.json["files"] == []
    assert done.json["warnings"] or done.json["errors"]
    after = {path for path in own.folder.parent.rglob("*") if "policies" not in str(path)}
    assert after - before <= {own.folder / ".reconciler"}


def test_a_group_that_is_a_link_is_not_followed(own: Cli) -> None:
    outside = own.folder / "outside"
    outside.mkdir()
    (own.folder / "schemas/custom").mkdir(parents=True)
    (own.folder / "schemas/custom" / ACME).symlink_to(outside)
    done = own.run("schema", "pull")
    assert done.code == 1
    assert "links out of the folder" in done.json["errors"][0]["message"]
    assert list(outside.iterdir()) == []


def test_one_template_that_cannot_be_read_leaves_the_others(own: Cli, emulator: Emulator) -> None:
    seed(emulator, a_template(), a_template(assetId="zebra"))
    emulator.fail({"status": 200, "body": {"configuration": 5}}, path=f"{TEMPLATES}/{ACME}/zebra/")
    done = own.run("schema", "pull")
    assert (done.code, done.json["files"]) == (1, [f"{ACME}/{NAME}.schema.json"])
    assert done.json["errors"][0]["address"] == f"{ACME}/zebra"


def test_an_organization_without_own_policies_writes_nothing(cli: Cli, emulator: Emulator) -> None:
    done = cli.run("schema", "pull")
    assert (done.code, done.out) == (0, "")
    assert not (cli.folder / "schemas").exists()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("schema", "pull"),
        ("schema push", "not one of pull"),
        ("schema pull --env production", "takes no --env"),
        ("schema pull --org nosuch", "no organization matches"),
        ("schema pull --to policies/reconciler.yaml", "is no folder"),
    ],
)
def test_wrong_usage(cli: Cli, line: str, words: str) -> None:
    done = cli.run(*line.split())
    assert done.code == 64
    assert words in done.err


def test_describe_knows_it(own: Cli) -> None:
    pulled(own)
    done = own.run("describe", f"{ACME}/{NAME}", "--format", "text")
    assert done.code == 0
    assert "signingKey" in done.out
    assert f"groupId: {ACME}" in done.out
