"""Checks a policy's configuration as the platform would, against the catalogue's fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.anypoint import errors
from reconciler.emulator.anypoint.templates import Field, Template

_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "expression": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


@dataclass(frozen=True, slots=True)
class _Rules:
    """How strictly to look."""

    strict_required: bool
    allow_missing_secrets: bool


def check_configuration(
    template: Template,
    configuration: Any,
    *,
    strict_required: bool = False,
    allow_missing_secrets: bool = False,
) -> None:
    """Refuses a configuration that does not fit; unknown keys fit.

    `strict_required` asks for required keys even where the catalogue knows a default.
    """
    if not isinstance(configuration, dict):
        raise errors.wrong_type("/body/configurationData", "object")
    if template.complete:
        rules = _Rules(strict_required, allow_missing_secrets)
        _check_fields(template.fields, configuration, "/body/configurationData", (), rules)


def _check_fields(
    fields: Iterable[Field],
    values: Mapping[str, Any],
    path: str,
    outer: tuple[Mapping[str, Any], ...],
    rules: _Rules,
) -> None:
    scopes = (values, *outer)
    for item in fields:
        name = item["name"]
        value = values.get(name)
        if value is not None:
            _check_value(item, value, f"{path}/{name}", scopes, rules)
        elif _is_required(item, rules) and _is_active(item, scopes):
            raise errors.missing(f"{path}/{name}")


def _is_required(item: Field, rules: _Rules) -> bool:
    if not item.get("required") or (item.get("sensitive") and rules.allow_missing_secrets):
        return False
    return rules.strict_required or "default" not in item


def _is_active(item: Field, scopes: tuple[Mapping[str, Any], ...]) -> bool:
    """Whether the siblings, or what is around them, select the branch of this field."""
    for key, wanted in item.get("dependsOn", {}).items():
        holder = next((scope for scope in scopes if key in scope), {})
        if key in holder and holder[key] != wanted:
            return False
    return True


def _check_value(
    item: Field, value: Any, path: str, scopes: tuple[Mapping[str, Any], ...], rules: _Rules
) -> None:
    kind = item.get("type")
    if kind is None:
        return
    _check_kind(kind, value, path)
    _check_bounds(item, value, path)
    if kind == "object":
        _check_fields(item.get("fields", ()), value, path, scopes, rules)
    elif kind == "array":
        for index, element in enumerate(value):
            _check_element(item, element, f"{path}/{index}", scopes, rules)
    else:
        _check_scalar(item, value, path)


def _check_kind(kind: str, value: Any, path: str) -> None:
    expected = _KINDS[kind]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        raise errors.wrong_type(path, "string" if kind == "expression" else kind)


def _check_element(
    item: Field, value: Any, path: str, scopes: tuple[Mapping[str, Any], ...], rules: _Rules
) -> None:
    kind = item.get("itemType")
    if kind:
        _check_kind(kind, value, path)
    if isinstance(value, dict):
        _check_fields(item.get("fields", ()), value, path, scopes, rules)
    else:
        _check_enum(item, value, path)


def _check_scalar(item: Field, value: Any, path: str) -> None:
    _check_enum(item, value, path)
    pattern = item.get("pattern")
    if pattern and not re.search(pattern, value, re.DOTALL):
        raise errors.invalid(path, f'must match pattern "{pattern}"', "pattern")


def _check_enum(item: Field, value: Any, path: str) -> None:
    if item.get("enum") and value not in item["enum"]:
        raise errors.invalid(path, "must be equal to one of the allowed values", "enum")


def _check_bounds(item: Field, value: Any, path: str) -> None:
    size = len(value) if isinstance(value, list) else value
    if isinstance(size, bool) or not isinstance(size, int | float):
        return
    low, high = item.get("minimum"), item.get("maximum")
    if low is not None and size < low:
        raise errors.invalid(path, f"must be >= {low}", "minimum")
    if high is not None and size > high:
        raise errors.invalid(path, f"must be <= {high}", "maximum")
