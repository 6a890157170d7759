"""Policy templates -> `PolicyType`. Pure.

A template's configuration comes in two shapes (facts, section 7.2): a list of property
descriptors, or JSON Schema. What is taken over of either is what `PolicyType` can say: no
reference outside the template is followed, and no pattern of it ever runs here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.core.catalogue import Field, PolicyType
from reconciler.core.model import MULESOFT_GROUP
from reconciler.errors import BadAnswer
from reconciler.providers.anypoint.json_schema import fields_of_schema
from reconciler.providers.anypoint.template_fields import clean, made_field
from reconciler.providers.base import OfferedPolicy

Native = Mapping[str, Any]

_MAX_DEPTH = 8
_CATEGORIES = (
    "authentication",
    "threat-protection",
    "quality-of-service",
    "transformation",
    "compliance",
    "troubleshooting",
    "ai",
)
_TYPES = {
    "int": "integer",
    "integer": "integer",
    "number": "number",
    "float": "number",
    "double": "number",
    "boolean": "boolean",
    "string": "string",
    "text": "string",
    "textarea": "string",
    "password": "string",
    "expression": "expression",
    "object": "object",
}
"""Types of descriptors; any other one may hold anything."""


def offered_from(natives: Iterable[Native]) -> tuple[OfferedPolicy, ...]:
    """The templates of a list, as they come; entries without coordinates are left out."""
    made = []
    for native in natives:
        group, name = native.get("groupId"), native.get("assetId")
        # Captures show `version`, the vendor's sample `assetVersion` (facts, section 7.1).
        version = native.get("version") or native.get("assetVersion")
        if all(isinstance(each, str) and each for each in (group, name, version)):
            is_own = group != MULESOFT_GROUP and native.get("isOOTB") is not True
            made.append(OfferedPolicy(str(group), str(name), str(version), is_own))
    return tuple(made)


def type_from(native: Native) -> PolicyType:
    """One template; BadAnswer where it is not what the service documents."""
    group, name = (str(native.get(key) or "") for key in ("groupId", "assetId"))
    version = str(native.get("version") or native.get("assetVersion") or "")
    configuration = native.get("configuration")
    if configuration is None:
        configuration = []
    if isinstance(configuration, Mapping):
        fields, is_complete = fields_of_schema(configuration)
    elif isinstance(configuration, list):
        # A list of descriptors does not say that nothing else is taken.
        fields, is_complete = _descriptors(configuration, 0), False
    else:
        raise BadAnswer(f"the configuration of the template {name} is neither list nor schema")
    title = clean(native.get("name")) or name
    return PolicyType(
        group=group,
        name=name,
        title=title,
        category=_category(native),
        versions=(version,),
        gateways=frozenset(),
        direction="",
        rules=native.get("resourceLevelSupported") is not False,
        ordered=True,
        complete=is_complete,
        fields=fields,
        summary=clean(native.get("description")) or title,
    )


def _category(native: Native) -> str:
    for key in ("violationCategory", "category"):
        slug = "-".join(str(native.get(key) or "").lower().split())
        if slug in _CATEGORIES:
            return slug
    return "quality-of-service" if native.get("violationCategory") == "qos" else "other"


def _descriptors(items: Iterable[Any], depth: int) -> dict[str, Field]:
    if depth > _MAX_DEPTH:
        raise BadAnswer("the configuration of the template is nested too deep")
    native = {str(item.get("propertyName")): item for item in items if isinstance(item, Mapping)}
    made = {name: _descriptor(name, item, depth) for name, item in native.items()}
    return {
        name: _with_condition(field, native[name], made)
        for name, field in made.items()
        if field is not None
    }


def _descriptor(name: str, item: Native, depth: int) -> Field | None:
    nested = item.get("configuration")
    fields = _descriptors(nested, depth + 1) if isinstance(nested, list) and nested else {}
    listed = item.get("options")
    options = [each.get("value") for each in listed or () if isinstance(each, Mapping)]
    kind = "object" if fields else _TYPES.get(str(item.get("type")).lower(), "")
    return made_field(
        name,
        kind,
        is_list=item.get("allowMultiple") is True,
        enum=options,
        default=item.get("defaultValue"),
        is_required=item.get("optional") is False,
        is_secret=item.get("sensitive") is True or item.get("type") == "password",
        fields=fields,
        title=item.get("description") or item.get("name"),
    )


def _with_condition(field: Field, item: Native, siblings: Mapping[str, Field | None]) -> Field:
    """The field with what it depends on, in the type of that other field."""
    key, value = item.get("dependsOnKey"), item.get("dependsOnValue")
    other = siblings.get(key) if isinstance(key, str) else None
    if other is None or not isinstance(value, str | bool | int | float):
        return field
    if other.type == "boolean" and value in ("true", "false"):
        value = value == "true"
    return replace(field, depends_on={str(key): value})
