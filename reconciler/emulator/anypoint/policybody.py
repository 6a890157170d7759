"""Reads and checks the bodies that create or change a policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.anypoint import errors
from reconciler.emulator.anypoint.model import Instance, Policy, Upstream
from reconciler.emulator.anypoint.store import Store
from reconciler.emulator.anypoint.templates import Catalogue, Template
from reconciler.emulator.anypoint.validation import check_configuration

_COORDINATES = ("groupId", "assetId", "assetVersion")
_MISSING_COORDINATES = (
    "The policy to be created is missing at least one of the following properties "
    "related to the policy template: 'groupId', 'assetId', 'assetVersion'."
)
_NO_TEMPLATE = "The policy template {} could not be found"
_IMPLEMENTATION = "Policy Template is missing required files: [schema]"


@dataclass(frozen=True, slots=True)
class Draft:
    """A checked policy that has no id yet."""

    template: Template
    configuration: Mapping[str, Any]
    order: int | None
    disabled: bool
    pointcut: Any
    label: str | None


def read_draft(store: Store, instance: Instance, body: Mapping[str, Any]) -> Draft:
    """The policy that `body` describes, checked against the catalogue."""
    check_types(body)
    template = template_for(store.catalogue, body, instance.technology)
    configuration = body.get("configurationData")
    configuration = {} if configuration is None else configuration
    check_configuration(template, configuration, strict_required=store.settings.strictRequired)
    return Draft(
        template=template,
        configuration=configuration,
        order=body.get("order"),
        disabled=body.get("disabled") or False,
        pointcut=pointcut_of(template, body),
        label=body.get("label"),
    )


def template_for(catalogue: Catalogue, body: Mapping[str, Any], technology: str | None) -> Template:
    """The template of these coordinates, which must have an implementation for `technology`."""
    coordinates = [body.get(key) for key in _COORDINATES]
    if not all(isinstance(value, str) and value for value in coordinates):
        raise errors.named(400, "PolicyValidationError", _MISSING_COORDINATES)
    group_id, asset_id, version = (str(value) for value in coordinates)
    template = catalogue.find(group_id, asset_id, version)
    if template is None:
        message = _NO_TEMPLATE.format("/".join((group_id, asset_id, version)))
        if catalogue.is_implementation(group_id, asset_id):
            message = _IMPLEMENTATION
        raise errors.named(400, "PolicyTemplateValidationError", message)
    if technology is not None and technology not in template.technologies:
        message = (
            f"The policy {asset_id} does not have an implementation "
            f"for the API with technology({technology})"
        )
        raise errors.named(400, "PolicyTemplateValidationError", message)
    return template


def check_types(body: Mapping[str, Any]) -> None:
    """The types of the top-level keys; null counts as absent."""
    _check_type(body, "disabled", (bool,), "boolean")
    _check_type(body, "label", (str,), "string")
    _check_type(body, "assetVersion", (str,), "string")
    _check_type(body, "upstreamIds", (list,), "array")
    _check_type(body, "order", (int,), "integer")
    order = body.get("order")
    if order is not None and order < 1:
        raise errors.invalid("/body/order", "must be >= 1", "minimum")


def _check_type(body: Mapping[str, Any], key: str, kinds: tuple[type, ...], name: str) -> None:
    value = body.get(key)
    if value is not None and type(value) not in kinds:
        raise errors.wrong_type(f"/body/{key}", name)


def check_patch(policy: Policy, body: Mapping[str, Any], upstreams: Iterable[Upstream]) -> None:
    """Refuses a change of identity, of what has no order, and of an unknown upstream."""
    check_types(body)
    for key in ("disabled", "upstreamIds", "assetVersion"):
        if key in body and body[key] is None:
            raise errors.wrong_type(f"/body/{key}", {"disabled": "boolean"}.get(key, "string"))
    for key in ("groupId", "assetId"):
        if key in body and body[key] != policy.template.coordinates[key]:
            message = f"{key} of an applied policy can not be changed"
            raise errors.named(400, "PolicyValidationError", message)
    if body.get("order") is not None and not policy.template.orderable:
        raise errors.named(400, "PolicyValidationError", "This policy can not be ordered")
    check_upstreams(body.get("upstreamIds", ()), upstreams)


def check_upstreams(upstream_ids: Iterable[Any], upstreams: Iterable[Upstream]) -> None:
    known = {upstream.id for upstream in upstreams}
    for upstream_id in upstream_ids:
        if not isinstance(upstream_id, str) or upstream_id not in known:
            raise errors.named(400, "PolicyValidationError", "Upstream not found")


def pointcut_of(template: Template, body: Mapping[str, Any]) -> Any:
    """The resource conditions of `body`; null means the whole API."""
    pointcut = body.get("pointcutData")
    if pointcut is None:
        return None
    if not isinstance(pointcut, list):
        raise errors.wrong_type("/body/pointcutData", "array")
    for index, entry in enumerate(pointcut):
        _check_condition(entry, f"/body/pointcutData/{index}")
    if pointcut and not template.resource_level:
        message = "This policy does not support resource level conditions"
        raise errors.named(400, "PolicyValidationError", message)
    return pointcut


def _check_condition(entry: Any, path: str) -> None:
    if not isinstance(entry, dict):
        raise errors.wrong_type(path, "object")
    for key in ("methodRegex", "uriTemplateRegex"):
        if key not in entry:
            raise errors.missing(f"{path}/{key}")
        if not isinstance(entry[key], str):
            raise errors.wrong_type(f"{path}/{key}", "string")
