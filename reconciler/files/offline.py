"""What can be said of the effective policies without a connection, for `validate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.model import ENVIRONMENT_UNIT, Target, UnitAddress
from reconciler.core.project import (
    ApiDocument,
    Environment,
    GroupDocument,
    Layer,
    Organization,
    Project,
)
from reconciler.files.access import effective_access
from reconciler.files.layers import Effective, Layering
from reconciler.files.match import GroupMatcher

_NOWHERE = Target("", "", "")


@dataclass(frozen=True, slots=True)
class OfflineUnit:
    """What a document comes to as far as the files tell.

    is_complete: no group that only the live API would tell of may add to it.
    """

    document: ApiDocument | GroupDocument | None
    effective: Effective
    is_complete: bool = True


def effective_offline(project: Project, layering: Layering) -> Iterator[OfflineUnit]:
    """Each environment's own unit, each ApiInstance and ApiGroup, each ApiAccess, in order of
    address.

    Groups are matched by what an ApiInstance says of itself. Where that leaves it open, the group
    is left out and the unit is not complete.
    """
    for organization in project.organizations:
        for environment in organization.environments:
            outer = (organization.layer, environment.layer)
            if environment.automated is not None:
                yield _automated(organization, environment, outer, layering)
            yield from _apis(organization, environment, outer, layering)
            yield from _groups(organization, environment, outer, layering)
            if environment.access is not None:
                found = effective_access(organization, environment, _NOWHERE)
                yield OfflineUnit(None, (*found, []))


def _automated(
    organization: Organization,
    environment: Environment,
    outer: Sequence[Layer],
    layering: Layering,
) -> OfflineUnit:
    effective = layering.automated_unit(
        UnitAddress(organization.folder, environment.folder, ENVIRONMENT_UNIT),
        _NOWHERE,
        outer,
        environment.automated or (),
        protected=environment.protected,
        source=environment.source,
    )
    return OfflineUnit(None, effective)


def _apis(
    organization: Organization,
    environment: Environment,
    outer: Sequence[Layer],
    layering: Layering,
) -> Iterator[OfflineUnit]:
    matchers = [(group, GroupMatcher(group.selector)) for group in environment.groups]
    for api in environment.apis:
        possible = [one for one in matchers if one[1].may_match(api.selector)]
        sure = [one[0] for one in possible if one[1].surely_matches(api.selector)]
        is_complete = len(sure) == len(possible)
        layers = (*outer, *(group.layer for group in sure), api.layer)
        effective = layering.effective(
            UnitAddress(organization.folder, environment.folder, api.name),
            _NOWHERE,
            "",
            layers,
            protected=environment.protected,
            source=api.source,
            complete=is_complete,
        )
        yield OfflineUnit(api, effective, is_complete)


def _groups(
    organization: Organization,
    environment: Environment,
    outer: Sequence[Layer],
    layering: Layering,
) -> Iterator[OfflineUnit]:
    for group in environment.groups:
        matcher = GroupMatcher(group.selector)
        is_complete = len(environment.groups) == 1 and not any(
            matcher.may_match(api.selector) for api in environment.apis
        )
        effective = layering.effective(
            UnitAddress(organization.folder, environment.folder, group.name),
            _NOWHERE,
            "",
            (*outer, group.layer),
            protected=environment.protected,
            source=group.source,
            complete=is_complete,
        )
        yield OfflineUnit(group, effective, is_complete)


def layers_offline(
    project: Project, organization: str, environment: str, api: str
) -> tuple[Layer, ...] | None:
    """The layers of an ApiInstance by its address, with the groups that surely match; None where
    there is no such document."""
    for outer in project.organizations:
        for inner in outer.environments:
            if (outer.folder, inner.folder) != (organization, environment):
                continue
            for document in inner.apis:
                if document.name == api:
                    sure = _sure_groups(inner, document)
                    groups = (group.layer for group in sure)
                    return (outer.layer, inner.layer, *groups, document.layer)
    return None


def _sure_groups(environment: Environment, api: ApiDocument) -> list[GroupDocument]:
    return [
        group
        for group in environment.groups
        if GroupMatcher(group.selector).surely_matches(api.selector)
    ]
