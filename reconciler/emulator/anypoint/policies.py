"""Policies of an instance: list, get, create, change, delete, order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.emulator.anypoint import errors, render
from reconciler.emulator.anypoint.call import Call, created, no_content, ok
from reconciler.emulator.anypoint.model import Instance, Policy
from reconciler.emulator.anypoint.policybody import (
    Draft,
    check_patch,
    pointcut_of,
    read_draft,
    template_for,
)
from reconciler.emulator.anypoint.templates import Template
from reconciler.emulator.anypoint.validation import check_configuration
from reconciler.emulator.wire import Response, json_response


def list_policies(call: Call) -> Response:
    """Three shapes behind one path; `fullInfo` and a setting choose."""
    instance = call.instance()
    if _is_unmodified(call, instance):
        return Response(304)
    full = call.flag("fullInfo", default=True)
    shape = call.store.settings.policyListShape
    items = _listed(call, instance, full)
    if shape == "compactAlways" or (shape == "compact" and "fullInfo" not in call.query):
        return ok([render.compact_policy(call.store, instance, item) for item in items])
    if not full:
        return ok([render.policy(call.store, instance, item) for item in items])
    shown = [render.full_policy(call.store, instance, item) for item in items]
    return ok({"policies": shown, "tiers": render.tiers_summary(call.store, instance)})


def _listed(call: Call, instance: Instance, full: bool) -> list[Policy]:
    """By order and then id; the full form leaves out the disabled ones."""
    where = call.store.settings.outboundInList
    outbound = where == "both" or where == ("full" if full else "flat")
    items = [
        item
        for item in call.store.policies_of(instance.id)
        if (outbound or not item.template.outbound) and not (full and item.disabled)
    ]
    return sorted(items, key=lambda item: (item.order or 0, item.id))


def _is_unmodified(call: Call, instance: Instance) -> bool:
    since = call.request.header(b"if-modified-since")
    # Only the documented form, an epoch number, is understood; a date is ignored.
    if since is None or not (since.isascii() and since.isdigit() and len(since) < 20):
        return False
    return int(since) >= call.store.changed_at(instance.id)


def get_policy(call: Call) -> Response:
    instance = call.instance()
    return ok(render.policy(call.store, instance, call.policy(instance)))


def create_policy(call: Call) -> Response:
    instance = call.instance()
    policy = add_policy(call, instance, call.object_body(), call.flag("allowDuplicated"))
    return created(render.policy(call.store, instance, policy, show_secrets=True))


def add_policy(call: Call, instance: Instance, body: dict[str, Any], duplicates: bool) -> Policy:
    """Stores a new inbound policy; refuses what the platform refuses."""
    draft = read_draft(call.store, instance, body)
    if draft.template.outbound:
        message = "This policy can not be applied as inbound"
        raise errors.named(400, "PolicyValidationError", message)
    if not duplicates:
        refuse_duplicate(call, instance, draft.template)
    refuse_automated(call, instance, draft.template)
    order = _place(call, instance, draft)
    policy = _store_draft(call, instance, draft, order)
    call.audit("create", "policy", policy.id, policy.template.asset_id, instance=instance)
    return policy


def _store_draft(call: Call, instance: Instance, draft: Draft, order: int | None) -> Policy:
    policy = Policy(
        id=call.store.ids.next("policy"),
        template=draft.template,
        configuration=draft.configuration,
        order=order,
        stamps=call.store.stamps(),
        disabled=draft.disabled,
        pointcut=draft.pointcut,
        label=draft.label,
    )
    call.store.put_policy(instance.id, policy)
    return policy


def refuse_duplicate(call: Call, instance: Instance, template: Template) -> None:
    """The guard looks at the template, not at its version (unverified)."""
    same = (template.group_id, template.asset_id)
    for item in call.store.policies_of(instance.id):
        if (item.template.group_id, item.template.asset_id) == same:
            raise errors.conflict("The policy is already applied to the API")


def refuse_automated(call: Call, instance: Instance, template: Template) -> None:
    same = (template.group_id, template.asset_id)
    for item in call.store.automated_over(instance):
        if not item.disabled and (item.template.group_id, item.template.asset_id) == same:
            raise errors.conflict("An automated policy of this type covers the API")


def _place(call: Call, instance: Instance, draft: Draft) -> int | None:
    if not draft.template.orderable:
        return None
    if draft.order is None:
        return next_order(call.store.policies_of(instance.id))
    _make_room(call, instance, draft.order, None)
    return draft.order


def next_order(policies: tuple[Policy, ...]) -> int:
    return max((item.order or 0 for item in policies), default=0) + 1


def _make_room(call: Call, instance: Instance, order: int, moving: int | None) -> None:
    """Shifts the policies from `order` on by one, where that place is taken (unverified)."""
    policies = call.store.policies_of(instance.id)
    others = [item for item in policies if item.id != moving and item.order is not None]
    if all(item.order != order for item in others):
        return
    shifted = {item.id: (item.order or 0) + 1 for item in others if (item.order or 0) >= order}
    _set_orders(call, instance, shifted)


def _set_orders(call: Call, instance: Instance, orders: dict[int, int]) -> None:
    policies = call.store.policies_of(instance.id)
    updated = tuple(replace(p, order=orders.get(p.id, p.order)) for p in policies)
    call.store.set_policies(instance.id, updated)


def patch_policy(call: Call) -> Response:
    instance = call.instance()
    body = call.object_body()
    policy = change_policy(call, instance, call.policy(instance), body)
    echo = "configurationData" in body
    return ok(render.policy(call.store, instance, policy, show_secrets=echo))


def change_policy(call: Call, instance: Instance, policy: Policy, body: dict[str, Any]) -> Policy:
    """Replaces the top-level keys that `body` has; everything else stays."""
    check_patch(policy, body, call.store.upstreams.get(instance.id, ()))
    template = _patched_template(call, instance, policy, body)
    configuration = _patched_configuration(call, policy, template, body)
    if body.get("disabled") is False and policy.disabled:
        refuse_automated(call, instance, template)
    changed = replace(
        policy,
        template=template,
        configuration=configuration,
        disabled=body.get("disabled", policy.disabled),
        pointcut=pointcut_of(template, body) if "pointcutData" in body else policy.pointcut,
        label=body.get("label", policy.label),
        upstream_ids=tuple(body.get("upstreamIds", policy.upstream_ids)),
        stamps=call.store.touched(policy.stamps),
    )
    order = body.get("order")
    if order is not None and order != policy.order:
        _make_room(call, instance, order, policy.id)
        changed = replace(changed, order=order)
    call.store.put_policy(instance.id, changed)
    payload = {"properties": sorted(body)}
    call.audit("modify", "policy", policy.id, template.asset_id, instance=instance, payload=payload)
    return changed


def _patched_template(
    call: Call, instance: Instance, policy: Policy, body: dict[str, Any]
) -> Template:
    version = body.get("assetVersion", policy.template.version)
    if version == policy.template.version:
        return policy.template
    coordinates = {**policy.template.coordinates, "assetVersion": version}
    return template_for(call.store.catalogue, coordinates, instance.technology)


def _patched_configuration(
    call: Call, policy: Policy, template: Template, body: dict[str, Any]
) -> Any:
    """The new configuration as a whole; that secrets not sent again are lost is unverified."""
    if "configurationData" not in body and template is policy.template:
        return policy.configuration
    configuration = body.get("configurationData", policy.configuration)
    settings = call.store.settings
    if settings.keepSecrets and isinstance(configuration, dict):
        shown = template.without_secrets(policy.configuration)
        hidden = {k: v for k, v in policy.configuration.items() if k not in shown}
        configuration = hidden | configuration
    check_configuration(
        template,
        configuration,
        strict_required=settings.strictRequired,
        allow_missing_secrets=True,
    )
    return configuration


def delete_policy(call: Call) -> Response:
    instance = call.instance()
    remove_policy(call, instance, call.policy(instance))
    return no_content()


def remove_policy(call: Call, instance: Instance, policy: Policy) -> None:
    """The orders of the others stay as they are (unverified)."""
    kept = tuple(p for p in call.store.policies_of(instance.id) if p.id != policy.id)
    call.store.set_policies(instance.id, kept)
    call.audit("delete", "policy", policy.id, policy.template.asset_id, instance=instance)


def order_policies(call: Call) -> Response:
    """Sets the order of several policies; nothing else of them may change here.

    Not every policy need be named, and two may end in one place (both unverified).
    """
    instance = call.instance()
    entries = call.body()
    if not isinstance(entries, list):
        raise errors.wrong_type("/body", "array")
    known = {item.id: item for item in call.store.policies_of(instance.id)}
    orders: dict[int, int] = {}
    for index, entry in enumerate(entries):
        policy_id, order = _order_entry(entry, f"/body/{index}")
        if policy_id not in known or policy_id in orders:
            message = f"Policy {policy_id} is repeated or not applied to the API"
            raise errors.named(400, "PolicyValidationError", message)
        if not known[policy_id].template.orderable:
            message = f"Policy {policy_id} can not be ordered"
            raise errors.named(400, "PolicyValidationError", message)
        orders[policy_id] = order
    _set_orders(call, instance, orders)
    for policy_id in orders:
        name = known[policy_id].template.asset_id
        payload = {"properties": ["order"]}
        call.audit("modify", "policy", policy_id, name, instance=instance, payload=payload)
    return ok({"message": "Resource updated successfully"})


def _order_entry(entry: Any, path: str) -> tuple[int, int]:
    if not isinstance(entry, dict):
        raise errors.wrong_type(path, "object")
    for key in ("id", "order"):
        if key not in entry:
            raise errors.missing(f"{path}/{key}")
        if type(entry[key]) is not int:
            raise errors.wrong_type(f"{path}/{key}", "integer")
    if entry["order"] < 1:
        raise errors.invalid(f"{path}/order", "must be >= 1", "minimum")
    return entry["id"], entry["order"]


def enable_policy(call: Call) -> Response:
    return _switch(call, disabled=False)


def disable_policy(call: Call) -> Response:
    return _switch(call, disabled=True)


def _switch(call: Call, *, disabled: bool) -> Response:
    instance = call.instance()
    policy = change_policy(call, instance, call.policy(instance), {"disabled": disabled})
    return created(render.policy(call.store, instance, policy))


def upgrade_implementation(call: Call) -> Response:
    """The emulator has one implementation of each version, so this changes nothing."""
    instance = call.instance()
    call.flag("dryRun")
    return json_response(201, render.policy(call.store, instance, call.policy(instance)))
