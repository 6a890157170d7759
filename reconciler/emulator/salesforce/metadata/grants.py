"""The allow list as components show it: names of permission sets and labels of profiles."""

from __future__ import annotations

from collections.abc import Callable, Collection

from reconciler.emulator.salesforce.apps import App
from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.metadata.desk import Desk
from reconciler.emulator.salesforce.objects import check_grant, grant_row
from reconciler.emulator.salesforce.store import Row


def granted_sets(desk: Desk, app: App) -> list[str]:
    return sorted(row["Name"] for row in _parents(desk, app) if not row["IsOwnedByProfile"])


def granted_profiles(desk: Desk, app: App) -> list[str]:
    owned = [row for row in _parents(desk, app) if row["IsOwnedByProfile"]]
    return sorted(_label(desk, row) for row in owned)


def _parents(desk: Desk, app: App) -> list[Row]:
    sets = desk.store.tables["PermissionSet"]
    rows = desk.store.rows("SetupEntityAccess")
    return [sets[row["ParentId"]] for row in rows if row["SetupEntityId"] == app.id]


def _label(desk: Desk, owned: Row) -> str:
    return str(desk.store.tables["Profile"][owned["ProfileId"]]["Name"])


def grant_sets(desk: Desk, app: App, names: Collection[str]) -> None:
    """Makes these permission sets, by name, the whole list."""
    found = {r["Name"]: r for r in desk.store.rows("PermissionSet") if not r["IsOwnedByProfile"]}
    _replace(desk, app, names, found, lambda row: not row["IsOwnedByProfile"], "PermissionSet")


def grant_profiles(desk: Desk, app: App, labels: Collection[str]) -> None:
    """Makes these profiles, by label, the whole list."""
    owned = [row for row in desk.store.rows("PermissionSet") if row["IsOwnedByProfile"]]
    found = {_label(desk, row): row for row in owned}
    _replace(desk, app, labels, found, lambda row: bool(row["IsOwnedByProfile"]), "Profile")


def _replace(
    desk: Desk,
    app: App,
    names: Collection[str],
    found: dict[str, Row],
    is_ours: Callable[[Row], bool],
    kind: str,
) -> None:
    unknown = [name for name in names if name not in found]
    if unknown:
        text = f"In field: {kind} - no {kind} named {unknown[0]} found"
        raise Failure("INVALID_CROSS_REFERENCE_KEY", text)
    wanted = {found[name]["Id"] for name in names}
    store = desk.store
    held = [g for g in store.rows("SetupEntityAccess") if g["SetupEntityId"] == app.id]
    ours = [g for g in held if is_ours(store.tables["PermissionSet"][g["ParentId"]])]
    for grant in ours:
        if grant["ParentId"] not in wanted:
            store.drop("SetupEntityAccess", grant["Id"])
    for parent_id in sorted(wanted - {grant["ParentId"] for grant in ours}):
        check_grant(store, store.tables["PermissionSet"][parent_id], app)
        store.put("SetupEntityAccess", grant_row(store, parent_id, app))
