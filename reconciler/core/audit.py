"""The review of an org's API access: each app, whom it reaches, and what is wrong with it. Pure.

(desired, live, what the files say of owners and days, use, who holds what) -> apps and findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from reconciler.core.access import (
    ADMIN_APPROVED,
    ALL_USERS,
    APPROVE_UNINSTALLED,
    IP_RELAXATION,
    PROFILE,
    REFRESH_TOKEN,
    USE_ANY_API_CLIENT,
    DesiredAccess,
    Holder,
    LiveAccess,
    holder_of,
)
from reconciler.core.model import APPS, BYPASS, GRANTS, Resource, Source
from reconciler.core.use import Usage, Use

OVERDUE, WARNING, NOTE = "overdue", "warning", "note"
SEVERITIES = (OVERDUE, WARNING, NOTE)
ADMINISTRATORS = Holder(PROFILE, "System Administrator")
_BYPASSES = {
    USE_ANY_API_CLIENT: "Use Any API Client",
    APPROVE_UNINSTALLED: "Approve Uninstalled Connected Apps",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What the files say of an app besides its policy. review_by: a day, or empty."""

    owner: str = ""
    reason: str = ""
    review_by: str = ""
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """A holder and how many active users he stands for; None where that cannot be seen."""

    holder: Holder
    users: int | None


@dataclass(frozen=True, slots=True)
class AppReview:
    """One app. said: None where no file names it. users: all active ones that its grants reach,
    each counted once. used_by, uses, last_used: of what the org tells of its use."""

    name: str
    kind: str
    said: Said | None
    is_installed: bool
    admin_approved: bool
    ip_relaxation: str
    refresh_token: str
    is_blocked: bool
    grants: tuple[Reach, ...] = ()
    users: int | None = 0
    used_by: int = 0
    uses: int = 0
    last_used: str = ""


@dataclass(frozen=True, slots=True)
class BypassReview:
    """A holder who gets around the limits; permission: as Setup shows it."""

    permission: str
    reach: Reach


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at. code: stable, for scripts. subject: an app, a holder, or nothing."""

    severity: str
    code: str
    subject: str
    message: str
    hint: str = ""
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """The review of one org."""

    address: str
    apps: tuple[AppReview, ...]
    bypasses: tuple[BypassReview, ...]
    findings: tuple[Finding, ...]

    def of(self, severity: str) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.severity == severity)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a review is made from.

    said: by the name of the app. holders: ids of active users by the id of a permission set, or
    None where that cannot be seen. profiles: how many the org has, None where that cannot be seen.
    unused_days: after so many days without use an app counts as unused; `usage` goes that far back.
    """

    desired: DesiredAccess
    live: LiveAccess
    said: Mapping[str, Said]
    usage: Usage
    holders: Mapping[str, frozenset[str]] | None
    profiles: int | None
    today: date
    unused_days: int = 90


def review(found: Evidence) -> Review:
    """Every app of the org or its files, in order of name, and everything there is to say."""
    apps = tuple(sorted(_apps(found), key=lambda one: (one.name.casefold(), one.name, one.kind)))
    bypasses = tuple(_bypasses(found))
    findings = [one for app in apps for one in _of_app(found, app)]
    findings += [*_of_bypasses(bypasses), *_unseen(found)]
    ranked = sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), one.subject))
    return Review(str(found.desired.address), apps, bypasses, tuple(ranked))


def _apps(found: Evidence) -> Iterator[AppReview]:
    live = found.live.of(APPS)
    for app in live:
        yield _installed(found, app)
    ids, names = {app.id for app in live}, {app.key.type for app in live}
    used: dict[str, list[Use]] = {}
    for use in found.usage.uses:
        if use.app_id not in ids and use.app not in names:
            used.setdefault(use.app, []).append(use)
    for name, uses in used.items():
        said = found.said.get(name)
        empty = AppReview(name, "", said, False, False, "", "", False)
        yield _with_use(empty, uses)
    for name in found.said.keys() - names - used.keys():
        yield AppReview(name, "", found.said[name], False, False, "", "", False)


def _installed(found: Evidence, app: Resource) -> AppReview:
    name = app.key.type
    parents = [
        (holder_of(one), str(one.settings["parentId"]))
        for one in found.live.of(GRANTS)
        if one.key.type == name and one.settings["appId"] == app.id
    ]
    made = AppReview(
        name,
        app.key.group,
        found.said.get(name),
        True,
        bool(app.canonical.get(ADMIN_APPROVED)),
        str(app.canonical.get(IP_RELAXATION) or ""),
        str(app.canonical.get(REFRESH_TOKEN) or ""),
        app.settings.get("policyAction") == "Block",
        tuple(Reach(holder, _count(found, [id])) for holder, id in sorted(parents)),
        _count(found, [id for _, id in parents]),
    )
    # A label may be that of several apps; the id tells which, where it is there.
    uses = [use for use in found.usage.uses if (use.app_id or app.id) == app.id and use.app == name]
    return _with_use(made, uses)


def _with_use(app: AppReview, uses: Iterable[Use]) -> AppReview:
    uses = list(uses)
    return replace(
        app,
        used_by=len({use.user for use in uses}),
        uses=sum(use.count for use in uses),
        last_used=max((use.last for use in uses), default=""),
    )


def _count(found: Evidence, parents: Iterable[str]) -> int | None:
    if found.holders is None:
        return None
    return len({user for id in parents for user in found.holders.get(id, ())})


def _bypasses(found: Evidence) -> Iterator[BypassReview]:
    rows = [one for one in found.live.of(BYPASS) if one.key.type in _BYPASSES]
    for one in sorted(rows, key=lambda each: (each.key.type, holder_of(each))):
        reach = Reach(holder_of(one), _count(found, [str(one.settings["parentId"])]))
        yield BypassReview(_BYPASSES[one.key.type], reach)


def _of_app(found: Evidence, app: AppReview) -> Iterator[Finding]:
    yield from _of_said(found, app)
    if not app.is_installed:
        yield from _not_installed(app)
        return
    if app.said is None:
        hint = "declare it in apps, with its owner and reason"
        yield Finding(NOTE, "unlisted", app.name, "no file names it", hint)
    if not app.admin_approved and not found.live.switch(ALL_USERS) and not app.is_blocked:
        message = "every user may authorize it by himself"
        hint = "declare it with adminApproved: true"
        yield _finding(WARNING, "self-authorize", app, message, hint)
    yield from _too_broad(found, app)
    yield from _unused(found, app)
    if app.grants and app.users == 0:
        message = "its grants reach no active user"
        yield _finding(
            NOTE, "reaches-nobody", app, message, "assign the permission set, or drop it"
        )


def _of_said(found: Evidence, app: AppReview) -> Iterator[Finding]:
    said = app.said
    if said is None:
        return
    if said.review_by and said.review_by < found.today.isoformat():
        owner = f" ({said.owner})" if said.owner else ""
        message = f"its review was due on {said.review_by}{owner}"
        yield _finding(OVERDUE, "review-overdue", app, message, "review it, and set reviewBy anew")
    wanted = (("owner", said.owner), ("reason", said.reason), ("reviewBy", said.review_by))
    missing = [name for name, value in wanted if not value]
    if missing:
        message = f"the files give no {', '.join(missing)}"
        yield _finding(NOTE, "undocumented", app, message, "write it beside the app")


def _not_installed(app: AppReview) -> Iterator[Finding]:
    hint = "install it (Setup > Connected Apps OAuth Usage > Install) and declare it, or block it"
    if app.used_by:
        users = "1 user" if app.used_by == 1 else f"{app.used_by} users"
        message = f"it is not installed, and {users} used it"
        yield _finding(WARNING, "used-not-installed", app, message, hint)
    else:
        message = "the files name it, and the org does not have it"
        yield _finding(WARNING, "missing", app, message, "install it, or drop it from the files")


def _too_broad(found: Evidence, app: AppReview) -> Iterator[Finding]:
    holders = {one.holder for one in app.grants}
    if ADMINISTRATORS in holders:
        message = f"it is granted to the {ADMINISTRATORS}"
        hint = "grant it to a permission set of the users who need it"
        yield _finding(WARNING, "granted-to-administrators", app, message, hint)
    profiles = sum(one.kind == PROFILE for one in holders)
    if found.profiles and found.profiles > 1 and profiles >= found.profiles:
        message = f"it is granted to all {found.profiles} profiles"
        hint = "grant it to a permission set of the users who need it"
        yield _finding(WARNING, "granted-to-all-profiles", app, message, hint)


def _unused(found: Evidence, app: AppReview) -> Iterator[Finding]:
    """Where the org tells all use there was."""
    is_reachable = bool(app.grants) or not app.admin_approved
    before = (found.today - timedelta(days=found.unused_days)).isoformat()
    if not is_reachable or not found.usage.is_complete or app.last_used >= before:
        return
    last = f"last on {app.last_used[:10]}" if app.last_used else "as far as the org remembers"
    message = f"nobody used it in {found.unused_days} days ({last})"
    yield _finding(WARNING, "unused", app, message, "take its grants back, or remove it")


def _of_bypasses(bypasses: Iterable[BypassReview]) -> Iterator[Finding]:
    for one in bypasses:
        count = one.reach.users
        users = "users that cannot be counted" if count is None else f"{count} active user"
        users += "" if count in (None, 1) else "s"
        message = f"has {one.permission}, with {users}"
        severity = WARNING if one.reach.holder.kind == PROFILE else NOTE
        yield Finding(severity, "bypass", str(one.reach.holder), message)


def _unseen(found: Evidence) -> Iterator[Finding]:
    for text in found.usage.unseen:
        yield Finding(WARNING, "cannot-see", "", f"cannot see {text}")
    if found.holders is None:
        text = (
            "who holds which permission sets (give the login's user View Setup and Configuration)"
        )
        yield Finding(WARNING, "cannot-see", "", f"cannot see {text}")
    for permission in sorted(found.live.unread):
        text = f"who has {_BYPASSES.get(permission, permission)}"
        yield Finding(WARNING, "cannot-see", "", f"cannot see {text}")


def _finding(severity: str, code: str, app: AppReview, message: str, hint: str = "") -> Finding:
    source = app.said.source if app.said else None
    return Finding(severity, code, app.name, message, hint, source)
