"""Recorded bodies, a small catalogue, and builders of resources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.core.canonical import canonical_settings
from reconciler.core.catalogue import Field, PolicyType
from reconciler.core.model import MULESOFT_GROUP, POLICIES, Resource, ResourceKey, Source, Target

HOST = "https://anypoint.mulesoft.com"
TARGET = Target(HOST, "org-1", "env-1", "19001001")
ENVIRONMENT = Target(HOST, "org-1", "env-1")
API_URL = f"{HOST}/apimanager/api/v1/organizations/org-1/environments/env-1/apis"
UPSTREAM = "44444444-dddd-4ddd-8ddd-000000000001"
UPSTREAMS = {UPSTREAM: ("backend", "https://backend.example.com")}

_FIXTURES = Path(__file__).parents[2] / "fixtures" / "anypoint"


def recorded(name: str) -> Any:
    """A body as the service sent it."""
    return json.loads((_FIXTURES / f"{name}.json").read_text())


def a_type(name: str, direction: str = "inbound", **fields: Field) -> PolicyType:
    return PolicyType(
        MULESOFT_GROUP,
        name,
        name,
        "other",
        ("1.0.0",),
        frozenset(["mule4", "flexGateway"]),
        direction,
        True,
        True,
        True,
        fields,
    )


class SmallCatalogue:
    """Four policies are enough to see defaults, sets, secrets and directions."""

    _TYPES = (
        a_type(
            "ip-allowlist",
            ipExpression=Field("ipExpression", "expression"),
            ips=Field("ips", "array", unordered=True, item_type="string"),
        ),
        a_type(
            "rate-limiting",
            rateLimits=Field("rateLimits", "array", item_type="object"),
            exposeHeaders=Field("exposeHeaders", "boolean", default=False),
        ),
        a_type(
            "http-basic-authentication",
            username=Field("username", "string"),
            password=Field("password", "string", sensitive=True),
        ),
        a_type(
            "credential-injection-basic-auth",
            "outbound",
            username=Field("username", "string"),
            password=Field("password", "string", sensitive=True),
            overwrite=Field("overwrite", "boolean", default=False),
        ),
    )

    def get(self, group: str, name: str) -> PolicyType | None:
        if group != MULESOFT_GROUP:
            return None
        return next((each for each in self._TYPES if each.name == name), None)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(each.name for each in self._TYPES))


CATALOGUE = SmallCatalogue()


def a_resource(
    type_name: str = "ip-allowlist",
    *,
    list_name: str = POLICIES,
    name: str = "",
    group: str = MULESOFT_GROUP,
    resource_id: str = "",
    secrets: frozenset[str] = frozenset(),
    **settings: Any,
) -> Resource:
    """A resource with version 1.1.1 and no configuration unless told otherwise."""
    made: Mapping[str, Any] = {
        "version": "1.1.1",
        "config": {},
        "rules": None,
        "disabled": False,
        **settings,
    }
    return Resource(
        ResourceKey(list_name, group, type_name, name),
        made,
        canonical_settings(list_name, made, CATALOGUE.get(group, type_name)),
        secrets=secrets,
        id=resource_id,
        source=Source("policies/acme/orders.yaml", 7, 3),
    )
