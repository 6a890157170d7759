"""The versions of the policies in use, the newest that there are, and whether ours would fit them.

The newest is what the platform calls so; it need not be the largest number (facts, Q11).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.model import TIERS, Resource
from reconciler.core.plan import PlanError
from reconciler.core.project import Organization
from reconciler.errors import ReconcilerError
from reconciler.files.schema import misfits
from reconciler.files.schema_words import Fault, shown_path
from reconciler.run.context import Context
from reconciler.run.converge import Compared, compare
from reconciler.run.locate import as_errors
from reconciler.run.shelf import shelf_of
from reconciler.run.side_by_side import side_by_side

Name = tuple[str, str]
"""Group and asset id."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """What of a policy's configuration the newest version does not take."""

    address: str
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Used:
    """One policy in one environment.

    pinned: versions that files ask for; live: versions that are there. newest: None where the
    platform does not offer the policy. fits: whether our configuration fits the newest version,
    None where that cannot be told or nothing of it is ours.
    """

    organization: str
    environment: str
    group: str
    policy: str
    pinned: tuple[str, ...]
    live: tuple[str, ...]
    newest: str | None
    fits: bool | None = None
    misfits: tuple[Misfit, ...] = ()

    @property
    def is_behind(self) -> bool:
        """Whether the files ask for another version than the newest, or live has one where they
        ask for none."""
        used = self.pinned or self.live
        return self.newest is not None and any(version != self.newest for version in used)


@dataclass(frozen=True, slots=True)
class Versions:
    """Every policy in use, in order of organization, environment and name."""

    items: tuple[Used, ...]
    errors: tuple[PlanError, ...]
    warnings: tuple[str, ...]


@dataclass(slots=True)
class _Use:
    """What the units of one environment hold of one policy; desired with the unit's address."""

    organization: Organization
    environment: str
    name: Name
    desired: list[tuple[str, Resource]] = field(default_factory=list)
    pinned: set[str] = field(default_factory=set)
    live: set[str] = field(default_factory=set)


def versions(context: Context) -> Versions:
    """Compares what is in use, in scope, with what is offered; only policies that are behind
    have their newest version looked at."""
    compared = compare(context, keeps=True)
    uses = _uses(compared)
    newest, errors = _newest(context, uses)
    items: list[Used] = []
    answers = side_by_side(lambda use: _used(context, use, newest), uses, context.parallelism)
    for used, failed in answers:
        items.append(used)
        errors += failed
    ordered = sorted(items, key=lambda i: (i.organization, i.environment, i.policy, i.group))
    return Versions(tuple(ordered), (*compared.errors, *errors), compared.warnings)


def _uses(compared: Compared) -> list[_Use]:
    jobs = {job.address: job for job in compared.jobs}
    found: dict[tuple[str, str, Name], _Use] = {}
    for diff in compared.diffs:
        address = diff.desired.address
        for resource in (*diff.desired.resources, *diff.live.resources):
            if resource.key.list == TIERS:
                continue
            name = (resource.key.group, resource.key.type)
            place = (address.organization, address.environment, name)
            organization = jobs[address].organization
            use = found.setdefault(place, _Use(organization, address.environment, name))
            version = resource.settings.get("version")
            if resource.id and version:
                use.live.add(version)
            elif not resource.id:
                use.desired.append((f"{address}/{resource.key.segment}", resource))
                use.pinned |= {version} if version else set()
    return list(found.values())


_Newest = Mapping[str, Mapping[Name, str]]
"""By folder of an organization, the newest version of each policy that it may apply."""


def _newest(context: Context, uses: list[_Use]) -> tuple[_Newest, list[PlanError]]:
    organizations = {use.organization.folder: use.organization for use in uses}
    found: dict[str, dict[Name, str]] = {}
    errors: list[PlanError] = []
    for folder, organization in sorted(organizations.items()):
        try:
            shelf, where = shelf_of(context, organization)
            offered = shelf.offered(where, newest=True)
        except ReconcilerError as error:
            errors += as_errors(error, folder)
            continue
        found[folder] = {(item.group, item.name): item.version for item in offered}
    return found, errors


def _used(context: Context, use: _Use, newest: _Newest) -> tuple[Used, list[PlanError]]:
    folder = use.organization.folder
    version = newest.get(folder, {}).get(use.name)
    used = Used(
        folder,
        use.environment,
        *use.name,
        tuple(sorted(use.pinned)),
        tuple(sorted(use.live)),
        version,
    )
    if not (used.is_behind and use.desired and version):
        return used, []
    try:
        found, is_certain = _misfits(context, use, version)
    except ReconcilerError as error:
        return used, as_errors(error, f"{folder}/{use.environment}/{use.name[1]}")
    fits = False if found and is_certain else None if found else True
    parts = {name: getattr(used, name) for name in Used.__slots__}
    return Used(**{**parts, "fits": fits, "misfits": tuple(found)}), []


def _misfits(context: Context, use: _Use, version: str) -> tuple[list[Misfit], bool]:
    """What does not fit, and whether any of it certainly does not: a key that the template does
    not name may be taken all the same, where it does not say that it names all."""
    shelf, where = shelf_of(context, use.organization)
    known = shelf.policy_type(where, *use.name, version)
    found: list[Misfit] = []
    is_certain = False
    for address, resource in use.desired:
        errors, unknown = misfits(_config(resource), known)
        is_certain = is_certain or bool(errors)
        found += [_misfit(address, fault) for fault in (*errors, *unknown)]
    return found, is_certain


def _config(resource: Resource) -> Mapping[str, Any]:
    config: Mapping[str, Any] = resource.settings.get("config") or {}
    return config


def _misfit(address: str, fault: Fault) -> Misfit:
    message = f"{fault.message} ({fault.hint})" if fault.hint else fault.message
    return Misfit(address, shown_path(fault.path, "config"), message)


def by_policy(items: tuple[Misfit, ...]) -> Iterator[tuple[str, list[Misfit]]]:
    """The misfits of each address, in order."""
    grouped: dict[str, list[Misfit]] = defaultdict(list)
    for item in items:
        grouped[item.address].append(item)
    yield from sorted(grouped.items())
