"""Which policies of single APIs an automated policy takes the place of. Pure.

The service refuses a policy on an API that an automated one of the same type covers, and switches
off one that was there before (facts, section 8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.model import POLICIES, DesiredUnit, LiveUnit, Resource
from reconciler.core.pairing import pair
from reconciler.errors import Problem

Coordinates = tuple[str, str]
"""Group and asset id."""

_HINT = "remove it from this API, or narrow ruleOfApplication of the automated policy"


@dataclass(frozen=True, slots=True)
class Cover:
    """An automated policy. `is_live`: it is there now, and not only declared."""

    resource: Resource
    address: str
    is_live: bool = False

    @property
    def coordinates(self) -> Coordinates:
        return self.resource.key.group, self.resource.key.type

    @property
    def is_certain(self) -> bool:
        """Whether the technology alone says which APIs it covers: the list of APIs tells neither
        the version of the runtime nor that of Java."""
        rule = self.resource.canonical.get("ruleOfApplication") or {}
        return not (rule.get("range") or rule.get("javaVersions"))

    def may_cover(self, technology: str) -> bool:
        rule = self.resource.canonical.get("ruleOfApplication") or {}
        wanted = rule.get("technologies")
        return not wanted or technology in wanted

    def __str__(self) -> str:
        source, id_ = self.resource.source, self.resource.id
        place = f"{source.file}:{source.line}" if source else f"live, id {id_}"
        return f"{self.address} ({place})"


def overriding(covers: Iterable[Cover], technology: str) -> dict[Coordinates, str]:
    """What the live ones among `covers` switch off on an API of this technology, with their
    names."""
    return {
        cover.coordinates: str(cover)
        for cover in covers
        if cover.is_live
        and not cover.resource.settings.get("disabled")
        and cover.may_cover(technology)
    }


def conflicts(
    desired: DesiredUnit, live: LiveUnit | None, covers: Sequence[Cover], technology: str
) -> tuple[list[Problem], list[str]]:
    """A problem for each policy of an API that `covers` take the place of; a warning where that
    cannot be told.

    Without `live` every one counts; with it, one that is switched off by an automated policy is
    explained elsewhere and is no problem.
    """
    wanted = [r for r in desired.resources if r.key.list == POLICIES and not _is_off(r)]
    held = _held(desired, live)
    problems, warnings = [], []
    for resource in wanted:
        cover = _cover_of(resource, covers, technology)
        theirs = held.get(id(resource))
        if cover is None or (live and theirs and _is_off(theirs) and _is_overridden(theirs, live)):
            continue
        if cover.is_certain:
            problems.append(_problem(resource, f"{cover} covers this API, and"))
        elif not (cover.is_live and theirs):
            why = "it holds for some versions only, and the list of APIs tells none"
            warnings.append(str(_problem(resource, f"{cover} may cover this API ({why}); then")))
    return problems, warnings


def _held(desired: DesiredUnit, live: LiveUnit | None) -> Mapping[int, Resource]:
    if live is None:
        return {}
    pairs = pair(desired.resources, live.resources).pairs
    return {id(ours): theirs for ours, theirs in pairs}


def _cover_of(resource: Resource, covers: Iterable[Cover], technology: str) -> Cover | None:
    own = (resource.key.group, resource.key.type)
    found = [each for each in covers if each.coordinates == own and each.may_cover(technology)]
    return max(found, key=lambda each: each.is_certain, default=None)


def _is_off(resource: Resource) -> bool:
    return bool(resource.settings.get("disabled"))


def _is_overridden(live: Resource, unit: LiveUnit) -> bool:
    return (live.key.group, live.key.type) in unit.overridden


def _problem(resource: Resource, why: str) -> Problem:
    message = f"the automated policy {why} the service refuses the same policy on it"
    source = resource.source
    place = (source.file, source.line, source.column) if source else ("(no file)", 0, 0)
    return Problem(*place, resource.key.segment, message, _HINT)
