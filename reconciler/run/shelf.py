"""What a platform offers: the organization's own policies, and the newest version of each one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from reconciler.core.catalogue import PolicyType
from reconciler.core.plan import PlanError
from reconciler.core.project import Organization
from reconciler.errors import ReconcilerError, UsageError
from reconciler.providers.base import OfferedPolicy, PolicyShelf
from reconciler.run.context import Context
from reconciler.run.locate import as_errors, find
from reconciler.run.side_by_side import side_by_side


@dataclass(frozen=True, slots=True)
class Pulled:
    """The own policies of the organizations in scope, by group and name, and what failed."""

    policies: tuple[PolicyType, ...]
    errors: tuple[PlanError, ...]


@dataclass(frozen=True, slots=True)
class _Own:
    """An own policy to be read in its newest version. direction: empty where not known."""

    shelf: PolicyShelf
    organization: str
    newest: OfferedPolicy
    versions: tuple[str, ...]
    direction: str


def pull(context: Context) -> Pulled:
    """Reads the own policies of every organization in scope."""
    organizations = [
        organization
        for organization in context.project.organizations
        if context.scope.has_organization(organization.folder)
    ]
    if not organizations and context.scope.orgs:
        raise UsageError(f"no organization matches {' '.join(context.scope.orgs)}")
    errors: list[PlanError] = []
    own: dict[tuple[str, str], _Own] = {}
    for organization in organizations:
        try:
            for found in _own(context, organization):
                own.setdefault((found.newest.group, found.newest.name), found)
        except ReconcilerError as error:
            errors += as_errors(error, organization.folder)
    context.progress.begin("reading policies", len(own))
    made: list[PolicyType] = []
    for answer in side_by_side(_type, list(own.values()), context.parallelism):
        context.progress.advance()
        if isinstance(answer, PolicyType):
            made.append(answer)
        else:
            errors += answer
    context.progress.end()
    return Pulled(tuple(sorted(made, key=lambda known: (known.group, known.name))), tuple(errors))


def shelf_of(context: Context, organization: Organization) -> tuple[PolicyShelf, str]:
    """Where an organization's policies are offered, and its id there; raises ReconcilerError."""
    provider = context.connect(organization)
    wanted, listed = organization.organization, provider.organizations()
    live = find("organization", wanted, listed, organization.source)
    if not isinstance(provider, PolicyShelf):
        raise ReconcilerError(f"{organization.platform} does not say which policies it offers")
    return provider, live.id


def _own(context: Context, organization: Organization) -> Iterator[_Own]:
    shelf, where = shelf_of(context, organization)
    offered = [item for item in shelf.offered(where) if item.is_own]
    if not offered:
        return
    newest = {(item.group, item.name): item for item in shelf.offered(where, newest=True)}
    # The list does not say where a policy acts; it can only be asked for either.
    points = {point: _names(shelf, where, point) for point in ("inbound", "outbound")}
    by_name: dict[tuple[str, str], list[OfferedPolicy]] = {}
    for item in offered:
        by_name.setdefault((item.group, item.name), []).append(item)
    for name, items in by_name.items():
        last = newest.get(name) or max(items, key=lambda item: _age(item.version))
        versions = {item.version for item in items} - {last.version}
        fitting = [point for point, names in points.items() if name in names]
        direction = fitting[0] if len(fitting) == 1 else ""
        oldest_first = (*sorted(versions, key=_age), last.version)
        yield _Own(shelf, where, last, oldest_first, direction)


def _names(shelf: PolicyShelf, organization: str, point: str) -> frozenset[tuple[str, str]]:
    listed = shelf.offered(organization, newest=True, injection=point)
    return frozenset((item.group, item.name) for item in listed)


def _age(version: str) -> tuple[list[int], str]:
    """Sorts versions by their numbers, for want of anything better."""
    return [int(part) for part in re.findall(r"[0-9]{1,18}", version)], version


def _type(own: _Own) -> PolicyType | Sequence[PlanError]:
    item = own.newest
    try:
        known = own.shelf.policy_type(own.organization, item.group, item.name, item.version)
    except ReconcilerError as error:
        return as_errors(error, f"{item.group}/{item.name}")
    return replace(known, versions=own.versions, direction=own.direction)
