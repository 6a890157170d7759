"""What undoes a run on an org: grants back or gone, policies and switches as they were.

Only what the run did is undone, and only where it is still as the run left it. What this tool gets
in with stays: its own grants, and the pre-authorization of its own app.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.core.access import (
    ADMIN_APPROVED,
    REPORT,
    DesiredAccess,
    LiveAccess,
    Parent,
    holder_of,
)
from reconciler.core.model import (
    ACCESS_LISTS,
    APPS,
    BYPASS,
    GRANTS,
    SETTINGS,
    Resource,
    ResourceKey,
)
from reconciler.run.images import Image
from reconciler.run.past import Write
from reconciler.run.restore import Lost

_OWN_GRANT = "this tool gets in with it"
_OWN_APPROVAL = "its pre-authorization stays, with which this tool signs in"


def to_read(files: DesiredAccess, writes: Sequence[Write]) -> DesiredAccess:
    """What has to be read of an org before a run on it is undone: the policies that it changed,
    and the holders that it took something away from."""
    images = [image for write in writes for image in (write.before, write.after) if image]
    named = {image.key for image in images if image.key.list != SETTINGS}
    return _bare(files, [Resource(key, {}, {}) for key in sorted(named)])


def _bare(files: DesiredAccess, resources: Iterable[Resource]) -> DesiredAccess:
    """Nothing but these, and the app that this tool signs in with."""
    own = [one for one in files.of(APPS) if one.key.type == files.self_app]
    by_key = {one.key: replace(one, settings={}, canonical={}) for one in own}
    by_key |= {one.key: one for one in resources}
    return replace(
        files,
        resources=tuple(by_key.values()),
        managed=frozenset(ACCESS_LISTS),
        granted=frozenset(),
        exact=frozenset(),
        bypassed=frozenset(),
        unlisted=REPORT,
        goes_back=True,
    )


@dataclass(slots=True)
class UndoneAccess:
    """An org on the way to what it was. left: writes that cannot be undone, and why."""

    files: DesiredAccess
    live: LiveAccess
    left: list[tuple[Write, str]] = field(default_factory=list)
    _kept: dict[ResourceKey, Resource] = field(default_factory=dict)
    _back: dict[ResourceKey, Resource] = field(default_factory=dict)
    _thinned: set[tuple[str, str]] = field(default_factory=set)

    def desired(self, writes: Sequence[Write]) -> DesiredAccess:
        """What the org is to become."""
        self._kept = {one.key: one for one in (*self.live.of(GRANTS), *self.live.of(BYPASS))}
        for write in _joined(writes):
            try:
                self._undo(write)
            except Lost as error:
                self.left.append((write, str(error)))
        thinned = {name for listed, name in self._thinned if listed == GRANTS}
        made = _bare(self.files, self._resources(thinned))
        bypassed = frozenset(name for listed, name in self._thinned if listed == BYPASS)
        return replace(
            made, granted=frozenset(thinned), exact=frozenset(thinned), bypassed=bypassed
        )

    def _resources(self, thinned: Iterable[str]) -> Iterator[Resource]:
        """What goes back, and beside what goes everything that stays: else it would go too."""
        for app in self.live.of(APPS):
            if app.key.type in thinned:
                yield Resource(app.key, {}, {})
        kinds = {app.id: app.key.group for app in self.live.of(APPS)}
        for one in self._kept.values():
            if one.key.list == BYPASS and (BYPASS, one.key.type) in self._thinned:
                yield Resource(one.key, {}, {})
            elif (one.key.list, one.key.type) in self._thinned:
                yield Resource(one.key, {"appKind": kinds[str(one.settings["appId"])]}, {})
        yield from self._back.values()

    def _undo(self, write: Write) -> None:
        if write.before is None and write.after:
            self._undo_create(write, write.after)
        elif write.before and write.after:
            self._undo_update(write, write.before, write.after)
        elif write.before:
            self._undo_delete(write.before)

    def _undo_create(self, write: Write, after: Image) -> None:
        live = self._kept.get(after.key)
        if live is None:
            return
        if write.made and live.id != write.made:
            raise Lost(f"there is another one by now (id {live.id})")
        own = {one.parent for one in self.live.assignments}
        is_own = after.key.list == GRANTS and after.key.type == self.files.self_app
        if is_own and live.settings["parentId"] in own:
            raise Lost(_OWN_GRANT)
        del self._kept[after.key]
        self._thinned.add((after.key.list, after.key.type))

    def _undo_delete(self, before: Image) -> None:
        if before.key in self._kept:
            return
        self._parent(before)
        if before.key.list == BYPASS:
            self._back[before.key] = Resource(before.key, {}, {})
            return
        found = [one for one in self.live.of(APPS) if one.id == before.settings["appId"]]
        if not found:
            raise Lost(f"the app {before.key.type!r} is not in the org any more")
        (app,) = found
        if self.live.app(app.key.group, app.key.type) is None:
            raise Lost(f"several apps are named {app.key.type!r} by now")
        key = replace(before.key, type=app.key.type)
        self._back[key] = Resource(key, {"appKind": app.key.group}, {})

    def _parent(self, before: Image) -> Parent:
        """The permission set that it was for; raises Lost where it is not that one any more."""
        holder = holder_of(Resource(before.key, {}, {}))
        parent = self.live.parents.get(holder)
        if parent is None or parent.id != before.settings["parentId"]:
            word = "no" if parent is None else "another"
            raise Lost(f"there is {word} {holder} by now")
        if parent.is_managed:
            raise Lost(f"the {holder} belongs to a package, and takes no more")
        return parent

    def _undo_update(self, write: Write, before: Image, after: Image) -> None:
        live = self._now(before)
        back: dict[str, Any] = {}
        moved = []
        for name, value in after.settings.items():
            was, now = before.settings.get(name), live.canonical.get(name)
            if was in (value, now):
                continue
            if now != value:
                moved.append(name)
            elif was is None:
                raise Lost(f"nobody knows what {name} was")
            else:
                back[name] = was
        if moved:
            raise Lost(f"it was changed since: {', '.join(moved)}")
        if self._is_own_app(before.key) and back.get(ADMIN_APPROVED) is False:
            del back[ADMIN_APPROVED]
            self.left.append((write, _OWN_APPROVAL))
        if back:
            self._back[live.key] = Resource(live.key, back, back)

    def _now(self, before: Image) -> Resource:
        """The switch or app as it is; an app may have another name by now."""
        listed = self.live.of(before.key.list)
        for one in listed:
            if one.id == before.id:
                return one
        raise Lost("it is gone")

    def _is_own_app(self, key: ResourceKey) -> bool:
        return key.list == APPS and key.type == self.files.self_app


def _joined(writes: Sequence[Write]) -> Iterator[Write]:
    """Several writes to one resource as one, from first to last."""
    by_key: dict[ResourceKey, Write] = {}
    for write in writes:
        image = write.before or write.after
        if image is not None:
            first = by_key.get(image.key)
            by_key[image.key] = replace(write, before=first.before) if first else write
    yield from by_key.values()
