"""Automated policies of an organization, and what they do to policies of single APIs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.emulator.anypoint import errors, render
from reconciler.emulator.anypoint.call import Call, created, no_content, number, ok
from reconciler.emulator.anypoint.model import AutomatedPolicy, Instance, Organization, Policy
from reconciler.emulator.anypoint.policybody import check_types, pointcut_of, template_for
from reconciler.emulator.anypoint.validation import check_configuration
from reconciler.emulator.wire import Response, json_response

_PATCH_KEYS = ("ruleOfApplication", "groupId", "assetId", "assetVersion", "configurationData")
_PAGE = 100


def list_automated(call: Call) -> Response:
    """Needs `environmentId`; a policy without one holds in every environment."""
    organization = call.organization()
    if "environmentId" not in call.query:
        raise errors.missing("/query/environmentId")
    wanted = call.query["environmentId"]
    items = [
        item
        for item in call.store.automated.values()
        if item.organization_id == organization.id and item.environment_id in (None, wanted)
    ]
    shown = [shape(item) for item in sorted(items, key=lambda i: (i.order or 0, i.id))]
    return ok({"automatedPolicies": shown, "total": len(shown)})


def get_automated(call: Call) -> Response:
    return ok(shape(_automated(call)))


def create_automated(call: Call) -> Response:
    item = add_automated(call, call.organization(), call.object_body())
    return created(shape(item, show_secrets=True))


def add_automated(
    call: Call, organization: Organization, body: dict[str, Any], *, override: bool = False
) -> AutomatedPolicy:
    """Stores a new one; API-level policies of its type are a conflict unless overridden."""
    draft = _checked(call, organization, body)
    _refuse_twice(call, draft)
    item = replace(draft, id=call.store.ids.next("automated"), stamps=call.store.stamps())
    if item.order is None:
        item = replace(item, order=_next_order(call, item))
    _cover(call, item, override=override)
    call.store.automated[item.id] = item
    call.audit("create", "automated policy", item.id, item.template.asset_id)
    return item


def patch_automated(call: Call) -> Response:
    item = _automated(call)
    body = call.object_body()
    for key in _PATCH_KEYS:
        if key not in body:
            raise errors.missing(f"/body/{key}")
    return ok(shape(change_automated(call, item, body), show_secrets=True))


def put_automated(call: Call) -> Response:
    item = _automated(call)
    body = call.object_body()
    return created(shape(change_automated(call, item, body), show_secrets=True))


def change_automated(call: Call, item: AutomatedPolicy, body: dict[str, Any]) -> AutomatedPolicy:
    """Replaces what `body` has; what the changed rule newly covers is overridden."""
    organization = call.store.organizations[item.organization_id]
    merged = _as_body(item) | body
    draft = _checked(call, organization, merged, patching=True)
    changed = replace(
        draft,
        id=item.id,
        order=draft.order or item.order,
        disabled=body.get("disabled", item.disabled) or False,
        stamps=call.store.touched(item.stamps),
    )
    _uncover(call, item)
    _cover(call, changed, override=True)
    call.store.automated[item.id] = changed
    payload = {"properties": sorted(body)}
    name = changed.template.asset_id
    call.audit("modify", "automated policy", item.id, name, payload=payload)
    return changed


def delete_automated(call: Call) -> Response:
    remove_automated(call, _automated(call))
    return no_content()


def remove_automated(call: Call, item: AutomatedPolicy) -> None:
    """Enables again what it had disabled."""
    del call.store.automated[item.id]
    _uncover(call, item)
    call.audit("delete", "automated policy", item.id, item.template.asset_id)


def list_covered(call: Call) -> Response:
    """The instances that a policy includes, excludes, or both."""
    item = _automated(call)
    offset, limit = call.page(_PAGE)
    kind = call.query.get("type", "include")
    everyone = list(_in_scope(call, item))
    covered = {i.id for i in everyone if item.covers(i.technology)}
    wanted = [i for i in everyone if kind == "all" or (i.id in covered) == (kind == "include")]
    page = [render.instance(call.store, i) for i in wanted[offset : offset + limit]]
    return ok({"total": len(wanted), "apis": page})


def upgrade_implementations(call: Call) -> Response:
    item = _automated(call)
    return json_response(201, shape(item))


def shape(item: AutomatedPolicy, *, show_secrets: bool = False) -> dict[str, Any]:
    template = item.template
    configuration = item.configuration
    return {
        "audit": render.audit(item.stamps),
        "id": item.id,
        "ruleOfApplication": dict(item.rule),
        **template.coordinates,
        "configurationData": (
            configuration if show_secrets else template.without_secrets(configuration)
        ),
        "pointcutData": item.pointcut,
        "order": item.order,
        "disabled": item.disabled,
        "implementationAssets": [
            template.implementation(technology) | {"name": template.name}
            for technology in item.rule.get("technologies") or template.technologies
        ],
    }


def _as_body(item: AutomatedPolicy) -> dict[str, Any]:
    return {
        **item.template.coordinates,
        "ruleOfApplication": dict(item.rule),
        "configurationData": item.configuration,
        "pointcutData": item.pointcut,
        "order": item.order,
    }


def _checked(
    call: Call, organization: Organization, body: dict[str, Any], *, patching: bool = False
) -> AutomatedPolicy:
    check_types(body)
    rule = _rule(call, organization, body)
    technologies = rule.get("technologies") or [None]
    template = template_for(call.store.catalogue, body, technologies[0])
    if template.outbound:
        message = "This policy can not be applied automatically"
        raise errors.named(400, "PolicyValidationError", message)
    configuration = body.get("configurationData")
    configuration = {} if configuration is None else configuration
    if not isinstance(configuration, list):
        strict = call.store.settings.strictRequired
        check_configuration(
            template, configuration, strict_required=strict, allow_missing_secrets=patching
        )
    return AutomatedPolicy(
        id=0,
        organization_id=organization.id,
        rule=rule,
        template=template,
        configuration=configuration,
        order=body.get("order"),
        stamps=call.store.stamps(),
        disabled=body.get("disabled") or False,
        pointcut=pointcut_of(template, body),
    )


def _rule(call: Call, organization: Organization, body: Mapping[str, Any]) -> dict[str, Any]:
    rule = body.get("ruleOfApplication")
    if rule is None:
        raise errors.missing("/body/ruleOfApplication")
    if not isinstance(rule, dict):
        raise errors.wrong_type("/body/ruleOfApplication", "object")
    path = "/body/ruleOfApplication"
    environment = call.store.environments.get(str(rule.get("environmentId", "")))
    if "environmentId" in rule and (
        environment is None or environment.organization_id != organization.id
    ):
        raise errors.not_found("Environment")
    _check_technologies(rule.get("technologies"), f"{path}/technologies")
    span = rule.get("range")
    if span is not None and not (isinstance(span, dict) and isinstance(span.get("from"), str)):
        raise errors.missing(f"{path}/range/from")
    return {"organizationId": organization.id, **rule}


def _check_technologies(value: Any, path: str) -> None:
    if value is None:
        return
    if not isinstance(value, list) or len(value) != 1:
        raise errors.invalid(path, "must NOT have more than 1 items", "maxItems")
    if value[0] not in ("mule4", "flexGateway"):
        message = "must be equal to one of the allowed values"
        raise errors.invalid(f"{path}/0", message, "enum")


def _refuse_twice(call: Call, draft: AutomatedPolicy) -> None:
    for item in call.store.automated.values():
        same_type = _type(item) == _type(draft) and item.organization_id == draft.organization_id
        apart = item.environment_id != draft.environment_id
        ours, theirs = (p.rule.get("technologies") for p in (draft, item))
        if same_type and not apart and (not ours or not theirs or ours == theirs):
            raise errors.conflict("An automated policy of this type exists in the environment")


def _type(item: AutomatedPolicy | Policy) -> tuple[str, str]:
    return (item.template.group_id, item.template.asset_id)


def _next_order(call: Call, item: AutomatedPolicy) -> int:
    held = [
        p.order or 0
        for p in call.store.automated.values()
        if p.organization_id == item.organization_id
    ]
    return max(held, default=0) + 1


def _in_scope(call: Call, item: AutomatedPolicy) -> Iterator[Instance]:
    environments = call.store.environments
    for instance in call.store.instances.values():
        if item.environment_id in (None, instance.environment_id):
            owner = environments[instance.environment_id].organization_id
            if owner == item.organization_id:
                yield instance


def _cover(call: Call, item: AutomatedPolicy, *, override: bool) -> None:
    """Disables the API-level policies of the same type, or refuses because of them."""
    refuse = not override and call.store.settings.automatedConflicts == "refuse"
    for instance in _in_scope(call, item):
        if not item.covers(instance.technology) or item.disabled:
            continue
        for policy in call.store.policies_of(instance.id):
            if _type(policy) != _type(item) or policy.disabled:
                continue
            if refuse:
                message = f"The policy is already applied to the API {instance.id}"
                raise errors.conflict(message)
            changed = replace(policy, disabled=True, overridden_by=item.id)
            call.store.put_policy(instance.id, changed)


def _uncover(call: Call, item: AutomatedPolicy) -> None:
    for instance in _in_scope(call, item):
        for policy in call.store.policies_of(instance.id):
            if policy.overridden_by == item.id:
                changed = replace(policy, disabled=False, overridden_by=None)
                call.store.put_policy(instance.id, changed)


def _automated(call: Call) -> AutomatedPolicy:
    organization = call.organization()
    found = call.store.automated.get(number(call.params["automatedPolicyId"]))
    if found is None or found.organization_id != organization.id:
        raise errors.not_found("Automated policy")
    return found
