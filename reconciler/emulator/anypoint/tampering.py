"""Changes made by somebody else, for tests of drift: written under another name to the audit log.

The same rules hold as for a request, but for three: duplicates are allowed, automated policies
override, and nobody asks for a permission.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.emulator.anypoint import errors, instances, render, tiers, upstreams
from reconciler.emulator.anypoint.automated import (
    add_automated,
    change_automated,
    remove_automated,
    shape,
)
from reconciler.emulator.anypoint.call import Call
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
    def store(self) -> Store:
        return self.call.store

    @property
    def deletes(self) -> bool:
        return self.patch.get("delete") is True

    def scoped(self, instance: Instance) -> Call:
        """The call as if it had come through the instance's own path."""
        environment = self.store.environments[instance.environment_id]
        params = {"organizationId": environment.organization_id, "environmentId": environment.id}
        return replace(self.call, params=params)

    def instance(self, api_id: Any) -> Instance:
        found = self.store.instances.get(api_id) if isinstance(api_id, int) else None
        if found is None:
            raise errors.not_found("API instance")
        return found

    def owner(self, held: Mapping[int, tuple[Any, ...]]) -> tuple[Instance, Any]:
        """The instance that holds the target, and the target itself."""
        places = held if self.api_id is None else {self.api_id: held.get(self.api_id, ())}
        for api_id, items in places.items():
            for item in items:
                if item.id == self.target:
                    return self.instance(api_id), item
        raise errors.not_found("Object")


def tamper(store: Store, order: Mapping[str, Any]) -> Any:
    """Carries out one change; gives what is stored then, or None after a delete."""
    patch, user = order.get("patch", {}), order.get("user", _USER)
    if not isinstance(patch, dict) or not isinstance(user, str):
        raise ValueError("patch must be an object and user a string")
    resource = order.get("resource", "policies")
    if resource not in _RESOURCES:
        raise ValueError(f"unknown resource {resource!r}; there is {', '.join(_RESOURCES)}")
    target, api_id = order.get("id", order.get("policyId")), order.get("apiId")
    if not isinstance(target, int | str | None) or not isinstance(api_id, int | None):
        raise ValueError("ids must be numbers or strings")
    call = Call(store, Request("POST", "/"), {}, None, user)
    return _RESOURCES[resource](_Order(call, api_id, target, patch))


def _policy(order: _Order) -> Any:
    if order.target is None:
        return _new_policy(order, order.instance(order.api_id))
    instance, policy = order.owner(order.store.policies)
    call = order.scoped(instance)
    if order.deletes:
        return remove_policy(call, instance, policy)
    changed = change_policy(call, instance, policy, order.patch)
    return render.policy(order.store, instance, changed)


def _new_policy(order: _Order, instance: Instance) -> Any:
    call = order.scoped(instance)
    if "upstreamIds" in order.patch:
        added = add_outbound(call, instance, order.patch, duplicates=True)
        return [render.policy(order.store, instance, policy) for policy in added]
    policy = add_policy(call, instance, order.patch, duplicates=True)
    return render.policy(order.store, instance, policy)


def _api(order: _Order) -> Any:
    if order.target is None:
        return _new_api(order)
    instance = order.instance(order.target)
    call = order.scoped(instance)
    if order.deletes:
        return instances.remove_instance(call, instance)
    changed = instances.change_instance(call, instance, order.patch)
    return render.one_instance(order.store, changed)


def _new_api(order: _Order) -> Any:
    """As in POST, with the `environmentId` among the keys."""
    environment = order.store.environments.get(str(order.patch.get("environmentId")))
    if environment is None:
        raise errors.not_found("Environment")
    params = {"organizationId": environment.organization_id, "environmentId": environment.id}
    call = replace(order.call, params=params)
    added = instances.add_instance(call, environment, order.patch)
    return render.one_instance(order.store, added)


def _tier(order: _Order) -> Any:
    if order.target is None:
        instance = order.instance(order.api_id)
        added = tiers.add_tier(
            order.scoped(instance), instance, {"status": "ACTIVE", **order.patch}
        )
        return render.tier(order.store, instance, added)
    instance, tier = order.owner(order.store.tiers)
    call = order.scoped(instance)
    if order.deletes:
        return tiers.remove_tier(call, instance, tier)
    changed = tiers.change_tier(call, instance, tier, order.patch)
    return render.tier(order.store, instance, changed)


def _upstream(order: _Order) -> Any:
    if order.target is None:
        instance = order.instance(order.api_id)
        uri = order.patch.get("uri")
        if not isinstance(uri, str):
            raise errors.missing("/body/uri")
        label = order.patch.get("label")
        added = upstreams.add_upstream(order.scoped(instance), instance, label, uri)
        return render.upstream(added)
    instance, upstream = order.owner(order.store.upstreams)
    call = order.scoped(instance)
    if order.deletes:
        return upstreams.remove_upstream(call, instance, upstream)
    return render.upstream(upstreams.change_upstream(call, instance, upstream, order.patch))


def _automated(order: _Order) -> Any:
    if order.target is None:
        return _new_automated(order)
    known = order.store.automated
    item = known.get(order.target) if isinstance(order.target, int) else None
    if item is None:
        raise errors.not_found("Automated policy")
    call = replace(order.call, params={"organizationId": item.organization_id})
    if order.deletes:
        return remove_automated(call, item)
    return shape(change_automated(call, item, order.patch))


def _new_automated(order: _Order) -> Any:
    rule = order.patch.get("ruleOfApplication")
    wanted = rule.get("organizationId") if isinstance(rule, dict) else None
    organization = order.store.organizations.get(str(wanted or order.store.master().id))
    if organization is None:
        raise errors.not_found("Organization")
    call = replace(order.call, params={"organizationId": organization.id})
    return shape(add_automated(call, organization, order.patch, override=True))


def _environment(order: _Order) -> Any:
    """Only the name can change; an environment goes with everything in it."""
    found = order.store.environments.get(str(order.target))
    if found is None:
        raise errors.not_found("Environment")
    call = replace(order.call, params={"organizationId": found.organization_id})
    if order.deletes:
        for instance in list(order.store.instances.values()):
            if instance.environment_id == found.id:
                instances.remove_instance(order.scoped(instance), instance)
        del order.store.environments[found.id]
        call.audit("delete", "environment", found.id, found.name)
        return None
    renamed = replace(found, name=_name(order, found.name))
    order.store.environments[found.id] = renamed
    call.audit("modify", "environment", found.id, renamed.name)
    return {"id": renamed.id, "name": renamed.name}


def _organization(order: _Order) -> Any:
    """Only the name can change."""
    found = order.store.organizations.get(str(order.target))
    if found is None or order.deletes:
        raise errors.not_found("Organization")
    renamed = replace(found, name=_name(order, found.name))
    order.store.organizations[found.id] = renamed
    call = replace(order.call, params={"organizationId": found.id})
    call.audit("modify", "organization", found.id, renamed.name)
    return {"id": renamed.id, "name": renamed.name}


def _name(order: _Order, default: str) -> str:
    name = order.patch.get("name", default)
    if not isinstance(name, str) or not name:
        raise ValueError("name must be a string")
    return name


_RESOURCES: Mapping[str, Callable[[_Order], Any]] = {
    "policies": _policy,
    "apis": _api,
    "tiers": _tier,
    "upstreams": _upstream,
    "automated-policies": _automated,
    "automatedPolicies": _automated,
    "environments": _environment,
    "organizations": _organization,
}
