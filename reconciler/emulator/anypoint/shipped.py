"""The platform's own policy templates, out of the generated schemas that ship with the package.

They stand in `schemas/policies/`, one file per policy; `schemas/generate.py` says what its keys
mean. Read here with code of our own, so that what the rest of the package takes them for is put
to the test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

_SUFFIX = ".schema.json"
_OR_REFERENCE = r"|\$\{(env|file):"
"""Ends each pattern of the files; a reference is never sent, so the platform does not know it."""

_ANY_VERSION = "1.0.0"
"""Of a policy of which the files know no version: it can be applied all the same."""

_CATEGORIES = {
    "ai": "AI",
    "authentication": "Security",
    "compliance": "Compliance",
    "other": "Security",
    "quality-of-service": "Quality of Service",
    "threat-protection": "Security",
    "transformation": "Transformation",
    "troubleshooting": "Troubleshooting",
}


def shipped_rows() -> Iterator[tuple[str, dict[str, Any]]]:
    """Group id and catalogue row, as a seed writes it, of each shipped policy, by asset id."""
    found = (item for item in _folder().iterdir() if item.name.endswith(_SUFFIX))
    for item in sorted(found, key=lambda item: item.name):
        schema = json.loads(item.read_text("utf-8"))
        yield schema["x-reconciler"]["group"], _row(item.name.removesuffix(_SUFFIX), schema)


def _folder() -> Traversable:
    """`reconciler/schemas` of an installed wheel, else `schemas` of the checkout."""
    package = files("reconciler")
    installed = package / "schemas"
    root = installed if installed.is_dir() else package / ".." / "schemas"
    return root / "policies"


def _row(asset_id: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    about = schema["x-reconciler"]
    return {
        "assetId": asset_id,
        "name": schema["title"],
        "category": _CATEGORIES[about["category"]],
        "versions": about["versions"] or [_ANY_VERSION],
        "technologies": about["gateways"],
        "outbound": about["direction"] == "outbound",
        "resourceLevel": about["rules"],
        "complete": about["complete"],
        "fields": _fields(schema),
    }


def _fields(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", ())
    properties = schema.get("properties", {})
    return [_field(name, item, name in required) for name, item in properties.items()]


def _field(name: str, schema: Mapping[str, Any], is_required: bool) -> dict[str, Any]:
    """`type`, `itemType` are absent where anything will do."""
    items = schema.get("items", {})
    row: dict[str, Any] = {
        "name": name,
        "required": is_required or schema.get("x-required", False),
        "sensitive": schema.get("x-sensitive", False),
        "dependsOn": schema.get("x-dependsOn", {}),
        "enum": _allowed(schema) or _allowed(items),
        "fields": _fields(items or schema),
    }
    kind, item_kind = schema["x-type"], items.get("x-type", items.get("type"))
    row |= {"type": kind} if kind != "any" else {}
    row |= {"itemType": item_kind} if item_kind else {}
    if kind in ("string", "expression") and "pattern" in schema:
        row["pattern"] = schema["pattern"].removesuffix(_OR_REFERENCE)
    if "minItems" in schema:
        row["minimum"] = schema["minItems"]
    return row | {key: schema[key] for key in ("minimum", "maximum", "default") if key in schema}


def _allowed(schema: Mapping[str, Any]) -> list[Any]:
    """Null stands in the files to remove an inherited key; it is never sent."""
    first = schema.get("anyOf", ({},))[0]
    return [value for value in first.get("enum", ()) if value is not None]
