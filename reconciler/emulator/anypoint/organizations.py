"""Organizations, their tree, and their environments."""

from __future__ import annotations

import hashlib
from typing import Any

from reconciler.emulator.anypoint import errors
from reconciler.emulator.anypoint.call import Call, ok
from reconciler.emulator.anypoint.model import Environment, Organization
from reconciler.emulator.anypoint.store import Store
from reconciler.emulator.wire import Response

_SEEDED = "2020-01-01T00:00:00.000Z"
_PAGE = 25
_LARGEST_PAGE = 500


def ancestors(store: Store, organization: Organization) -> list[Organization]:
    """From the master down to the parent."""
    above: list[Organization] = []
    parent_id = organization.parent_id
    while parent_id is not None:
        parent = store.organizations[parent_id]
        above.insert(0, parent)
        parent_id = parent.parent_id
    return above


def get_organization(call: Call) -> Response:
    organization = _visible(call, 404)
    environments = call.store.environments_of(organization.id)
    shape = _organization(call.store, organization)
    return ok(shape | {"environments": [_environment(e) for e in environments]})


def get_hierarchy(call: Call) -> Response:
    """The tree below an organization; an unknown one is a bad request here."""
    return ok(_tree(call.store, _visible(call, 400)))


def list_environments(call: Call) -> Response:
    organization = _visible(call, 404)
    offset, limit = call.page(_PAGE, _LARGEST_PAGE)
    owner = call.store.master().id if call.flag("expandAll") else organization.id
    found = [
        environment
        for environment in call.store.environments.values()
        if _belongs(call, environment, owner) and _matches(call, environment)
    ]
    page = [_environment(e) for e in found[offset : offset + limit]]
    return ok({"data": page, "total": len(found)})


def _belongs(call: Call, environment: Environment, owner: str) -> bool:
    return call.flag("expandAll") or environment.organization_id == owner


def _matches(call: Call, environment: Environment) -> bool:
    """`name` and `search` are case sensitive."""
    query = call.query
    return (
        query.get("name", environment.name) == environment.name
        and query.get("type", environment.type) == environment.type
        and query.get("search", "") in environment.name
        and call.flag("isProduction", _is_production(environment)) == _is_production(environment)
    )


def get_environment(call: Call) -> Response:
    organization = _visible(call, 404)
    found = call.store.environments.get(call.params["environmentId"])
    if found is None or found.organization_id != organization.id:
        raise errors.account(404, "Environment not found")
    return ok(_environment(found))


def _visible(call: Call, status: int) -> Organization:
    found = call.store.organizations.get(call.params["organizationId"])
    if found is None:
        raise errors.account(status, "Organization not found")
    return found


def _organization(store: Store, organization: Organization) -> dict[str, Any]:
    return {
        "id": organization.id,
        "name": organization.name,
        "createdAt": _SEEDED,
        "updatedAt": _SEEDED,
        "ownerId": _digest(organization.id, "owner"),
        "clientId": _digest(organization.id, "client"),
        "domain": organization.domain,
        "idprovider_id": "mulesoft",
        "isFederated": False,
        "orgType": "anypoint",
        "parentOrganizationIds": [o.id for o in ancestors(store, organization)],
        "subOrganizationIds": [o.id for o in store.children(organization.id)],
        "tenantOrganizationIds": [],
        "isRoot": True,
        "isMaster": organization.parent_id is None,
        "sessionTimeout": 60,
        "entitlements": {"createSubOrgs": True, "createEnvironments": True},
        "subscription": {"category": "Customer", "type": "Platinum"},
        "properties": {},
    }


def _tree(store: Store, organization: Organization) -> dict[str, Any]:
    return _organization(store, organization) | {
        "environmentsCount": len(store.environments_of(organization.id)),
        "subOrganizations": [_tree(store, child) for child in store.children(organization.id)],
    }


def _environment(environment: Environment) -> dict[str, Any]:
    return {
        "id": environment.id,
        "organizationId": environment.organization_id,
        "name": environment.name,
        "isProduction": _is_production(environment),
        "type": environment.type,
        "clientId": _digest(environment.id, "client"),
        "arcNamespace": None,
    }


def _is_production(environment: Environment) -> bool:
    return environment.type == "production"


def _digest(identity: str, purpose: str) -> str:
    """A stable id of 32 digits for what no seed names."""
    return hashlib.sha256(f"{purpose}/{identity}".encode()).hexdigest()[:32]
