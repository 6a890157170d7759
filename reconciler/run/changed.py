"""`--changed-since REV`: which units the change from a revision to the files of now reaches.

Not the lines that changed but what they come to: the effective desired state of each unit, as the
revision had it and as it is now, over the same live instances. A changed default reaches all APIs
that inherit it, a changed comment none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from reconciler.core.content import content_digest
from reconciler.core.model import DesiredUnit, Instance, LiveUnit, Target
from reconciler.core.project import Environment, Organization, Project
from reconciler.errors import ReconcilerError
from reconciler.files.layers import Layering
from reconciler.files.match import Match, match
from reconciler.files.platforms import SALESFORCE
from reconciler.providers.base import LiveEnvironment
from reconciler.run.context import Context
from reconciler.run.converge import desired_unit, locate_all
from reconciler.run.locate import Job, find

_Places = Mapping[str, tuple[Organization, Environment]]


@dataclass(frozen=True, slots=True)
class Reached:
    """context: of the units that are reached, and no others. released: a line for each API or
    environment that files named and none does any more; what is live there stays."""

    context: Context
    released: tuple[str, ...]


def reached(context: Context, before: Project) -> Reached:
    """What the change from `before` to the context's project reaches.

    Lists the APIs of each environment whose files say something else; a unit of which that cannot
    be told counts as reached.
    """
    old, new = _places(context, before), _places(context, context.project)
    offline = _offline(context)
    differing = {
        address: place
        for address, place in new.items()
        if address not in old or _said(offline, place) != _said(offline, old[address])
    }
    lists = _Lists()
    for place in differing.values():
        lists.fill(context, *place)
    located = locate_all(replace(context, project=_only(context.project, differing), asked=lists))
    units = _Units(offline, old, lists)
    changed = frozenset(str(job.address) for job in located.jobs if units.is_changed(job))
    kept = replace(context, scope=replace(context.scope, units=changed), asked=lists)
    released = [*_gone(old, new), *units.released(located.jobs)]
    # Of what could not be found nothing can be told: the plan says so.
    unfound = {
        f"{place}/"
        for place in differing
        for error in located.errors
        if f"{error.address}/".startswith(f"{place}/") or place.startswith(f"{error.address}/")
    }
    if unfound:
        kept = replace(kept, scope=replace(kept.scope, units=changed | unfound))
    return Reached(kept, tuple(released))


def _places(context: Context, project: Project) -> dict[str, tuple[Organization, Environment]]:
    return {
        f"{organization.folder}/{environment.folder}": (organization, environment)
        for organization in project.organizations
        if context.scope.has_organization(organization.folder)
        for environment in organization.environments
        if context.scope.has_environment(environment.folder)
    }


def _offline(context: Context) -> Context:
    """The context in which references stay references, on both sides."""
    layering = context.layering
    resolver = replace(layering.resolver, offline=True)
    return replace(context, layering=Layering(layering.schemas, layering.catalogue, resolver))


def _said(context: Context, place: tuple[Organization, Environment]) -> tuple[Any, ...]:
    """What the files of an environment ask for; equal where they ask for the same."""
    digest = content_digest(*place, context.layering.catalogue, context.redactor)
    return digest, place[1].protected, place[1].requires


def _only(project: Project, places: _Places) -> Project:
    kept = []
    for one in project.organizations:
        inner = [env for env in one.environments if f"{one.folder}/{env.folder}" in places]
        if inner:
            kept.append(replace(one, environments=tuple(inner)))
    return replace(project, organizations=tuple(kept))


def _gone(old: _Places, new: _Places) -> Iterator[str]:
    for address, (_, environment) in old.items():
        count = len(environment.apis) + len(environment.groups)
        if address not in new and count:
            yield (
                f"{address}: no file names this environment any more ({count} API documents are "
                "gone); what is live there stays"
            )


class _Lists:
    """The lists that were asked for once, for as long as the run lasts."""

    def __init__(self) -> None:
        self._environments: dict[str, tuple[LiveEnvironment, ...]] = {}
        self._instances: dict[tuple[str, str], tuple[Instance, ...]] = {}

    def fill(self, context: Context, organization: Organization, environment: Environment) -> None:
        """Lists an environment; what fails is asked for again, and told, by the plan."""
        if organization.platform == SALESFORCE:
            return
        with suppress(ReconcilerError):
            provider = context.connect(organization)
            found = provider.organizations()
            live = find("organization", organization.organization, found, organization.source)
            if live.id not in self._environments:
                self._environments[live.id] = tuple(provider.environments(live.id))
            listed = self._environments[live.id]
            inner = find("environment", environment.environment, listed, environment.source)
            self._instances[live.id, inner.id] = tuple(provider.instances(live.id, inner.id))

    def environments(self, organization: str) -> tuple[LiveEnvironment, ...] | None:
        return self._environments.get(organization)

    def instances(self, organization: str, environment: str) -> tuple[Instance, ...] | None:
        return self._instances.get((organization, environment))

    def unit(self, target: Target, lists: frozenset[str]) -> LiveUnit | None:
        return None


class _Units:
    """Units as they are wanted now, held against what was wanted of the same before."""

    def __init__(self, context: Context, old: _Places, lists: _Lists) -> None:
        self._context, self._old, self._lists = context, old, lists
        self._matches: dict[Target, dict[int, Match]] = {}

    def is_changed(self, job: Job) -> bool:
        before = self._before(job)
        if before is None:
            return True
        try:
            now, then = (desired_unit(self._context, one)[0] for one in (job, before))
        except ReconcilerError:
            return True
        return _meant(now) != _meant(then)

    def released(self, jobs: Sequence[Job]) -> Iterator[str]:
        """A line for each API that files named and none does any more."""
        named = {(job.target, job.match.instance.id) for job in jobs if job.match}
        places = {replace(job.target, api=""): job for job in jobs}
        for place, job in places.items():
            for id_, found in self._old_matches(job).items():
                if (replace(place, api=str(id_)), id_) not in named:
                    folders = f"{job.address.organization}/{job.address.environment}"
                    yield (
                        f"{folders}/{found.name}: no file names this API any more; "
                        "what is live there stays"
                    )

    def _before(self, job: Job) -> Job | None:
        """The same unit by the files as they were."""
        place = self._old.get(f"{job.address.organization}/{job.address.environment}")
        if place is None:
            return None
        organization, environment = place
        same = replace(job, organization=organization, environment=environment)
        if job.match is not None:
            found = self._old_matches(job).get(job.match.instance.id)
            return replace(same, match=found) if found else None
        if job.is_access:
            return same if environment.access else None
        return same if environment.automated is not None else None

    def _old_matches(self, job: Job) -> Mapping[int, Match]:
        """Of an environment, what the files as they were name, by the instance's id."""
        place = replace(job.target, api="")
        if place not in self._matches:
            old = self._old.get(f"{job.address.organization}/{job.address.environment}")
            listed = self._lists.instances(place.organization, place.environment) or ()
            found = match(old[1], listed)[0] if old else []
            self._matches[place] = {one.instance.id: one for one in found}
        return self._matches[place]


def _meant(unit: DesiredUnit) -> tuple[Any, ...]:
    """What is wanted of a unit, wherever it is written."""
    resources = [(one.key, one.canonical) for one in unit.resources]
    absent = [(one.list, one.group, one.type, one.name) for one in unit.absent]
    return resources, absent, unit.managed, unit.prune, unit.protected, dict(unit.terms)
