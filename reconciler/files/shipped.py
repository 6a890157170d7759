"""The folder of schemas that ships with the package."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

SUFFIX = ".schema.json"
_ENTRY = "policy-entry"


@cache
def schema_folder() -> Traversable:
    """`reconciler/schemas` of an installed wheel; `schemas/` of the checkout where there is one."""
    package = files("reconciler")
    installed = package / "schemas"
    return installed if installed.is_dir() else package / ".." / "schemas"


@cache
def read_schema(path: str) -> dict[str, Any]:
    """The parsed schema at a path such as `policies/cors`; one instance, not to be changed."""
    text = (schema_folder() / f"{path}{SUFFIX}").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache
def document_schema(path: str) -> dict[str, Any]:
    """The schema with what it refers to in place of each `$ref`: that halves the time to check.

    The chain that finds the schema of an entry's `config` is left out; it serves editors.
    """
    schema: dict[str, Any] = _resolved(read_schema(path), path)
    return schema


def _resolved(node: Any, path: str) -> Any:
    if isinstance(node, list):
        return [_resolved(item, path) for item in node]
    if not isinstance(node, dict):
        return node
    own = {key: _resolved(item, path) for key, item in node.items() if key not in ("$ref", "$id")}
    if "$ref" not in node:
        return own
    name, _, pointer = node["$ref"].partition("#/")
    target_path = name.removesuffix(SUFFIX) or path
    target = read_schema(target_path)
    for part in pointer.split("/"):
        target = target[part]
    if target_path == _ENTRY:
        target = {"$ref": target["$ref"]}
    return {**_resolved(target, target_path), **own}


@cache
def policy_names() -> dict[str, tuple[str, ...]]:
    """Asset ids by use: `inbound`, `outbound`, and `local`, which API Manager cannot apply."""
    names = read_schema(_ENTRY)["x-names"]
    return {use: tuple(items) for use, items in names.items()}


def copy_schemas(folder: Path) -> None:
    """Copies the schemas for editors, next to a tree of policies; raises OSError."""
    _copy(schema_folder(), folder)


def _copy(source: Traversable, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for item in source.iterdir():
        if item.is_dir() and not item.name.startswith(("_", ".")):
            _copy(item, folder / item.name)
        elif item.name.endswith(SUFFIX):
            (folder / item.name).write_bytes(item.read_bytes())
