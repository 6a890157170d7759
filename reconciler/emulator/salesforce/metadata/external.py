"""External client apps: the app, and the policy record that came with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.emulator.salesforce.apps import EXTERNAL, PRE_AUTHORIZED, external
from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.metadata.desk import Desk, Listed
from reconciler.emulator.salesforce.metadata.grants import (
    grant_profiles,
    grant_sets,
    granted_profiles,
    granted_sets,
)
from reconciler.emulator.salesforce.store import Row

_LISTS = ("commaSeparatedPermissionSet", "commaSeparatedProfile")
_CHOICES = {
    "permittedUsersPolicyType": ("AllSelfAuthorized", PRE_AUTHORIZED),
    "ipRelaxationPolicyType": ("Enforce", "Bypass", "Bypass_2factor", "Enforce_RelaxRefresh"),
    "policyAction": ("Block", "RaiseSessionLevel"),
    "refreshTokenPolicyType": ("Infinite", "Zero", "SpecificLifetime", "SpecificInactivity"),
    "refreshTokenValidityUnit": ("Days", "Hours", "Months"),
    "requiredSessionLevel": ("HIGH_ASSURANCE", "LOW", "STANDARD"),
}


def listed_apps(desk: Desk) -> Iterator[Listed]:
    for row in desk.store.rows(EXTERNAL):
        prefix = row.get("NamespacePrefix")
        name = f"{prefix}__{row['DeveloperName']}" if prefix else row["DeveloperName"]
        yield Listed(name, row["Id"], row)


def _find_app(desk: Desk, name: str) -> Row | None:
    return next((item.row for item in listed_apps(desk) if item.full_name == name), None)


def read_app(desk: Desk, name: str) -> Mapping[str, Any] | None:
    row = _find_app(desk, name)
    if row is None:
        return None
    return {
        "contactEmail": row.get("contactEmail"),
        "distributionState": row["DistributionState"],
        "label": row["MasterLabel"],
    }


def write_app(desk: Desk, name: str, values: Mapping[str, Any]) -> None:
    row = _find_app(desk, name)
    assert row is not None
    label = values.get("label") or row["MasterLabel"]
    desk.store.put(EXTERNAL, {**row, "MasterLabel": label, **desk.stamps()})
    desk.audit("External Client Apps", "ecaUpdated", f"Updated external client app {name}")


def listed_policies(desk: Desk) -> Iterator[Listed]:
    """Their names are not those of the apps, and have no namespace."""
    for row in desk.store.rows(EXTERNAL):
        yield Listed(row["policy"]["fullName"], row["policy"]["Id"], row)


def _find_policy(desk: Desk, name: str) -> Row | None:
    return next((item.row for item in listed_policies(desk) if item.full_name == name), None)


def read_policy(desk: Desk, name: str) -> Mapping[str, Any] | None:
    row = _find_policy(desk, name)
    if row is None:
        return None
    app = external(row)
    lists = {
        "commaSeparatedPermissionSet": ",".join(granted_sets(desk, app)) or None,
        "commaSeparatedProfile": ",".join(granted_profiles(desk, app)) or None,
    }
    return {**row["policy"], "externalClientApplication": row["DeveloperName"], **lists}


def write_policy(desk: Desk, name: str, values: Mapping[str, Any]) -> None:
    """Sets what was sent; the lists, where they were sent, as a whole."""
    row = _find_policy(desk, name)
    assert row is not None
    _check(row, values)
    hidden = (*_LISTS, "externalClientApplication")
    sent = {k: v for k, v in values.items() if k not in hidden and v is not None}
    before = desk.store.snapshot()
    changed = {**row, "policy": {**row["policy"], **sent}, **desk.stamps()}
    changed["changedAt"] = desk.store.clock()
    desk.store.put(EXTERNAL, changed)
    app = external(changed)
    try:
        if values.get(_LISTS[0]) is not None:
            grant_sets(desk, app, _names(values[_LISTS[0]]))
        if values.get(_LISTS[1]) is not None:
            grant_profiles(desk, app, _names(values[_LISTS[1]]))
    except Failure:
        desk.store.restore(before)
        raise
    _end_own_session(desk, row, changed)
    desk.audit("External Client Apps", "ecaPolicyUpdated", f"Updated policies {name}")


def _end_own_session(desk: Desk, before: Row, after: Row) -> None:
    """Narrowing an app ends the session that came by it: seen on live orgs, not always."""
    narrowed = external(after).is_admin_approved and not external(before).is_admin_approved
    own = desk.caller.app is not None and desk.caller.app.id == after["Id"]
    if narrowed and own and desk.store.settings.ecaDeployEndsSession:
        desk.store.end_sessions(after["Id"], desk.caller.user_id)
    if external(after).is_blocked:
        desk.store.end_sessions(after["Id"])


def create_policy(desk: Desk, name: str, values: Mapping[str, Any]) -> None:
    """Every app has its record already: a guessed name makes a second one, which is refused."""
    text = "duplicate value found: ExternalClientApplicationId"
    raise Failure("DUPLICATE_VALUE", text)


def _check(row: Row, values: Mapping[str, Any]) -> None:
    owner = values.get("externalClientApplication")
    if not owner:
        text = "Required field is missing: externalClientApplication"
        raise Failure("REQUIRED_FIELD_MISSING", text, fields=("externalClientApplication",))
    prefix = row.get("NamespacePrefix")
    if owner not in (row["DeveloperName"], f"{prefix}__{row['DeveloperName']}"):
        text = f"no ExternalClientApplication named {owner} found"
        raise Failure("INVALID_CROSS_REFERENCE_KEY", text)
    for name, choices in _CHOICES.items():
        value = values.get(name)
        if value and value not in choices:
            text = f"'{value}' is not a valid value for the enum of {name}"
            raise Failure("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, fields=(name,))


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
