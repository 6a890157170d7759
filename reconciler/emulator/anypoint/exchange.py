"""Policy templates, in both configuration shapes, and what API Manager's clients look up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.emulator.anypoint import errors, render
from reconciler.emulator.anypoint.call import Call, number, ok
from reconciler.emulator.anypoint.schemas import descriptors, json_schema
from reconciler.emulator.anypoint.templates import Template
from reconciler.emulator.wire import Response

_SEEDED_MS = 1_653_593_000_651
_PAGE = 250

_VIOLATIONS = {
    "Quality of Service": "qos",
    "Security": "authentication",
    "Compliance": "authentication",
}


def list_templates(call: Call) -> Response:
    call.organization()
    with_configuration = call.flag("includeConfiguration", default=True)
    split = call.flag("splitModel")
    found = _selected(call)
    return ok([_shape(t, with_configuration=with_configuration, split=split) for t in found])


def _selected(call: Call) -> Iterable[Template]:
    """All versions, or the newest of each, that the filters let through."""
    catalogue = call.store.catalogue
    technology = _technology(call)
    point = call.query.get("injectionPoint")
    for template in catalogue.latest() if call.flag("latest") else catalogue:
        fits = technology is None or technology in template.technologies
        placed = point is None or template.outbound == (point == "outbound")
        automatable = not template.outbound or not call.flag("automatedOnly")
        if fits and placed and automatable:
            yield template


def _technology(call: Call) -> str | None:
    """The runtime of the instance that the query names."""
    if "apiInstanceId" not in call.query:
        return None
    instance = call.store.instances.get(number(call.query["apiInstanceId"]))
    environment_id = call.query.get("environmentId")
    if instance is None or environment_id not in (None, instance.environment_id):
        raise errors.not_found("API instance")
    return instance.technology


def get_template(call: Call) -> Response:
    call.organization()
    params = call.params
    coordinates = (params["groupId"], params["assetId"], params["assetVersion"])
    template = call.store.catalogue.find(*coordinates)
    if template is None:
        raise errors.not_found("Policy template")
    shape = _shape(template, with_configuration=True, split=call.flag("splitModel"))
    if call.flag("includeAllVersions"):
        versions = call.store.catalogue.versions(template.group_id, template.asset_id)
        shape["allVersions"] = [_version(item) for item in versions]
    return ok(shape)


def _shape(template: Template, *, with_configuration: bool, split: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "audit": {"created": {"date": render.moment(_SEEDED_MS)}, "updated": {}},
        "id": template.number,
        "groupId": template.group_id,
        "assetId": template.asset_id,
        "version": template.version,
        "name": template.name,
        "description": template.name,
        "type": "policy",
        "isOOTB": template.system,
        "stage": "release",
        "status": "published",
        "orgId": template.group_id,
        "minMuleVersion": None,
        "category": template.category,
        "violationCategory": _VIOLATIONS.get(template.category, "other"),
        "resourceLevelSupported": template.resource_level,
        "encryptionSupported": True,
        "standalone": True,
        "splitAssetModel": True,
        "providedCharacteristics": [],
        "requiredCharacteristics": [],
        "interfaceScope": ["api", "resource"] if template.resource_level else ["api"],
        "interfaceTransformation": [],
        "injectionPoint": "outbound" if template.outbound else "inbound",
        "supportedJavaVersions": ["8", "11", "17"],
        "applicable": True,
    }
    if with_configuration:
        shape["configuration"] = json_schema(template) if split else descriptors(template)
    return shape


def _version(template: Template) -> dict[str, str]:
    return {
        "groupId": template.group_id,
        "assetId": template.asset_id,
        "version": template.version,
        "status": "published",
    }


def list_legacy_templates(call: Call) -> Response:
    """The Mule 3 list: ids are names, and there are no Exchange coordinates."""
    call.organization()
    return ok([_legacy(template) for template in call.store.catalogue.latest()])


def get_legacy_template(call: Call) -> Response:
    call.organization()
    for template in call.store.catalogue.latest():
        if template.asset_id == call.params["templateId"]:
            return ok(_legacy(template))
    raise errors.not_found("Policy template")


def _legacy(template: Template) -> dict[str, Any]:
    configuration = descriptors(template)
    for item in configuration:
        # The old list has its own name for this one.
        if item["propertyName"] == "credentialsOriginHasHttpBasicAuthenticationHeader":
            item["propertyName"] = "credentialsOrigin"
    return {
        "id": template.asset_id,
        "name": template.name,
        "description": template.name,
        "category": template.category,
        "type": "system",
        "configuration": configuration,
    }


def search_assets(call: Call) -> Response:
    """The part of Exchange's search that finds policies."""
    if call.query.get("types", call.query.get("type", "policy")) != "policy":
        return ok([])
    offset, limit = call.page(_PAGE, _PAGE)
    text = call.query.get("search", "").lower()
    latest = call.store.catalogue.latest()
    found = [t for t in latest if text in t.asset_id or text in t.name.lower()]
    return ok([_version(t) | {"name": t.name} for t in found[offset : offset + limit]])
