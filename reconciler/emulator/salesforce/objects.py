"""What may be written to which sObject, and what a write does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.salesforce import errors, times
from reconciler.emulator.salesforce.apps import SETUP_TYPES, App, app_by_id
from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.gate import Caller
from reconciler.emulator.salesforce.ids import to_18
from reconciler.emulator.salesforce.schema import Field, SObject
from reconciler.emulator.salesforce.store import Row, Store
from reconciler.emulator.salesforce.view import View

Body = Mapping[str, Any]

_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*", re.ASCII)
_TYPES: Mapping[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "int": (int,),
    "double": (int, float),
}


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes to which store."""

    store: Store
    caller: Caller

    def create(self, sobject: SObject, body: Body) -> str:
        """The new record's id."""
        _may(self.caller, sobject, "c")
        values = _values(self, sobject, body, lambda field: field.createable)
        row = _CREATORS[sobject.name](self, values)
        self.store.put(sobject.name, row)
        self._audit(sobject, "created", row)
        found: str = row["Id"]
        return found

    def update(self, sobject: SObject, key: str, body: Body) -> None:
        _may(self.caller, sobject, "u")
        row = self._existing(sobject, key)
        values = _values(self, sobject, body, lambda field: field.updateable)
        changed = _CHANGERS[sobject.name](self, row, values)
        self.store.put(sobject.name, changed)
        self._audit(sobject, "changed", changed)

    def delete(self, sobject: SObject, key: str) -> None:
        _may(self.caller, sobject, "d")
        row = self._existing(sobject, key)
        if sobject.name == "PermissionSet":
            _check_unused(self.store, row)
        self.store.drop(sobject.name, row["Id"])
        self._audit(sobject, "deleted", row)

    def stamps(self) -> dict[str, Any]:
        return {"LastModifiedById": self.caller.user_id, "LastModifiedDate": self.store.now()}

    def _existing(self, sobject: SObject, key: str) -> Row:
        """The record; one that was there and one that never was are told the same."""
        found = to_18(key)
        row = self.store.get(sobject.name, found)
        if row is None:
            raise errors.deleted() if found else _bad_id(key)
        return row

    def _audit(self, sobject: SObject, verb: str, row: Row) -> None:
        section, shown = _SECTIONS[sobject.name](self.store, row)
        action = f"{verb}{sobject.name}"
        self.store.audit(self.caller.user_id, section, action, f"{verb.title()} {shown}")


def _bad_id(key: object) -> Failure:
    return Failure("MALFORMED_ID", f"bad id {key}", fields=("Id",))


def _may(caller: Caller, sobject: SObject, call: str) -> None:
    if call not in sobject.calls:
        if not sobject.calls:
            # The code is not confirmed.
            text = f"entity type cannot be {_VERBS[call]}: {sobject.label}"
            raise Failure("INVALID_TYPE_FOR_OPERATION", text)
        raise errors.wrong_method({"c": "POST", "u": "PATCH", "d": "DELETE"}[call])
    needed = _RIGHTS[sobject.name]
    if not caller.may_any(*needed):
        raise errors.insufficient(sobject.label)


_VERBS = {"c": "inserted", "u": "updated", "d": "deleted"}
_RIGHTS: Mapping[str, tuple[str, ...]] = {
    "PermissionSet": ("ManageProfilesPermissionsets",),
    "SetupEntityAccess": ("ManageProfilesPermissionsets",),
    "PermissionSetAssignment": (
        "AssignPermissionSets",
        "ManageProfilesPermissionsets",
        "ManageUsers",
    ),
}


def _values(
    writer: Writer, sobject: SObject, body: Body, allowed: Callable[[Field], bool]
) -> dict[str, Any]:
    """The body by the fields' own names; unknown, unwritable and mistyped ones are refused."""
    view, found = View(writer.store, writer.caller), {}
    for name, value in body.items():
        if name == "attributes":
            continue
        field = sobject.field(name)
        if field is None or not view.has(sobject, field):
            raise errors.no_column(name, sobject.name)
        if field.kind == "id" or not allowed(field):
            text = f"Unable to create/update fields: {field.name}. Please check the security"
            text += " settings of this field and verify that it is read/write for your profile"
            text += " or permission set."
            raise Failure("INVALID_FIELD_FOR_INSERT_UPDATE", text, fields=(field.name,))
        found[field.name] = _value(field, value)
    return found


def _value(field: Field, value: Any) -> Any:
    if value is None:
        return None
    types = _TYPES.get(field.kind, (str,))
    if not isinstance(value, types) or isinstance(value, bool) is not (types == (bool,)):
        text = f"Cannot deserialize instance of {field.kind} from value {str(value)[:80]}"
        raise Failure("JSON_PARSER_ERROR", text)
    return _text_value(field, value) if isinstance(value, str) else value


def _text_value(field: Field, value: str) -> str:
    if field.kind == "reference":
        found = to_18(value)
        if found is None:
            text = f"{field.name}: id value of incorrect type: {value[:40]}"
            raise Failure("MALFORMED_ID", text, fields=(field.name,))
        return found
    if field.kind == "datetime":
        moment = times.moment_of(value)
        if moment is None:
            text = f"Cannot deserialize instance of datetime from VALUE_STRING value {value[:40]}"
            raise Failure("JSON_PARSER_ERROR", text)
        return times.written(moment)
    return value


def _required(values: Body, *names: str) -> None:
    missing = [name for name in names if values.get(name) in (None, "")]
    if missing:
        text = f"Required fields are missing: [{', '.join(missing)}]"
        raise Failure("REQUIRED_FIELD_MISSING", text, fields=missing)


def _referred(store: Store, table: str, values: Body, name: str) -> Row:
    row = store.get(table, values[name])
    if row is None:
        raise Failure("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=(name,))
    return row


# PermissionSet


def _new_set(writer: Writer, values: dict[str, Any]) -> Row:
    _required(values, "Name", "Label")
    _check_set(writer.store, values, None)
    stamps = writer.stamps()
    row = {
        "Id": writer.store.ids.next("PermissionSet"),
        "Description": None,
        "LicenseId": None,
        "IsOwnedByProfile": False,
        "ProfileId": None,
        "IsCustom": True,
        "NamespacePrefix": None,
        "PermissionSetGroupId": None,
        "Type": "Session" if values.get("HasActivationRequired") else "Regular",
        "HasActivationRequired": False,
        "userPermissions": [],
        "CreatedById": stamps["LastModifiedById"],
        "CreatedDate": stamps["LastModifiedDate"],
    }
    return _with_bits({**row, **stamps}, values)


def _changed_set(writer: Writer, row: Row, values: dict[str, Any]) -> Row:
    """The row of a profile may be read and not written."""
    if row["IsOwnedByProfile"]:
        raise errors.insufficient("a permission set that a profile owns")
    if row["NamespacePrefix"]:
        raise Failure("CANNOT_MODIFY_MANAGED_OBJECT", "cannot modify managed object", fields=())
    _check_set(writer.store, values, row["Id"])
    return _with_bits({**row, **writer.stamps()}, values)


def _with_bits(row: dict[str, Any], values: dict[str, Any]) -> Row:
    """The row with these values; the permission columns are kept as one list."""
    held = set(row["userPermissions"])
    for name, value in values.items():
        if not name.startswith("Permissions"):
            row[name] = value
        elif value:
            held.add(name.removeprefix("Permissions"))
        else:
            held.discard(name.removeprefix("Permissions"))
    return {**row, "userPermissions": sorted(held)}


def _check_set(store: Store, values: Body, own: str | None) -> None:
    for field, longest in (("Name", 80), ("Label", 80), ("Description", 255)):
        text = values.get(field)
        if isinstance(text, str) and len(text) > longest:
            message = f"{field}: data value too large: {text[:80]} (max length={longest})"
            raise Failure("STRING_TOO_LONG", message, fields=(field,))
    name = values.get("Name")
    if name is None:
        return
    if not _NAME.fullmatch(name):
        message = "The Permission Set API Name can only contain underscores and alphanumeric"
        message += " characters. It must be unique, begin with a letter, not include spaces, not"
        message += " end with an underscore, and not contain two consecutive underscores."
        raise Failure("FIELD_INTEGRITY_EXCEPTION", message, fields=("Name",))
    for row in store.rows("PermissionSet"):
        same = row["Name"].casefold() == name.casefold() and not row["NamespacePrefix"]
        if same and row["Id"] != own:
            raise _duplicate("Name", row["Id"])


def _check_unused(store: Store, row: Row) -> None:
    if row["IsOwnedByProfile"]:
        raise errors.insufficient("a permission set that a profile owns")
    if store.find("PermissionSetAssignment", PermissionSetId=row["Id"]):
        text = "You can't delete a permission set that's assigned to users"
        raise Failure("DELETE_FAILED", text, fields=())
    for grant in [g for g in store.rows("SetupEntityAccess") if g["ParentId"] == row["Id"]]:
        store.drop("SetupEntityAccess", grant["Id"])


def _duplicate(what: str, key: str) -> Failure:
    text = f"duplicate value found: {what} duplicates value on record with id: {key[:15]}"
    return Failure("DUPLICATE_VALUE", text, fields=())


# SetupEntityAccess


def _new_grant(writer: Writer, values: dict[str, Any]) -> Row:
    store = writer.store
    _required(values, "ParentId", "SetupEntityId")
    parent = _referred(store, "PermissionSet", values, "ParentId")
    app = app_by_id(store, values["SetupEntityId"])
    if app is None or not app.is_installed:
        text = "invalid cross reference id"
        raise Failure("INVALID_CROSS_REFERENCE_KEY", text, fields=("SetupEntityId",))
    check_grant(store, parent, app)
    same = store.find("SetupEntityAccess", ParentId=parent["Id"], SetupEntityId=app.id)
    if same:
        raise _duplicate("SetupEntityId", same["Id"])
    return grant_row(store, parent["Id"], app)


def check_grant(store: Store, parent: Row, app: App) -> None:
    """Refuses a grant that the org does not take, however it comes."""
    if parent["NamespacePrefix"]:
        text = "Cannot Modify Managed Component"
        raise Failure("CANNOT_MODIFY_MANAGED_OBJECT", text, fields=())
    if parent["IsOwnedByProfile"] and store.settings.refuseProfileGrants:
        raise errors.insufficient("a permission set that a profile owns")
    if store.settings.refuseDormantGrants and not app.is_admin_approved:
        text = "The app does not pre-authorize users"
        raise Failure("FIELD_INTEGRITY_EXCEPTION", text, fields=("SetupEntityId",))


def grant_row(store: Store, parent_id: str, app: App) -> Row:
    return {
        "Id": store.ids.next("SetupEntityAccess"),
        "ParentId": parent_id,
        "SetupEntityId": app.id,
        "SetupEntityType": SETUP_TYPES[app.table],
        "SystemModstamp": store.now(),
    }


# PermissionSetAssignment


def _new_assignment(writer: Writer, values: dict[str, Any]) -> Row:
    store = writer.store
    _required(values, "AssigneeId", "PermissionSetId")
    user = _referred(store, "User", values, "AssigneeId")
    held = _referred(store, "PermissionSet", values, "PermissionSetId")
    if held["IsOwnedByProfile"]:
        text = "Can't assign a permission set that is owned by a profile"
        raise Failure("FIELD_INTEGRITY_EXCEPTION", text, fields=("PermissionSetId",))
    key = {"AssigneeId": user["Id"], "PermissionSetId": held["Id"]}
    held_already = store.find("PermissionSetAssignment", **key)
    if held_already:
        raise _duplicate("PermissionSetId", held_already["Id"])
    return {
        "Id": store.ids.next("PermissionSetAssignment"),
        **key,
        "PermissionSetGroupId": None,
        "ExpirationDate": values.get("ExpirationDate"),
        "SystemModstamp": store.now(),
    }


def _changed_assignment(writer: Writer, row: Row, values: dict[str, Any]) -> Row:
    return {**row, **values, "SystemModstamp": writer.store.now()}


_CREATORS: Mapping[str, Callable[[Writer, dict[str, Any]], Row]] = {
    "PermissionSet": _new_set,
    "SetupEntityAccess": _new_grant,
    "PermissionSetAssignment": _new_assignment,
}
_CHANGERS: Mapping[str, Callable[[Writer, Row, dict[str, Any]], Row]] = {
    "PermissionSet": _changed_set,
    "PermissionSetAssignment": _changed_assignment,
}


# What the audit trail says


def _shown_grant(store: Store, row: Row) -> tuple[str, str]:
    app = app_by_id(store, row["SetupEntityId"])
    parent = store.get("PermissionSet", row["ParentId"])
    label = app.label if app else row["SetupEntityId"]
    return "Connected Apps", f"access of {parent['Name'] if parent else '?'} to app {label}"


def _shown_set(_: Store, row: Row) -> tuple[str, str]:
    return "Manage Users", f"permission set {row['Name']}"


def _shown_assignment(store: Store, row: Row) -> tuple[str, str]:
    user = store.get("User", row["AssigneeId"])
    held = store.get("PermissionSet", row["PermissionSetId"])
    names = f"{held['Name'] if held else '?'} for {user['Username'] if user else '?'}"
    return "Manage Users", f"permission set assignment {names}"


_SECTIONS: Mapping[str, Callable[[Store, Row], tuple[str, str]]] = {
    "PermissionSet": _shown_set,
    "SetupEntityAccess": _shown_grant,
    "PermissionSetAssignment": _shown_assignment,
}
