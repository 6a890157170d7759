"""What the schema of a custom policy may hold.

The file itself is never used to check anything: its fields are read, and a schema is made of them
anew. So that nobody takes a keyword for checked that is not, others are refused; there is no
`$ref` and no pattern but our own.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from reconciler.files.checker import Checker
from reconciler.files.policy_schema import DRAFT, EXPRESSION, REFERENCE
from reconciler.files.schema_words import faults, shown_path

_TEXT = {"type": "string"}
_SWITCH = {"type": "boolean"}
_NUMBER = {"type": "number"}
_TEXTS = {"type": "array", "items": _TEXT}
_KINDS = ("string", "expression", "boolean", "integer", "number", "array", "object", "any")
_SCALARS = {"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}}

_CHECKS: dict[str, Any] = {
    "type": {"anyOf": [_TEXT, _TEXTS]},
    "pattern": {"enum": [REFERENCE, EXPRESSION]},
    "patternErrorMessage": _TEXT,
    "anyOf": {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": {"enum": _SCALARS, "type": _TEXT, "pattern": {"const": REFERENCE}},
            "additionalProperties": False,
        },
    },
    "minimum": _NUMBER,
    "maximum": _NUMBER,
    "minItems": _NUMBER,
    "maxItems": _NUMBER,
    "required": _TEXTS,
    "properties": {"$ref": "#/$defs/fields"},
    "additionalProperties": {"const": False},
    "x-type": {"enum": list(_KINDS)},
}
_MARKS: dict[str, Any] = {
    "description": _TEXT,
    "items": {"type": "object", "properties": _CHECKS, "additionalProperties": False},
    "default": {},
    "x-required": _SWITCH,
    "x-sensitive": _SWITCH,
    "x-unordered": _SWITCH,
    "x-expression": _SWITCH,
    "x-dependsOn": {
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    },
    "x-format": {"enum": ["address", "methods"]},
    "x-unlimited": _NUMBER,
    "x-strengthens-when": {
        "enum": ["lower", "higher", "narrower", "wider", "true", "false", "neutral"]
    },
}
_ABOUT: dict[str, Any] = {
    "group": _TEXT,
    "versions": _TEXTS,
    "category": _TEXT,
    "gateways": _TEXTS,
    "direction": {"enum": ["inbound", "outbound", ""]},
    "rules": _SWITCH,
    "ordered": _SWITCH,
    "complete": _SWITCH,
}

CUSTOM_SHAPE: dict[str, Any] = {
    "type": "object",
    "required": ["title", "description", "x-reconciler", "type", "properties", "examples"],
    "properties": {
        "$schema": {"const": DRAFT},
        "$id": _TEXT,
        "title": _TEXT,
        "description": _TEXT,
        "x-reconciler": {
            "type": "object",
            "required": list(_ABOUT),
            "properties": _ABOUT,
            "additionalProperties": False,
        },
        "x-protects": {"enum": ["access", "traffic", "payload", "confidentiality", "none"]},
        "type": {"const": "object"},
        "required": _TEXTS,
        "properties": {"$ref": "#/$defs/fields"},
        "additionalProperties": {"const": False},
        "examples": {"type": "array", "minItems": 1, "items": {"type": "object"}},
    },
    "additionalProperties": False,
    "$defs": {
        "fields": {"type": "object", "additionalProperties": {"$ref": "#/$defs/field"}},
        "field": {
            "type": "object",
            "required": ["x-type"],
            "properties": {**_CHECKS, **_MARKS},
            "additionalProperties": False,
        },
    },
}


def shape_faults(content: Any) -> list[tuple[str, str]]:
    """What is wrong with the content of a schema file, as (path, message); none where it holds
    only what may be taken. Raises RecursionError for what is nested too deep."""
    found = faults(_checker().errors(content))
    return [(shown_path(fault.path), _in_words(fault.message, fault.hint)) for fault in found]


def _in_words(message: str, hint: str) -> str:
    return f"{message} ({hint})" if hint else message


@cache
def _checker() -> Checker:
    return Checker(CUSTOM_SHAPE)
