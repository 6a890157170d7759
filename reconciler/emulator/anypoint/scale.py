"""Large seeds: many API instances whose policies all share a few configurations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.emulator.anypoint.model import Asset, Config, Instance, Policy, Stamps
from reconciler.emulator.anypoint.store import Store
from reconciler.emulator.anypoint.templates import Template

_MULESOFT = "68ef9520-24e9-4cf2-b2f5-620025690913"
_FIRST_INSTANCE = 20_000_001
_FIRST_POLICY = 30_000_001

_POLICIES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "client-id-enforcement",
        "1.3.3",
        {
            "credentialsOriginHasHttpBasicAuthenticationHeader": "customExpression",
            "clientIdExpression": "#[attributes.headers['client_id']]",
            "clientSecretExpression": "#[attributes.headers['client_secret']]",
        },
    ),
    (
        "ip-allowlist",
        "1.1.1",
        {
            "ipExpression": "#[attributes.headers['x-forwarded-for']]",
            "ips": ["10.0.0.0/8", "192.168.0.0/16"],
        },
    ),
    (
        "rate-limiting",
        "1.4.0",
        {"rateLimits": [{"maximumRequests": 100, "timePeriodInMilliseconds": 1000}]},
    ),
    (
        "header-removal",
        "1.1.2",
        {"inboundHeaders": [], "outboundHeaders": ["server", "x-powered-by"]},
    ),
)


def fill_scale(store: Store, count: int, stamps: Stamps) -> None:
    """Puts `count` instances, one per asset, into Production of the master organization."""
    organization_id = store.master().id
    environment = next(e for e in store.environments_of(organization_id) if e.name == "Production")
    shared = list(_shared(store))
    for index in range(count):
        asset_id = f"api-{index + 1:05d}"
        asset = Asset(2_000_001 + index, organization_id, asset_id, asset_id)
        store.assets[asset.key] = asset
        instance_id = _FIRST_INSTANCE + index
        store.instances[instance_id] = Instance(
            id=instance_id,
            environment_id=environment.id,
            asset=asset,
            asset_version="1.0.0",
            product_version="v1",
            technology="flexGateway" if index % 2 else "mule4",
            stamps=stamps,
        )
        first = _FIRST_POLICY + index * len(shared)
        store.policies[instance_id] = tuple(
            Policy(first + place, template, configuration, place + 1, stamps)
            for place, (template, configuration) in enumerate(shared)
        )
    store.ids.seen("instance", _FIRST_INSTANCE + count)
    store.ids.seen("policy", _FIRST_POLICY + count * len(shared))
    store.ids.seen("asset", 2_000_001 + count)


def _shared(store: Store) -> Iterator[tuple[Template, Config]]:
    for asset_id, version, configuration in _POLICIES:
        template = store.catalogue.find(_MULESOFT, asset_id, version)
        if template is None:
            raise LookupError(f"the catalogue has no {asset_id} {version}")
        yield template, configuration
