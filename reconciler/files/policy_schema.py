"""A policy's fields as JSON Schema, and back. The form is that of `schemas/policies/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.core.catalogue import MISSING, Field, PolicyType

Schema = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = r"\$\{(env|file):"
EXPRESSION = rf"^\s*#\[[\s\S]+\]\s*$|{REFERENCE}"
_WORDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
_EXAMPLES = {"expression": "#[attributes.requestPath]", "boolean": True}


def schema_of(known: PolicyType) -> Schema:
    """The schema of a policy, as one that ships would be."""
    schema: Schema = {
        "$schema": DRAFT,
        "$id": f"{known.name}.schema.json",
        "title": known.title,
        "description": known.summary,
        "x-reconciler": {
            "group": known.group,
            "versions": list(known.versions),
            "category": known.category,
            "gateways": sorted(known.gateways, reverse=True),
            "direction": known.direction,
            "rules": known.rules,
            "ordered": known.ordered,
            "complete": known.complete,
        },
    }
    if known.protects:
        schema["x-protects"] = known.protects
    schema |= {"type": "object", **_properties(known.fields, closed=known.complete, in_list=False)}
    schema["examples"] = [dict(known.example) or _example(known.fields)]
    return schema


def policy_type_of(schema: Mapping[str, Any], name: str) -> PolicyType:
    """The policy that a schema in our form describes; KeyError where the form is another."""
    about = schema["x-reconciler"]
    return PolicyType(
        group=about["group"],
        name=name,
        title=schema["title"],
        category=about["category"],
        versions=tuple(about["versions"]),
        gateways=frozenset(about["gateways"]),
        direction=about["direction"],
        rules=about["rules"],
        ordered=about["ordered"],
        complete=about["complete"],
        fields=fields_of(schema),
        example=schema["examples"][0],
        summary=schema["description"],
        protects=schema.get("x-protects", ""),
        gateways_documented=about.get("gatewaysDocumented", True),
    )


def fields_of(schema: Mapping[str, Any]) -> dict[str, Field]:
    """The fields that a schema describes."""
    required = schema.get("required", ())
    properties = schema.get("properties", {})
    return {key: _read_field(key, item, key in required) for key, item in properties.items()}


def _read_field(name: str, schema: Mapping[str, Any], is_required: bool) -> Field:
    items = schema.get("items", {})
    kind = schema["x-type"]
    return Field(
        name=name,
        type="" if kind == "any" else kind,
        default=schema.get("default", MISSING),
        required=is_required or schema.get("x-required", False),
        unordered=schema.get("x-unordered", False),
        sensitive=schema.get("x-sensitive", False),
        item_type=_item_type(items),
        enum=_read_enum(schema) or _read_enum(items),
        minimum=schema.get("minimum", schema.get("minItems")),
        maximum=schema.get("maximum", schema.get("maxItems")),
        depends_on=schema.get("x-dependsOn", {}),
        fields=fields_of(items if items else schema),
        title=schema.get("description", ""),
        strengthens_when=schema.get("x-strengthens-when", ""),
        unlimited=schema.get("x-unlimited"),
        format=schema.get("x-format", ""),
    )


def _item_type(items: Mapping[str, Any]) -> str:
    return str(items.get("x-type") or items.get("type") or "")


def _read_enum(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    """Allowed values; null, which only removes an inherited key, is left out."""
    branches = schema.get("anyOf", ({},))
    return tuple(value for value in branches[0].get("enum", ()) if value is not None)


def _properties(fields: Mapping[str, Field], *, closed: bool, in_list: bool) -> Schema:
    required = [name for name, item in fields.items() if _is_required(item, in_list=in_list)]
    schema: Schema = {"required": required} if required else {}
    schema["properties"] = {
        name: _field(item, closed=closed, in_list=in_list) for name, item in fields.items()
    }
    return schema | ({"additionalProperties": False} if closed else {})


def _is_required(item: Field, *, in_list: bool) -> bool:
    """Whether a key is required in its own layer: a list is replaced as a whole."""
    return in_list and item.required and item.default is MISSING and not item.depends_on


def _field(item: Field, *, closed: bool, in_list: bool) -> Schema:
    schema: Schema = {"description": item.title, "x-type": item.type or "any"}
    schema |= _shape(item, closed=closed, in_list=in_list)
    if item.required and not _is_required(item, in_list=in_list):
        schema["x-required"] = True
    if item.default is not MISSING:
        schema["default"] = item.default
    marks = {
        "x-sensitive": item.sensitive,
        "x-unordered": item.unordered,
        "x-dependsOn": dict(item.depends_on),
        "x-format": item.format,
        "x-strengthens-when": item.strengthens_when,
        "x-expression": item.type == "expression",
    }
    schema |= {key: mark for key, mark in marks.items() if mark}
    return schema | ({"x-unlimited": item.unlimited} if item.unlimited is not None else {})


def _shape(item: Field, *, closed: bool, in_list: bool) -> Schema:
    """The keywords that check a value. Outside lists null is allowed: it removes a key."""
    null = [] if in_list else ["null"]
    if item.type == "array":
        bounds = {"minItems": item.minimum, "maxItems": item.maximum}
        kept = {key: bound for key, bound in bounds.items() if bound is not None}
        return {"type": _one_or_more(["array", *null])} | kept | _items(item, closed=closed)
    if item.type == "object":
        inner = _properties(item.fields, closed=closed, in_list=in_list) if item.fields else {}
        return {"type": _one_or_more(["object", *null])} | inner
    if item.enum:
        return _enum(item, null)
    bounds = {"minimum": item.minimum, "maximum": item.maximum}
    kept = {key: bound for key, bound in bounds.items() if bound is not None}
    return _scalar(item.type, null) | kept


def _items(item: Field, *, closed: bool) -> Schema:
    if item.item_type == "object":
        inner = _properties(item.fields, closed=closed, in_list=True) if item.fields else {}
        return {"items": {"type": "object"} | inner}
    if not item.item_type:
        return {}
    shape = _enum(item, []) if item.enum else _scalar(item.item_type, [])
    return {"items": {"x-type": item.item_type} | shape}


def _enum(item: Field, null: list[str]) -> Schema:
    """Editors offer the first branch; the second takes a reference."""
    values = [*item.enum, *(None for _ in null)]
    return {"anyOf": [{"enum": values}, {"type": "string", "pattern": REFERENCE}]}


def _scalar(kind: str, null: list[str]) -> Schema:
    """`pattern` holds for text alone, so it lets references pass where a number is asked for."""
    if kind in _WORDS:
        words = f"must be {_WORDS[kind]}, or a reference such as ${{env:NAME}}"
        types = [kind, "string", *null]
        return {"type": types, "pattern": REFERENCE, "patternErrorMessage": words}
    if kind == "expression":
        words = "must be an expression: #[...]"
        text: Schema = {"pattern": EXPRESSION, "patternErrorMessage": words}
        return {"type": _one_or_more(["string", *null])} | text
    return {"type": _one_or_more(["string", *null])} if kind == "string" else {}


def _one_or_more(kinds: list[str]) -> str | list[str]:
    return kinds[0] if len(kinds) == 1 else kinds


def _example(fields: Mapping[str, Field]) -> Schema:
    """The required fields without a default, with a plain value each."""
    return {
        name: _example_value(item)
        for name, item in fields.items()
        if item.required and item.default is MISSING and not item.depends_on
    }


def _example_value(item: Field) -> Any:
    if item.type == "array":
        one = replace(item, type=item.item_type, minimum=None)
        count = max(1, int(item.minimum or 0))
        return [_example_value(one)] * count if item.item_type else []
    if item.type == "object":
        return _example(item.fields)
    if item.sensitive:
        return "${env:" + _variable(item.name) + "}"
    if item.enum:
        return item.enum[0]
    if item.type in ("integer", "number"):
        return item.minimum if item.minimum is not None else 1
    return _EXAMPLES.get(item.type, item.name)


def _variable(name: str) -> str:
    words = "".join(f"_{char}" if char.isupper() else char for char in name)
    made = "".join(char if char.isascii() and char.isalnum() else "_" for char in words).upper()
    return made if made[:1].isalpha() else f"SECRET_{made}"
