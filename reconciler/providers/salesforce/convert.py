"""Rows and components of Salesforce <-> our resources. Pure; nothing of the network or of plans.

What a row does not say is not guessed: an element that is not there is not false (facts, 5.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reconciler.core.access import (
    ADMIN_APPROVED,
    ALL_USERS,
    APPROVE_UNINSTALLED,
    CONNECTED_APP,
    EXTERNAL_CLIENT_APP,
    EXTERNAL_USERS,
    IP_RELAXATION,
    PERMISSION_SET,
    PROFILE,
    REFRESH_TOKEN,
    USE_ANY_API_CLIENT,
    Assignment,
    Holder,
    Identity,
    Parent,
)
from reconciler.core.model import APPS, BYPASS, GRANTS, SETTINGS, Resource, ResourceKey
from reconciler.core.trail import TrailEntry
from reconciler.errors import BadAnswer, CannotSee
from reconciler.providers.salesforce.ids import record_id
from reconciler.providers.salesforce.nodes import Node, leaf

Row = Mapping[str, Any]

SETTINGS_TYPE, SETTINGS_NAME = "ConnectedAppSettings", "ConnectedApp"
CONNECTED_TYPE = "ConnectedApp"
POLICY_TYPE = "ExtlClntAppOauthConfigurablePolicies"
GLOBAL_TYPE = "ExtlClntAppGlobalOauthSettings"

ELEMENTS = {
    ALL_USERS: "enableAdminApprovedAppsOnly",
    EXTERNAL_USERS: "enableAdminApprovedAppsOnlyForExternalUser",
}
"""Our names of the switches, and the elements that hold them."""

PERMISSIONS = {
    USE_ANY_API_CLIENT: "UseAnyApiClient",
    APPROVE_UNINSTALLED: "CanApproveUninstalledApps",
}
"""Our names of the bypass permissions, and the service's."""

_INTERNAL = ("Standard", "AutomatedProcess", "CloudIntegrationUser")
"""Users of these types are no customers or partners (facts, section 1)."""

_IP = {
    "ENFORCE": "Enforce",
    "ENFORCE_RELAXREFRESH": "Enforce_RelaxRefresh",
    "BYPASS_2FACTOR": "Bypass_2factor",
    "BYPASS": "Bypass",
}
_IP_BACK = {value.lower(): key for key, value in _IP.items()}
_APPROVED, _SELF = "AdminApprovedPreAuthorized", "AllSelfAuthorized"
_LIMITED = {
    "SpecificLifetime": "specific_lifetime",
    "SpecificInactivity": "specific_inactivity",
}


@dataclass(frozen=True, slots=True)
class Sets:
    """Permission sets by holder, and what each id is."""

    parents: dict[Holder, Parent] = field(default_factory=dict)

    def add(self, holder: Holder, parent: Parent) -> None:
        """Keeps what is known of a set; that it counts in a session only is never forgotten."""
        known = self.parents.get(holder)
        if known is None or parent.is_session_based:
            self.parents[holder] = parent


def switches(component: Node) -> Iterator[Resource]:
    """The switches that the org has; none where Support has not activated them."""
    for name, element in ELEMENTS.items():
        value = component.flag(element)
        if value is not None:
            said = {"enabled": value}
            yield Resource(ResourceKey(SETTINGS, "", name), said, said, id=element)


def switch_component(name: str, *, on: bool) -> Node:
    """What sets one switch and leaves the others."""
    return Node(
        "metadata",
        children=(leaf("fullName", SETTINGS_NAME), leaf(ELEMENTS[name], on)),
        type=SETTINGS_TYPE,
    )


def connected_app(row: Row, component: Node | None) -> Resource:
    """A row of ConnectedApplication with its component, where that was read."""
    policy: dict[str, Any] = {ADMIN_APPROVED: _flag(row, "OptionsAllowAdminApprovedUsersOnly")}
    more: dict[str, Any] = {}
    if component is not None:
        given = component.child("oauthPolicy")
        session = component.child("sessionPolicy")
        # What an app without a policy of its own has (facts, section 5.2).
        policy[IP_RELAXATION] = (given and given.value("ipRelaxation")) or "ENFORCE"
        policy[REFRESH_TOKEN] = (given and given.value("refreshTokenPolicy")) or "infinite"
        more = {
            "fullName": component.value("fullName"),
            "policyAction": (session and session.value("policyAction")) or "",
        }
    key = ResourceKey(APPS, CONNECTED_APP, _text(row, "Name"))
    return Resource(key, {**policy, **more}, policy, id=id_in(row, "Id"))


def consumer_key(component: Node) -> str:
    """The consumer key of a connected app; empty where it is not shown, as of a packaged one."""
    config = component.child("oauthConfig")
    return (config and config.value("consumerKey")) or ""


def connected_component(component: Node, policy: Mapping[str, Any]) -> Node:
    """The whole component with another policy; what is set at creation alone is left out."""
    config = component.child("oauthConfig") or Node("oauthConfig")
    config = config.without("consumerKey", "consumerSecret")
    if ADMIN_APPROVED in policy:
        config = config.set("isAdminApproved", bool(policy[ADMIN_APPROVED]))
    made = component.put("oauthConfig", config)
    if not config.flag("isAdminApproved"):
        # Whom an app admits may only be said where an admin approves them (facts, section 5.2).
        made = made.without("permissionSetName", "profileName")
    if IP_RELAXATION in policy or REFRESH_TOKEN in policy:
        given = component.child("oauthPolicy") or Node("oauthPolicy")
        ip = policy.get(IP_RELAXATION) or given.value("ipRelaxation") or "ENFORCE"
        refresh = policy.get(REFRESH_TOKEN) or given.value("refreshTokenPolicy") or "infinite"
        given = given.set("ipRelaxation", str(ip)).set("refreshTokenPolicy", str(refresh))
        made = made.put("oauthPolicy", given)
    return Node("metadata", children=made.children, type=CONNECTED_TYPE)


def policy_of_connected(component: Node) -> dict[str, Any]:
    """The policy that a component holds."""
    config, given = component.child("oauthConfig"), component.child("oauthPolicy")
    return {
        ADMIN_APPROVED: bool(config and config.flag("isAdminApproved")),
        IP_RELAXATION: (given and given.value("ipRelaxation")) or "ENFORCE",
        REFRESH_TOKEN: (given and given.value("refreshTokenPolicy")) or "infinite",
    }


def external_app(row: Row, policy: Row | None, component: Node | None) -> Resource:
    """A row of ExternalClientApplication with the row and the component of its policy."""
    said: dict[str, Any] = {}
    if policy is not None:
        said = {
            ADMIN_APPROVED: policy.get("PermittedUsersPolicyType") == _APPROVED,
            IP_RELAXATION: _IP_BACK.get(str(policy.get("IpRelaxationPolicyType")).lower()),
            REFRESH_TOKEN: _refresh(
                policy.get("RefreshTokenPolicyType"),
                policy.get("RefreshTokenValidityPeriod"),
                policy.get("RefreshTokenValidityUnit"),
            ),
        }
    more = {"developerName": _text(row, "DeveloperName")}
    if component is not None:
        more["fullName"] = component.value("fullName") or ""
        more["policyAction"] = component.value("policyAction") or ""
    name = str(row.get("MasterLabel") or row["DeveloperName"])
    key = ResourceKey(APPS, EXTERNAL_CLIENT_APP, name)
    return Resource(key, {**said, **more}, said, id=id_in(row, "Id"))


def external_component(component: Node, policy: Mapping[str, Any]) -> Node:
    """The whole policy component with other values."""
    made = component
    if ADMIN_APPROVED in policy:
        kind = _APPROVED if policy[ADMIN_APPROVED] else _SELF
        made = made.set("permittedUsersPolicyType", kind)
    if policy.get(IP_RELAXATION):
        made = made.set("ipRelaxationPolicyType", _IP[str(policy[IP_RELAXATION])])
    if policy.get(REFRESH_TOKEN):
        made = _with_refresh(made, str(policy[REFRESH_TOKEN]))
    return Node("metadata", children=made.children, type=POLICY_TYPE)


def policy_of_external(component: Node) -> dict[str, Any]:
    """The policy that a component holds."""
    return {
        ADMIN_APPROVED: component.value("permittedUsersPolicyType") == _APPROVED,
        IP_RELAXATION: _IP_BACK.get((component.value("ipRelaxationPolicyType") or "").lower()),
        REFRESH_TOKEN: _refresh(
            component.value("refreshTokenPolicyType"),
            component.value("refreshTokenValidityPeriod"),
            component.value("refreshTokenValidityUnit"),
        ),
    }


def _refresh(kind: Any, period: Any, unit: Any) -> str | None:
    """`zero`, `specific_lifetime:30:DAYS` ..., as files say it; None for what they cannot."""
    if kind in ("Infinite", "Zero"):
        return str(kind).lower()
    if kind in _LIMITED and period is not None and unit:
        return f"{_LIMITED[kind]}:{int(period)}:{str(unit).upper()}"
    return None


def _with_refresh(component: Node, policy: str) -> Node:
    word, _, rest = policy.partition(":")
    names = {value: key for key, value in _LIMITED.items()}
    made = component.set("refreshTokenPolicyType", names.get(word, word.capitalize()))
    made = made.without("refreshTokenValidityPeriod", "refreshTokenValidityUnit")
    if rest:
        period, _, unit = rest.partition(":")
        made = made.set("refreshTokenValidityPeriod", period)
        made = made.set("refreshTokenValidityUnit", unit.capitalize())
    return made


def holders(rows: Iterable[Row], sets: Sets) -> None:
    """Takes up rows of `soql.holders`."""
    for row in rows:
        sets.add(
            _holder(row),
            Parent(
                id_in(row, "Id"),
                is_managed=bool(row.get("NamespacePrefix")),
                is_session_based=bool(row.get("HasActivationRequired")),
            ),
        )


def gives(row: Row, permission: str) -> bool:
    """Whether a row of `soql.holders` has a permission; permission: in our words."""
    return row.get(f"Permissions{PERMISSIONS[permission]}") is True


def grants(rows: Iterable[Row], apps: Mapping[str, str], sets: Sets) -> Iterator[Resource]:
    """The grants of the apps that can be seen; apps: their names by id.

    What the set of a group has only comes of its members, and nobody can take it away there.
    """
    for row in rows:
        app = apps.get(id_in(row, "SetupEntityId"))
        if app is None or _is_of_group(inner(row, "Parent")):
            continue
        holder = _holder(inner(row, "Parent"))
        parent = Parent(id_in(row, "ParentId"), bool(inner(row, "Parent").get("NamespacePrefix")))
        sets.add(holder, parent)
        settings = {"parentId": parent.id, "appId": id_in(row, "SetupEntityId")}
        key = ResourceKey(GRANTS, holder.kind, app, holder.name)
        yield Resource(key, settings, {}, id=id_in(row, "Id"))


def bypasses(rows: Iterable[Row], permission: str, sets: Sets) -> Iterator[Resource]:
    """What gives a permission; rows of `soql.permission_givers`. permission: in our words."""
    for row in rows:
        if _is_of_group(row):
            continue
        holder, parent = _holder(row), Parent(id_in(row, "Id"), bool(row.get("NamespacePrefix")))
        sets.add(holder, parent)
        yield bypass(permission, holder, parent.id)


def _is_of_group(row: Row) -> bool:
    return bool(row.get("PermissionSetGroupId"))


def bypass(permission: str, holder: Holder, parent: str) -> Resource:
    """That a holder gives a permission."""
    key = ResourceKey(BYPASS, holder.kind, permission, holder.name)
    return Resource(key, {"parentId": parent}, {}, id=f"{parent}/{permission}")


def identity(rows: Sequence[Row], user: str, app: str) -> Identity:
    """Whose the assignments of a user are, of whom every one holds the set of his profile."""
    if not rows:
        raise CannotSee(
            "what this login's own user holds cannot be seen; give him View Setup and "
            "Configuration",
            service="salesforce",
        )
    assignee = inner(rows[0], "Assignee")
    return Identity(user, _text(assignee, "Username"), app, is_external(assignee))


def is_external(user: Row) -> bool:
    """Whether a user is a customer or partner."""
    return user.get("UserType") not in _INTERNAL


def assignments(rows: Iterable[Row]) -> Iterator[Assignment]:
    """What a user holds; rows of `soql.assignments_of`."""
    for row in rows:
        yield Assignment(
            id_in(row, "PermissionSetId"),
            str(row.get("ExpirationDate") or ""),
            row.get("IsActive") is not False,
        )


def groups(rows: Iterable[Row]) -> tuple[str, ...]:
    """Ids of the groups among a user's assignments."""
    return tuple(sorted({id_in(row, "PermissionSetGroupId") for row in rows if _is_of_group(row)}))


def with_members(rows: Sequence[Row], members: Iterable[Row]) -> tuple[Row, ...]:
    """A user's assignments, and one of each member of his groups, which ends as the group does;
    members: rows of `soql.members_of`."""
    found = list(rows)
    for member in members:
        group = id_in(member, "PermissionSetGroupId")
        held = {
            "PermissionSetId": member.get("PermissionSetId"),
            "PermissionSet": member.get("PermissionSet"),
        }
        found += [
            {**row, **held}
            for row in rows
            if _is_of_group(row) and id_in(row, "PermissionSetGroupId") == group
        ]
    return tuple(found)


def session_based(rows: Iterable[Row]) -> frozenset[str]:
    """Ids of the sets among a user's assignments that count only once a session activates them."""
    return frozenset(
        id_in(row, "PermissionSetId")
        for row in rows
        if inner(row, "PermissionSet").get("HasActivationRequired")
    )


def usernames(rows: Iterable[Row]) -> tuple[str, ...]:
    """The users among rows of `soql.permission_holders`."""
    return tuple(sorted({_text(inner(row, "Assignee"), "Username") for row in rows}))


def app_sobject(id: str) -> str:
    """What kind of record an app's id is of (facts, section 6)."""
    return "ExternalClientApplication" if id.startswith("0xI") else "ConnectedApplication"


def trail_entry(row: Row) -> TrailEntry:
    """A row of SetupAuditTrail; what no user did has an empty one."""
    creator = row.get("CreatedBy")
    user = creator.get("Username") if isinstance(creator, Mapping) else ""
    return TrailEntry(
        moment(row, "CreatedDate"),
        str(user or ""),
        str(row.get("Action") or ""),
        str(row.get("Display") or ""),
        str(row.get("DelegateUser") or ""),
        str(row.get("Section") or ""),
    )


def moment(row: Row, name: str) -> str:
    """A time of a row (`2026-11-20T09:12:44.000+0000`) to the second in UTC, with a Z."""
    try:
        found = datetime.fromisoformat(_text(row, name))
    except ValueError:
        raise BadAnswer(f"{name} of a row is no time", service="salesforce") from None
    if found.tzinfo is None:
        raise BadAnswer(f"{name} of a row is no time", service="salesforce")
    return f"{found.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def label_of(component: Node) -> str:
    return component.value("label") or ""


def likely_names(full_names: Sequence[str], label: str) -> list[str]:
    """The full names that an app with this label would usually have: `ns__Billing_Sync`."""
    wanted = _folded(label)
    return [name for name in full_names if _folded(name.rpartition("__")[2]) == wanted]


def _folded(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())


def _holder(row: Row) -> Holder:
    """Of a permission set's row: itself, or the profile that owns it."""
    if row.get("IsOwnedByProfile"):
        return Holder(PROFILE, _profile_name(row))
    return Holder(PERMISSION_SET, _set_name(row))


def _set_name(row: Row) -> str:
    prefix = row.get("NamespacePrefix")
    return f"{prefix}__{_text(row, 'Name')}" if prefix else _text(row, "Name")


def _profile_name(row: Row) -> str:
    return _text(inner(row, "Profile"), "Name")


def inner(row: Row, name: str) -> Row:
    """The parent that a row holds under this name; raises BadAnswer where it holds none."""
    found = row.get(name)
    if not isinstance(found, Mapping):
        raise BadAnswer(f"a row has no {name}", service="salesforce")
    return found


def _text(row: Row, name: str) -> str:
    found = row.get(name)
    if not isinstance(found, str) or not found:
        raise BadAnswer(f"a row has no {name}", service="salesforce")
    return found


def _flag(row: Row, name: str) -> bool:
    found = row.get(name)
    if not isinstance(found, bool):
        raise BadAnswer(f"a row does not say {name}", service="salesforce")
    return found


def id_in(row: Row, name: str) -> str:
    """The record id that a row holds, in 18 characters; raises BadAnswer where it holds none."""
    try:
        return record_id(_text(row, name))
    except ValueError:
        raise BadAnswer(f"{name} of a row is no id", service="salesforce") from None
