"""Where the org's content comes from: a named seed, or a document.

A document has a list of rows for each table, an object `ConnectedAppSettings`, and `settings`; all
but `Organization` may be missing. Rows have the fields of the service. For writing by hand a row
may name others (`App`, `Profile`, `PermissionSet`, `User`) where the service has ids, times may be
distances back (`-3d`), ids are made where they are missing, and so are the permission sets of
profiles and their assignments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from reconciler.emulator.salesforce import times
from reconciler.emulator.salesforce.apps import SETUP_TYPES, apps
from reconciler.emulator.salesforce.ids import PREFIXES, to_18
from reconciler.emulator.salesforce.schema import SOBJECTS
from reconciler.emulator.salesforce.store import TABLES, Clock, Store

Seed = str | Mapping[str, Any]

_SEEDED = "2026-01-05T10:00:00.000+0000"
_SWITCHES = "ConnectedAppSettings"
_ORIGINS = ("local", "packaged", "installed", "uninstalled")
# Tables whose keys are not ids of records.
_OWN_KEYS = ("OauthToken", "Session")
_PREFIXED = {**PREFIXES, "ConnectedApp": PREFIXES["ConnectedApplication"]}
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "Profile": {"UserType": "Standard", "custom": True},
    "PermissionSet": {
        "Description": None,
        "LicenseId": None,
        "IsOwnedByProfile": False,
        "ProfileId": None,
        "IsCustom": True,
        "NamespacePrefix": None,
        "PermissionSetGroupId": None,
        "Type": "Regular",
        "HasActivationRequired": False,
        "userPermissions": [],
    },
    "PermissionSetAssignment": {"PermissionSetGroupId": None, "ExpirationDate": None},
    "User": {"UserType": "Standard", "IsActive": True},
    "ConnectedApp": {"NamespacePrefix": None},
    "ExternalClientApplication": {"NamespacePrefix": None, "DistributionState": "Local"},
    "OauthToken": {"UseCount": 1, "LastUsedDate": None},
    "SetupAuditTrail": {"DelegateUser": None},
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Organization": ("Name", "IsSandbox"),
    "Profile": ("Name", "fullName"),
    "PermissionSet": ("Name", "Label"),
    "User": ("Username", "ProfileId"),
    "PermissionSetAssignment": ("AssigneeId", "PermissionSetId"),
    "SetupEntityAccess": ("ParentId", "SetupEntityId"),
    "ConnectedApp": ("fullName", "origin", "metadata"),
    "ExternalClientApplication": ("DeveloperName", "MasterLabel", "policy"),
    "OauthToken": ("AppName", "UserId", "appId"),
    "LoginHistory": ("UserId", "LoginTime"),
    "Session": ("UserId",),
}


def read_seed(seed: Seed, clock: Clock) -> Store:
    """A new store; ValueError says what is wrong with the seed."""
    document = _named(seed) if isinstance(seed, str) else seed
    if not isinstance(document, Mapping):
        raise ValueError("a seed is a name or an object")
    unknown = sorted(set(document) - {*TABLES, _SWITCHES, "settings"})
    if unknown:
        raise ValueError(f"seed: unknown keys {', '.join(unknown)}")
    store = Store(clock)
    try:
        _Reader(store).read(document)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"seed: {type(error).__name__} {error}") from None
    return store


@cache
def _named(name: str) -> Mapping[str, Any]:
    if name not in ("demo", "empty"):
        raise ValueError(f"unknown seed {name!r}; there is demo, empty")
    document: dict[str, Any] = yaml.safe_load(_shipped(f"{name}.yaml"))
    if name == "demo":
        base = _named("empty")
        document = {
            table: [*base.get(table, ()), *document.get(table, ())]
            for table in {**base, **document}
        }
    return document


@cache
def _shipped(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


class _Reader:
    """Puts a document into a store; tables in an order in which names can be looked up."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._newcomers: list[tuple[Mapping[str, Any], Sequence[str]]] = []

    def read(self, document: Mapping[str, Any]) -> None:
        store = self._store
        store.settings = store.settings.changed(document.get("settings", {}))
        self._switches(document.get(_SWITCHES, {}))
        for table in TABLES:
            for row in document.get(table, ()):
                store.ids.note(to_18(row.get("Id")))
        for table in TABLES:
            for row in document.get(table, ()):
                self.add(table, row)
        self.assign()
        if len(store.tables["Organization"]) != 1:
            raise ValueError("seed: exactly one Organization is needed")

    def _switches(self, given: Mapping[str, Any]) -> None:
        for name, value in given.items():
            if not isinstance(value, bool) or not name.startswith("enable"):
                raise ValueError(f"seed: {_SWITCHES}.{name} must be a known switch, true or false")
        self._store.switches = {**self._store.switches, **given}

    def add(self, table: str, given: Mapping[str, Any]) -> None:
        row = {**_DEFAULTS.get(table, {}), **given}
        sets = row.pop("permissionSets", ())
        self._resolve(table, row)
        row["Id"] = self._id(table, row)
        self._normalize(table, row)
        for name in _REQUIRED.get(table, ()):
            if row.get(name) is None:
                raise ValueError(f"seed: a row of {table} has no {name}")
        if table == "Profile":
            self._owned_set(row)
        self._store.put(table, row)
        if table == "User":
            self._newcomers.append((row, sets))

    def _id(self, table: str, row: Mapping[str, Any]) -> str:
        given = row.get("Id")
        if given is None and table not in _OWN_KEYS:
            return self._store.ids.next(_kind(table))
        if table in _OWN_KEYS:
            return str(given or self._store.ids.next("OauthToken"))
        found = to_18(given)
        if found is None or not found.startswith(_PREFIXED[table]):
            raise ValueError(f"seed: {given!r} is no id of {table} ({_PREFIXED[table]}…)")
        return found

    def _resolve(self, table: str, row: dict[str, Any]) -> None:
        """Names to ids."""
        users = {"OauthToken": "UserId", "LoginHistory": "UserId", "Session": "UserId"}
        if "User" in row and table in users:
            row[users[table]] = self._known("User", Username=row.pop("User"))["Id"]
        if "CreatedBy" in row:
            row["CreatedById"] = self._known("User", Username=row.pop("CreatedBy"))["Id"]
        if table == "User" and "Profile" in row:
            row["ProfileId"] = self._known("Profile", Name=row.pop("Profile"))["Id"]
        if table == "PermissionSetAssignment" and "Assignee" in row:
            row["AssigneeId"] = self._known("User", Username=row.pop("Assignee"))["Id"]
        if table in ("SetupEntityAccess", "PermissionSetAssignment"):
            self._resolve_set(table, row)
        if "App" in row:
            self._resolve_app(table, row)

    def _resolve_set(self, table: str, row: dict[str, Any]) -> None:
        field = "ParentId" if table == "SetupEntityAccess" else "PermissionSetId"
        if "PermissionSet" in row:
            row[field] = self._known("PermissionSet", Name=row.pop("PermissionSet"))["Id"]
        if "Profile" in row:
            profile = self._known("Profile", Name=row.pop("Profile"))
            row[field] = self._known("PermissionSet", ProfileId=profile["Id"])["Id"]

    def _resolve_app(self, table: str, row: dict[str, Any]) -> None:
        label = row.pop("App")
        app = next((item for item in apps(self._store) if item.label == label), None)
        if app is None:
            raise ValueError(f"seed: no app {label!r}")
        if table == "SetupEntityAccess":
            row["SetupEntityId"] = app.id
        elif table == "Session":
            row["AppId"] = app.id
        else:
            row |= {"appId": app.id, "AppName": app.label}

    def _known(self, table: str, **wanted: Any) -> Mapping[str, Any]:
        found = self._store.find(table, **wanted)
        if found is None:
            raise ValueError(f"seed: no {table} with {wanted}")
        return found

    def _normalize(self, table: str, row: dict[str, Any]) -> None:
        sobject = SOBJECTS.get(table.lower())
        for field in sobject.fields.values() if sobject else ():
            value = row.get(field.name)
            if field.kind == "datetime" and value is not None:
                row[field.name] = self._time(value)
            if field.kind == "reference" and value is not None:
                row[field.name] = to_18(value) or _no_id(table, field.name, value)
        if sobject and sobject.field("CreatedDate"):
            row.setdefault("CreatedDate", _SEEDED)
        if sobject and sobject.field("LastModifiedDate"):
            row.setdefault("LastModifiedDate", row["CreatedDate"])
        if table == "SetupEntityAccess":
            self._check_grant(row)
        if table == "ConnectedApp":
            _check_app(row)
        if row.get("certificate") == "demo":
            row["certificate"] = _shipped("demo.crt")

    def _check_grant(self, row: dict[str, Any]) -> None:
        self._known("PermissionSet", Id=row["ParentId"])
        app = next((item for item in apps(self._store) if item.id == row["SetupEntityId"]), None)
        if app is None:
            raise ValueError(f"seed: no app {row['SetupEntityId']}")
        row["SetupEntityType"] = SETUP_TYPES[app.table]
        row["SystemModstamp"] = self._time(row.get("SystemModstamp", _SEEDED))

    def _time(self, value: Any) -> str:
        # YAML reads a bare time by itself.
        found = times.read(str(value), self._store.clock())
        if found is None:
            raise ValueError(f"seed: {value!r} is no time")
        return found

    def _owned_set(self, profile: dict[str, Any]) -> None:
        """The hidden permission set of a profile, where the document does not hold it."""
        held = profile.pop("userPermissions", None)
        if held is None:
            return
        tail = profile["Id"][3:15]
        row = {
            **_DEFAULTS["PermissionSet"],
            "Id": to_18(PREFIXES["PermissionSet"] + tail),
            "Name": f"X{profile['Id'][:15]}",
            "Label": profile["Id"][:15],
            "IsOwnedByProfile": True,
            "IsCustom": profile["custom"],
            "ProfileId": profile["Id"],
            "Type": "Profile",
            "userPermissions": sorted(held),
            "CreatedDate": _SEEDED,
            "LastModifiedDate": _SEEDED,
        }
        self._store.put("PermissionSet", row)

    def assign(self) -> None:
        """What new users hold: the set of their profile, and those that their rows name."""
        for user, names in self._newcomers:
            owned = self._store.find("PermissionSet", ProfileId=user["ProfileId"])
            wanted = [owned["Id"]] if owned else []
            wanted += [self._known("PermissionSet", Name=name)["Id"] for name in names]
            for place, set_id in enumerate(wanted):
                self._assign(user["Id"], set_id, place)
        self._newcomers.clear()

    def _assign(self, user_id: str, set_id: str, place: int) -> None:
        pair = {"AssigneeId": user_id, "PermissionSetId": set_id}
        if self._store.find("PermissionSetAssignment", **pair):
            return
        tail = f"{user_id[3:5]}{chr(ord('A') + place % 26)}{user_id[6:15]}"
        row = {
            "Id": to_18(PREFIXES["PermissionSetAssignment"] + tail),
            **pair,
            "PermissionSetGroupId": None,
            "ExpirationDate": None,
            "SystemModstamp": _SEEDED,
        }
        self._store.put("PermissionSetAssignment", row)


def _kind(table: str) -> str:
    return "ConnectedApplication" if table == "ConnectedApp" else table


def _no_id(table: str, name: str, value: Any) -> str:
    raise ValueError(f"seed: {table}.{name}: {value!r} is no id")


def _check_app(row: Mapping[str, Any]) -> None:
    if row.get("origin") not in _ORIGINS:
        raise ValueError(f"seed: origin of an app is one of {', '.join(_ORIGINS)}")
    if not isinstance(row.get("metadata"), Mapping) or "label" not in row["metadata"]:
        raise ValueError("seed: the metadata of an app needs a label")


def dump(store: Store) -> dict[str, Any]:
    """Everything that is stored, secrets included, as a seed; sessions by token are left out."""
    state: dict[str, Any] = {
        table: [dict(row) for row in store.rows(table)] for table in TABLES if store.tables[table]
    }
    return {
        **state,
        _SWITCHES: dict(store.switches),
        "settings": store.settings.to_plain(),
    }


def complete_row(store: Store, table: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Stores a row as one of a seed, and gives it; ValueError says what is wrong."""
    before = set(store.tables[table])
    try:
        reader = _Reader(store)
        reader.add(table, given)
        reader.assign()
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{table}: {type(error).__name__} {error}") from None
    added = next((k for k in store.tables[table] if k not in before), None)
    if added is None:
        raise ValueError(f"{table}: there is such a row")
    return store.tables[table][added]
