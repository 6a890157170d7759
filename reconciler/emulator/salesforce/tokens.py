"""`/services/oauth2`: tokens, their end, and whose they are."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from reconciler.emulator.salesforce import times
from reconciler.emulator.salesforce.access import is_granted, needs_grant, permissions
from reconciler.emulator.salesforce.apps import CONNECTED, App, app_by_id, app_by_key
from reconciler.emulator.salesforce.assertion import check_assertion, read_assertion
from reconciler.emulator.salesforce.call import Call, ok
from reconciler.emulator.salesforce.errors import oauth
from reconciler.emulator.salesforce.schema import ANY_CLIENT, APPROVE_UNINSTALLED
from reconciler.emulator.salesforce.store import Row, Store
from reconciler.emulator.wire import Refusal, Response, text_response

JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

_LIFETIME = re.compile(r"specific_(lifetime|inactivity):(\d{1,4}):(HOURS|DAYS|MONTHS)", re.ASCII)
_HOURS = {"HOURS": 1, "DAYS": 24, "MONTHS": 24 * 30}
_SUBTYPES = {JWT: None, "client_credentials": "OauthClientCredentials"}
_ADDRESS = "127.0.0.1"


def token(call: Call) -> Response:
    """A token by the flow that `grant_type` names."""
    form = call.request.form()
    flow = form.get("grant_type")
    if not flow:
        raise oauth("invalid_request", "grant type is missing")
    if flow == JWT:
        return _by_assertion(call, form)
    if flow == "client_credentials":
        return _by_secret(call, form)
    if flow == "refresh_token":
        return _by_refresh(call, form)
    if flow == "password":
        # Off by default in newer orgs.
        raise oauth("invalid_grant", "authentication failure")
    raise oauth("unsupported_grant_type", "grant type not supported")


def _by_assertion(call: Call, form: Mapping[str, str]) -> Response:
    store = call.store
    assertion = read_assertion(form.get("assertion", ""))
    app = _app(store, assertion.issuer)
    certificate = app.row.get("certificate")
    check_assertion(assertion, certificate, call.request.origin, store.clock())
    user = _user(store, assertion.subject)
    _check(store, app, user, JWT)
    return ok(_answer(call, app, user, JWT))


def _by_secret(call: Call, form: Mapping[str, str]) -> Response:
    store = call.store
    key, secret = _client(call, form)
    app = _app(store, key)
    if not secret or secret != app.row.get("consumerSecret"):
        raise oauth("invalid_client", "invalid client credentials")
    if app.flow_user is None:
        raise oauth("unsupported_grant_type", "grant type not supported")
    user = _user(store, app.flow_user)
    _check(store, app, user, "client_credentials")
    return ok(_answer(call, app, user, "client_credentials") | _signed(call, app, user))


def _by_refresh(call: Call, form: Mapping[str, str]) -> Response:
    """The policy of the app is looked at here and nowhere else."""
    store = call.store
    key, secret = _client(call, form)
    app = _app(store, key)
    if secret is not None and secret != app.row.get("consumerSecret"):
        raise oauth("invalid_client", "invalid client credentials")
    held = form.get("refresh_token")
    row = store.find("OauthToken", RefreshToken=held) if held else None
    if row is None or row["appId"] != app.id or not _lives(store, app, row):
        raise oauth("invalid_grant", "expired access/refresh token")
    user = store.tables["User"][row["UserId"]]
    _check(store, app, user, "refresh_token")
    return ok(_answer(call, app, user, "refresh_token") | _signed(call, app, user))


def _client(call: Call, form: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Consumer key and secret: of the header, else of the form."""
    scheme, _, value = (call.request.header(b"authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id"), form.get("client_secret")
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise oauth("invalid_client", "invalid client credentials") from None
    key, _, secret = text.partition(":")
    return unquote(key), unquote(secret)


def _app(store: Store, key: str | None) -> App:
    found = app_by_key(store, key)
    if found is None:
        raise oauth("invalid_client_id", "client identifier invalid")
    return found


def _user(store: Store, username: str) -> Row:
    found = next((u for u in store.rows("User") if _same(u["Username"], username)), None)
    if found is None or not found.get("IsActive", True):
        raise oauth("invalid_grant", "authentication failure")
    return found


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _check(store: Store, app: App, user: Row, flow: str) -> None:
    """Whether the org lets the user in by this app; a refusal is written to the history."""
    refusal = _refusal(store, app, user["Id"], flow)
    if refusal is not None:
        status = "Failed: Not approved for access"
        _log(store, app, user, flow, status)
        raise refusal


def _refusal(store: Store, app: App, user_id: str, flow: str) -> Refusal | None:
    if app.is_blocked:
        # The wording is that of the browser flow; the token endpoint's own is not known.
        return oauth("invalid_client", "this app is blocked by admin")
    held = permissions(store, user_id)
    consented = authorization(store, app, user_id) is not None
    if not app.is_installed and APPROVE_UNINSTALLED not in held and not consented:
        return oauth("invalid_client", "app must be installed into org")
    closed = needs_grant(store, app)
    if closed and ANY_CLIENT not in held and not is_granted(store, user_id, app):
        return oauth("invalid_app_access", "user is not admin approved to access this app")
    if flow == JWT and not app.is_admin_approved and not consented:
        return oauth("invalid_grant", "user hasn't approved this consumer")
    return None


def authorization(store: Store, app: App, user_id: str) -> Row | None:
    """What the user once authorized; uninstalled apps are known by it alone."""
    return store.find("OauthToken", appId=app.id, UserId=user_id)


def _lives(store: Store, app: App, row: Row) -> bool:
    """Whether the refresh policy of the app still lets a refresh token live."""
    if app.table != CONNECTED:
        return True
    policy = app.row["metadata"].get("oauthPolicy", {}).get("refreshTokenPolicy", "infinite")
    if policy == "zero":
        return False
    match = _LIFETIME.fullmatch(policy)
    if match is None:
        return True
    since = row["CreatedDate"] if match[1] == "lifetime" else row["LastUsedDate"]
    start = times.moment_of(since or row["CreatedDate"])
    assert isinstance(start, datetime)
    end = start + timedelta(hours=int(match[2]) * _HOURS[match[3]])
    return store.now() < times.written(end)


def _answer(call: Call, app: App, user: Row, flow: str) -> dict[str, Any]:
    store = call.store
    access = store.open_session(user["Id"], app.id, flow)
    _use(store, app, user["Id"])
    _log(store, app, user, flow, "Success")
    return {
        "access_token": access,
        "scope": "api",
        "instance_url": call.base,
        "id": f"{call.base}/id/{store.organization['Id']}/{user['Id']}",
        "token_type": "Bearer",
    }


def _signed(call: Call, app: App, user: Row) -> dict[str, Any]:
    """What flows other than the JWT add."""
    issued = str(int(call.store.clock() * 1000))
    text = f"{call.base}/id/{call.store.organization['Id']}/{user['Id']}{issued}"
    secret = str(app.row.get("consumerSecret") or "").encode()
    digest = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    signature = base64.b64encode(digest).decode()
    return {"issued_at": issued, "signature": signature, "api_instance_url": call.base}


def _use(store: Store, app: App, user_id: str) -> None:
    """Notes the use in OauthToken, whose rows have no id; the key of ours is `Id`."""
    row = authorization(store, app, user_id)
    if row is None:
        row = {
            "Id": secrets.token_hex(16),
            "appId": app.id,
            "AppName": app.label,
            "UserId": user_id,
            "UseCount": 0,
            "CreatedDate": store.now(),
            "DeleteToken": secrets.token_urlsafe(24),
        }
    used = {"UseCount": row["UseCount"] + 1, "LastUsedDate": store.now()}
    store.put("OauthToken", {**row, **used})


def _log(store: Store, app: App, user: Row, flow: str, status: str) -> None:
    store.log_login(
        UserId=user["Id"],
        LoginType="Remote Access 2.0",
        LoginSubType=_SUBTYPES.get(flow, "OauthRefreshToken"),
        Application=app.label,
        Status=status,
        SourceIp=_ADDRESS,
    )


def revoke(call: Call) -> Response:
    """Ends an access token, a refresh token, or what a `DeleteToken` stands for."""
    value = call.request.form().get("token") or call.request.query.get("token") or ""
    store = call.store
    if store.sessions.pop(value, None) is not None:
        return Response(200)
    names = ("DeleteToken", "RefreshToken", "AccessToken")
    row = next((r for r in store.rows("OauthToken") if value in [r.get(n) for n in names]), None)
    if row is None or not value:
        raise oauth("invalid_token", "this token is not known")
    store.drop("OauthToken", row["Id"])
    if row["appId"]:
        store.end_sessions(row["appId"], row["UserId"])
    return Response(200)


def userinfo(call: Call) -> Response:
    """Whose the token is; not an API call, so that the switches do not matter."""
    _, _, value = (call.request.header(b"authorization") or "").partition(" ")
    value = value.strip() or call.request.query.get("access_token", "")
    session = call.store.session(value)
    user = call.store.get("User", session.user_id) if session else None
    if session is None or user is None or _is_blocked(call.store, session.app_id):
        return text_response(403, "Bad_OAuth_Token")
    organization = call.store.organization
    identity = f"{call.base}/id/{organization['Id']}/{user['Id']}"
    payload = {
        "sub": identity,
        "user_id": user["Id"],
        "organization_id": organization["Id"],
        "preferred_username": user["Username"],
        "username": user["Username"],
        "name": user.get("Name"),
        "email": user.get("Email"),
        "email_verified": True,
        "user_type": user.get("UserType", "Standard").upper(),
        "active": user.get("IsActive", True),
        "urls": {"rest": f"{call.base}/services/data/v{{version}}/"},
    }
    return ok(payload | {"id": identity})


def _is_blocked(store: Store, app_id: str | None) -> bool:
    app = app_by_id(store, app_id)
    return app is not None and app.is_blocked
