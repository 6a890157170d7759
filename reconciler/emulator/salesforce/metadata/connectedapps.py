"""ConnectedApp: what an app is, its policies, and its allow list once more."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.emulator.salesforce.apps import CONNECTED, connected
from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.metadata.desk import Desk, Listed
from reconciler.emulator.salesforce.metadata.grants import (
    grant_profiles,
    grant_sets,
    granted_profiles,
    granted_sets,
)
from reconciler.emulator.salesforce.store import Row

_LISTS = ("permissionSetName", "profileName")
_RELAXATIONS = ("ENFORCE", "BYPASS_2FACTOR", "BYPASS", "ENFORCE_RELAXREFRESH")
_ACTIONS = ("Block", "RaiseSessionLevel")
# Of a packaged app its consumers may edit only the policies.
_CONSUMER_PARTS = ("oauthPolicy", "sessionPolicy")


def listed(desk: Desk) -> Iterator[Listed]:
    """Local and packaged apps; whether those merely installed are listed is not known."""
    shown = ["local", "packaged"]
    if desk.store.settings.installedAppsInMetadata:
        shown.append("installed")
    for row in desk.store.rows(CONNECTED):
        if row["origin"] in shown:
            yield Listed(_full_name(row), row["Id"], row)


def _full_name(row: Row) -> str:
    prefix = row.get("NamespacePrefix")
    return f"{prefix}__{row['fullName']}" if prefix else str(row["fullName"])


def _find(desk: Desk, name: str) -> Row | None:
    return next((item.row for item in listed(desk) if item.full_name == name), None)


def read(desk: Desk, name: str) -> Mapping[str, Any] | None:
    """The component; the secret is never shown."""
    row = _find(desk, name)
    if row is None:
        return None
    metadata = row["metadata"]
    config = {"consumerKey": row.get("consumerKey"), **metadata.get("oauthConfig", {})}
    if row["origin"] != "local":
        del config["consumerKey"]
    app = connected(row)
    lists = {"permissionSetName": granted_sets(desk, app)}
    lists["profileName"] = granted_profiles(desk, app)
    return {**metadata, "oauthConfig": config, **lists}


def write(desk: Desk, name: str, values: Mapping[str, Any]) -> None:
    """Replaces the parts that were sent. Whether omitted lists are kept is a setting."""
    row = _find(desk, name)
    assert row is not None
    _check(values, is_new=False)
    before = desk.store.snapshot()
    try:
        _store(desk, row, values)
    except Failure:
        desk.store.restore(before)
        raise
    desk.audit("Connected Apps", "connectedAppUpdated", f"Updated connected app {name}")


def _store(desk: Desk, row: Row, values: Mapping[str, Any]) -> None:
    sent = {key: value for key, value in values.items() if key not in _LISTS and value is not None}
    metadata = {**row["metadata"], **_allowed(row, sent)}
    # Sent and empty, a policy is taken back.
    if values.get("sessionPolicy") in ({}, ""):
        metadata.pop("sessionPolicy", None)
    changed = {**row, "metadata": metadata, **desk.stamps(), "changedAt": desk.store.clock()}
    desk.store.put(CONNECTED, changed)
    _write_lists(desk, changed, values)
    if connected(changed).is_blocked:
        desk.store.end_sessions(row["Id"])


def _allowed(row: Row, sent: Mapping[str, Any]) -> Mapping[str, Any]:
    if row["origin"] == "local":
        return sent
    kept = {key: sent[key] for key in _CONSUMER_PARTS if key in sent}
    approved = sent.get("oauthConfig", {}).get("isAdminApproved")
    if approved is not None:
        config = row["metadata"].get("oauthConfig", {})
        kept["oauthConfig"] = {**config, "isAdminApproved": approved}
    return kept


def _write_lists(desk: Desk, row: Row, values: Mapping[str, Any]) -> None:
    lists = {key: values[key] for key in _LISTS if key in values}
    if desk.store.settings.connectedAppListsCleared:
        lists = {key: values.get(key, []) for key in _LISTS}
    app = connected(row)
    if any(lists.values()) and not app.is_admin_approved:
        text = "Profiles and permission sets need an app that the admin approves users for"
        raise Failure("FIELD_INTEGRITY_EXCEPTION", text)
    if "permissionSetName" in lists:
        grant_sets(desk, app, lists["permissionSetName"])
    if "profileName" in lists:
        grant_profiles(desk, app, lists["profileName"])


def _check(values: Mapping[str, Any], *, is_new: bool) -> None:
    for name in ("label", "contactEmail"):
        if not values.get(name):
            _missing(name)
    config = values.get("oauthConfig") or {}
    if config and not config.get("callbackUrl"):
        _missing("callbackUrl")
    if not is_new and config.get("consumerKey"):
        raise Failure("FIELD_INTEGRITY_EXCEPTION", "You cannot provide a Consumer Key")
    policy = values.get("oauthPolicy") or {}
    for name in ("ipRelaxation", "refreshTokenPolicy") if policy else ():
        if not policy.get(name):
            _missing(name)
    _one_of(policy.get("ipRelaxation"), _RELAXATIONS, "ipRelaxation")
    action = (values.get("sessionPolicy") or {}).get("policyAction")
    _one_of(action, _ACTIONS, "policyAction")


def _missing(name: str) -> None:
    raise Failure("REQUIRED_FIELD_MISSING", f"Required field is missing: {name}", fields=(name,))


def _one_of(value: str | None, choices: tuple[str, ...], name: str) -> None:
    if value and value not in choices:
        text = f"'{value}' is not a valid value for {name}"
        raise Failure("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, fields=(name,))


def create(desk: Desk, name: str, values: Mapping[str, Any]) -> None:
    """A local app, where the org still lets anybody create one."""
    store = desk.store
    if not store.settings.allowConnectedAppCreation:
        text = "You can't create a connected app. To enable connected app creation, contact"
        raise Failure("INSUFFICIENT_ACCESS", text + " Salesforce Customer Support.")
    _check(values, is_new=True)
    key = (values.get("oauthConfig") or {}).get("consumerKey") or f"3MVG9{secrets.token_hex(30)}"
    if any(row.get("consumerKey") == key for row in store.rows(CONNECTED)):
        raise Failure("DUPLICATE_VALUE", "The consumer key is already taken")
    stamps = desk.stamps()
    config = dict(values.get("oauthConfig") or {})
    for hidden in ("consumerKey", "consumerSecret"):
        config.pop(hidden, None)
    parts = {k: v for k, v in values.items() if k not in _LISTS and v is not None}
    row = {
        "Id": store.ids.next("ConnectedApplication"),
        "fullName": name,
        "origin": "local",
        "consumerKey": key,
        "consumerSecret": secrets.token_hex(32),
        "metadata": {**parts, "oauthConfig": config},
        "CreatedById": stamps["LastModifiedById"],
        "CreatedDate": stamps["LastModifiedDate"],
        "changedAt": store.clock(),
        **stamps,
    }
    store.put(CONNECTED, row)
    _write_lists(desk, row, values)
    desk.audit("Connected Apps", "connectedAppCreated", f"Created connected app {name}")
