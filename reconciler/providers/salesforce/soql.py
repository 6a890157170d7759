"""The questions asked of an org, as query texts (facts, sections 6 and 8). Pure.

Names and ids come in as they are and are quoted here; nothing else puts a value into a query.
Where a list may be long a function gives several queries, whose rows together are the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote_plus

from reconciler.providers.salesforce.ids import record_id

CONNECTED_APP = "ConnectedApplication"
EXTERNAL_APP = "ExternalClientApplication"

MAX_GROUPS = 2000
"""Rows of `logins_by_user`: where there are as many, there may be more."""

# A query is part of an address; hosts answer 414 to long ones (facts, section 4).
_MAX_LIST_BYTES = 4000
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def quoted(value: str) -> str:
    """The value as a literal."""
    inner = "".join(_ESCAPES.get(char) or _plain(char) for char in value)
    return f"'{inner}'"


def quoted_id(value: str) -> str:
    """A record id as a literal; ValueError for what is none."""
    return f"'{record_id(value)}'"


def name(value: str) -> str:
    """The name of an object or field; ValueError for what is none."""
    if not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} cannot be the name of an object or field")
    return value


def organization() -> str:
    fields = "Id, Name, IsSandbox, InstanceName, OrganizationType, NamespacePrefix"
    return f"SELECT {fields} FROM Organization"


def user(id: str) -> str:
    return (
        f"SELECT Id, Username, UserType, IsActive, ProfileId FROM User WHERE Id = {quoted_id(id)}"
    )


def users_named(usernames: Iterable[str]) -> tuple[str, ...]:
    head = "SELECT Id, Username, UserType, IsActive, ProfileId FROM User WHERE Username"
    return _each(head, map(quoted, usernames))


def users(ids: Iterable[str]) -> tuple[str, ...]:
    head = "SELECT Id, Username, UserType, IsActive, ProfileId FROM User WHERE Id"
    return _each(head, map(quoted_id, ids))


def active_users() -> str:
    return "SELECT Id FROM User WHERE IsActive = true"


def rights_of(user: str, permissions: Iterable[str]) -> str:
    """What a user holds, and which of these permissions each of it gives."""
    columns = (f"PermissionSet.Permissions{name(one)}" for one in permissions)
    fields = ", ".join(("IsActive, PermissionSet.HasActivationRequired", *columns))
    return f"SELECT {fields} FROM PermissionSetAssignment WHERE AssigneeId = {quoted_id(user)}"


def connected_apps() -> str:
    """All apps that are local or installed."""
    fields = (
        "Id, Name, OptionsAllowAdminApprovedUsersOnly, RefreshTokenValidityPeriod, "
        "OptionsRefreshTokenValidityMetric, LastModifiedDate"
    )
    return f"SELECT {fields} FROM {CONNECTED_APP} ORDER BY Name"


def external_apps() -> str:
    fields = "Id, MasterLabel, DeveloperName, NamespacePrefix, DistributionState"
    return f"SELECT {fields} FROM {EXTERNAL_APP} ORDER BY DeveloperName"


def external_app_policies() -> str:
    fields = (
        "ExternalClientApplicationId, DeveloperName, PermittedUsersPolicyType, "
        "IpRelaxationPolicyType, RefreshTokenPolicyType, RefreshTokenValidityPeriod, "
        "RefreshTokenValidityUnit, RequiredSessionLevel, IsClientCredentialsFlowEnabled"
    )
    return f"SELECT {fields} FROM ExtlClntAppOauthPlcyCnfg"


def grants() -> str:
    """All rows that allow somebody an app, with the permission set or profile behind each."""
    fields = (
        "Id, SetupEntityId, SetupEntityType, ParentId, Parent.Name, Parent.Label, "
        "Parent.IsOwnedByProfile, Parent.ProfileId, Parent.Profile.Name, Parent.NamespacePrefix, "
        "Parent.PermissionSetGroupId"
    )
    kinds = f"'{CONNECTED_APP}', '{EXTERNAL_APP}'"
    return f"SELECT {fields} FROM SetupEntityAccess WHERE SetupEntityType IN ({kinds})"


def grants_of(app: str) -> str:
    """The rows of one app."""
    head = "SELECT Id, SetupEntityId, SetupEntityType, ParentId FROM SetupEntityAccess"
    return f"{head} WHERE SetupEntityId = {quoted_id(app)}"


def permission_sets(names: Iterable[str]) -> tuple[str, ...]:
    """Sets by API name, in whatever namespace; none that a profile owns."""
    fields = "Id, Name, Label, Type, NamespacePrefix, HasActivationRequired"
    head = f"SELECT {fields} FROM PermissionSet WHERE IsOwnedByProfile = false AND Name"
    return _each(head, map(quoted, names))


def profile_sets(profiles: Iterable[str]) -> tuple[str, ...]:
    """The hidden permission sets of profiles, by the profiles' labels."""
    fields = "Id, ProfileId, Profile.Name"
    head = f"SELECT {fields} FROM PermissionSet WHERE IsOwnedByProfile = true AND Profile.Name"
    return _each(head, map(quoted, profiles))


def holders(names: Iterable[str], profiles: Iterable[str], permission: str = "") -> tuple[str, ...]:
    """Permission sets by API name, in whatever namespace, the hidden sets of profiles by the
    profiles' labels, and whatever gives a permission such as UseAnyApiClient, in one query where
    the names are few. Where an org does not have the permission it says INVALID_FIELD."""
    column = f"Permissions{name(permission)}" if permission else ""
    fields = ["Id, Name, Type, NamespacePrefix, HasActivationRequired, IsOwnedByProfile"]
    fields += ["PermissionSetGroupId, ProfileId, Profile.Name", *([column] if column else [])]
    head = f"SELECT {', '.join(fields)} FROM PermissionSet WHERE"
    own = _lists("(IsOwnedByProfile = false AND Name", names)
    owned = _lists("(IsOwnedByProfile = true AND Profile.Name", profiles)
    first = [f"{column} = true"] if column else []
    first += [one for some in (own, owned) if len(some) == 1 for one in some]
    rest = [one for some in (own, owned) if len(some) > 1 for one in some]
    queries = [" OR ".join(first)] if first else []
    return tuple(f"{head} {where}" for where in (*queries, *rest))


def _lists(head: str, texts: Iterable[str]) -> list[str]:
    return [f"{one})" for one in _each(head, map(quoted, texts))]


def assignments_of(user: str) -> str:
    """What a user holds, the hidden set of the profile among it, and who that is."""
    fields = (
        "Id, AssigneeId, Assignee.Username, Assignee.UserType, "
        "PermissionSetId, PermissionSetGroupId, ExpirationDate, IsActive, "
        "PermissionSet.Name, PermissionSet.IsOwnedByProfile, PermissionSet.HasActivationRequired"
    )
    return f"SELECT {fields} FROM PermissionSetAssignment WHERE AssigneeId = {quoted_id(user)}"


def members_of(groups: Iterable[str]) -> tuple[str, ...]:
    """The permission sets in groups, each of which reaches who holds the group."""
    fields = "PermissionSetGroupId, PermissionSetId, PermissionSet.HasActivationRequired"
    head = f"SELECT {fields} FROM PermissionSetGroupComponent WHERE PermissionSetGroupId"
    return _each(head, map(quoted_id, groups))


def assigned_count(user: str, permission_sets: Iterable[str]) -> tuple[str, ...]:
    """How many of these sets a user holds; for `count`, added up."""
    head = "SELECT COUNT() FROM PermissionSetAssignment"
    head = f"{head} WHERE AssigneeId = {quoted_id(user)} AND PermissionSetId"
    return _each(head, map(quoted_id, permission_sets))


def holders_of(permission_sets: Iterable[str]) -> tuple[str, ...]:
    """The users who hold these sets, the hidden sets of profiles among them."""
    return _each(f"{_HELD} AND PermissionSetId", map(quoted_id, permission_sets))


def holders_of_groups(groups: Iterable[str]) -> tuple[str, ...]:
    """The users who hold these groups of permission sets, by the group's own set."""
    return _each(f"{_HELD} AND PermissionSet.PermissionSetGroupId", map(quoted_id, groups))


def group_members(permission_sets: Iterable[str]) -> tuple[str, ...]:
    """The groups that these sets are members of."""
    fields = "PermissionSetGroupId, PermissionSetId, PermissionSet.HasActivationRequired"
    head = f"SELECT {fields} FROM PermissionSetGroupComponent WHERE PermissionSetId"
    return _each(head, map(quoted_id, permission_sets))


def permission_holders(permission: str) -> str:
    """Active users with a permission such as UseAnyApiClient, and what gives it to them.

    Where an org does not have the permission the service says INVALID_FIELD (facts, section 8).
    """
    fields = (
        "Assignee.Username, PermissionSet.Name, PermissionSet.IsOwnedByProfile, "
        "PermissionSet.Profile.Name"
    )
    where = f"PermissionSet.Permissions{name(permission)} = true AND Assignee.IsActive = true"
    return f"SELECT {fields} FROM PermissionSetAssignment WHERE {where}"


def permission_givers(permission: str) -> str:
    """Permission sets and profiles that give a permission, whether or not somebody holds them."""
    fields = "Id, Name, IsOwnedByProfile, Profile.Name, NamespacePrefix, PermissionSetGroupId"
    return f"SELECT {fields} FROM PermissionSet WHERE Permissions{name(permission)} = true"


def profile_count() -> str:
    """For `count`."""
    return "SELECT COUNT() FROM Profile"


def token_count() -> str:
    """For `count`: above 2,500 `tokens` ends without a word and is to be split by user."""
    return "SELECT COUNT() FROM OauthToken"


def tokens() -> str:
    """What users have authorized; of several apps with one label the menu item tells which."""
    return f"SELECT {_TOKEN_FIELDS} FROM OauthToken"


def tokens_of(users: Iterable[str]) -> tuple[str, ...]:
    return _each(f"SELECT {_TOKEN_FIELDS} FROM OauthToken WHERE UserId", map(quoted_id, users))


def revocable_tokens_of(user: str) -> str:
    """What `revoke` takes: each `DeleteToken` is a Secret in the rows."""
    where = f"UserId = {quoted_id(user)}"
    return f"SELECT AppName, AppMenuItem.ApplicationId, DeleteToken FROM OauthToken WHERE {where}"


def logins_by_app(days: int) -> str:
    """Logins by app and status; neither can be filtered by the service (facts, section 6.5)."""
    since = f"LoginTime = LAST_N_DAYS:{int(days)}"
    fields = "Application, Status, COUNT(Id) n"
    return f"SELECT {fields} FROM LoginHistory WHERE {since} GROUP BY Application, Status"


def logins_by_user(since: str, until: str) -> str:
    """Logins by user, app and kind from one time to before another (`2026-11-20T09:12:44Z`), and
    the latest of each; at most MAX_GROUPS rows."""
    by = "UserId, Application, LoginType, Status"
    head = f"SELECT {by}, COUNT(Id) n, MAX(LoginTime) latest FROM LoginHistory"
    where = f"LoginTime >= {_time(since)} AND LoginTime < {_time(until)}"
    return f"{head} WHERE {where} GROUP BY {by} LIMIT {MAX_GROUPS}"


def setup_changes(since: datetime, most: int) -> str:
    """What was changed in the setup after that second, newest first, at most so many rows. Of all
    sections: what belongs to apps is spread over several."""
    fields = "CreatedDate, CreatedBy.Username, Section, Action, Display, DelegateUser"
    where = f"CreatedDate > {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    head = f"SELECT {fields} FROM SetupAuditTrail WHERE {where}"
    return f"{head} ORDER BY CreatedDate DESC LIMIT {int(most)}"


_HELD = (
    "SELECT AssigneeId, PermissionSetId, PermissionSet.PermissionSetGroupId, "
    "PermissionSet.HasActivationRequired, IsActive FROM PermissionSetAssignment "
    "WHERE Assignee.IsActive = true"
)
_TOKEN_FIELDS = (
    "AppName, AppMenuItemId, AppMenuItem.ApplicationId, UserId, User.Username, User.UserType, "
    "User.IsActive, LastUsedDate, UseCount"
)


def _each(head: str, literals: Iterable[str]) -> tuple[str, ...]:
    """Queries for all literals, each short enough for an address; none where there are none."""
    lists: list[list[str]] = []
    room = 0
    for literal in dict.fromkeys(literals):
        size = len(quote_plus(literal)) + len("%2C")
        if not lists or size > room:
            lists.append([])
            room = _MAX_LIST_BYTES
        lists[-1].append(literal)
        room -= size
    return tuple(f"{head} IN ({','.join(literals)})" for literals in lists)


def _time(value: str) -> str:
    """A time as it stands in a query; ValueError for what is none."""
    if not _TIME.fullmatch(value):
        raise ValueError(f"{value!r} is no time in UTC")
    return value


def _plain(char: str) -> str:
    return char if char.isprintable() or ord(char) > 0xFFFF else f"\\u{ord(char):04X}"
