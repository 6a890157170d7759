"""A Salesforce org in memory: what is in it, who gets in, and what each step makes of it.

Who gets in follows the facts' section 11, word for word; nothing of the core is used for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.core.access import (
    ALL_USERS,
    CONNECTED_APP,
    EXTERNAL_USERS,
    PERMISSION_SET,
    PROFILE,
    USE_ANY_API_CLIENT,
    Assignment,
    DesiredAccess,
    Holder,
    Identity,
    LiveAccess,
    Parent,
)
from reconciler.core.diff import Step
from reconciler.core.model import (
    ACCESS_LISTS,
    APPS,
    BYPASS,
    GRANTS,
    SETTINGS,
    Resource,
    ResourceKey,
    Target,
    UnitAddress,
)

TARGET = Target("https://acme--uat.sandbox.my.salesforce.com", "00D5g000000AbCdEAK", "sandbox")
ADDRESS = UnitAddress("acme-crm", "uat", "access")
OWN_APP, OWN_USER = "Access Reconciler", "reconciler@acme.example.uat"
OWN_SET = Holder(PERMISSION_SET, "Access_Reconciler_Use")
BREAK_GLASS = Holder(PERMISSION_SET, "Break_Glass_API")


def a_set(name: str) -> Holder:
    return Holder(PERMISSION_SET, name)


def a_profile(name: str) -> Holder:
    return Holder(PROFILE, name)


@dataclass
class App:
    approved: bool = False
    ip: str = "ENFORCE"
    refresh: str = "infinite"
    action: str = ""
    kind: str = CONNECTED_APP
    full_name: str = "App"


@dataclass
class Org:
    """switches: None where Support has not activated the feature. grants: app and holder. users:
    what each holds. consented: user and app. A user's token goes through any app he asks for."""

    switches: dict[str, bool] | None = field(
        default_factory=lambda: {ALL_USERS: False, EXTERNAL_USERS: False}
    )
    apps: dict[str, App] = field(default_factory=lambda: {OWN_APP: App()})
    parents: dict[Holder, Parent] = field(default_factory=dict)
    grants: set[tuple[str, Holder]] = field(default_factory=set)
    bypass: set[tuple[str, Holder]] = field(default_factory=set)
    users: dict[str, list[Holder]] = field(default_factory=dict)
    expires: dict[tuple[str, Holder], str] = field(default_factory=dict)
    consented: set[tuple[str, str]] = field(default_factory=set)
    own_app: str = OWN_APP
    own_user: str = OWN_USER

    def holders(self) -> list[Holder]:
        named = {holder for held in self.users.values() for holder in held}
        named |= {holder for _, holder in (*self.grants, *self.bypass)}
        return sorted({*named, *self.parents})

    def reaches(self, user: str, app: str) -> bool:
        """Whether a new token for this user, through this app, is given and then admitted."""
        held = self.users.get(user, [])
        known, limited = self.apps[app], bool(self.switches and self.switches[ALL_USERS])
        has_bypass = any((USE_ANY_API_CLIENT, holder) in self.bypass for holder in held)
        has_grant = any((app, holder) in self.grants for holder in held)
        if known.action == "Block":
            return False
        if (known.approved or limited) and not (has_grant or has_bypass):
            return False
        return known.approved or (user, app) in self.consented or limited

    def live(self) -> LiveAccess:
        parents = {
            holder: self.parents.get(holder) or Parent(f"0PS-{holder.kind}-{holder.name}")
            for holder in self.holders()
        }
        rescuers = tuple(
            user
            for user, held in sorted(self.users.items())
            if user != self.own_user
            and any((USE_ANY_API_CLIENT, holder) in self.bypass for holder in held)
        )
        return LiveAccess(
            TARGET,
            tuple(self._resources(parents)),
            frozenset(ACCESS_LISTS),
            identity=Identity("0055g000003XyZaAAK", self.own_user, self.own_app),
            is_activated=self.switches is not None,
            parents=parents,
            assignments=tuple(
                Assignment(parents[holder].id, self.expires.get((self.own_user, holder), ""))
                for holder in self.users.get(self.own_user, [])
            ),
            rescuers=rescuers,
        )

    def _resources(self, parents: dict[Holder, Parent]) -> Iterable[Resource]:
        for name, is_on in (self.switches or {}).items():
            value = {"enabled": is_on}
            yield Resource(ResourceKey(SETTINGS, "", name), value, value, id=name)
        for name, app in self.apps.items():
            policy = {
                "adminApproved": app.approved,
                "ipRelaxation": app.ip,
                "refreshToken": app.refresh,
            }
            more = {"fullName": app.full_name, "policyAction": app.action}
            key = ResourceKey(APPS, app.kind, name)
            yield Resource(key, policy | more, policy, id=f"0H4-{name}")
        for name, holder in sorted(self.grants):
            key = ResourceKey(GRANTS, holder.kind, name, holder.name)
            settings = {"parentId": parents[holder].id, "appId": f"0H4-{name}"}
            yield Resource(key, settings, {}, id=f"0J0-{name}-{holder.kind}-{holder.name}")
        for permission, holder in sorted(self.bypass):
            key = ResourceKey(BYPASS, holder.kind, permission, holder.name)
            parent = parents[holder].id
            yield Resource(key, {"parentId": parent}, {}, id=f"{parent}/{permission}")

    def do(self, step: Step) -> None:
        """Carries one step out."""
        self.change(step.live, step.desired)

    def change(self, live: Resource | None, desired: Resource | None) -> None:
        """Makes one resource what is desired."""
        resource = desired or live
        assert resource is not None
        key = resource.key
        match key.list:
            case "settings":
                assert self.switches is not None and desired
                self.switches[key.type] = bool(desired.canonical["enabled"])
            case "apps":
                assert desired
                self.set_policy(key.type, desired.canonical)
            case "grants" | "bypass":
                rows = self.grants if key.list == GRANTS else self.bypass
                row = (key.type, Holder(key.group, key.name))
                if desired:
                    rows.add(row)
                else:
                    rows.discard(row)

    def set_policy(self, name: str, policy: Any) -> None:
        app = self.apps[name]
        self.apps[name] = replace(
            app,
            approved=policy.get("adminApproved", app.approved),
            ip=policy.get("ipRelaxation", app.ip),
            refresh=policy.get("refreshToken", app.refresh),
        )


def an_org(**changes: Any) -> Org:
    """An org in which nothing is limited: this tool's app is granted to its user and not yet
    admin-approved, and an administrator may use any API client."""
    values: dict[str, Any] = {
        "grants": {(OWN_APP, OWN_SET)},
        "bypass": {(USE_ANY_API_CLIENT, BREAK_GLASS)},
        "users": {OWN_USER: [OWN_SET], "admin@acme.example.uat": [BREAK_GLASS]},
        "consented": {(OWN_USER, OWN_APP)},
    }
    return Org(**(values | changes))


def a_switch(name: str, *, on: bool) -> Resource:
    return Resource(ResourceKey(SETTINGS, "", name), {"enabled": on}, {"enabled": on})


def an_app(name: str, kind: str = CONNECTED_APP, **policy: Any) -> Resource:
    return Resource(ResourceKey(APPS, kind, name), policy, policy)


def a_grant(app: str, holder: Holder, kind: str = CONNECTED_APP) -> Resource:
    return Resource(ResourceKey(GRANTS, holder.kind, app, holder.name), {"appKind": kind}, {})


def a_bypass(holder: Holder, permission: str = USE_ANY_API_CLIENT) -> Resource:
    return Resource(ResourceKey(BYPASS, holder.kind, permission, holder.name), {}, {})


def wanted(*resources: Resource, **changes: Any) -> DesiredAccess:
    """What the files say. Apps with a grant have theirs managed, and nobody else may have one."""
    named = {one.key.type for one in resources if one.key.list == GRANTS}
    granted = frozenset(changes.pop("granted", named))
    values: dict[str, Any] = {
        "managed": frozenset(one.key.list for one in resources),
        "platform": "salesforce",
        "self_app": OWN_APP,
        "self_user": OWN_USER,
        "granted": granted,
        "exact": granted,
        "bypassed": frozenset(one.key.type for one in resources if one.key.list == BYPASS),
    }
    return DesiredAccess(ADDRESS, TARGET, tuple(resources), **(values | changes))


def own(*, approved: bool | None = True) -> tuple[Resource, ...]:
    """This tool's own app and its grant, as any sound file has them."""
    policy: dict[str, Any] = {} if approved is None else {"adminApproved": approved}
    return an_app(OWN_APP, **policy), a_grant(OWN_APP, OWN_SET)
