"""What only MuleSoft's own command line calls: two GraphQL queries, files, and usage reports."""

from __future__ import annotations

from typing import Any

import yaml

from reconciler.emulator.anypoint import errors
from reconciler.emulator.anypoint.call import Call, no_content, ok
from reconciler.emulator.anypoint.schemas import descriptors
from reconciler.emulator.anypoint.templates import Template
from reconciler.emulator.wire import Response, text_response

_PAGE = 100


def analytics(_: Call) -> Response:
    """Usage reports are taken and forgotten."""
    return no_content()


def graphql(call: Call) -> Response:
    """Policy assets of Exchange, all or one; the token comes among the variables."""
    body = call.object_body()
    variables = body.get("variables") or {}
    query = body.get("query")
    if not isinstance(query, str) or not isinstance(variables, dict):
        raise errors.account(400, "query and variables are required")
    if call.store.grants.get(str(variables.get("accessToken"))) is None:
        return ok({"errors": [{"message": "Unauthorized"}], "data": None})
    if "assets(" in query:
        assets = [_asset(template) for template in call.store.catalogue][:_PAGE]
        return ok({"data": {"assets": assets}})
    if "asset(" in query:
        asset = _one(call, variables)
        missing = {} if asset else {"errors": [{"message": "Asset not found"}]}
        return ok({**missing, "data": {"asset": asset}})
    return ok({"errors": [{"message": "unknown query"}], "data": None})


def _asset(template: Template) -> dict[str, Any]:
    return {
        "groupId": template.group_id,
        "assetId": template.asset_id,
        "version": template.version,
        "description": template.name,
        "name": template.name,
        "__typename": "Asset",
    }


def _one(call: Call, variables: dict[str, Any]) -> dict[str, Any] | None:
    keys = ("groupId", "assetId", "version")
    template = call.store.catalogue.find(*(str(variables.get(key)) for key in keys))
    if template is None:
        return None
    path = f"{template.group_id}/{template.asset_id}/{template.version}/policy-definition.yaml"
    file = {
        "classifier": "policy-definition",
        "externalLink": f"{call.request.origin}/exchange/files/{path}",
        "__typename": "File",
    }
    return {**_asset(template), "files": [file]}


def definition(call: Call) -> Response:
    """A policy's definition file, which needs no token.

    It must not look like JSON: the command line's HTTP client would parse it before it does.
    """
    params = call.params
    template = call.store.catalogue.find(params["groupId"], params["assetId"], params["version"])
    if template is None:
        raise errors.account(404, "File not found")
    content = {
        "id": template.asset_id,
        "name": template.name,
        "category": template.category,
        "description": template.name,
        "configuration": descriptors(template),
    }
    return text_response(200, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
