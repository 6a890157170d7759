"""Who may do what, and who reaches which app."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.emulator.salesforce.apps import EXTERNAL, App
from reconciler.emulator.salesforce.schema import ANY_CLIENT
from reconciler.emulator.salesforce.store import SWITCH_ALL, SWITCH_EXTERNAL, Store

# Everybody else is a customer or a partner.
_INTERNAL = ("Standard", "AutomatedProcess", "CloudIntegrationUser")


def held_sets(store: Store, user_id: str) -> set[str]:
    """The permission sets that count for a user now, the profile's own among them.

    An expired assignment does not count, nor a set that a session must activate first. Of a group
    the members count.
    """
    now = store.now()
    assigned = [
        row["PermissionSetId"]
        for row in store.rows("PermissionSetAssignment")
        if row["AssigneeId"] == user_id and (row.get("ExpirationDate") or "9") > now
    ]
    found = {*assigned, *_members(store, assigned)}
    return {set_id for set_id in found if _counts(store, set_id)}


def _members(store: Store, assigned: list[str]) -> Iterator[str]:
    for set_id in assigned:
        row = store.get("PermissionSet", set_id)
        group = row.get("PermissionSetGroupId") if row else None
        for component in store.rows("PermissionSetGroupComponent"):
            if group and component["PermissionSetGroupId"] == group:
                yield component["PermissionSetId"]


def _counts(store: Store, set_id: str) -> bool:
    row = store.get("PermissionSet", set_id)
    return row is not None and not row.get("HasActivationRequired")


def permissions(store: Store, user_id: str) -> set[str]:
    """All user permissions of a user."""
    found: set[str] = set()
    for set_id in held_sets(store, user_id):
        found.update(store.tables["PermissionSet"][set_id]["userPermissions"])
    if not store.settings.aacActivated:
        found.discard(ANY_CLIENT)
    return found


def is_granted(store: Store, user_id: str, app: App) -> bool:
    """Whether a grant ties the app to something that the user holds."""
    held = held_sets(store, user_id)
    return any(
        row["SetupEntityId"] == app.id and row["ParentId"] in held
        for row in store.rows("SetupEntityAccess")
    )


def is_external(store: Store, user_id: str) -> bool:
    user = store.get("User", user_id)
    return user is not None and user.get("UserType", "Standard") not in _INTERNAL


def is_shut_out(store: Store, user_id: str, app: App | None) -> bool:
    """Whether one of the two switches keeps this user, coming by this app, from the API."""
    allowlisted = app is not None and app.is_installed and is_granted(store, user_id, app)
    bypasses = ANY_CLIENT in permissions(store, user_id)
    if _covers(store, app) and not allowlisted and not bypasses:
        return True
    if store.is_on(SWITCH_EXTERNAL) and is_external(store, user_id):
        return app is None or not app.is_installed or app.is_blocked
    return False


def _covers(store: Store, app: App | None) -> bool:
    """Whether the first switch holds for the app; for external client apps that is not known."""
    if app is not None and app.table == EXTERNAL:
        return store.is_on(SWITCH_ALL) and store.settings.switchCoversExternalClientApps
    return store.is_on(SWITCH_ALL)


def needs_grant(store: Store, app: App) -> bool:
    """An app that the admin approves, by itself or because the first switch is on."""
    return app.is_admin_approved or _covers(store, app)
