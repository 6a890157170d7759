"""Valid documents of an API with policies of the catalogue, by chance from a seed."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

from reconciler.core.catalogue import Field, PolicyType
from reconciler.core.model import MULESOFT_GROUP
from reconciler.files.catalogue import ShippedCatalogue

_CATALOGUE = ShippedCatalogue.load()
_LOGINS = {
    "http-basic-authentication",
    "ldap-authentication",
    "jwt-validation",
    "oauth2-token-introspection",
    "client-id-enforcement",
}
_PATHS = ("/orders/.*", "/customers/[^/]+", "/health", "/v[0-9]+/.*")


def known(name: str) -> PolicyType:
    """A policy of the catalogue."""
    found = _CATALOGUE.get(MULESOFT_GROUP, name)
    assert found, name
    return found


ALL = tuple(known(name) for name in _CATALOGUE.names())
INBOUND = tuple(one for one in ALL if one.direction == "inbound")
OUTBOUND = tuple(one for one in ALL if one.direction == "outbound")


def is_login(name: str) -> bool:
    """Whether a second policy of this kind could contradict it."""
    return name in _LOGINS or name.endswith("access-token-enforcement")


def a_document(number: int, first: PolicyType, random: Random) -> dict[str, Any]:
    """A valid document whose policy `first` stands in the list it belongs to, at its start."""
    document: dict[str, Any] = {
        "apiVersion": "reconciler/v1",
        "kind": "ApiInstance",
        "api": {"asset": f"api-{number:04}"},
    }
    inbound = [first] if first.direction == "inbound" else []
    others = random.sample([one for one in INBOUND if _goes_with(one, first)], random.randint(0, 2))
    document["policies"] = [an_entry(one, random) for one in (*inbound, *others)]
    if first.direction == "outbound":
        document["outboundPolicies"] = [an_entry(first, random)]
    document["tiers"] = [a_tier(random)]
    return document


def _goes_with(one: PolicyType, first: PolicyType) -> bool:
    return one.name not in ("cors", first.name) and not is_login(one.name)


def a_tier(random: Random) -> dict[str, Any]:
    limit = {"maximumRequests": random.randint(1, 900), "timePeriodInMilliseconds": 60000}
    return {"name": "Gold", "limits": [limit]}


def an_entry(policy: PolicyType, random: Random) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if "ips" in policy.fields:
        entry["description"] = "Behind our load balancer."
    entry["policyRef"] = {"name": policy.name}
    if policy.direction == "outbound":
        entry["upstreams"] = ["backend"]
    elif policy.rules and random.random() < 0.4:
        methods = random.sample(["GET", "POST", "PUT", "DELETE"], random.randint(1, 3))
        entry["rules"] = [{"methods": methods, "path": random.choice(_PATHS)}]
    entry["config"] = a_config(policy, random)
    return entry


def a_config(policy: PolicyType, random: Random) -> dict[str, Any]:
    """The example with other numbers, and some of the other fields."""
    config = {
        key: _varied(value, policy.fields.get(key), random)
        for key, value in copy.deepcopy(dict(policy.example)).items()
    }
    for name, field in policy.fields.items():
        is_free = not field.depends_on and not field.sensitive and field.type != "object"
        if name not in config and is_free and random.random() < 0.5:
            value = a_value(field, random)
            if value is not None:
                config[name] = value
    return config


def _varied(value: Any, field: Field | None, random: Random) -> Any:
    if field and field.type == "integer" and not field.enum:
        return a_value(field, random)
    return value


def a_value(field: Field, random: Random) -> Any:
    """A value of the field's type; None where that takes more than its type."""
    kind = field.item_type if field.type == "array" else field.type
    if field.type == "array" and field.enum:
        return [random.choice(field.enum)]
    if field.enum:
        return random.choice(field.enum)
    if kind == "integer":
        low = max(0, int(field.minimum or 0))
        return random.randint(low, int(field.maximum or low + 1000))
    plain = {
        "boolean": random.random() < 0.5,
        "expression": "#[attributes.requestPath]",
        "string": random.choice(["GET", "POST"]),
    }.get(kind)
    return [plain] if field.type == "array" and plain is not None else plain
