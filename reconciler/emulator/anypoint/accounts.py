"""Signing in, tokens, and who the caller is."""

from __future__ import annotations

import uuid
from typing import Any

from reconciler.emulator.anypoint import errors
from reconciler.emulator.anypoint.call import Call, ok
from reconciler.emulator.anypoint.model import Login, Organization
from reconciler.emulator.anypoint.organizations import ancestors
from reconciler.emulator.anypoint.store import Grant, Store
from reconciler.emulator.wire import Request, Response, json_response

_RATE_LIMIT = 500
_WINDOW_S = 60


def login(call: Call) -> Response:
    """User name and password, as JSON or as a form."""
    body = _credentials(call.request)
    found = _find(call.store, "user", body.get("username"), body.get("password"))
    if found is None:
        raise errors.account(401, "Unauthorized")
    token = _grant(call.store, found)
    body = {"access_token": token, "token_type": "bearer", "redirectUrl": "/home/"}
    return json_response(200, body, *_rate_headers(call.store))


def token(call: Call) -> Response:
    """Client credentials, or a user's password through a connected app."""
    body = _credentials(call.request)
    grant_type = body.get("grant_type")
    if grant_type not in ("client_credentials", "password"):
        raise errors.account(400, "unsupported grant_type")
    found = _find(call.store, "client", body.get("client_id"), body.get("client_secret"))
    if found is not None and grant_type == "password":
        found = _find(call.store, "user", body.get("username"), body.get("password"))
    if found is None:
        raise errors.account(401, "Unauthorized")
    answer = {
        "access_token": _grant(call.store, found),
        "expires_in": call.store.settings.tokenLifetimeSeconds,
        "token_type": "bearer",
    }
    return ok(answer)


def authenticate(store: Store, request: Request) -> Grant:
    """The grant of the bearer token; a missing, unknown or expired one is refused."""
    scheme, _, value = (request.header(b"authorization") or "").partition(" ")
    grant = store.grants.get(value.strip())
    if scheme.lower() != "bearer" or grant is None:
        raise errors.unauthorized()
    if grant.expires <= store.clock():
        del store.grants[value.strip()]
        raise errors.unauthorized()
    return grant


def _credentials(request: Request) -> dict[str, Any]:
    kind = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return dict(request.form())
    try:
        body = request.json()
    except ValueError:
        raise errors.account(400, "the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise errors.account(400, "the body must be an object")
    return body


def _find(store: Store, kind: str, name: Any, secret: Any) -> Login | None:
    if not isinstance(name, str) or not isinstance(secret, str):
        return None
    wanted = (kind, name, secret)
    return next((x for x in store.logins if (x.kind, x.name, x.secret) == wanted), None)


def _grant(store: Store, found: Login) -> str:
    value = str(uuid.uuid4())
    expires = store.clock() + store.settings.tokenLifetimeSeconds
    _forget_expired(store)
    store.grants[value] = Grant(found, expires)
    return value


def _forget_expired(store: Store) -> None:
    """Keeps memory bounded when a benchmark signs in for every call."""
    if len(store.grants) > 10_000:
        now = store.clock()
        store.grants = {key: g for key, g in store.grants.items() if g.expires > now}


def _rate_headers(store: Store) -> tuple[tuple[bytes, bytes], ...]:
    """The fixed one-minute window of the login endpoint; the limit itself is not enforced."""
    reset = (int(store.clock()) // _WINDOW_S + 1) * _WINDOW_S
    return (
        (b"x-ratelimit-limit", str(_RATE_LIMIT).encode()),
        (b"x-ratelimit-remaining", str(_RATE_LIMIT - 1).encode()),
        (b"x-ratelimit-reset", str(reset).encode()),
    )


def me(call: Call) -> Response:
    """The nested profile; a connected app has `client`, and a `user` that it acts as."""
    found = _login_of(call)
    shape: dict[str, Any] = {}
    if found.kind == "user" or call.store.settings.usersMeForClients:
        shape["user"] = _user(call.store, found)
    if found.kind == "client":
        shape["client"] = {
            "client_id": found.name,
            "name": found.name,
            "org_id": call.store.master().id,
            "redirect_uris": [],
            "grant_types": ["client_credentials"],
        }
    return ok(shape)


def users_me(call: Call) -> Response:
    """The flat profile, which needs a user behind the token."""
    found = _login_of(call)
    if found.kind == "client" and not call.store.settings.usersMeForClients:
        raise errors.unauthorized()
    return ok(_user(call.store, found))


def _login_of(call: Call) -> Login:
    if call.grant is None:
        raise errors.unauthorized()
    return call.grant.login


def _user(store: Store, found: Login) -> dict[str, Any]:
    master = store.master()
    members = [_membership(store, o) for o in store.organizations.values()]
    return {
        "id": found.id,
        "username": found.name,
        "firstName": found.name.title(),
        "lastName": "Example",
        "email": f"{found.name}@example.com",
        "enabled": True,
        "idprovider_id": "mulesoft",
        "type": "host",
        "organizationId": master.id,
        "organization": _membership(store, master) | {"domain": master.domain},
        "organizationPreferences": {},
        "memberOfOrganizations": members,
        "contributorOfOrganizations": members,
        "properties": {"cs_auth": {"activeOrganizationId": master.id}},
    }


def _membership(store: Store, organization: Organization) -> dict[str, Any]:
    above = ancestors(store, organization)
    parent = above[-1] if above else None
    return {
        "id": organization.id,
        "name": organization.name,
        # Every business group says that it is a root; only isMaster marks the real one.
        "isRoot": True,
        "isMaster": organization.parent_id is None,
        "parentId": parent.id if parent else None,
        "parentName": parent.name if parent else None,
        "parentOrganizationIds": [o.id for o in above],
        "subOrganizationIds": [o.id for o in store.children(organization.id)],
    }
