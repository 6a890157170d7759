"""Apps of both kinds, as the token endpoint and the gate see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.salesforce.store import Row, Store

CONNECTED = "ConnectedApp"
EXTERNAL = "ExternalClientApplication"
PRE_AUTHORIZED = "AdminApprovedPreAuthorized"
# The metadata type of an app's kind is not always the sObject's.
SETUP_TYPES = {CONNECTED: "ConnectedApplication", EXTERNAL: EXTERNAL}


@dataclass(frozen=True, slots=True)
class App:
    """One app. `action` is the session policy's: Block, RaiseSessionLevel or nothing."""

    id: str
    table: str
    label: str
    is_installed: bool
    is_admin_approved: bool
    action: str | None
    flow_user: str | None
    row: Row

    @property
    def is_blocked(self) -> bool:
        return self.action == "Block" or self.row.get("blocked") is True

    @property
    def key(self) -> str | None:
        found = self.row.get("consumerKey")
        return found if isinstance(found, str) else None


def apps(store: Store) -> Iterator[App]:
    for row in store.rows(CONNECTED):
        yield connected(row)
    for row in store.rows(EXTERNAL):
        yield external(row)


def connected(row: Row) -> App:
    metadata = row["metadata"]
    config = metadata.get("oauthConfig", {})
    return App(
        id=row["Id"],
        table=CONNECTED,
        label=metadata["label"],
        is_installed=row["origin"] != "uninstalled",
        is_admin_approved=config.get("isAdminApproved", False),
        action=metadata.get("sessionPolicy", {}).get("policyAction"),
        flow_user=_flow_user(config, "isClientCredentialEnabled", "oauthClientCredentialUser"),
        row=row,
    )


def external(row: Row) -> App:
    policy = row["policy"]
    return App(
        id=row["Id"],
        table=EXTERNAL,
        label=row["MasterLabel"],
        is_installed=True,
        is_admin_approved=policy.get("permittedUsersPolicyType") == PRE_AUTHORIZED,
        action=policy.get("policyAction"),
        flow_user=_flow_user(policy, "isClientCredentialsFlowEnabled", "clientCredentialsFlowUser"),
        row=row,
    )


def _flow_user(config: Mapping[str, Any], switch: str, user: str) -> str | None:
    return config.get(user) if config.get(switch) else None


def app_by_id(store: Store, app_id: str | None) -> App | None:
    row = store.get(CONNECTED, app_id)
    if row:
        return connected(row)
    other = store.get(EXTERNAL, app_id)
    return external(other) if other else None


def app_by_key(store: Store, key: str | None) -> App | None:
    """The app of a consumer key; one that has just changed is not yet known again."""
    found = next((app for app in apps(store) if app.key and app.key == key), None)
    if found is None:
        return None
    lag = store.settings.propagationLagSeconds
    changed = found.row.get("changedAt")
    if lag and changed is not None and store.clock() < changed + lag:
        return None
    return found
