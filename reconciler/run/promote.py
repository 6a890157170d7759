"""What one environment has that another one has not, by the files alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.core.fields import differing_fields, dotted, is_same, redact_at, walk
from reconciler.core.model import POLICIES, DesiredUnit, Resource, ResourceKey
from reconciler.core.project import ApiDocument
from reconciler.core.redact import Redactor
from reconciler.errors import PolicyError, Problem
from reconciler.files.offline import OfflineUnit, effective_offline
from reconciler.run.context import Context
from reconciler.run.requires import Places

ONLY_FROM, ONLY_TO, DIFFERS = "onlyFrom", "onlyTo", "differs"


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is not the same in both.

    state: ONLY_FROM, ONLY_TO or DIFFERS. policy: empty where the whole API is meant, whose
    policies are then the value. field: empty where the whole policy is meant. Values are ready to
    be shown.
    """

    api: str
    policy: str
    field: str
    state: str
    from_: Any = None
    to: Any = None


@dataclass(frozen=True, slots=True)
class Promotion:
    """gaps: in the order of the APIs of the one, then those of the other. same: APIs without a
    gap. warnings: what the files alone do not tell."""

    gaps: tuple[Gap, ...]
    same: int
    warnings: tuple[str, ...]


def compare_environments(context: Context, places: Places, from_: str, to: str) -> Promotion:
    """Both environments, by their addresses in `places`; raises PolicyError for wrong files."""
    problems: list[Problem] = []
    units = [list(_units(context, places, address, problems)) for address in (from_, to)]
    if problems:
        raise PolicyError(problems)
    gaps: list[Gap] = []
    same = 0
    for ours, theirs in _matched(*units):
        found = list(_gaps(ours, theirs, context.redactor))
        gaps += found
        same += not found
    warnings = tuple(
        f"{unit.effective[0].address}: groups may add to it, which only the platform tells"
        for both in units
        for unit in both
        if not unit.is_complete and isinstance(unit.document, ApiDocument)
    )
    return Promotion(tuple(gaps), same, warnings)


def _units(
    context: Context, places: Places, address: str, problems: list[Problem]
) -> Iterator[OfflineUnit]:
    organization, environment = places[address]
    alone = replace(organization, environments=(environment,))
    project = replace(context.project, organizations=(alone,))
    for unit in effective_offline(project, context.layering):
        problems += unit.effective[1]
        yield unit


_Both = tuple[OfflineUnit | None, OfflineUnit | None]


def _matched(ours: Sequence[OfflineUnit], theirs: Sequence[OfflineUnit]) -> Iterator[_Both]:
    """Each with its like: of the same name, else for the same asset and label."""
    left = {_name(unit): unit for unit in theirs}
    pairs = [(unit, left.pop(_name(unit), None)) for unit in ours]
    by_api = {_api(unit): name for name, unit in left.items() if _api(unit)}
    for unit, like in pairs:
        name = by_api.pop(_api(unit), None) if like is None else None
        yield unit, left.pop(name) if name is not None else like
    yield from ((None, unit) for unit in left.values())


def _name(unit: OfflineUnit) -> str:
    return unit.effective[0].address.unit


def _api(unit: OfflineUnit) -> tuple[str | None, ...]:
    if not isinstance(unit.document, ApiDocument) or unit.document.selector.asset is None:
        return ()
    selector = unit.document.selector
    return selector.group, selector.asset, selector.version, selector.label


def _gaps(
    ours: OfflineUnit | None, theirs: OfflineUnit | None, redactor: Redactor
) -> Iterator[Gap]:
    if ours is None or theirs is None:
        unit = ours or theirs
        assert unit is not None
        names = [resource.key.segment for resource in unit.effective[0].resources]
        if ours:
            yield Gap(_name(unit), "", "", ONLY_FROM, from_=names)
        else:
            yield Gap(_name(unit), "", "", ONLY_TO, to=names)
        return
    yield from _between(_name(ours), ours.effective[0], theirs.effective[0], redactor)


def _between(api: str, ours: DesiredUnit, theirs: DesiredUnit, redactor: Redactor) -> Iterator[Gap]:
    one, other = ({item.key: item for item in unit.resources} for unit in (ours, theirs))
    for key, resource in one.items():
        if key not in other:
            yield Gap(api, key.segment, "", ONLY_FROM)
        else:
            yield from _fields(api, resource, other[key], redactor)
    yield from (Gap(api, key.segment, "", ONLY_TO) for key in other if key not in one)
    orders = [_order(a, b) for a, b in ((one, other), (other, one))]
    if orders[0] != orders[1]:
        yield Gap(api, "", "order", DIFFERS, *orders)


def _order(
    ours: Mapping[ResourceKey, Resource], theirs: Mapping[ResourceKey, Resource]
) -> list[str]:
    """The policies that both have, in the order of ours."""
    return [key.segment for key in ours if key.list == POLICIES and key in theirs]


def _fields(api: str, ours: Resource, theirs: Resource, redactor: Redactor) -> Iterator[Gap]:
    one, other = _shown(ours, redactor), _shown(theirs, redactor)
    for path in () if is_same(one, other) else differing_fields(one, other):
        yield Gap(api, ours.key.segment, dotted(path), DIFFERS, walk(one, path), walk(other, path))


def _shown(resource: Resource, redactor: Redactor) -> dict[str, Any]:
    """The settings for comparing, each secret as its reference or digest: so that two references
    to other variables differ, and no value is seen."""
    return {
        key: redact_at(value, (key,), resource.secrets, redactor)
        for key, value in resource.canonical.items()
    }
