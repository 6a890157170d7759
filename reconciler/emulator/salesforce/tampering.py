"""Changes made by somebody else, written to the audit trail under another name.

`resource` is a table or `ConnectedAppSettings`; `id` is a record's id or a name that it is known
by, and without it a row is created. The patch has the fields of the state, and `delete`. Nobody
asks for permission, so that also what only a person can do (install, block) can be played.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.emulator.salesforce import times
from reconciler.emulator.salesforce.ids import to_18
from reconciler.emulator.salesforce.seed import complete_row
from reconciler.emulator.salesforce.store import TABLES, Row, Store

_USER = "console-user"
_SWITCHES = "ConnectedAppSettings"
_POLICIES = "ExtlClntAppOauthConfigurablePolicies"
_NAMES = ("Name", "Username", "fullName", "DeveloperName", "MasterLabel", "DeleteToken")
_ALIASES = {"ConnectedApplication": "ConnectedApp", _POLICIES: "ExternalClientApplication"}


def tamper(store: Store, order: Mapping[str, Any]) -> Any:
    """Carries out one change; gives what is stored then, or None after a delete."""
    patch, user = order.get("patch", {}), order.get("user", _USER)
    if not isinstance(patch, dict) or not isinstance(user, str):
        raise ValueError("patch must be an object and user a string")
    resource = order.get("resource")
    if resource == _SWITCHES:
        changed = _change_switches(store, patch)
    else:
        table = _ALIASES.get(str(resource), str(resource))
        if table not in TABLES:
            known = ", ".join((*TABLES, _SWITCHES, _POLICIES))
            raise ValueError(f"unknown resource {resource!r}; there is {known}")
        inner = {"policy": patch} if resource == _POLICIES and "delete" not in patch else patch
        changed = _change_row(store, table, order.get("id"), inner)
    _note(store, str(resource), order.get("id"), user)
    return changed


def _change_switches(store: Store, patch: Mapping[str, Any]) -> dict[str, bool]:
    for name, value in patch.items():
        if not name.startswith("enable") or not isinstance(value, bool):
            raise ValueError(f"{name} must be a known switch, true or false")
    store.switches = {**store.switches, **patch}
    return dict(store.switches)


def _change_row(store: Store, table: str, key: Any, patch: dict[str, Any]) -> Any:
    row = None if key is None else _find(store, table, key)
    if patch.get("delete") is True:
        if row is None:
            raise ValueError("a delete needs an id")
        store.drop(table, row["Id"])
        return None
    if row is None:
        return dict(complete_row(store, table, patch))
    changed = _merged(row, _with_bits(row, patch))
    if table in ("ConnectedApp", "ExternalClientApplication"):
        changed["changedAt"] = store.clock()
    if "LastModifiedDate" in row:
        changed["LastModifiedDate"] = times.at(store.clock())
    store.put(table, changed)
    return changed


def _find(store: Store, table: str, key: Any) -> Row:
    wanted = to_18(key) or key
    for row in store.rows(table):
        label = row.get("metadata", {}).get("label")
        if wanted in (row["Id"], label, *(row.get(name) for name in _NAMES)):
            return row
    raise ValueError(f"no {table} {key!r}")


def _with_bits(row: Row, patch: Mapping[str, Any]) -> dict[str, Any]:
    """`PermissionsUseAnyApiClient: true` as the list that is stored."""
    bits = {n.removeprefix("Permissions"): v for n, v in patch.items() if n.startswith("Permiss")}
    others = {name: value for name, value in patch.items() if not name.startswith("Permissions")}
    if not bits:
        return others
    held = {*row.get("userPermissions", ()), *(name for name, on in bits.items() if on)}
    held -= {name for name, on in bits.items() if not on}
    return {**others, "userPermissions": sorted(held)}


def _merged(row: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The row with the patch: mappings are merged, everything else is replaced, null removes
    a part of a mapping."""
    found = dict(row)
    for name, value in patch.items():
        inner = found.get(name)
        if isinstance(value, Mapping) and isinstance(inner, Mapping):
            merged = _merged(inner, value)
            found[name] = {key: item for key, item in merged.items() if item is not None}
        else:
            found[name] = value
    return found


def _note(store: Store, resource: str, key: Any, user: str) -> None:
    """Under the user of that name; else under an administrator for whom somebody acted."""
    known = store.find("User", Username=user)
    actor = known or next(iter(store.rows("User")), None)
    shown = f"Changed {resource} {key if key is not None else ''}".strip()
    store.audit(actor["Id"] if actor else None, "Connected Apps", f"changed{resource}", shown)
    if known is None:
        newest = next(reversed(store.tables["SetupAuditTrail"].values()))
        store.put("SetupAuditTrail", {**newest, "DelegateUser": user})
