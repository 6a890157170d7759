"""Live state -> documents in the file format; writing them is the command's.

A plan right after an export shows no change: what is written is what is live, and a secret that
the service does not return is left as the name of a variable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.core.catalogue import Catalogue
from reconciler.core.model import AUTOMATED, OUTBOUND, POLICIES, TIERS, Instance, LiveUnit
from reconciler.core.plan import PlanError
from reconciler.providers.base import LiveEnvironment, LiveOrganization
from reconciler.run.context import Scope
from reconciler.run.entries import EntryCheck, Writer
from reconciler.run.fold import fold_documents
from reconciler.run.folders import Folders
from reconciler.run.inventory import (
    Live,
    Place,
    api_places,
    environments,
    fetch_all,
    has_api,
    is_in,
)

API_VERSION = "reconciler/v1"
_FLEX = "flexGateway"
_SELECTORS = (
    ("asset", "label"),
    ("asset", "label", "productVersion"),
    ("asset", "label", "groupId"),
    ("asset", "label", "groupId", "productVersion"),
)


@dataclass(frozen=True, slots=True)
class Exported:
    """Documents by path below the folder, and what could not be read.

    variables: the names to set before anything is applied. warnings: what the files leave out.
    """

    files: Mapping[str, Mapping[str, Any]]
    errors: tuple[PlanError, ...]
    variables: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def export(
    live: Live, catalogue: Catalogue, check: EntryCheck, default_host: str, *, fold: bool = False
) -> Exported:
    """Every organization, environment and API in scope as documents.

    fold: what all APIs have in common stands in defaults, and versions in pins.
    """
    errors: list[PlanError] = []
    # A name or a selector has to hold among all there are, not only among what is asked for.
    everything = list(environments(replace(live, scope=Scope(live.scope.orgs)), errors))
    named = Counter((organization.id, item.name) for organization, item in everything)
    places = [each for each in everything if is_in(live.scope.envs, each[1])]
    writer = Writer(catalogue, check)
    folders = Folders(places, live.provider.organizations())
    files: dict[str, Mapping[str, Any]] = {}
    for organization in dict.fromkeys(organization for organization, _ in places):
        host = live.provider.host if live.provider.host != default_host else ""
        files[f"{folders.of(organization)}/organization.yaml"] = _organization(
            organization, host, folders.is_unique(organization)
        )
    for place, unit in fetch_all(live, [Place(*each) for each in places], _automated, errors):
        is_unique = named[(place.organization.id, place.environment.name)] == 1
        path = folders.path(place)
        files[f"{path}/environment.yaml"] = _environment(place, unit, writer, path, is_unique)
    files |= _apis(live, places, folders, writer, errors)
    if fold:
        files = dict(fold_documents(files, lambda *policy: _is_ordered(catalogue, *policy)))
    return Exported(files, tuple(errors), writer.variables, tuple(writer.warnings))


def _is_ordered(catalogue: Catalogue, group: str, name: str) -> bool:
    known = catalogue.get(group, name)
    return known is None or known.ordered


def _organization(organization: LiveOrganization, host: str, is_unique: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "Organization",
        "organization": organization.name if is_unique else organization.id,
    }
    # Plain http is this machine: what is exported there is for the real platform.
    return {**document, "host": host} if host and not host.startswith("http://") else document


def _automated(_: Place) -> frozenset[str]:
    return frozenset((AUTOMATED,))


def _environment(
    place: Place, unit: LiveUnit, writer: Writer, path: str, is_unique: bool
) -> dict[str, Any]:
    environment = place.environment
    document: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "Environment",
        "environment": environment.name if environment.name and is_unique else environment.id,
    }
    # What is left out is still declared for, so that a plan names it as unmanaged.
    if unit.resources:
        document[AUTOMATED] = writer.entries(AUTOMATED, unit.resources, path)
    return document


def _apis(
    live: Live,
    places: Sequence[tuple[LiveOrganization, LiveEnvironment]],
    folders: Folders,
    writer: Writer,
    errors: list[PlanError],
) -> dict[str, Mapping[str, Any]]:
    everything = list(api_places(live, errors, places))
    selectors = _selectors(everything)
    wanted = [place for place in everything if has_api(live.scope.apis, place)]
    stems = folders.stems(wanted)
    files: dict[str, Mapping[str, Any]] = {}
    for place, unit in fetch_all(live, wanted, _lists, errors):
        assert place.instance is not None
        address = f"{folders.path(place)}/{stems[place.instance.id]}"
        files[f"{address}.yaml"] = _api(
            selectors[place.instance.id], unit, writer, address, place.instance.technology
        )
    return files


def _lists(place: Place) -> frozenset[str]:
    is_flex = place.instance is not None and place.instance.technology == _FLEX
    return frozenset((POLICIES, TIERS, OUTBOUND) if is_flex else (POLICIES, TIERS))


def _api(
    selector: Mapping[str, Any], unit: LiveUnit, writer: Writer, address: str, technology: str
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "ApiInstance",
        "api": selector,
    }
    for name in (POLICIES, OUTBOUND, TIERS):
        entries = writer.entries(name, unit.resources, address, technology)
        has_any = any(item.key.list == name for item in unit.resources)
        if entries or name == POLICIES or (has_any and name == OUTBOUND):
            document[name] = entries
    return document


def _selectors(places: Iterable[Place]) -> dict[int, dict[str, Any]]:
    """What means each instance and no other one of its environment: no more than it takes."""
    given = [(place.environment.id, _names(place.instance)) for place in places if place.instance]
    counts = Counter(
        (environment, *(names[key] for key in keys), keys)
        for environment, names in given
        for keys in _SELECTORS
    )
    made = {}
    for environment, names in given:
        fitting = (
            {key: names[key] for key in keys}
            for keys in _SELECTORS
            if counts[(environment, *(names[key] for key in keys), keys)] == 1
            and all(names[key] or key == "label" for key in keys)
        )
        made[names["id"]] = next(fitting, {"id": names["id"]})
    return made


def _names(instance: Instance) -> dict[str, Any]:
    return {
        "id": instance.id,
        "asset": instance.asset,
        "label": instance.label,
        "groupId": instance.group,
        "productVersion": instance.version,
    }
