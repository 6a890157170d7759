"""A template's configuration in the two shapes that the service has for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.emulator.anypoint.templates import Field, Template

_DRAFT = "https://json-schema.org/draft/2019-09/schema"


def descriptors(template: Template) -> list[dict[str, Any]]:
    """The older shape: a list of properties."""
    return [_descriptor(item) for item in template.fields]


def _descriptor(item: Field) -> dict[str, Any]:
    dependency = next(iter(item.get("dependsOn", {}).items()), (None, None))
    return {
        "propertyName": item["name"],
        "name": item["name"],
        "description": "",
        "type": _descriptor_type(item),
        "options": [{"name": str(v), "value": v} for v in item.get("enum", ())],
        "optional": not item.get("required", False),
        "sensitive": item.get("sensitive", False),
        "allowMultiple": item.get("type") == "array",
        "defaultValue": item.get("default"),
        "dependsOnKey": dependency[0],
        "dependsOnValue": dependency[1],
        "configuration": [_descriptor(nested) for nested in item.get("fields", ())],
    }


def _descriptor_type(item: Field) -> str:
    if item.get("enum"):
        return "radio"
    kind: str = item.get("type", "object")
    if kind == "array":
        return item.get("itemType") or "string"
    return "int" if kind == "integer" else kind


def json_schema(template: Template) -> dict[str, Any]:
    """The newer shape: JSON Schema, with the branches as if and then."""
    schema = {"$schema": _DRAFT, **_object(template.fields)}
    branches = [_branch(item) for item in template.fields if item.get("dependsOn")]
    return schema | ({"allOf": branches} if branches else {})


def _object(fields: Iterable[Field]) -> dict[str, Any]:
    """Only what is always there is required here; a branch requires its own."""
    items = list(fields)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {item["name"]: _property(item) for item in items},
    }
    required = [i["name"] for i in items if i.get("required") and not i.get("dependsOn")]
    return schema | ({"required": required} if required else {})


def _branch(item: Field) -> dict[str, Any]:
    condition = {key: {"const": value} for key, value in item["dependsOn"].items()}
    then: dict[str, Any] = {"properties": {item["name"]: _property(item)}}
    if item.get("required"):
        then["required"] = [item["name"]]
    return {"if": {"properties": condition}, "then": then}


def _property(item: Field) -> dict[str, Any]:
    kind = item.get("type")
    schema: dict[str, Any] = {"type": "string" if kind == "expression" else kind} if kind else {}
    if kind == "expression":
        schema["format"] = "dataweaveExpression"
    if kind == "object":
        schema = _object(item.get("fields", ()))
    if kind == "array":
        schema["items"] = _items(item)
        schema |= {"minItems": item["minimum"]} if "minimum" in item else {}
    else:
        schema |= {key: item[key] for key in ("minimum", "maximum", "pattern") if key in item}
        schema |= {"enum": item["enum"]} if item.get("enum") else {}
    schema |= {"default": item["default"]} if "default" in item else {}
    return schema | (
        {"@context": {"@characteristics": ["security:sensitive"]}} if item.get("sensitive") else {}
    )


def _items(item: Field) -> dict[str, Any]:
    if item.get("itemType") == "object":
        return _object(item.get("fields", ()))
    items: dict[str, Any] = {"type": item.get("itemType") or "string"}
    return items | ({"enum": item["enum"]} if item.get("enum") else {})
