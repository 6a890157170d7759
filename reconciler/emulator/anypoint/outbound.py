"""Outbound policies, created on a path of their own and managed with the others."""

from __future__ import annotations

from typing import Any

from reconciler.emulator.anypoint import errors, render
from reconciler.emulator.anypoint.call import Call, created
from reconciler.emulator.anypoint.model import Instance, Policy
from reconciler.emulator.anypoint.policies import next_order
from reconciler.emulator.anypoint.policybody import Draft, check_upstreams, read_draft
from reconciler.emulator.wire import Response


def create_outbound(call: Call) -> Response:
    """Answers with an array: one policy for each upstream.

    That `allowDuplicated` is honoured on this path is unverified.
    """
    instance = call.instance()
    policies = add_outbound(call, instance, call.object_body(), call.flag("allowDuplicated"))
    shown = [render.policy(call.store, instance, p, show_secrets=True) for p in policies]
    return created(shown)


def add_outbound(
    call: Call, instance: Instance, body: dict[str, Any], duplicates: bool
) -> list[Policy]:
    _check_keys(body)
    draft = read_draft(call.store, instance, body)
    if not draft.template.outbound:
        message = "This policy can not be applied as outbound"
        raise errors.named(400, "PolicyValidationError", message)
    check_upstreams(body["upstreamIds"], call.store.upstreams.get(instance.id, ()))
    # No upstream at all still makes one policy, which then holds for every upstream.
    wanted = dict.fromkeys(body["upstreamIds"])
    targets: list[tuple[str, ...]] = [(upstream_id,) for upstream_id in wanted] or [()]
    if not duplicates:
        for target in targets:
            _refuse_duplicate(call, instance, draft, target)
    return [_store(call, instance, draft, target) for target in targets]


def _check_keys(body: dict[str, Any]) -> None:
    if "upstreamIds" not in body:
        raise errors.missing("/body/upstreamIds")
    if not isinstance(body["upstreamIds"], list):
        raise errors.wrong_type("/body/upstreamIds", "array")
    for key in ("order", "disabled"):
        if key in body:
            message = "must NOT have additional properties"
            raise errors.invalid(f"/body/{key}", message, "additionalProperties")
    if "pointcutData" in body and not isinstance(body["pointcutData"], list):
        raise errors.wrong_type("/body/pointcutData", "array")


def _refuse_duplicate(
    call: Call, instance: Instance, draft: Draft, target: tuple[str, ...]
) -> None:
    template = draft.template
    for item in call.store.policies_of(instance.id):
        same = (item.template.group_id, item.template.asset_id)
        if same == (template.group_id, template.asset_id) and item.upstream_ids == target:
            raise errors.conflict("The policy is already applied to the upstream")


def _store(call: Call, instance: Instance, draft: Draft, target: tuple[str, ...]) -> Policy:
    policy = Policy(
        id=call.store.ids.next("policy"),
        template=draft.template,
        configuration=draft.configuration,
        order=next_order(call.store.policies_of(instance.id)),
        stamps=call.store.stamps(),
        pointcut=draft.pointcut,
        label=draft.label,
        upstream_ids=target,
    )
    call.store.put_policy(instance.id, policy)
    call.audit("create", "policy", policy.id, policy.template.asset_id, instance=instance)
    return policy
