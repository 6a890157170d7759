"""Changes made by somebody else, for tests of drift: written under another name to the audit log.

The same rules hold as for a request, but for three: duplicates are allowed, automated policies
override, and nobody asks for a permission.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.emulator.anypoint import errors, render, tiers
from reconciler.emulator.anypoint.automated import (
    add_automated,
    change_automated,
    remove_automated,
    shape,
)
from reconciler.emulator.anypoint.call import Call
from reconciler.emulator.anypoint.instances import (
    change_instance,
    change_upstream,
    remove_instance,
    remove_upstream,
)
from reconciler.emulator.anypoint.model import Instance
from reconciler.emulator.anypoint.outbound import add_outbound
from reconciler.emulator.anypoint.policies import add_policy, change_policy, remove_policy
from reconciler.emulator.anypoint.store import Store
from reconciler.emulator.wire import Request

_USER = "console-user"


@dataclass(frozen=True, slots=True)
class _Order:
    """A tamper call, read: `target` None creates."""

    call: Call
    api_id: Any
    target: Any
    patch: dict[str, Any]

    @property
    def deletes(self) -> bool:
        return self.patch.get("delete") is True


def tamper(store: Store, order: Mapping[str, Any]) -> Any:
    """Carries out one change; gives what is stored then, or None after a delete."""
    patch, user = order.get("patch", {}), order.get("user", _USER)
    if not isinstance(patch, dict) or not isinstance(user, str):
        raise ValueError("patch must be an object and user a string")
    resource = order.get("resource", "policies")
    if resource not in _RESOURCES:
        raise ValueError(f"unknown resource {resource!r}; there is {', '.join(_RESOURCES)}")
    target = order.get("policyId") if resource == "policies" else None
    target = order.get("id", target)
    call = Call(store, Request("POST", "/"), {}, None, user)
    return _RESOURCES[resource](_Order(call, order.get("apiId"), target, patch))


def _scoped(order: _Order, instance: Instance) -> Call:
    """The call as if it had come through the instance's own path."""
    store = order.call.store
    environment = store.environments[instance.environment_id]
    params = {"organizationId": environment.organization_id, "environmentId": environment.id}
    return replace(order.call, params=params)


def _instance(store: Store, api_id: Any) -> Instance:
    found = store.instances.get(api_id) if isinstance(api_id, int) else None
    if found is None:
        raise errors.not_found("API instance")
    return found


def _owner(order: _Order, held: Mapping[int, tuple[Any, ...]]) -> tuple[Instance, Any]:
    """The instance that holds the target, and the target itself."""
    store = order.call.store
    places = held if order.api_id is None else {order.api_id: held.get(order.api_id, ())}
    for api_id, items in places.items():
        for item in items:
            if item.id == order.target:
                return _instance(store, api_id), item
    raise errors.not_found("Object")


def _policy(order: _Order) -> Any:
    store = order.call.store
    if order.target is None:
        return _new_policy(order, _instance(store, order.api_id))
    instance, policy = _owner(order, store.policies)
    call = _scoped(order, instance)
    if order.deletes:
        return remove_policy(call, instance, policy)
    return render.policy(store, instance, change_policy(call, instance, policy, order.patch))


def _new_policy(order: _Order, instance: Instance) -> Any:
    call, store = _scoped(order, instance), order.call.store
    if "upstreamIds" in order.patch:
        added = add_outbound(call, instance, order.patch, duplicates=True)
        return [render.policy(store, instance, policy) for policy in added]
    return render.policy(store, instance, add_policy(call, instance, order.patch, duplicates=True))


def _api(order: _Order) -> Any:
    instance = _instance(order.call.store, order.target)
    call = _scoped(order, instance)
    if order.deletes:
        return remove_instance(call, instance)
    return render.one_instance(call.store, change_instance(call, instance, order.patch))


def _tier(order: _Order) -> Any:
    store = order.call.store
    if order.target is None:
        instance = _instance(store, order.api_id)
        body = {"status": "ACTIVE", **order.patch}
        added = tiers.add_tier(_scoped(order, instance), instance, body)
        return render.tier(store, instance, added)
    instance, tier = _owner(order, store.tiers)
    call = _scoped(order, instance)
    if order.deletes:
        return tiers.remove_tier(call, instance, tier)
    return render.tier(store, instance, tiers.change_tier(call, instance, tier, order.patch))


def _upstream(order: _Order) -> Any:
    instance, upstream = _owner(order, order.call.store.upstreams)
    call = _scoped(order, instance)
    if order.deletes:
        return remove_upstream(call, instance, upstream)
    return render.upstream(change_upstream(call, instance, upstream, order.patch))


def _automated(order: _Order) -> Any:
    store = order.call.store
    if order.target is None:
        rule = order.patch.get("ruleOfApplication")
        wanted = rule.get("organizationId") if isinstance(rule, dict) else None
        organization = store.organizations.get(wanted or store.master().id)
        if organization is None:
            raise errors.not_found("Organization")
        call = replace(order.call, params={"organizationId": organization.id})
        return shape(add_automated(call, organization, order.patch, override=True))
    item = store.automated.get(order.target) if isinstance(order.target, int) else None
    if item is None:
        raise errors.not_found("Automated policy")
    call = replace(order.call, params={"organizationId": item.organization_id})
    if order.deletes:
        return remove_automated(call, item)
    return shape(change_automated(call, item, order.patch))


_RESOURCES: Mapping[str, Callable[[_Order], Any]] = {
    "policies": _policy,
    "apis": _api,
    "tiers": _tier,
    "upstreams": _upstream,
    "automated-policies": _automated,
}
