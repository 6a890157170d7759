"""API Access Control of a Salesforce org as values: what is desired of it and what is live.

A unit holds resources like any other: switches (`settings`), apps, one grant per app and holder,
and one bypass per permission and holder. A *holder* is a permission set or a profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.model import APPS, BYPASS, GRANTS, SETTINGS, DesiredUnit, LiveUnit, Resource

ALL_USERS, EXTERNAL_USERS = "limitAllUsersToAllowlistedApps", "limitExternalUsersToInstalledApps"
SWITCHES = (ALL_USERS, EXTERNAL_USERS)
CONNECTED_APP, EXTERNAL_CLIENT_APP = "connectedApp", "externalClientApp"
PERMISSION_SET, PROFILE = "permissionSet", "profile"
USE_ANY_API_CLIENT, APPROVE_UNINSTALLED = "useAnyApiClient", "approveUninstalled"
BYPASSES = (USE_ANY_API_CLIENT, APPROVE_UNINSTALLED)
REPORT, NARROW, DENY_GRANTS = "report", "narrow", "denyGrants"

OTHER_APP = "(another app)"
"""In the place of the name of an app that is surely not the one that the files name."""

ADMIN_APPROVED, IP_RELAXATION, REFRESH_TOKEN = "adminApproved", "ipRelaxation", "refreshToken"
POLICY_FIELDS = (ADMIN_APPROVED, IP_RELAXATION, REFRESH_TOKEN)
"""What of an app's policy a file can say."""


@dataclass(frozen=True, slots=True, order=True)
class Holder:
    """kind: `permissionSet` or `profile`. name: API name of the set, with its namespace where it
    has one, or the profile's name as Setup shows it."""

    kind: str
    name: str

    def __str__(self) -> str:
        words = "permission set" if self.kind == PERMISSION_SET else "profile"
        return f"{words} {self.name!r}"


@dataclass(frozen=True, slots=True)
class Parent:
    """The live permission set of a holder; a profile owns a hidden one.

    is_managed: it belongs to a package, and no app can be added to it. is_session_based: it
    counts only while somebody has activated it in a session.
    """

    id: str
    is_managed: bool = False
    is_session_based: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """That the tool's own user holds a permission set; `expires` is empty where it never does."""

    parent: str
    expires: str = ""
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the token is. app: the name of the app that it was issued through, empty where that
    cannot be seen. is_external: a customer or partner."""

    user: str
    username: str
    app: str = ""
    is_external: bool = False


@dataclass(frozen=True, slots=True)
class DesiredAccess(DesiredUnit):
    """An ApiAccess with its layers.

    self_app, self_user: what this tool signs in with. granted: apps whose grants are managed;
    exact: those of them that nobody else may use. bypassed: the permissions that are managed.
    unlisted: what becomes of apps that no file names. goes_back: it undoes a run, so that what
    limits goes before what it had needed.
    """

    self_app: str = ""
    self_user: str = ""
    granted: frozenset[str] = frozenset()
    exact: frozenset[str] = frozenset()
    bypassed: frozenset[str] = frozenset()
    unlisted: str = REPORT
    goes_back: bool = False

    @property
    def terms(self) -> Mapping[str, Any]:
        return {
            "self": [self.self_app, self.self_user],
            "granted": sorted(self.granted),
            "exact": sorted(self.exact),
            "bypassed": sorted(self.bypassed),
            "unlisted": self.unlisted,
        }

    def of(self, listed: str) -> tuple[Resource, ...]:
        """The resources of one list."""
        return tuple(one for one in self.resources if one.key.list == listed)


@dataclass(frozen=True, slots=True)
class LiveAccess(LiveUnit):
    """What an org holds, and what it takes to judge whether this tool keeps its access.

    A switch that the org does not have (`is_activated` is false then) is no resource. parents: the
    permission set of each holder there is. assignments: those of the tool's own user. rescuers:
    usernames of active users, this tool's left out, who may use any API client; None where that
    cannot be seen. sees_external: whether external client apps can be seen. unread: permissions
    whose holders cannot be seen.
    """

    identity: Identity = Identity("", "")
    is_activated: bool = False
    parents: Mapping[Holder, Parent] = field(default_factory=dict)
    assignments: tuple[Assignment, ...] = ()
    rescuers: tuple[str, ...] | None = None
    sees_external: bool = True
    unread: frozenset[str] = frozenset()

    def of(self, listed: str) -> tuple[Resource, ...]:
        """The resources of one list."""
        return tuple(one for one in self.resources if one.key.list == listed)

    def switch(self, name: str) -> bool | None:
        """Whether a switch is on; None where the org does not have it."""
        for one in self.of(SETTINGS):
            if one.key.type == name:
                return bool(one.canonical["enabled"])
        return None

    def app(self, kind: str, name: str) -> Resource | None:
        """The only app of that kind and name, or None."""
        found = [one for one in self.of(APPS) if (one.key.group, one.key.type) == (kind, name)]
        return found[0] if len(found) == 1 else None


def holder_of(resource: Resource) -> Holder:
    """Who a grant or a bypass is for."""
    assert resource.key.list in (GRANTS, BYPASS)
    return Holder(resource.key.group, resource.key.name)
