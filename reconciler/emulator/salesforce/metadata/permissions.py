"""PermissionSet and Profile as metadata: their user permissions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.metadata.desk import Desk, Listed
from reconciler.emulator.salesforce.objects import Writer
from reconciler.emulator.salesforce.schema import (
    ANY_CLIENT,
    APPROVE_UNINSTALLED,
    PERMISSIONS,
    SOBJECTS,
)
from reconciler.emulator.salesforce.store import Row

_COMPLETE_SINCE = 40.0


def listed_sets(desk: Desk) -> Iterator[Listed]:
    for row in desk.store.rows("PermissionSet"):
        if not row["IsOwnedByProfile"]:
            yield Listed(_set_name(row), row["Id"], row)


def _set_name(row: Row) -> str:
    prefix = row["NamespacePrefix"]
    return f"{prefix}__{row['Name']}" if prefix else str(row["Name"])


def _find_set(desk: Desk, name: str) -> Row | None:
    return next((item.row for item in listed_sets(desk) if item.full_name == name), None)


def read_set(desk: Desk, name: str) -> Mapping[str, Any] | None:
    row = _find_set(desk, name)
    if row is None:
        return None
    return {
        "description": row.get("Description"),
        "hasActivationRequired": row.get("HasActivationRequired", False),
        "label": row["Label"],
        "userPermissions": _bits(desk, row),
    }


def _bits(desk: Desk, row: Row) -> list[dict[str, Any]]:
    """Only what is granted is shown."""
    activated = desk.store.settings.aacActivated
    held = [name for name in row["userPermissions"] if activated or name != ANY_CLIENT]
    return [{"enabled": True, "name": name} for name in held]


def _sent(desk: Desk, values: Mapping[str, Any]) -> dict[str, bool]:
    known = (*PERMISSIONS, APPROVE_UNINSTALLED)
    found: dict[str, bool] = {}
    for bit in values.get("userPermissions", ()):
        name = bit.get("name", "")
        hidden = name == ANY_CLIENT and not desk.store.settings.aacActivated
        if name not in known or hidden:
            raise Failure("INVALID_FIELD_FOR_INSERT_UPDATE", f"Unknown user permission: {name}")
        found[name] = bit.get("enabled", False)
    return found


def write_set(desk: Desk, name: str, values: Mapping[str, Any]) -> None:
    """From version 40 on the sent permissions are all there are: others are taken away."""
    row = _find_set(desk, name)
    assert row is not None
    if row["NamespacePrefix"]:
        raise Failure("CANNOT_MODIFY_MANAGED_OBJECT", "cannot modify managed object")
    kept = set() if desk.version >= _COMPLETE_SINCE else set(row["userPermissions"])
    changed = {
        **row,
        **desk.stamps(),
        "Label": values.get("label") or row["Label"],
        "Description": values.get("description"),
        "HasActivationRequired": values.get("hasActivationRequired", False),
        "userPermissions": _merged(kept, _sent(desk, values)),
    }
    desk.store.put("PermissionSet", changed)
    desk.audit("Manage Users", "PermSetChanged", f"Changed permission set {name}")


def create_set(desk: Desk, name: str, values: Mapping[str, Any]) -> None:
    sent = _sent(desk, values)
    body = {"Name": name, "Label": values.get("label"), "Description": values.get("description")}
    if values.get("hasActivationRequired"):
        body["HasActivationRequired"] = True
    key = Writer(desk.store, desk.caller).create(SOBJECTS["permissionset"], body)
    row = desk.store.tables["PermissionSet"][key]
    desk.store.put("PermissionSet", {**row, "userPermissions": _merged(set(), sent)})


def _merged(held: set[str], sent: Mapping[str, bool]) -> list[str]:
    kept = held - {name for name, enabled in sent.items() if not enabled}
    return sorted(kept | {name for name, enabled in sent.items() if enabled})


# Profiles: named otherwise than their labels where they are standard ones


def listed_profiles(desk: Desk) -> Iterator[Listed]:
    for row in desk.store.rows("Profile"):
        yield Listed(row["fullName"], row["Id"], row)


def _find_profile(desk: Desk, name: str) -> tuple[Row, Row] | None:
    """The profile and the permission set that it owns."""
    profile = desk.store.find("Profile", fullName=name)
    owned = desk.store.find("PermissionSet", ProfileId=profile["Id"]) if profile else None
    return (profile, owned) if profile and owned else None


def read_profile(desk: Desk, name: str) -> Mapping[str, Any] | None:
    found = _find_profile(desk, name)
    if found is None:
        return None
    profile, owned = found
    return {
        "custom": profile["custom"],
        "userLicense": "Salesforce",
        "userPermissions": _bits(desk, owned),
    }


def write_profile(desk: Desk, name: str, values: Mapping[str, Any]) -> None:
    """Sets the permissions that were sent and leaves the others."""
    found = _find_profile(desk, name)
    assert found is not None
    profile, owned = found
    merged = _merged(set(owned["userPermissions"]), _sent(desk, values))
    desk.store.put("PermissionSet", {**owned, **desk.stamps(), "userPermissions": merged})
    desk.store.put("Profile", {**profile, **desk.stamps()})
    desk.audit("Manage Users", "profileChanged", f"Changed profile {profile['Name']}")
