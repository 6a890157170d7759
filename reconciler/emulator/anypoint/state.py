"""The whole store as plain data, in the shape that a seed has."""

from __future__ import annotations

from typing import Any

from reconciler.emulator.anypoint.model import (
    Application,
    AutomatedPolicy,
    Contract,
    Environment,
    Instance,
    Login,
    Organization,
    Policy,
    Stamps,
    Tier,
    Upstream,
)
from reconciler.emulator.anypoint.store import Store
from reconciler.emulator.anypoint.templates import Template


def dump(store: Store) -> dict[str, Any]:
    """Everything that is stored, secrets included; tokens and the audit log are left out."""
    return {
        "organizations": [_organization(o) for o in store.organizations.values()],
        "environments": [_environment(e) for e in store.environments.values()],
        "apis": [_instance(store, i) for i in store.instances.values()],
        "automatedPolicies": [_automated(a) for a in store.automated.values()],
        "applications": [_application(a) for a in store.applications.values()],
        "logins": [_login(x) for x in store.logins],
        "templates": [_template(t) for t in store.catalogue if not t.system],
        "settings": store.settings.to_plain(),
    }


def _organization(item: Organization) -> dict[str, Any]:
    return {"id": item.id, "name": item.name, "parentId": item.parent_id, "domain": item.domain}


def _environment(item: Environment) -> dict[str, Any]:
    return {
        "id": item.id,
        "organizationId": item.organization_id,
        "name": item.name,
        "type": item.type,
    }


def _stamps(item: Stamps) -> dict[str, Any]:
    return {"createdMs": item.created, "updatedMs": item.updated}


def _instance(store: Store, item: Instance) -> dict[str, Any]:
    return {
        "id": item.id,
        "environmentId": item.environment_id,
        "groupId": item.asset.group_id,
        "assetId": item.asset.asset_id,
        "exchangeAssetName": item.asset.name,
        "assetVersion": item.asset_version,
        "productVersion": item.product_version,
        "instanceLabel": item.label,
        "technology": item.technology,
        "tags": list(item.tags),
        "endpointUri": item.endpoint_uri,
        "extra": dict(item.extra),
        **_stamps(item.stamps),
        "policies": [_policy(p) for p in store.policies.get(item.id, ())],
        "upstreams": [_upstream(u) for u in store.upstreams.get(item.id, ())],
        "tiers": [_tier(t) for t in store.tiers.get(item.id, ())],
        "contracts": [_contract(c) for c in store.contracts.get(item.id, ())],
    }


def _policy(item: Policy) -> dict[str, Any]:
    return {
        "id": item.id,
        **item.template.coordinates,
        "configurationData": item.configuration,
        "order": item.order,
        "disabled": item.disabled,
        "pointcutData": item.pointcut,
        "label": item.label,
        "upstreamIds": list(item.upstream_ids),
        "overriddenBy": item.overridden_by,
        **_stamps(item.stamps),
    }


def _automated(item: AutomatedPolicy) -> dict[str, Any]:
    return {
        "id": item.id,
        **item.template.coordinates,
        "ruleOfApplication": dict(item.rule),
        "configurationData": item.configuration,
        "order": item.order,
        "disabled": item.disabled,
        "pointcutData": item.pointcut,
        **_stamps(item.stamps),
    }


def _upstream(item: Upstream) -> dict[str, Any]:
    return {
        "id": item.id,
        "label": item.label,
        "uri": item.uri,
        "tlsContext": item.tls_context,
        **_stamps(item.stamps),
    }


def _tier(item: Tier) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "description": item.description,
        "limits": [dict(limit) for limit in item.limits],
        "status": item.status,
        "autoApprove": item.auto_approve,
        **_stamps(item.stamps),
    }


def _contract(item: Contract) -> dict[str, Any]:
    return {
        "id": item.id,
        "applicationId": item.application_id,
        "status": item.status,
        "tierId": item.tier_id,
        "requestedTierId": item.requested_tier_id,
        **_stamps(item.stamps),
    }


def _application(item: Application) -> dict[str, Any]:
    return {
        "id": item.id,
        "masterOrganizationId": item.organization_id,
        "name": item.name,
        "clientId": item.client_id,
        "clientSecret": item.client_secret,
        "description": item.description,
        **_stamps(item.stamps),
    }


def _login(item: Login) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "name": item.name,
        "secret": item.secret,
        "id": item.id,
        "readOnly": item.read_only,
    }


def _template(item: Template) -> dict[str, Any]:
    return {
        "groupId": item.group_id,
        "assetId": item.asset_id,
        "versions": [item.version],
        "name": item.name,
        "category": item.category,
        "technologies": list(item.technologies),
        "fields": [dict(field) for field in item.fields],
        "outbound": item.outbound,
        "resourceLevel": item.resource_level,
        "complete": item.complete,
    }
