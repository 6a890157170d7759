"""Stored values as the service shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from reconciler.emulator.anypoint.model import Instance, Policy, Stamps, Tier, Upstream
from reconciler.emulator.anypoint.store import Store


@lru_cache(maxsize=4096)
def moment(at_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def audit(stamps: Stamps) -> dict[str, Any]:
    """`updated` is an empty object until the first change."""
    updated = {} if stamps.updated is None else {"date": moment(stamps.updated)}
    return {"created": {"date": moment(stamps.created)}, "updated": updated}


def owner(store: Store, environment_id: str) -> dict[str, str]:
    return {
        "masterOrganizationId": store.master().id,
        "organizationId": store.environments[environment_id].organization_id,
    }


def policy(
    store: Store, instance: Instance, item: Policy, *, show_secrets: bool = False
) -> dict[str, Any]:
    """The flat shape: of one policy, of the array list, and of the answers to writes.

    Only an answer to a write shows secrets, and only those that were sent with it.
    """
    template = item.template
    shape: dict[str, Any] = {
        "audit": audit(item.stamps),
        **owner(store, instance.environment_id),
        "id": item.id,
        "policyTemplateId": str(template.number),
        "configurationData": _configuration(store, item, show_secrets),
        "order": shown_order(store, item),
        "disabled": item.disabled,
        "pointcutData": item.pointcut,
        **template.coordinates,
        "implementationAsset": template.implementation(instance.technology),
        "type": "system" if template.system else "custom",
        "apiId": instance.id,
    }
    return _with_optional(shape, item)


def full_policy(store: Store, instance: Instance, item: Policy) -> dict[str, Any]:
    """The shape inside the object form of the list."""
    template = item.template
    shape: dict[str, Any] = {
        "policyTemplateId": str(template.number),
        "order": shown_order(store, item),
        "pointcutData": item.pointcut,
        "type": "system" if template.system else "custom",
        "policyId": item.id,
        "version": item.stamps.latest,
        "configuration": _configuration(store, item, show_secrets=False),
        "template": template.coordinates,
        "implementationAsset": template.implementation(instance.technology),
    }
    return _with_optional(shape, item)


def compact_policy(store: Store, instance: Instance, item: Policy) -> dict[str, Any]:
    """The third shape, which only a client's tests show.

    On Flex its coordinates are found only in the implementation asset.
    """
    is_flex = instance.technology == "flexGateway"
    return {
        **({} if is_flex else {"template": item.template.coordinates}),
        "policyId": item.id,
        "policyTemplateId": str(item.template.number),
        "order": shown_order(store, item),
        "implementationAsset": item.template.implementation(instance.technology),
        "configuration": _configuration(store, item, show_secrets=False),
        "label": item.label,
        "upstreamIds": list(item.upstream_ids),
    }


def shown_order(store: Store, item: Policy) -> int | None:
    if item.disabled and store.settings.nullOrderWhenDisabled:
        return None
    return item.order


def _configuration(store: Store, item: Policy, show_secrets: bool) -> Any:
    if show_secrets:
        return item.configuration
    shown = item.template.without_secrets(item.configuration)
    return item.template.with_defaults(shown) if store.settings.fillDefaults else shown


def _with_optional(shape: dict[str, Any], item: Policy) -> dict[str, Any]:
    if item.label is not None:
        shape["label"] = item.label
    if item.template.outbound:
        shape["upstreamIds"] = list(item.upstream_ids)
    return shape


def instance(store: Store, item: Instance) -> dict[str, Any]:
    """An entry of the instance list; also the base of the answer about one instance."""
    shape: dict[str, Any] = {
        "audit": audit(item.stamps),
        **owner(store, item.environment_id),
        "id": item.id,
        "instanceLabel": item.label,
        "groupId": item.asset.group_id,
        "assetId": item.asset.asset_id,
        "assetVersion": item.asset_version,
        "productVersion": item.product_version,
        "description": None,
        "tags": list(item.tags),
        "order": 1,
        "providerId": None,
        "deprecated": False,
        "lastActiveDate": None,
        "endpointUri": None,
        "environmentId": item.environment_id,
        "isPublic": False,
        "stage": "release",
        "technology": item.technology,
        "status": "active",
        "approvalMethod": None,
        "deployment": None,
        "lastActiveDelta": None,
        "pinned": False,
        "activeContractsCount": len(store.contracts.get(item.id, ())),
        "autodiscoveryInstanceName": f"{item.product_version}:{item.id}",
    }
    return shape | dict(item.extra)


def one_instance(store: Store, item: Instance) -> dict[str, Any]:
    shape = instance(store, item)
    shape["endpoint"] = _endpoint(item) | dict(item.extra.get("endpoint", {}))
    shape["routing"] = [_route(store, item)] if item.technology == "flexGateway" else []
    return shape


def _endpoint(item: Instance) -> dict[str, Any]:
    is_mule = item.technology == "mule4"
    return {
        "audit": {"created": {}, "updated": {}},
        "id": item.id % 10_000_000,
        "type": "http",
        "uri": item.endpoint_uri if is_mule else None,
        "apiGatewayVersion": "4.6.0" if is_mule else "1.8.0",
        "proxyUri": None if is_mule else f"http://0.0.0.0:8081/{item.asset.asset_id}",
        "proxyRegistrationUri": None,
        "lastActiveDate": None,
        "isCloudHub": None,
        "deploymentType": "CH2" if is_mule else "HY",
        "policiesVersion": None,
        "referencesUserDomain": None,
        "responseTimeout": None,
        "wsdlConfig": None,
        "tlsContexts": None,
        "validation": "NOT_APPLICABLE",
        "muleVersion4OrAbove": True if is_mule else None,
        "apiVersionId": item.id,
    }


def _route(store: Store, item: Instance) -> dict[str, Any]:
    upstreams = store.upstreams.get(item.id, ())
    weight = 100 // len(upstreams) if upstreams else 0
    return {
        "label": "main",
        "rules": {"methods": "GET|POST", "host": None, "path": "/.*", "headers": {}},
        "upstreams": [
            {"id": u.id, "weight": weight, "uri": u.uri, "label": u.label} for u in upstreams
        ],
    }


def upstream(item: Upstream) -> dict[str, Any]:
    return {
        "audit": audit(item.stamps),
        "id": item.id,
        "label": item.label,
        "uri": item.uri,
        "tlsContext": item.tls_context,
    }


def tier(store: Store, holder: Instance, item: Tier) -> dict[str, Any]:
    return {
        "audit": audit(item.stamps),
        **owner(store, holder.environment_id),
        "id": item.id,
        "name": item.name,
        "description": item.description,
        "limits": [dict(limit) for limit in item.limits],
        "status": item.status,
        "autoApprove": item.auto_approve,
        "applicationCount": applications_of(store, holder, item),
        "apiId": holder.id,
    }


def applications_of(store: Store, holder: Instance, item: Tier) -> int:
    contracts = store.contracts.get(holder.id, ())
    return sum(c.tier_id == item.id and c.status == "APPROVED" for c in contracts)


def tiers_summary(store: Store, holder: Instance) -> Mapping[str, Any]:
    """What the object form of the policy list says about tiers."""
    tiers = store.tiers.get(holder.id, ())
    values = [{"id": t.id, "limits": [dict(limit) for limit in t.limits]} for t in tiers]
    return {"version": store.changed_at(holder.id), "values": values}
