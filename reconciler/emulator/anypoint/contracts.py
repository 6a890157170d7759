"""Contracts of an instance and the client applications that hold them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from reconciler.emulator.anypoint import errors, render
from reconciler.emulator.anypoint.call import Call, created, no_content, number, ok
from reconciler.emulator.anypoint.model import Application, Contract, Instance, Tier
from reconciler.emulator.wire import Response

_PAGE = 100
_LARGEST_PAGE = 250

_ACTIONS = {
    "approve": "APPROVED",
    "reject": "REJECTED",
    "revoke": "REVOKED",
    "restore": "APPROVED",
}


def list_contracts(call: Call) -> Response:
    instance = call.instance()
    offset, limit = call.page(_PAGE, _LARGEST_PAGE)
    status = call.query.get("status")
    held = call.store.contracts.get(instance.id, ())
    found = [c for c in held if status in (None, c.status)]
    page = [_shape(call, instance, c) for c in found[offset : offset + limit]]
    return ok({"total": len(found), "contracts": page})


def get_contract(call: Call) -> Response:
    instance = call.instance()
    return ok(_shape(call, instance, _contract(call, instance)))


def create_contract(call: Call) -> Response:
    """Approved at once unless the requested tier asks for a person."""
    instance = call.instance()
    body = call.object_body()
    application = _applicant(call, body)
    tier = _requested_tier(call, instance, body.get("requestedTierId"))
    held = call.store.contracts.get(instance.id, ())
    if any(c.application_id == application.id for c in held):
        raise errors.conflict("The application already has a contract")
    approved = tier is None or tier.auto_approve
    tier_id = tier.id if tier else None
    contract = Contract(
        id=call.store.ids.next("contract"),
        application_id=application.id,
        stamps=call.store.stamps(),
        status="APPROVED" if approved else "PENDING",
        tier_id=tier_id if approved else None,
        requested_tier_id=None if approved else tier_id,
    )
    call.store.contracts[instance.id] = (*held, contract)
    call.audit("create", "contract", contract.id, application.name, instance=instance)
    shape = _shape(call, instance, contract)
    shape["application"]["clientSecret"] = application.client_secret
    return created(shape)


def _applicant(call: Call, body: dict[str, Any]) -> Application:
    if "applicationId" not in body:
        raise errors.missing("/body/applicationId")
    if type(body["applicationId"]) is not int:
        raise errors.wrong_type("/body/applicationId", "integer")
    application = call.store.applications.get(body["applicationId"])
    if application is None:
        raise errors.not_found("Application")
    return application


def _requested_tier(call: Call, instance: Instance, tier_id: Any) -> Tier | None:
    if tier_id is None:
        return None
    for tier in call.store.tiers.get(instance.id, ()):
        if tier.id == tier_id:
            return tier
    raise errors.not_found("Tier")


def act(call: Call) -> Response:
    """Approve, reject, revoke or restore."""
    instance = call.instance()
    contract = _contract(call, instance)
    if call.params["action"] not in _ACTIONS:
        raise errors.no_route()
    status = _ACTIONS[call.params["action"]]
    granted = status == "APPROVED" and contract.tier_id is None
    changed = replace(
        contract,
        status=status,
        tier_id=contract.requested_tier_id if granted else contract.tier_id,
        requested_tier_id=None if granted else contract.requested_tier_id,
        stamps=call.store.touched(contract.stamps),
    )
    _replace(call, instance, changed)
    call.audit("modify", "contract", contract.id, status.lower(), instance=instance)
    return created(_shape(call, instance, changed))


def delete_contract(call: Call) -> Response:
    """Only one that is no longer in force can go."""
    instance = call.instance()
    contract = _contract(call, instance)
    if contract.status == "APPROVED":
        raise errors.named(400, "ValidationError", "The contract must be revoked first")
    held = call.store.contracts[instance.id]
    call.store.contracts[instance.id] = tuple(c for c in held if c.id != contract.id)
    call.audit("delete", "contract", contract.id, contract.status.lower(), instance=instance)
    return no_content()


def _replace(call: Call, instance: Instance, contract: Contract) -> None:
    held = call.store.contracts[instance.id]
    updated = tuple(contract if c.id == contract.id else c for c in held)
    call.store.contracts[instance.id] = updated


def _contract(call: Call, instance: Instance) -> Contract:
    wanted = number(call.params["contractId"])
    for contract in call.store.contracts.get(instance.id, ()):
        if contract.id == wanted:
            return contract
    raise errors.not_found("Contract")


def _shape(call: Call, instance: Instance, contract: Contract) -> dict[str, Any]:
    application = call.store.applications[contract.application_id]
    stamp = render.moment(contract.stamps.latest)
    tiers = {t.id: t for t in call.store.tiers.get(instance.id, ())}
    tier, requested = tiers.get(contract.tier_id or 0), tiers.get(contract.requested_tier_id or 0)
    return {
        "audit": render.audit(contract.stamps),
        **render.owner(call.store, instance.environment_id),
        "id": contract.id,
        "status": contract.status,
        "approvedDate": stamp if contract.status == "APPROVED" else None,
        "rejectedDate": stamp if contract.status == "REJECTED" else None,
        "revokedDate": stamp if contract.status == "REVOKED" else None,
        "applicationId": application.id,
        "application": {
            "audit": render.audit(application.stamps),
            "id": application.id,
            "name": application.name,
            "description": application.description,
            "clientProvider": {},
            "coreServicesId": application.client_id,
            "url": None,
        },
        "tierId": contract.tier_id,
        "tier": render.tier(call.store, instance, tier) if tier else None,
        "requestedTierId": contract.requested_tier_id,
        "requestedTier": render.tier(call.store, instance, requested) if requested else None,
        "terms": None,
        "partyId": None,
        "partyName": None,
        "apiId": instance.id,
    }


def list_applications(call: Call) -> Response:
    """Client id and secret are shown only to the administrator's view."""
    organization = call.organization()
    offset, limit = call.page(_PAGE, _LARGEST_PAGE)
    admin = call.flag("targetAdminSite")
    found = [a for a in call.store.applications.values() if a.organization_id == organization.id]
    return ok([_application(a, admin) for a in found[offset : offset + limit]])


def create_application(call: Call) -> Response:
    organization = call.organization()
    body = call.object_body()
    name = body.get("name")
    if not isinstance(name, str) or not name:
        raise errors.account(400, "name is required")
    application = Application(
        id=call.store.ids.next("application"),
        organization_id=organization.id,
        name=name,
        client_id=uuid.uuid4().hex,
        client_secret=uuid.uuid4().hex,
        stamps=call.store.stamps(),
        description=body.get("description"),
    )
    call.store.applications[application.id] = application
    call.audit("create", "application", application.id, name)
    return created(_application(application, admin=True))


def _application(application: Application, admin: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": application.id,
        "name": application.name,
        "url": None,
        "description": application.description,
        "masterOrganizationId": application.organization_id,
        "grantTypes": [],
        "redirectUri": [],
        "clientProvider": {"providerId": None, "name": "Anypoint", "type": None},
    }
    if admin:
        shape |= {"clientId": application.client_id, "clientSecret": application.client_secret}
    return shape
