"""What is committed below schemas/ fits together, and is good JSON Schema."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "schemas"
FILES = sorted(SCHEMAS.rglob("*.schema.json"))
GENERATOR = runpy.run_path(str(SCHEMAS / "generate.py"))


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _nodes(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [node for item in value for node in _nodes(item)]
    if not isinstance(value, dict):
        return []
    return [value, *(node for item in value.values() for node in _nodes(item))]


def _relative(path: Path) -> str:
    return path.relative_to(SCHEMAS).as_posix()


def _registry() -> Registry[Any]:
    resources = [(f"https://schemas.invalid/{_relative(f)}", _read(f)) for f in FILES]
    bare = [(uri, {k: v for k, v in s.items() if k != "$id"}) for uri, s in resources]
    registry: Registry[Any] = Registry()
    return registry.with_resources((uri, Resource.from_contents(s)) for uri, s in bare)


def _editor_accepts(document: Any) -> bool:
    """Whether an editor would: the whole of the schemas, with the chain that finds configs."""
    root = {"$ref": "https://schemas.invalid/reconciler.schema.json"}
    return Draft202012Validator(root, registry=_registry()).is_valid(document)


def test_generated_files_are_up_to_date() -> None:
    catalogue = yaml.safe_load((SCHEMAS / "catalogue.yaml").read_text(encoding="utf-8"))
    made = GENERATOR["generate"](catalogue)
    stale = [path for path, text in made.items() if (SCHEMAS / path).read_text("utf-8") != text]
    assert stale == [], "run `make schemas`"
    policies = {path for path in map(_relative, FILES) if path.startswith("policies/")}
    assert policies == {path for path in made if path.startswith("policies/")}


@pytest.mark.parametrize("file", FILES, ids=_relative)
def test_schema_is_good_json_schema(file: Path) -> None:
    schema = _read(file)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == file.name
    assert schema["title"]


@pytest.mark.parametrize("file", FILES, ids=_relative)
def test_reference_names_its_file_and_leads_somewhere(file: Path) -> None:
    # Editors resolve `#/...` against the wrong file once references are nested.
    for node in _nodes(_read(file)):
        if "$ref" not in node:
            continue
        name, _, pointer = node["$ref"].partition("#/")
        target = _read(file.parent / name)
        for part in filter(None, pointer.split("/")):
            target = target[part]
        assert target


@pytest.mark.parametrize("file", sorted((ROOT / "policies").rglob("*.yaml")), ids=lambda f: f.name)
def test_sample_names_a_schema_that_accepts_it(file: Path) -> None:
    first, *_ = file.read_text(encoding="utf-8").splitlines()
    assert first.startswith("# yaml-language-server: $schema=")
    assert (file.parent / first.partition("=")[2]).resolve() in FILES
    # To YAML 1.1 a day is a date; to editors, and to us, it is text.
    shown = json.dumps(yaml.safe_load(file.read_text(encoding="utf-8")), default=str)
    assert _editor_accepts(json.loads(shown))


def _an_entry(name: str, config: dict[str, Any], **reference: str) -> dict[str, Any]:
    entry = {"policyRef": {"name": name, **reference}, "config": config}
    head = {"apiVersion": "reconciler/v1", "kind": "ApiInstance", "api": {"asset": "a"}}
    return {**head, "policies": [entry]}


def test_editor_checks_a_configuration_by_the_name_of_its_policy() -> None:
    assert _editor_accepts(_an_entry("ip-allowlist", {"ips": ["1.1.1.1"]}))
    assert not _editor_accepts(_an_entry("ip-allowlist", {"ipz": ["1.1.1.1"]}))
    assert not _editor_accepts(_an_entry("ip-allowlist", {"ips": "1.1.1.1"}))
    assert not _editor_accepts(_an_entry("no-such-policy", {}))


def test_editor_accepts_references_and_custom_policies() -> None:
    assert _editor_accepts(_an_entry("spike-control", {"maximumRequests": "${env:X}"}))
    assert not _editor_accepts(_an_entry("spike-control", {"maximumRequests": "many"}))
    assert _editor_accepts(_an_entry("ip-allowlist", {"a": 1}, groupId="my-group"))


def test_dump_keeps_the_value() -> None:
    value = {"a": ["two words, and a comma"] * 9, "b": {"c": [], "d": {}}, "e": [{"f": 1}] * 30}
    assert json.loads(GENERATOR["dump"](value)) == value
