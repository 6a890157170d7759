"""Every path that is emulated, but for the SOAP endpoint, which takes any path below its own."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.emulator.salesforce import rest, tokens
from reconciler.emulator.salesforce.call import Handler
from reconciler.emulator.salesforce.metadata import deployrest


@dataclass(frozen=True, slots=True)
class Route:
    """`is_open`: needs no session."""

    method: str
    pattern: str
    handler: Handler
    is_open: bool = False


_DATA = "/services/data/{version}"
COMPOSITE = _DATA + "/composite"
_RECORD = _DATA + "/sobjects/{type}/{id}"
_DEPLOY = _DATA + "/metadata/deployRequest"

ROUTES = (
    Route("POST", "/services/oauth2/token", tokens.token, True),
    Route("POST", "/services/oauth2/revoke", tokens.revoke, True),
    Route("GET", "/services/oauth2/revoke", tokens.revoke, True),
    Route("GET", "/services/oauth2/userinfo", tokens.userinfo, True),
    Route("POST", "/services/oauth2/userinfo", tokens.userinfo, True),
    Route("GET", "/id/{organization}/{user}", tokens.userinfo, True),
    Route("GET", "/services/data", rest.versions, True),
    Route("GET", _DATA, rest.resources),
    Route("GET", _DATA + "/limits", rest.limits),
    Route("GET", _DATA + "/query", rest.query),
    Route("GET", _DATA + "/query/{locator}", rest.more),
    Route("GET", _DATA + "/queryAll", rest.query),
    Route("GET", _DATA + "/queryAll/{locator}", rest.more),
    Route("GET", _DATA + "/tooling/query", rest.query),
    Route("GET", _DATA + "/tooling/query/{locator}", rest.more),
    Route("GET", _DATA + "/sobjects", rest.describe_all),
    Route("GET", _DATA + "/sobjects/{type}", rest.about),
    Route("POST", _DATA + "/sobjects/{type}", rest.create),
    Route("GET", _DATA + "/sobjects/{type}/describe", rest.describe),
    Route("GET", _RECORD, rest.retrieve),
    Route("PATCH", _RECORD, rest.update),
    Route("DELETE", _RECORD, rest.delete),
    Route("POST", _DATA + "/composite/sobjects", rest.create_many),
    Route("PATCH", _DATA + "/composite/sobjects", rest.update_many),
    Route("DELETE", _DATA + "/composite/sobjects", rest.delete_many),
    Route("POST", _DEPLOY, deployrest.submit),
    Route("GET", _DEPLOY + "/{id}", deployrest.check),
    Route("PATCH", _DEPLOY + "/{id}", deployrest.cancel),
)
