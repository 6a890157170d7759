"""The shipped catalogue of policies, as values; the data stand in `schemas/policies/`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from reconciler.core.catalogue import MISSING, Field, PolicyType
from reconciler.core.model import MULESOFT_GROUP
from reconciler.files.shipped import policy_names, read_schema


class ShippedCatalogue:
    """Implements `core.catalogue.Catalogue`; a policy's file is read when it is first asked for."""

    @classmethod
    def load(cls) -> ShippedCatalogue:
        """The catalogue; reads nothing yet."""
        return cls()

    def get(self, group: str, name: str) -> PolicyType | None:
        """The policy type; None for other groups and for what API Manager cannot apply."""
        return _read(name) if group == MULESOFT_GROUP and name in _known() else None

    def names(self) -> tuple[str, ...]:
        """Asset ids of all policies that API Manager can apply, sorted."""
        return tuple(sorted(_known()))


@cache
def _known() -> frozenset[str]:
    names = policy_names()
    return frozenset(names["inbound"] + names["outbound"])


@cache
def _read(name: str) -> PolicyType:
    schema = read_schema(f"policies/{name}")
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
        fields=_fields(schema),
        example=schema["examples"][0],
        summary=schema["description"],
        protects=schema["x-protects"],
        gateways_documented=about["gatewaysDocumented"],
    )


def _fields(schema: Mapping[str, Any]) -> dict[str, Field]:
    required = schema.get("required", ())
    properties = schema.get("properties", {})
    return {key: _field(key, item, key in required) for key, item in properties.items()}


def _field(name: str, schema: Mapping[str, Any], is_required: bool) -> Field:
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
        enum=_enum(schema) or _enum(items),
        minimum=schema.get("minimum", schema.get("minItems")),
        maximum=schema.get("maximum", schema.get("maxItems")),
        depends_on=schema.get("x-dependsOn", {}),
        fields=_fields(items if items else schema),
        title=schema.get("description", ""),
        strengthens_when=schema.get("x-strengthens-when", ""),
        unlimited=schema.get("x-unlimited"),
        format=schema.get("x-format", ""),
    )


def _item_type(items: Mapping[str, Any]) -> str:
    return str(items.get("x-type") or items.get("type") or "")


def _enum(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    """Allowed values; null, which only removes an inherited key, is left out."""
    branches = schema.get("anyOf", ({},))
    return tuple(value for value in branches[0].get("enum", ()) if value is not None)
