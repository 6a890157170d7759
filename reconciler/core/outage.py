"""Who uses an app today and would not get in with it after a plan. Pure.

Only what narrows can do that: an app that becomes admin-approved, a switch that goes on, a grant
or a bypass that goes. The steps are played through in their order on what is live, for everybody
who used an app of late (facts, sections 1 and 11).
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from reconciler.core.access import (
    ADMIN_APPROVED,
    ALL_USERS,
    CONNECTED_APP,
    EXTERNAL_USERS,
    USE_ANY_API_CLIENT,
    DesiredAccess,
    LiveAccess,
)
from reconciler.core.diff import Action, Step
from reconciler.core.model import APPS, BYPASS, GRANTS, SETTINGS, Resource
from reconciler.core.use import Use

_NOT_INSTALLED = ""
"""In the place of the id of an app that the org has no row of."""


@dataclass(frozen=True, slots=True, order=True)
class Outage:
    """That a plan takes an app from users who use it.

    address: of the first change that does. users: their usernames, in order. count and last: as of
    `Use`, of all of them. is_accepted: somebody said that this is meant. unseen: what of the use
    cannot be seen; there is no app then, and `address` is that of the unit.
    """

    address: str
    app: str
    users: tuple[str, ...] = ()
    count: int = 0
    last: str = ""
    is_installed: bool = True
    is_accepted: bool = False
    unseen: str = ""


def is_accepted(app: str, accepted: Iterable[str]) -> bool:
    """Whether a glob of `accepted` names the app; for use that cannot be seen (`app` is empty
    then) only one that names every app."""
    return any(
        glob == "*" or (app and (glob == app or fnmatchcase(app, glob))) for glob in accepted
    )


def narrows(steps: Iterable[Step]) -> bool:
    """Whether any of the steps can take an app from somebody."""
    return any(map(_narrows, steps))


def _narrows(step: Step) -> bool:
    key = _resource(step).key
    match key.list, step.change.action:
        case ("settings", _):
            return bool(step.desired and step.desired.canonical["enabled"])
        case ("apps", _):
            return bool(step.desired and step.desired.canonical.get(ADMIN_APPROVED))
        case (_, action):
            return action is Action.DELETE


def _resource(step: Step) -> Resource:
    resource = step.desired or step.live
    assert resource is not None
    return resource


def sets_in_question(
    live: LiveAccess, steps: Sequence[Step], uses: Iterable[Use]
) -> frozenset[str]:
    """Ids of the permission sets whose holders decide who keeps the apps that are in use."""
    access = _Access.of(live)
    used = {app for use in uses for app in access.apps_of(use)}
    before = {parent for app, parent in access.grants if app in used} | access.bypass
    for step in steps:
        access.take(step)
    after = {parent for app, parent in access.grants if app in used} | access.bypass
    return frozenset(before | after)


def outages(
    desired: DesiredAccess,
    live: LiveAccess,
    steps: Sequence[Step],
    uses: Iterable[Use],
    holders: Mapping[str, Collection[str]],
) -> tuple[Outage, ...]:
    """One for each app that users lose, by its name.

    uses: of the days that matter. holders: ids of users by the sets of `sets_in_question`. The
    use of the tool's own app by its own user is left out: another guard is for that.
    """
    access = _Access.of(live, holders)
    left = [
        (use, app)
        for use in uses
        if use.is_active and not _is_own(desired, use)
        for app in access.apps_of(use)
        if access.reaches(use, app)
    ]
    lost: list[tuple[str, Use, str]] = []
    for step in steps:
        access.take(step)
        if not _narrows(step):
            continue
        kept = []
        for pair in left:
            if access.reaches(*pair):
                kept.append(pair)
            else:
                lost.append((step.change.address, *pair))
        left = kept
    # What a later step opens again is nobody's loss.
    return tuple(_by_app(one for one in lost if not access.reaches(*one[1:])))


def _is_own(desired: DesiredAccess, use: Use) -> bool:
    is_user = use.user.casefold() == desired.self_user.casefold()
    return is_user and use.app == desired.self_app


def _by_app(lost: Iterable[tuple[str, Use, str]]) -> Iterator[Outage]:
    found: dict[str, list[tuple[str, Use, str]]] = {}
    for one in lost:
        found.setdefault(one[1].app, []).append(one)
    for app, each in sorted(found.items()):
        uses = {use for _, use, _ in each}
        yield Outage(
            each[0][0],
            app,
            tuple(sorted({use.user for use in uses})),
            sum(use.count for use in uses),
            max(use.last for use in uses),
            any(id_ != _NOT_INSTALLED for _, _, id_ in each),
        )


@dataclass(slots=True)
class _Access:
    """Who gets in, as steps change it. Apps and sets are ids; approved: the admin approves the
    users of it. widens: the switch for all users goes on in these steps, and whether it then holds
    for external client apps is not known (facts, section 7): the stricter is taken."""

    holders: Mapping[str, Collection[str]]
    names: dict[str, list[str]] = field(default_factory=dict)
    connected: set[str] = field(default_factory=set)
    approved: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)
    grants: set[tuple[str, str]] = field(default_factory=set)
    bypass: set[str] = field(default_factory=set)
    switched: set[str] = field(default_factory=set)
    widens: bool = False

    @classmethod
    def of(cls, live: LiveAccess, holders: Mapping[str, Collection[str]] | None = None) -> _Access:
        made = cls(holders or {})
        for one in live.resources:
            made._hold(one)
        return made

    def _hold(self, one: Resource) -> None:
        match one.key.list:
            case "settings":
                self._switch(one)
            case "apps":
                self.names.setdefault(one.key.type, []).append(one.id)
                self.connected |= {one.id} if one.key.group == CONNECTED_APP else set()
                self.approved |= {one.id} if one.canonical.get(ADMIN_APPROVED) else set()
                self.blocked |= {one.id} if one.settings.get("policyAction") == "Block" else set()
            case "grants":
                self.grants.add(_grant(one))
            case "bypass" if one.key.type == USE_ANY_API_CLIENT:
                self.bypass.add(str(one.settings["parentId"]))

    def _switch(self, one: Resource) -> None:
        if one.canonical["enabled"]:
            self.switched.add(one.key.type)
        else:
            self.switched.discard(one.key.type)

    def take(self, step: Step) -> None:
        """Changes what the step changes."""
        live, desired = step.live, step.desired
        listed = _resource(step).key.list
        if listed == SETTINGS and desired:
            self._switch(desired)
            self.widens = ALL_USERS in self.switched
        elif listed == APPS and live and desired and ADMIN_APPROVED in desired.canonical:
            self.approved.discard(live.id)
            self.approved |= {live.id} if desired.canonical[ADMIN_APPROVED] else set()
        elif listed == GRANTS and desired:
            self.grants.add(_grant(desired))
        elif listed == GRANTS and live:
            self.grants.discard(_grant(live))
        elif listed == BYPASS and _resource(step).key.type == USE_ANY_API_CLIENT:
            parent = {str(_resource(step).settings["parentId"])}
            self.bypass = self.bypass | parent if desired else self.bypass - parent

    def apps_of(self, use: Use) -> list[str]:
        """The app that was used; several where only a name tells, and it is that of several."""
        named = self.names.get(use.app, [])
        if use.app_id and any(use.app_id in ids for ids in self.names.values()):
            return [use.app_id]
        return named or [_NOT_INSTALLED]

    def reaches(self, use: Use, app: str) -> bool:
        """Whether the user gets in with the app that he has authorized once."""
        is_installed = app != _NOT_INSTALLED
        if app in self.blocked:
            return False
        if EXTERNAL_USERS in self.switched and use.is_external and not is_installed:
            return False
        is_closed = app in self.approved or self._is_covered(app)
        return not is_closed or self._is_let_in(use, app)

    def _is_covered(self, app: str) -> bool:
        """Whether the switch for all users holds for the app."""
        is_external = app != _NOT_INSTALLED and app not in self.connected
        return ALL_USERS in self.switched and (self.widens or not is_external)

    def _is_let_in(self, use: Use, app: str) -> bool:
        granting = {parent for granted, parent in self.grants if granted == app} | self.bypass
        return any(use.user_id in self.holders.get(parent, ()) for parent in granting)


def _grant(resource: Resource) -> tuple[str, str]:
    return str(resource.settings["appId"]), str(resource.settings["parentId"])


def refused_outages(found: Iterable[Outage], days: int) -> Iterator[tuple[str, str]]:
    """Address and message of each that nobody has accepted. How much it is used is not said here:
    that changes all the time, and a plan's errors do not."""
    for one in found:
        if one.is_accepted:
            continue
        if one.unseen:
            yield (
                one.address,
                (
                    f"it cannot be seen whether this takes an app from somebody who uses it: "
                    f"{one.unseen} cannot be read; if you know, say --accept-outage"
                ),
            )
            continue
        flag = shlex.quote(f"--accept-outage={one.app}")
        remedy = "grant it to a permission set or profile of theirs (allow: in apps)"
        if not one.is_installed:
            remedy = "install it (Setup > Connected Apps OAuth Usage > Install) and declare it"
        yield (
            one.address,
            (
                f"it takes {one.app!r} from users who used it in the last {days} "
                f"{'day' if days == 1 else 'days'}: {remedy}; if that is meant, say {flag}"
            ),
        )
