"""What rows of an org's setup trail tell of each change of API Access Control. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.access import LiveAccess, holder_of
from reconciler.core.diff import Action, ChangedBy, Step, UnitDiff
from reconciler.core.trail import Deed, Name, Sought, Trail, TrailEntry

_APP, _HOLDER, _SWITCH = "app", "holder", "switch"
_ANY_SWITCH = (_SWITCH, "")
_SWITCHES = ("ConnectedAppSettings", "API Access Control")
"""What holds the switches, as a component and as a page of Setup."""

_ABOUT_APPS = frozenset(("app", "apps", "application", "applications", "oauth"))
_ABOUT_HOLDERS = frozenset(("permission", "permissions", "perm", "profile", "profiles"))
_ABOUT_SWITCHES = _ABOUT_APPS | {"api"}

_DEEDS = {Action.CREATE: Deed.REMOVED, Action.DELETE: Deed.ADDED, Action.UPDATE: Deed.CHANGED}
"""What somebody did whose change is to be undone."""


def authors(
    diff: UnitDiff, entries: Iterable[TrailEntry], *, own_since: str = ""
) -> list[tuple[ChangedBy, ...]]:
    """For each step who may have made live what it is; see `Trail.authors`."""
    own = diff.live.identity.username if isinstance(diff.live, LiveAccess) else ""
    trail = Trail(entries, _names(diff), own)
    return [trail.authors(_sought(step), own_since=own_since) for step in diff.steps]


def _names(diff: UnitDiff) -> dict[str, Name]:
    """Everything that a row could name, by each way of writing it."""
    found = dict.fromkeys(_SWITCHES, _ANY_SWITCH)
    for one in (*diff.live.resources, *diff.desired.resources):
        match one.key.list:
            case "settings":
                texts = [one.key.type, one.id]
                name = (_SWITCH, one.key.type)
            case "apps":
                told = (one.settings.get("fullName"), one.settings.get("developerName"))
                texts = [one.key.type, *(str(text) for text in told if text)]
                name = (_APP, one.key.type)
            case _:
                holder = holder_of(one).name
                texts = [holder, holder.rpartition("__")[2]]
                name = (_HOLDER, holder)
        for text in texts:
            # A file does not know how the service calls it.
            found.setdefault(text, name)
    return found


def _sought(step: Step) -> Sought:
    resource = step.live or step.desired
    assert resource is not None
    key = resource.key
    app, holder = (_APP, key.type), (_HOLDER, key.name)
    match key.list:
        case "settings":
            switch = (_SWITCH, key.type)
            return Sought(switch, is_last=True, loosely=_ANY_SWITCH, about=_ABOUT_SWITCHES)
        case "apps":
            return Sought(app, about=_ABOUT_APPS)
        case "grants":
            deed = _DEEDS[step.change.action]
            return Sought(app, holder, deed, is_last=True, about=_ABOUT_APPS)
        case _:
            return Sought(holder, about=_ABOUT_HOLDERS)
