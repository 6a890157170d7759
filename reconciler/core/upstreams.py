"""Outbound policies and the upstreams that they act on. Pure.

Files name an upstream by label or by URI, and may name several in one entry; the service may hold
a policy of its own for each (facts, section 6.10). Both are settled in what is desired, before it
is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.core.model import OUTBOUND, DesiredUnit, LiveUnit, Resource, Source
from reconciler.core.redact import holds_password, without_password
from reconciler.errors import Problem

Upstreams = Mapping[str, tuple[str | None, str]]
"""Label and URI of each upstream by its id."""


def find_upstream(name: str, upstreams: Upstreams) -> str | None:
    """The id of the one upstream with this label, else with this URI, else with this id."""
    by_label = [each for each, (label, _) in upstreams.items() if label == name]
    by_uri = [each for each, (_, uri) in upstreams.items() if uri == name]
    found = by_label or by_uri
    if len(found) == 1:
        return found[0]
    return name if name in upstreams else None


def upstream_name(upstream_id: str, upstreams: Upstreams) -> str:
    """How an upstream is shown: its label, else its URI, else (where neither is its own, or the
    URI holds a password) its id."""
    label, uri = upstreams.get(upstream_id, (None, ""))
    names = [name for name in (label, uri) if name and not holds_password(name)]
    return next((n for n in names if find_upstream(n, upstreams) == upstream_id), upstream_id)


def settle_upstreams(desired: DesiredUnit, live: LiveUnit) -> DesiredUnit:
    """The desired unit with upstreams named as live names them, and each outbound policy divided
    as the service divides it."""
    if not any(resource.key.list == OUTBOUND for resource in desired.resources):
        return desired
    resources = [part for resource in desired.resources for part in _settled(resource, live)]
    return replace(desired, resources=tuple(resources))


def _settled(resource: Resource, live: LiveUnit) -> list[Resource]:
    if resource.key.list != OUTBOUND:
        return [resource]
    wanted = {_shown(name, live.upstreams) for name in resource.canonical.get("upstreams") or ()}
    parts = _parts(wanted, [theirs for theirs in live.resources if _may_be(resource, theirs)])
    canonical = {**resource.canonical, "upstreams": sorted(wanted)}
    if len(parts) == 1:
        return [replace(resource, canonical=canonical)]
    return [_part(resource, sorted(part)) for part in parts]


def _shown(name: str, upstreams: Upstreams) -> str:
    found = find_upstream(name, upstreams)
    return name if found is None else upstream_name(found, upstreams)


def _may_be(resource: Resource, live: Resource) -> bool:
    ours, theirs = resource.key, live.key
    is_same = (ours.list, ours.group, ours.type) == (theirs.list, theirs.group, theirs.type)
    return is_same and not (ours.name and theirs.name and ours.name != theirs.name)


def _parts(wanted: set[str], live: Sequence[Resource]) -> list[set[str]]:
    """The upstreams as live policies hold them, and those that none of them holds."""
    parts = []
    left = set(wanted)
    for resource in live:
        held = set(resource.canonical.get("upstreams") or ())
        if held and held < wanted and held <= left:
            parts.append(held)
            left -= held
    return [*parts, left] if left or not parts else parts


def _part(resource: Resource, names: list[str]) -> Resource:
    return replace(
        resource,
        settings={**resource.settings, "upstreams": names},
        canonical={**resource.canonical, "upstreams": names},
    )


def upstream_problems(resources: Iterable[Resource], live: LiveUnit) -> Iterator[Problem]:
    """A problem for each upstream that the API does not have, or has more than one of."""
    for resource in resources:
        for place, name in enumerate(resource.settings.get("upstreams") or ()):
            if resource.key.list == OUTBOUND and find_upstream(name, live.upstreams) is None:
                yield unknown_upstream(resource, place, name, live.upstreams)


def unknown_upstream(resource: Resource, place: int, name: str, upstreams: Upstreams) -> Problem:
    """The problem of an upstream that is none, with those that there are."""
    has_several = any(name in names for names in upstreams.values())
    what = "several upstreams" if has_several else "no upstream"
    message = f"the API has {what} called {without_password(name)!r}"
    known = ", ".join(sorted(upstream_name(each, upstreams) for each in upstreams))
    hint = f"it has: {known}" if known else "it has none"
    source = resource.source or Source("(no file)")
    path = f"{resource.key.segment}.upstreams[{place}]"
    return Problem(source.file, source.line, source.column, path, message, hint)
