"""What is known of each policy type, and the canonical form that makes configurations comparable.

The values come from `schemas/policies/`; this module is pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Protocol

from reconciler.core.redact import Secret

MISSING: Any = object()
"""Stands for 'no default': None is a value."""


GATEWAYS = frozenset(("mule4", "flexGateway"))
"""The technologies whose policies the catalogue knows."""


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a configuration. `fields` holds the keys of an object or of a list's items.

    type: string, expression, boolean, integer, number, array, object; empty where any will do.
    unordered: a list that is a set. sensitive: never returned by the service. minimum, maximum:
    of a number, or of the count of a list's items. default: counts as set; MISSING without one.
    strengthens_when: which way a change strengthens, the other way weakens. `lower`, `higher` (a
    number), `narrower` (a list of what is allowed, with fewer items), `wider` (a list of what is
    refused or asked for, with more items), `true`, `false` (a switch), `neutral` (neither way), or
    empty where it is not known, so that any change may weaken. unlimited: the number that stands
    for no limit, such as -1; for `lower` it is above all others. format: of a text or of a list's
    items: `address`, `methods`, or empty.
    """

    name: str
    type: str
    default: Any = MISSING
    required: bool = False
    unordered: bool = False
    sensitive: bool = False
    item_type: str = ""
    enum: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    depends_on: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Field] = field(default_factory=dict)
    title: str = ""
    strengthens_when: str = ""
    unlimited: float | None = None
    format: str = ""


@dataclass(frozen=True, slots=True)
class PolicyType:
    """One policy of the catalogue. `complete`: the fields are all there are.

    gateways: technologies it runs on (`mule4`, `flexGateway`). direction: inbound or outbound.
    ordered: False for CORS, which always runs first. versions: oldest first, never exhaustive.
    summary: one sentence on what the policy does. protects: what is open once it is gone: `access`
    (who may call), `traffic` (how much may be called), `payload` (what requests and answers may
    hold), `confidentiality` (what must not be seen outside), `none`, or empty where it is not
    known, as of a custom policy. gateways_documented: False where `gateways` is inferred, and the
    policy may run on others too.
    """

    group: str
    name: str
    title: str
    category: str
    versions: tuple[str, ...]
    gateways: frozenset[str]
    direction: str
    rules: bool
    ordered: bool
    complete: bool
    fields: Mapping[str, Field]
    example: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    protects: str = ""
    gateways_documented: bool = True


class Catalogue(Protocol):
    """Looks policies up by group and asset id."""

    def get(self, group: str, name: str) -> PolicyType | None:
        """The policy type, or None where the catalogue does not know it."""

    def names(self) -> tuple[str, ...]:
        """Asset ids of all known policies, sorted."""


SERVER_ONLY = frozenset(
    (
        "policyId",
        "endpointUri",
        "isRamlEndpoint",
        "isWsdlEndpoint",
        "isHttpEndpoint",
        "apiId",
        "order",
        "autodiscoveryApiName",
        "groupId",
        "autodiscoveryInstanceName",
    )
)
"""Keys that the service puts into old configurations (facts, Q16); dropped unless declared."""


def canonical_config(config: Mapping[str, Any], known: PolicyType | None) -> dict[str, Any]:
    """The configuration with defaults filled in, nulls dropped, sets sorted, numbers as numbers.

    Secrets stay wrapped. Server-only keys are dropped unless the catalogue knows the key.
    """
    fields = known.fields if known else {}
    kept = {key: value for key, value in config.items() if key in fields or key not in SERVER_ONLY}
    return _object(kept, fields)


def with_required_defaults(config: Mapping[str, Any], known: PolicyType | None) -> dict[str, Any]:
    """The configuration as it may be sent: keys that the service requires and the files leave to
    their default are written out (facts, section 11, Q6), the rest is as declared."""
    return _with_required(config, known.fields, ()) if known else dict(config)


Scope = tuple[Mapping[str, Any], Mapping[str, Field]]
"""A mapping of the configuration and the fields of its keys; the innermost comes last."""


def _with_required(
    value: Mapping[str, Any], fields: Mapping[str, Field], outer: tuple[Scope, ...]
) -> dict[str, Any]:
    scopes = (*outer, (value, fields))
    made = {key: _below(item, fields.get(key), scopes) for key, item in value.items()}
    for key, known in fields.items():
        is_asked = key not in made and known.required and known.default is not MISSING
        if is_asked and is_active(known, scopes):
            made[key] = known.default
    return made


def _below(value: Any, known: Field | None, scopes: tuple[Scope, ...]) -> Any:
    if known is None or not known.fields:
        return value
    if isinstance(value, Mapping):
        return _with_required(value, known.fields, scopes)
    if isinstance(value, list):
        return [_below(item, known, scopes) for item in value]
    return value


def is_active(known: Field, scopes: tuple[Scope, ...]) -> bool:
    """Whether what is around the field selects its branch; a default counts as set."""
    return all(_lookup(name, scopes) == wanted for name, wanted in known.depends_on.items())


def _lookup(name: str, scopes: tuple[Scope, ...]) -> Any:
    """The value of a key, or its default, here or further out; a secret tells nothing."""
    for value, fields in reversed(scopes):
        if name in fields:
            found = value.get(name)
            return fields[name].default if found is None else found
    return MISSING


def _object(value: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
    filled = {key: _value(item, fields.get(key)) for key, item in value.items() if item is not None}
    for name, known in fields.items():
        if name not in filled and known.default is not MISSING and known.default is not None:
            filled[name] = _value(known.default, known)
    return {key: filled[key] for key in sorted(filled)}


def _value(value: Any, known: Field | None) -> Any:
    if isinstance(value, Secret):
        return value
    if isinstance(value, Mapping):
        return _object(value, known.fields if known else {})
    if isinstance(value, list | tuple):
        return _list(value, known)
    return canonical_scalar(value, known.type if known else "")


def _list(value: list[Any] | tuple[Any, ...], known: Field | None) -> list[Any]:
    fields = known.fields if known else {}
    kind = known.item_type if known else ""
    items = [
        _object(item, fields) if isinstance(item, Mapping) else _item(item, kind) for item in value
    ]
    return sorted(items, key=_sort_key) if known and known.unordered else items


def _item(item: Any, kind: str) -> Any:
    if isinstance(item, Secret):
        return item
    return _list(item, None) if isinstance(item, list | tuple) else canonical_scalar(item, kind)


def _sort_key(item: Any) -> tuple[str, str]:
    shown = item.reveal() if isinstance(item, Secret) else item
    return type(shown).__name__, str(shown)


def canonical_scalar(value: Any, kind: str) -> Any:
    """The plain value; text that says a number becomes one where the catalogue says number."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return _number(value) if kind in ("integer", "number") else str(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(value)
    return int(value) if isinstance(value, int) else value


def _number(text: str) -> Any:
    """The number that the text says as JSON would; any other text (`inf`, `1_0`) as it is."""
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _DECIMAL.fullmatch(text):
        return text
    number = float(text)
    if not isfinite(number):
        return text
    return int(number) if number.is_integer() else number


_INTEGER = re.compile(r"-?[0-9]{1,300}")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
