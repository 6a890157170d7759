"""(desired, live) API Access Control -> what to change, in the one order that is safe. Pure.

Declared grants come first, then apps are narrowed one by one, this tool's own last, then the
switches go on, the one for all users last, then surplus grants and bypasses go, and what loosens
comes at the end: so nobody who is to keep his access is without it in between (facts, section 10).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from reconciler.core import access_effect as effect
from reconciler.core.access import (
    ADMIN_APPROVED,
    ALL_USERS,
    CONNECTED_APP,
    DENY_GRANTS,
    EXTERNAL_CLIENT_APP,
    NARROW,
    PERMISSION_SET,
    DesiredAccess,
    Holder,
    LiveAccess,
    holder_of,
)
from reconciler.core.diff import Action, Change, FieldChange, Step, UnitDiff, Unmanaged
from reconciler.core.effect import STRENGTHENS, Effect, Judged
from reconciler.core.model import (
    APPS,
    BYPASS,
    GRANTS,
    SETTINGS,
    Resource,
    ResourceKey,
    Source,
)
from reconciler.errors import Problem

_GRANT, _NARROW, _SWITCH, _UNDO, _SURPLUS_GRANT, _SURPLUS_BYPASS, _LOOSEN = range(7)
_NAMES = {CONNECTED_APP: "connected app", EXTERNAL_CLIENT_APP: "external client app"}


def diff_access(desired: DesiredAccess, live: LiveAccess) -> UnitDiff:
    """Everything that makes the org what the files say, in the order in which to do it."""
    found = _Comparison(desired, live)
    problems = tuple(found.problems())
    pairs = tuple(found.pairs())
    updates = list(found.updates(pairs))
    creates = list(found.creates())
    deletes, unmanaged = found.surplus()
    steps = [*creates, *updates, *found.narrowed(), *map(found.delete, deletes)]
    return UnitDiff(
        desired,
        live,
        tuple(sorted(steps, key=lambda step: _rank(desired, step))),
        tuple(unmanaged),
        len(pairs) - len(updates),
        problems,
        (*live.warnings, *found.warnings()),
        paired=pairs,
    )


def _rank(desired: DesiredAccess, step: Step) -> tuple[int, int, str]:
    """The stage of a step, then its place there: the tool's own app, and the switch for all users,
    come last; of switches that go off the one for all users comes first."""
    key, change = _key(step), step.change
    is_weaker = change.effect is Effect.WEAKENS
    place = 0
    match key.list, change.action:
        case ("grants", Action.CREATE):
            stage = _GRANT
        case ("grants", _):
            stage = _SURPLUS_GRANT
        case ("settings", _):
            stage = _LOOSEN if is_weaker else _SWITCH
            place = int((key.type == ALL_USERS) is not is_weaker)
        case ("apps", _):
            stage = _NARROW if _narrows(step) or not is_weaker else _LOOSEN
            place = 2 if is_weaker and stage == _LOOSEN else int(key.type == desired.self_app)
        case _:
            stage = _SURPLUS_BYPASS if change.action is Action.DELETE else _LOOSEN
            place = 3
    if desired.goes_back and stage == _LOOSEN:
        # Whoever reached the org before the limit keeps doing so when its grants go (facts, 10).
        stage = _GRANT if change.action is Action.CREATE else _UNDO
    return stage, place, change.address


def _narrows(step: Step) -> bool:
    """Whether an app becomes admin-approved: whatever else the step does, the switch waits."""
    return any(field.path == ADMIN_APPROVED and field.desired for field in step.change.fields)


def _key(step: Step) -> ResourceKey:
    resource = step.desired or step.live
    assert resource is not None
    return resource.key


@dataclass(frozen=True, slots=True)
class _Comparison:
    desired: DesiredAccess
    live: LiveAccess

    def pairs(self) -> Iterator[tuple[Resource, Resource]]:
        """Each desired resource with the live one that it is."""
        held: dict[ResourceKey, list[Resource]] = {}
        for one in self.live.resources:
            held.setdefault(one.key, []).append(one)
        for ours in self.desired.resources:
            theirs = held.get(ours.key, ())
            # What is there twice under one name is said, never guessed.
            if len(theirs) == 1 or (theirs and ours.key.list != APPS):
                yield ours, theirs[0]

    def updates(self, pairs: Iterable[tuple[Resource, Resource]]) -> Iterator[Step]:
        for ours, theirs in pairs:
            fields = tuple(
                FieldChange(name, theirs.canonical.get(name), value)
                for name, value in sorted(ours.canonical.items())
                if theirs.canonical.get(name) != value
            )
            if not fields:
                continue
            if ours.key.list == SETTINGS:
                judged = effect.of_switch(ours.key.type, on=bool(ours.canonical["enabled"]))
            else:
                judged = effect.of_policy(theirs.canonical, ours.canonical)
            change = self._change(ours, Action.UPDATE, fields, judged)
            yield Step(change, theirs, ours)

    def creates(self) -> Iterator[Step]:
        there = {one.key for one in self.live.resources}
        for ours in self.desired.resources:
            if ours.key in there or ours.key.list not in (GRANTS, BYPASS):
                continue
            parent = self.live.parents.get(holder_of(ours))
            if parent is None or self._is_unread(ours):
                continue
            if ours.key.list == BYPASS:
                made = replace(ours, settings={"parentId": parent.id})
                judged = effect.of_bypass(ours)
            else:
                app = self._app_of(ours)
                if app is None:
                    continue
                made = replace(ours, settings={"parentId": parent.id, "appId": app.id})
                judged = effect.of_grant(ours, is_open=self._is_open(app))
            fields = (FieldChange(ours.key.group, None, ours.key.name),)
            yield Step(self._change(ours, Action.CREATE, fields, judged), None, made)

    def _is_open(self, app: Resource) -> bool:
        is_limited = self.live.switch(ALL_USERS)
        return not (app.canonical.get(ADMIN_APPROVED) or is_limited)

    def _app_of(self, grant: Resource) -> Resource | None:
        return self.live.app(str(grant.settings["appKind"]), grant.key.type)

    def surplus(self) -> tuple[list[Resource], list[Unmanaged]]:
        """Live resources that no file names: those to delete, and those to leave alone."""
        named = {one.key for one in self.desired.resources}
        deletes: list[Resource] = []
        unmanaged: list[Unmanaged] = []
        for one in self.live.resources:
            if one.key in named or one.key.list == SETTINGS:
                continue
            if self._is_surplus(one):
                deletes.append(one)
            elif not (one.key.list == APPS and self._is_narrowed(one)):
                unmanaged.append(Unmanaged(self._address(one), "salesforce", one.key.kind))
        return deletes, unmanaged

    def _is_surplus(self, live: Resource) -> bool:
        if live.key.list == BYPASS:
            return live.key.type in self.desired.bypassed
        if live.key.list != GRANTS:
            return False
        if live.key.type in self._listed():
            return live.key.type in self.desired.exact
        return self.desired.unlisted == DENY_GRANTS

    def _listed(self) -> frozenset[str]:
        return frozenset(one.key.type for one in self.desired.of(APPS))

    def _is_narrowed(self, live: Resource) -> bool:
        is_listed = live.key.type in self._listed()
        return self.desired.unlisted == NARROW and not is_listed and _is_changeable(live)

    def narrowed(self) -> Iterator[Step]:
        """Apps that no file names and that every user may authorize by himself."""
        for app in self.live.of(APPS):
            if self._is_narrowed(app) and not app.canonical.get(ADMIN_APPROVED):
                wanted = replace(app, settings={ADMIN_APPROVED: True}, canonical={}, id="")
                wanted = replace(wanted, canonical=wanted.settings)
                fields = (FieldChange(ADMIN_APPROVED, False, True),)
                yield Step(self._change(app, Action.UPDATE, fields, STRENGTHENS), app, wanted)

    def delete(self, live: Resource) -> Step:
        fields = (FieldChange(live.key.group, live.key.name, None),)
        return Step(self._change(live, Action.DELETE, fields, STRENGTHENS), live)

    def problems(self) -> Iterator[Problem]:
        """What the files name and the org does not have."""
        for app in self.desired.of(APPS):
            yield from self._missing_app(app)
        for one in (*self.desired.of(GRANTS), *self.desired.of(BYPASS)):
            yield from self._missing_holder(one)

    def _missing_app(self, app: Resource) -> Iterator[Problem]:
        kind, name = app.key.group, app.key.type
        named = [one for one in self.live.of(APPS) if one.key.type == name]
        found = [one for one in named if one.key.group == kind]
        words = _NAMES[kind]
        if len(named) > 1:
            ids = ", ".join(one.id for one in named)
            message = f"{len(named)} apps are named {name!r} ({ids})"
            yield _problem(app, message, "rename all but one of them in Setup")
        elif kind == EXTERNAL_CLIENT_APP and not self.live.sees_external:
            message = f"{name!r}: this login cannot see external client apps"
            hint = "give its user View all External Client Apps and their settings"
            yield _problem(app, message, hint)
        elif not found:
            others = [one.key.type for one in self.live.of(APPS) if one.key.group == kind]
            hint = _near(name, others) or (
                "install it first: Setup > Connected Apps OAuth Usage > Install"
                if kind == CONNECTED_APP
                else "make or install it first: Setup > External Client App Manager"
            )
            yield _problem(app, f"no {words} is named {name!r} in this org", hint)
        elif found and app.canonical and not _is_changeable(found[0]) and _differs(app, found[0]):
            message = f"the policy of {name!r} cannot be changed by an API, nor seen as a whole"
            hint = "change it in Setup > Connected Apps > Manage Connected Apps, or leave it out"
            yield _problem(app, message, hint)

    def _missing_holder(self, one: Resource) -> Iterator[Problem]:
        holder = holder_of(one)
        parent = self.live.parents.get(holder)
        if parent is None:
            others = [each.name for each in self.live.parents if each.kind == holder.kind]
            hint = _near(holder.name, others) or f"make the {_words(holder)} in the org first"
            yield _problem(one, f"there is no {holder} in this org", hint)
        elif one.key.list == BYPASS and self._is_unread(one):
            message = f"who holds {one.key.type} cannot be seen in this org"
            yield _problem(one, message, f"leave {one.key.type} out of bypass")
        elif parent.is_managed and not self._has(one.key):
            message = f"the {holder} belongs to a package, and takes no more apps or permissions"
            yield _problem(one, message, "use a permission set of the org itself")

    def _has(self, key: ResourceKey) -> bool:
        return any(one.key == key for one in self.live.resources)

    def _is_unread(self, one: Resource) -> bool:
        return one.key.list == BYPASS and one.key.type in self.live.unread

    def warnings(self) -> Iterator[str]:
        for one in self.desired.of(SETTINGS):
            if self.live.switch(one.key.type) is None and not one.canonical["enabled"]:
                yield (
                    f"{self._address(one)}: Salesforce Support has not activated API Access "
                    "Control in this org, so there is nothing to switch off"
                )
        for permission in sorted(self.desired.bypassed & self.live.unread):
            yield f"{self.desired.address}/bypass:{permission}: its holders cannot be seen"
        for holder in sorted({holder_of(one) for one in self.desired.of(GRANTS)}):
            parent = self.live.parents.get(holder)
            if parent and parent.is_session_based:
                yield (
                    f"{self.desired.address}: the {holder} counts only once it is activated in a "
                    "session, which no integration does"
                )
        for app in self.live.of(APPS):
            if self._wants_narrow(app):
                yield (
                    f"{self._address(app)}: every user may authorize it by himself, and only "
                    "Setup > Connected Apps > Manage Connected Apps can change that"
                )

    def _wants_narrow(self, app: Resource) -> bool:
        """Whether it is to be narrowed, is not, and no API can do it."""
        is_unlisted = self.desired.unlisted == NARROW and app.key.type not in self._listed()
        return is_unlisted and not _is_changeable(app) and not app.canonical.get(ADMIN_APPROVED)

    def _change(
        self,
        resource: Resource,
        action: Action,
        fields: Sequence[FieldChange],
        judged: Judged,
    ) -> Change:
        return Change(
            self._address(resource),
            self.desired.platform,
            resource.key.kind,
            action,
            tuple(fields),
            resource.source or self._source_of(resource),
            judged.effect,
            judged.why,
        )

    def _source_of(self, live: Resource) -> Source | None:
        """Of what goes: the app that the files name."""
        for app in self.desired.of(APPS):
            if live.key.list == GRANTS and app.key.type == live.key.type:
                return app.source
        return self.desired.source

    def _address(self, resource: Resource) -> str:
        segment = resource.key.segment
        same = [one for one in self.live.resources if one.key.segment == segment]
        if resource.id and len(same) > 1:
            segment = f"{segment}@{resource.id}"
        return f"{self.desired.address}/{segment}"


def _is_changeable(app: Resource) -> bool:
    """Whether an API can change its policy: only one that has a name in the metadata."""
    return bool(app.settings.get("fullName"))


def _differs(ours: Resource, theirs: Resource) -> bool:
    return any(theirs.canonical.get(name) != value for name, value in ours.canonical.items())


def _words(holder: Holder) -> str:
    return "permission set" if holder.kind == PERMISSION_SET else "profile"


def _near(name: str, others: Sequence[str]) -> str:
    folded = {other.lower(): other for other in others}
    near = [folded[key] for key in get_close_matches(name.lower(), folded, 3, 0.6)]
    return f"did you mean {' or '.join(map(repr, near))}?" if near else ""


def _problem(resource: Resource, message: str, hint: str) -> Problem:
    source = resource.source or Source("")
    return Problem(source.file, source.line, source.column, resource.key.segment, message, hint)
