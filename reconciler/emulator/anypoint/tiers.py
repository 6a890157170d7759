"""SLA tiers of an instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.emulator.anypoint import errors, render
from reconciler.emulator.anypoint.call import Call, created, no_content, number, ok
from reconciler.emulator.anypoint.model import Instance, Tier
from reconciler.emulator.wire import Response

_PAGE = 100
_LARGEST_PAGE = 250
_STATES = ("ACTIVE", "DEPRECATED")


def list_tiers(call: Call) -> Response:
    instance = call.instance()
    offset, limit = call.page(_PAGE, _LARGEST_PAGE)
    tiers = [t for t in call.store.tiers.get(instance.id, ()) if _matches(call, t)]
    if not call.flag("ascending", default=True):
        tiers.reverse()
    page = [render.tier(call.store, instance, t) for t in tiers[offset : offset + limit]]
    return ok({"total": len(tiers), "tiers": page})


def _matches(call: Call, tier: Tier) -> bool:
    active = tier.status == "ACTIVE"
    named = call.query.get("query", "").lower() in tier.name.lower()
    return call.flag("active", active) == active and named


def create_tier(call: Call) -> Response:
    instance = call.instance()
    return created(render.tier(call.store, instance, add_tier(call, instance, call.object_body())))


def add_tier(call: Call, instance: Instance, body: Mapping[str, Any]) -> Tier:
    for key in ("name", "status"):
        if key not in body:
            raise errors.missing(f"/body/{key}")
    _refuse_same_name(call, instance, _name(body), None)
    tier = _with_body(Tier(call.store.ids.next("tier"), "", call.store.stamps()), body)
    _store(call, instance, (*call.store.tiers.get(instance.id, ()), tier))
    call.audit("create", "sla tier", tier.id, tier.name, instance=instance)
    return tier


def put_tier(call: Call) -> Response:
    """Answers 201, and keeps what the body leaves out."""
    instance = call.instance()
    tier = change_tier(call, instance, _tier(call, instance), call.object_body())
    return created(render.tier(call.store, instance, tier))


def change_tier(call: Call, instance: Instance, tier: Tier, body: Mapping[str, Any]) -> Tier:
    if "name" in body:
        _refuse_same_name(call, instance, _name(body), tier.id)
    changed = replace(_with_body(tier, body), stamps=call.store.touched(tier.stamps))
    held = call.store.tiers[instance.id]
    _store(call, instance, tuple(changed if t.id == tier.id else t for t in held))
    payload = {"properties": sorted(body)}
    call.audit("modify", "sla tier", tier.id, changed.name, instance=instance, payload=payload)
    return changed


def delete_tier(call: Call) -> Response:
    instance = call.instance()
    remove_tier(call, instance, _tier(call, instance))
    return no_content()


def remove_tier(call: Call, instance: Instance, tier: Tier) -> None:
    if render.applications_of(call.store, instance, tier):
        raise errors.named(400, "ValidationError", "The tier has active applications")
    kept = tuple(t for t in call.store.tiers[instance.id] if t.id != tier.id)
    _store(call, instance, kept)
    call.audit("delete", "sla tier", tier.id, tier.name, instance=instance)


def _store(call: Call, instance: Instance, tiers: tuple[Tier, ...]) -> None:
    call.store.tiers[instance.id] = tiers


def _tier(call: Call, instance: Instance) -> Tier:
    wanted = number(call.params["tierId"])
    for tier in call.store.tiers.get(instance.id, ()):
        if tier.id == wanted:
            return tier
    raise errors.not_found("Tier")


def _refuse_same_name(call: Call, instance: Instance, name: str, own: int | None) -> None:
    for tier in call.store.tiers.get(instance.id, ()):
        if tier.name == name and tier.id != own:
            raise errors.conflict("A tier with this name exists")


def _with_body(tier: Tier, body: Mapping[str, Any]) -> Tier:
    description = body.get("description", tier.description)
    if description is not None and not isinstance(description, str):
        raise errors.wrong_type("/body/description", "string")
    auto_approve = body.get("autoApprove", tier.auto_approve)
    if not isinstance(auto_approve, bool):
        raise errors.wrong_type("/body/autoApprove", "boolean")
    return replace(
        tier,
        name=_name(body) if "name" in body else tier.name,
        description=description,
        status=_status(body.get("status", tier.status)),
        auto_approve=auto_approve,
        limits=_limits(body["limits"]) if "limits" in body else tier.limits,
    )


def _name(body: Mapping[str, Any]) -> str:
    name = body["name"]
    if not isinstance(name, str) or not name:
        raise errors.wrong_type("/body/name", "string")
    return name


def _status(status: Any) -> str:
    if status not in _STATES:
        message = "must be equal to one of the allowed values"
        raise errors.invalid("/body/status", message, "enum")
    return str(status)


def _limits(limits: Any) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(limits, list):
        raise errors.wrong_type("/body/limits", "array")
    return tuple(_limit(limit, f"/body/limits/{index}") for index, limit in enumerate(limits))


def _limit(limit: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(limit, dict):
        raise errors.wrong_type(path, "object")
    for key in ("maximumRequests", "timePeriodInMilliseconds"):
        value = limit.get(key)
        if type(value) is not int or value < 1:
            raise errors.wrong_type(f"{path}/{key}", "integer")
    visible = limit.get("visible", True)
    if not isinstance(visible, bool):
        raise errors.wrong_type(f"{path}/visible", "boolean")
    return {
        "maximumRequests": limit["maximumRequests"],
        "timePeriodInMilliseconds": limit["timePeriodInMilliseconds"],
        "visible": visible,
    }
