"""What a login can see: organizations, environments, API instances, policies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from reconciler.core.model import OUTBOUND, POLICIES, Instance, LiveUnit, Target
from reconciler.core.plan import PlanError
from reconciler.errors import ReconcilerError
from reconciler.providers.base import LiveEnvironment, LiveOrganization, Provider
from reconciler.run.context import Progress, Scope, Silent
from reconciler.run.locate import as_errors
from reconciler.run.side_by_side import side_by_side


@dataclass(frozen=True, slots=True)
class Live:
    """One login and what of it is asked for; the scope's globs are over live names or ids."""

    provider: Provider
    scope: Scope = field(default_factory=Scope)
    parallelism: int = 8
    progress: Progress = field(default_factory=Silent)


@dataclass(frozen=True, slots=True)
class Place:
    """An API instance, or an environment with no instance, and the names on the way to it."""

    organization: LiveOrganization
    environment: LiveEnvironment
    instance: Instance | None = None

    def target(self, host: str) -> Target:
        api = str(self.instance.id) if self.instance else ""
        return Target(host, self.organization.id, self.environment.id, api)


@dataclass(frozen=True, slots=True)
class Inventory:
    """Rows of JSON-safe values, sorted by place, and what could not be read."""

    items: tuple[Mapping[str, Any], ...]
    errors: tuple[PlanError, ...]


def inventory(live: Live, what: str) -> Inventory:
    """The rows of `what`: orgs, envs, apis or policies. Raises where the login itself fails."""
    errors: list[PlanError] = []
    if what == "orgs":
        return Inventory(tuple(_organization(item) for item in organizations(live)), ())
    if what == "envs":
        return Inventory(tuple(_environment(*item) for item in environments(live, errors)), ())
    places = list(api_places(live, errors))
    if what == "apis":
        return Inventory(tuple(_api(place) for place in places), tuple(errors))
    rows: list[Mapping[str, Any]] = []
    for place, unit in fetch_all(live, places, _policy_lists, errors):
        rows.extend(_policy(place, resource) for resource in unit.resources)
    ordered = sorted(rows, key=lambda row: (row["organization"], row["environment"], row["api"]))
    return Inventory(tuple(ordered), tuple(errors))


def organizations(live: Live) -> list[LiveOrganization]:
    """Those of the login's tree that the scope's globs match, by name or id."""
    return [item for item in live.provider.organizations() if is_in(live.scope.orgs, item)]


def environments(
    live: Live, errors: list[PlanError]
) -> Iterator[tuple[LiveOrganization, LiveEnvironment]]:
    """The environments in scope; one that cannot be listed becomes an error."""
    for organization in organizations(live):
        try:
            listed = live.provider.environments(organization.id)
        except ReconcilerError as error:
            errors.extend(as_errors(error, organization.name))
            continue
        for item in listed:
            if is_in(live.scope.envs, item):
                yield organization, item


def api_places(
    live: Live,
    errors: list[PlanError],
    among: Iterable[tuple[LiveOrganization, LiveEnvironment]] | None = None,
) -> Iterator[Place]:
    """The API instances in scope, environment by environment; with `among`, all of those."""
    globs = live.scope.apis if among is None else ()
    for organization, environment in environments(live, errors) if among is None else among:
        if environment.type == "design":  # holds no API Manager instances
            continue
        try:
            instances = live.provider.instances(organization.id, environment.id)
        except ReconcilerError as error:
            errors.extend(as_errors(error, f"{organization.name}/{environment.name}"))
            continue
        for instance in instances:
            place = Place(organization, environment, instance)
            if has_api(globs, place):
                yield place


def is_in(globs: tuple[str, ...], item: LiveOrganization | LiveEnvironment) -> bool:
    """Whether the globs match its name or id, or there are none."""
    return not globs or any(
        fnmatchcase(name, glob) for glob in globs for name in (item.name, item.id)
    )


def has_api(globs: tuple[str, ...], place: Place) -> bool:
    """Whether the globs of `--api` match the instance: its asset, its id or `asset:label`."""
    instance = place.instance
    assert instance is not None
    names = [instance.asset, str(instance.id), f"{instance.asset}:{instance.label or ''}"]
    return not globs or any(fnmatchcase(name, glob) for glob in globs for name in names)


def fetch_all(
    live: Live,
    places: Sequence[Place],
    lists: Callable[[Place], frozenset[str]],
    errors: list[PlanError],
) -> list[tuple[Place, LiveUnit]]:
    """The unit of each place, in the order of `places`; failures become errors."""
    live.progress.begin("reading policies", len(places))
    units: dict[int, LiveUnit] = {}
    numbered = list(enumerate(places))
    for index, answer in side_by_side(
        lambda item: (item[0], _fetch(live, item[1], lists(item[1]))), numbered, live.parallelism
    ):
        live.progress.advance()
        if isinstance(answer, LiveUnit):
            units[index] = answer
        else:
            errors.extend(answer)
    live.progress.end()
    return [(places[index], units[index]) for index in sorted(units)]


def _fetch(live: Live, place: Place, lists: frozenset[str]) -> LiveUnit | list[PlanError]:
    technology = place.instance.technology if place.instance else ""
    try:
        return live.provider.fetch(place.target(live.provider.host), lists, technology)
    except ReconcilerError as error:
        return as_errors(error, f"{place.organization.name}/{place.environment.name}")


def _policy_lists(place: Place) -> frozenset[str]:
    """Outbound policies exist on Flex Gateway only (facts, section 6.10)."""
    is_flex = place.instance is not None and place.instance.technology == "flexGateway"
    return frozenset((POLICIES, OUTBOUND)) if is_flex else frozenset((POLICIES,))


def _organization(item: LiveOrganization) -> dict[str, Any]:
    return {"organization": item.name, "id": item.id, "path": item.path}


def _environment(organization: LiveOrganization, item: LiveEnvironment) -> dict[str, Any]:
    return {
        "organization": organization.name,
        "environment": item.name,
        "type": item.type,
        "id": item.id,
    }


def _api(place: Place) -> dict[str, Any]:
    instance = place.instance
    assert instance is not None
    return {
        "organization": place.organization.name,
        "environment": place.environment.name,
        "asset": instance.asset,
        "label": instance.label,
        "version": instance.version,
        "technology": instance.technology,
        "tags": list(instance.tags),
        "id": instance.id,
    }


def _policy(place: Place, resource: Any) -> dict[str, Any]:
    instance = place.instance
    assert instance is not None
    label = f":{instance.label}" if instance.label is not None else ""
    return {
        "organization": place.organization.name,
        "environment": place.environment.name,
        "api": f"{instance.asset}{label}",
        "apiId": instance.id,
        "order": resource.order,
        "policy": resource.key.segment,
        "direction": "outbound" if resource.key.list == OUTBOUND else "inbound",
        "version": resource.settings.get("version"),
        "state": "disabled" if resource.settings.get("disabled") else "enabled",
        "id": resource.id,
    }
