"""API instances: both lists, one, create, change, delete, tags, and upstreams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from reconciler.emulator.anypoint import errors, render
from reconciler.emulator.anypoint.call import Call, created, no_content, ok
from reconciler.emulator.anypoint.model import Environment, Instance
from reconciler.emulator.anypoint.store import AssetGroup
from reconciler.emulator.anypoint.upstreams import add_upstream
from reconciler.emulator.wire import Response

_PAGE = 100
_FLAT_LARGEST = 250
_TECHNOLOGIES = ("mule3", "mule4", "flexGateway", "serviceMesh")
_KEPT = ("description", "deprecated", "providerId", "approvalMethod", "isPublic", "pinned")

_SORTS: dict[str, Callable[[AssetGroup], Any]] = {
    "id": lambda group: group.asset.number,
    "name": lambda group: group.asset.asset_id,
    "createdDate": lambda group: min(i.stamps.created for i in group.instances),
    "updatedDate": lambda group: max(i.stamps.latest for i in group.instances),
}


def list_instances(call: Call) -> Response:
    """Pages count assets; each asset carries all its instances that match."""
    environment = call.environment()
    offset, limit = call.page(_PAGE)
    groups = _sorted(call, _filtered(call, call.store.groups(environment.id)))
    page = groups[offset : offset + limit]
    return ok({"total": len(groups), "assets": [_asset(call, group) for group in page]})


def list_flat(call: Call) -> Response:
    """The list of the user interface: instances, each with its asset inside."""
    environment = call.environment()
    offset, limit = call.page(_PAGE, _FLAT_LARGEST)
    groups = _sorted(call, _filtered(call, call.store.groups(environment.id)))
    instances = [instance for group in groups for instance in group.instances]
    page = [_flat(call, item) for item in instances[offset : offset + limit]]
    return ok({"total": len(instances), "instances": page})


def _filtered(call: Call, groups: tuple[AssetGroup, ...]) -> list[AssetGroup]:
    tests = list(_tests(call))
    if not tests:
        return list(groups)
    found: list[AssetGroup] = []
    for group in groups:
        kept = tuple(i for i in group.instances if all(test(i) for test in tests))
        if kept:
            found.append(AssetGroup(group.asset, kept))
    return found


def _tests(call: Call) -> Iterator[Callable[[Instance], bool]]:
    exact: dict[str, Callable[[Instance], Any]] = {
        "groupId": lambda i: i.asset.group_id,
        "assetId": lambda i: i.asset.asset_id,
        "assetVersion": lambda i: i.asset_version,
        "instanceLabel": lambda i: i.label,
        "productVersion": lambda i: i.product_version,
        "autodiscoveryInstanceName": lambda i: f"{i.product_version}:{i.id}",
        "autodiscoveryApiName": _autodiscovery_name,
    }
    for name, read in exact.items():
        if name in call.query:
            yield _equals(read, call.query[name])
    if call.query.get("query"):
        yield _mentions(call.query["query"].lower())
    if call.query.get("family", "api") != "api":
        yield lambda _: False
    if "pinned" in call.query.get("filters", "").split(","):
        yield lambda i: bool(i.extra.get("pinned"))


def _equals(read: Callable[[Instance], Any], wanted: str) -> Callable[[Instance], bool]:
    return lambda instance: bool(read(instance) == wanted)


def _mentions(text: str) -> Callable[[Instance], bool]:
    def test(instance: Instance) -> bool:
        description = instance.extra.get("description") or ""
        names = (instance.asset.asset_id, instance.asset.name, instance.label or "", description)
        return any(text in str(part).lower() for part in (*names, *instance.tags))

    return test


def _sorted(call: Call, groups: list[AssetGroup]) -> list[AssetGroup]:
    key = call.query.get("sort", "name")
    if key not in _SORTS:
        message = "must be equal to one of the allowed values"
        raise errors.invalid("/query/sort", message, "enum")
    ascending = call.flag("ascending", default=True)
    # The store keeps them by name already.
    if key != "name":
        groups.sort(key=_SORTS[key])
    return groups if ascending else groups[::-1]


def _autodiscovery_name(instance: Instance) -> str:
    return f"groupId:{instance.asset.group_id}:assetId:{instance.asset.asset_id}"


def _asset(call: Call, group: AssetGroup) -> dict[str, Any]:
    first = group.instances[0]
    return {
        "audit": {"created": {"date": render.moment(first.stamps.created)}, "updated": {}},
        **render.owner(call.store, first.environment_id),
        "id": group.asset.number,
        "name": _autodiscovery_name(first),
        "exchangeAssetName": group.asset.name,
        "groupId": group.asset.group_id,
        "assetId": group.asset.asset_id,
        "apis": [render.instance(call.store, item) for item in group.instances],
        "totalApis": len(group.instances),
        "autodiscoveryApiName": _autodiscovery_name(first),
    }


def _flat(call: Call, item: Instance) -> dict[str, Any]:
    asset = {
        "name": _autodiscovery_name(item),
        "exchangeAssetName": item.asset.name,
        "groupId": item.asset.group_id,
        "assetId": item.asset.asset_id,
    }
    return render.instance(call.store, item) | {"asset": asset}


def get_instance(call: Call) -> Response:
    return ok(render.one_instance(call.store, call.instance()))


def create_instance(call: Call) -> Response:
    instance = add_instance(call, call.environment(), call.object_body())
    return created(render.one_instance(call.store, instance))


def add_instance(call: Call, environment: Environment, body: dict[str, Any]) -> Instance:
    """Stores a new instance; one with an endpoint gets a first upstream."""
    spec = _spec(body)
    technology = body.get("technology") or "mule4"
    if technology not in _TECHNOLOGIES:
        message = "must be equal to one of the allowed values"
        raise errors.invalid("/body/technology", message, "enum")
    endpoint = _endpoint(body)
    instance = Instance(
        id=call.store.ids.next("instance"),
        environment_id=environment.id,
        asset=call.store.asset(spec["groupId"], spec["assetId"]),
        asset_version=spec["version"],
        product_version=f"v{spec['version'].partition('.')[0]}",
        technology=technology,
        stamps=call.store.stamps(),
        label=_label(body),
        tags=_tags(body) if "tags" in body else (),
        endpoint_uri=endpoint.get("uri") if isinstance(endpoint.get("uri"), str) else None,
        extra={"endpoint": endpoint} if endpoint else {},
    )
    call.store.put_instance(instance)
    if instance.endpoint_uri:
        add_upstream(call, instance, None, instance.endpoint_uri)
    call.audit("create", "api", instance.id, instance.asset.asset_id, instance=instance)
    return instance


def _spec(body: dict[str, Any]) -> dict[str, str]:
    spec = body.get("spec")
    if spec is None:
        raise errors.missing("/body/spec")
    if not isinstance(spec, dict):
        raise errors.wrong_type("/body/spec", "object")
    for key in ("groupId", "assetId", "version"):
        if key not in spec:
            raise errors.missing(f"/body/spec/{key}")
        if not isinstance(spec[key], str) or not 1 <= len(spec[key]) <= 256:
            raise errors.wrong_type(f"/body/spec/{key}", "string")
    return spec


def _endpoint(body: dict[str, Any]) -> dict[str, Any]:
    endpoint = body.get("endpoint")
    if endpoint is None:
        return {}
    if not isinstance(endpoint, dict):
        raise errors.wrong_type("/body/endpoint", "object")
    if body.get("technology") == "flexGateway" and endpoint.get("isCloudHub") is not None:
        raise errors.wrong_type("/body/endpoint/isCloudHub", "null")
    return endpoint


def _label(body: dict[str, Any]) -> str | None:
    label = body.get("instanceLabel")
    if label is not None and (not isinstance(label, str) or not 1 <= len(label) <= 255):
        raise errors.wrong_type("/body/instanceLabel", "string")
    return label


def patch_instance(call: Call) -> Response:
    instance = change_instance(call, call.instance(), call.object_body())
    return ok(render.one_instance(call.store, instance))


def change_instance(call: Call, instance: Instance, body: dict[str, Any]) -> Instance:
    changed = replace(
        instance,
        asset_version=_text(body, "assetVersion", instance.asset_version),
        product_version=_text(body, "productVersion", instance.product_version),
        label=_label(body) if "instanceLabel" in body else instance.label,
        tags=_tags(body) if "tags" in body else instance.tags,
        extra={**instance.extra, **{key: body[key] for key in _KEPT if key in body}},
        stamps=call.store.touched(instance.stamps),
    )
    call.store.put_instance(changed)
    payload = {"properties": sorted(body)}
    name = instance.asset.asset_id
    call.audit("modify", "api", instance.id, name, instance=changed, payload=payload)
    return changed


def _text(body: dict[str, Any], key: str, default: str) -> str:
    value = body.get(key, default)
    if not isinstance(value, str) or not value:
        raise errors.wrong_type(f"/body/{key}", "string")
    return value


def _tags(body: dict[str, Any]) -> tuple[str, ...]:
    tags = body["tags"]
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise errors.wrong_type("/body/tags", "array")
    return tuple(dict.fromkeys(tags))


def delete_instance(call: Call) -> Response:
    remove_instance(call, call.instance())
    return no_content()


def remove_instance(call: Call, instance: Instance) -> None:
    call.audit("delete", "api", instance.id, instance.asset.asset_id, instance=instance)
    call.store.drop_instance(instance.id)


def put_tag(call: Call) -> Response:
    instance = call.instance()
    tags = dict.fromkeys((*instance.tags, call.params["tag"]))
    call.store.put_instance(replace(instance, tags=tuple(tags)))
    return created({"tags": list(tags)})


def delete_tag(call: Call) -> Response:
    instance = call.instance()
    kept = tuple(tag for tag in instance.tags if tag != call.params["tag"])
    call.store.put_instance(replace(instance, tags=kept))
    return no_content()
