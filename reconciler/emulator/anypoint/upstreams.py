"""Upstreams of an instance."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from reconciler.emulator.anypoint import errors, render
from reconciler.emulator.anypoint.call import Call, created, no_content, ok
from reconciler.emulator.anypoint.model import Instance, Upstream
from reconciler.emulator.wire import Response


def list_upstreams(call: Call) -> Response:
    items = call.store.upstreams.get(call.instance().id, ())
    return ok({"total": len(items), "upstreams": [render.upstream(item) for item in items]})


def create_upstream(call: Call) -> Response:
    instance = call.instance()
    body = call.object_body()
    if "uri" not in body:
        raise errors.missing("/body/uri")
    if not isinstance(body["uri"], str):
        raise errors.wrong_type("/body/uri", "string")
    return created(render.upstream(add_upstream(call, instance, body.get("label"), body["uri"])))


def add_upstream(call: Call, instance: Instance, label: Any, uri: str) -> Upstream:
    shown = label if isinstance(label, str) else None
    item = Upstream(str(uuid.uuid4()), uri, call.store.stamps(), shown)
    held = call.store.upstreams.get(instance.id, ())
    call.store.upstreams[instance.id] = (*held, item)
    return item


def get_upstream(call: Call) -> Response:
    return ok(render.upstream(_upstream(call, call.instance())))


def patch_upstream(call: Call) -> Response:
    instance = call.instance()
    body = call.object_body()
    item = change_upstream(call, instance, _upstream(call, instance), body)
    return ok(render.upstream(item))


def change_upstream(
    call: Call, instance: Instance, item: Upstream, body: dict[str, Any]
) -> Upstream:
    label = body.get("label", item.label)
    if label is not None and not isinstance(label, str):
        raise errors.wrong_type("/body/label", "string")
    uri = body.get("uri", item.uri)
    if not isinstance(uri, str):
        raise errors.wrong_type("/body/uri", "string")
    changed = replace(
        item,
        label=label,
        uri=uri,
        tls_context=body.get("tlsContext", item.tls_context),
        stamps=call.store.touched(item.stamps),
    )
    held = call.store.upstreams[instance.id]
    call.store.upstreams[instance.id] = tuple(changed if u.id == item.id else u for u in held)
    return changed


def delete_upstream(call: Call) -> Response:
    instance = call.instance()
    remove_upstream(call, instance, _upstream(call, instance))
    return no_content()


def remove_upstream(call: Call, instance: Instance, item: Upstream) -> None:
    held = call.store.upstreams[instance.id]
    call.store.upstreams[instance.id] = tuple(u for u in held if u.id != item.id)


def _upstream(call: Call, instance: Instance) -> Upstream:
    for item in call.store.upstreams.get(instance.id, ()):
        if item.id == call.params["upstreamId"]:
            return item
    raise errors.not_found("Upstream")
