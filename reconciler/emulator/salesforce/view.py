"""The records as one caller sees them: what is derived, and what is hidden for want of rights."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.emulator.salesforce import errors
from reconciler.emulator.salesforce.apps import SETUP_TYPES, apps
from reconciler.emulator.salesforce.gate import Caller
from reconciler.emulator.salesforce.ids import PREFIXES, to_18
from reconciler.emulator.salesforce.schema import (
    ANY_CLIENT,
    APPROVE_UNINSTALLED,
    PERMISSIONS,
    SOBJECTS,
    Field,
    SObject,
)
from reconciler.emulator.salesforce.store import Row, Store

_VALIDITY = re.compile(r"specific_(lifetime|inactivity):(\d+):", re.ASCII)
_STAMPS = ("CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate")
# At most this many OauthToken rows are ever given, without a warning.
_MOST_TOKENS = 2500


def _sees_apps(caller: Caller) -> bool:
    return caller.may("CustomizeApplication") and caller.may_any(
        "ModifyAllData", "ManageRemoteAccess"
    )


def _sees_external(caller: Caller) -> bool:
    return caller.may_any("ExternalClientAppAdmin", "ExternalClientAppViewer")


# Who lacks the right is told that there is no such type.
_RIGHTS: Mapping[str, Callable[[Caller], bool]] = {
    "ConnectedApplication": _sees_apps,
    "AppMenuItem": lambda caller: caller.may("ViewSetup"),
    "SetupEntityAccess": lambda caller: caller.may("ViewSetup"),
    "PermissionSet": lambda caller: caller.may("ViewSetup"),
    "SetupAuditTrail": lambda caller: caller.may("ViewSetup"),
    "ExternalClientApplication": _sees_external,
    "ExtlClntAppOauthPlcyCnfg": _sees_external,
}


@dataclass(slots=True)
class View:
    """A source of records for one caller and one request; derived tables are made once."""

    store: Store
    caller: Caller
    _made: dict[str, dict[str, Row]] = field(default_factory=dict)

    @property
    def now(self) -> float:
        return self.store.clock()

    def sobject(self, name: str) -> SObject:
        found = SOBJECTS.get(name.lower())
        if found is None or not _RIGHTS.get(found.name, _anybody)(self.caller):
            raise errors.no_type(name)
        return found

    def has(self, sobject: SObject, field: Field) -> bool:
        if field.name == f"Permissions{ANY_CLIENT}":
            return self.store.settings.aacActivated
        if field.name == f"Permissions{APPROVE_UNINSTALLED}":
            return self.store.settings.approveUninstalledInSoql
        return True

    def fields(self, sobject: SObject) -> list[Field]:
        return [item for item in sobject.fields.values() if self.has(sobject, item)]

    def rows(self, sobject: SObject) -> list[Row]:
        return list(self._table(sobject.name).values())

    def row(self, sobject: SObject, key: str) -> Row | None:
        return self._table(sobject.name).get(key)

    def _table(self, name: str) -> dict[str, Row]:
        if name not in self._made:
            self._made[name] = dict(self._make(name))
        return self._made[name]

    def _make(self, name: str) -> Iterator[tuple[str, Row]]:
        makers: Mapping[str, Callable[[], Iterator[Row]]] = {
            "ConnectedApplication": lambda: _connected(self.store),
            "AppMenuItem": lambda: _menu_items(self.store),
            "ExternalClientApplication": lambda: _external(self.store),
            "ExtlClntAppOauthPlcyCnfg": lambda: _policies(self.store),
            "PermissionSet": lambda: map(_permission_set, self.store.rows("PermissionSet")),
            "PermissionSetAssignment": lambda: _assignments(self.store),
            "OauthToken": self._tokens,
            "LoginHistory": self._logins,
        }
        rows = makers[name]() if name in makers else iter(self.store.rows(name))
        for number, row in enumerate(rows):
            stamped = {"SystemModstamp": row.get("LastModifiedDate"), **row}
            yield row["Id"] or str(number), stamped

    def _tokens(self) -> Iterator[Row]:
        """All users' rows only for those who may customize; without a word otherwise."""
        sees_all = self.caller.may("CustomizeApplication")
        known = {app.id for app in apps(self.store) if app.is_installed}
        for row in self.store.rows("OauthToken"):
            if sees_all or row["UserId"] == self.caller.user_id:
                item = menu_item_id(row["appId"]) if row["appId"] in known else None
                yield {**row, "Id": None, "AppMenuItemId": item}

    def _logins(self) -> Iterator[Row]:
        sees_all = self.caller.may_any("ManageUsers", "MonitorLoginHistory")
        for row in self.store.rows("LoginHistory"):
            if sees_all or row["UserId"] == self.caller.user_id:
                yield row


def capped(sobject: SObject, records: list[Any]) -> list[Any]:
    """What is ever given of a long list."""
    return records[:_MOST_TOKENS] if sobject.name == "OauthToken" else records


def menu_item_id(app_id: str) -> str:
    found = to_18(PREFIXES["AppMenuItem"] + app_id[3:15])
    assert found is not None
    return found


def _anybody(_: Caller) -> bool:
    return True


def _stamps(row: Row) -> dict[str, Any]:
    return {name: row.get(name) for name in _STAMPS}


def _connected(store: Store) -> Iterator[Row]:
    """Local and installed apps; one that users merely authorized has no row."""
    for row in store.rows("ConnectedApp"):
        if row["origin"] == "uninstalled":
            continue
        metadata = row["metadata"]
        policy = metadata.get("oauthPolicy", {})
        match = _VALIDITY.match(policy.get("refreshTokenPolicy", ""))
        session = metadata.get("sessionPolicy", {})
        yield {
            "Id": row["Id"],
            "Name": metadata["label"],
            "OptionsAllowAdminApprovedUsersOnly": metadata.get("oauthConfig", {}).get(
                "isAdminApproved", False
            ),
            "OptionsRefreshTokenValidityMetric": bool(match and match[1] == "inactivity"),
            "OptionsHasSessionLevelPolicy": bool(session.get("sessionLevel")),
            "OptionsIsInternal": False,
            "OptionsFullContentPushNotifications": False,
            "OptionsCodeCredentialGuestEnabled": False,
            "OptionsTokenExchangeManageBitEnabled": False,
            "RefreshTokenValidityPeriod": int(match[2]) if match else None,
            "StartUrl": metadata.get("startUrl"),
            "MobileStartUrl": metadata.get("mobileStartUrl"),
            **_stamps(row),
        }


def _menu_items(store: Store) -> Iterator[Row]:
    for app in apps(store):
        if app.is_installed:
            yield {
                "Id": menu_item_id(app.id),
                "Name": app.row.get("fullName") or app.row.get("DeveloperName"),
                "Label": app.label,
                "NamespacePrefix": app.row.get("NamespacePrefix"),
                "Type": SETUP_TYPES[app.table],
                "ApplicationId": app.id,
                "IsUsingAdminAuthorization": app.is_admin_approved,
            }


def _external(store: Store) -> Iterator[Row]:
    names = ("Id", "MasterLabel", "DeveloperName", "NamespacePrefix", "DistributionState")
    for row in store.rows("ExternalClientApplication"):
        yield {name: row.get(name) for name in names} | _stamps(row)


def _policies(store: Store) -> Iterator[Row]:
    for row in store.rows("ExternalClientApplication"):
        policy = row["policy"]
        yield {
            "Id": policy["Id"],
            "DeveloperName": policy["fullName"],
            "MasterLabel": policy.get("label"),
            "ExternalClientApplicationId": row["Id"],
            "PermittedUsersPolicyType": policy.get("permittedUsersPolicyType"),
            "IpRelaxationPolicyType": policy.get("ipRelaxationPolicyType"),
            "RefreshTokenPolicyType": policy.get("refreshTokenPolicyType"),
            "RefreshTokenValidityPeriod": policy.get("refreshTokenValidityPeriod"),
            "RefreshTokenValidityUnit": policy.get("refreshTokenValidityUnit"),
            "RequiredSessionLevel": policy.get("requiredSessionLevel"),
            "IsClientCredentialsFlowEnabled": policy.get("isClientCredentialsFlowEnabled", False),
            "ClientCredentialsFlowUser": policy.get("clientCredentialsFlowUser"),
            **_stamps(row),
        }


def _permission_set(row: Row) -> Row:
    held = row["userPermissions"]
    bits = {f"Permissions{name}": name in held for name in (*PERMISSIONS, APPROVE_UNINSTALLED)}
    return {**row, **bits}


def _assignments(store: Store) -> Iterator[Row]:
    now = store.now()
    for row in store.rows("PermissionSetAssignment"):
        yield {**row, "IsActive": (row.get("ExpirationDate") or "9") > now}
