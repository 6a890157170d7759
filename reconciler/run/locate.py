"""Names in the files -> places on the platform: which units there are to compare, and where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar

from reconciler.core.model import ENVIRONMENT_UNIT, Instance, Source, Target, UnitAddress
from reconciler.core.plan import PlanError
from reconciler.core.project import Environment, Organization
from reconciler.errors import Exit, NoCredentials, PolicyError, Problem, ReconcilerError
from reconciler.files.match import Match, match, matches_filter
from reconciler.files.platforms import SALESFORCE
from reconciler.providers.base import LiveEnvironment, LiveOrganization, Provider
from reconciler.run.blank import check_instances
from reconciler.run.context import Context

_MOST_NAMED = 3
"""So many other organizations are named; a list of fifty tells nobody what to type."""


@dataclass(frozen=True, slots=True)
class Job:
    """One unit to compare: where it is desired and where it lives; `match` is None for the
    environment's own unit."""

    address: UnitAddress
    target: Target
    organization: Organization
    environment: Environment
    provider: Provider
    match: Match | None = None

    @property
    def is_access(self) -> bool:
        """Whether it is the ApiAccess of the environment."""
        return self.environment.access is not None

    @property
    def technology(self) -> str:
        return self.match.instance.technology if self.match else ""


@dataclass(frozen=True, slots=True)
class Located:
    """All units in scope, and what could not be found."""

    jobs: tuple[Job, ...]
    errors: tuple[PlanError, ...]


class _Named(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


NamedT = TypeVar("NamedT", bound=_Named)


def locate(context: Context, organization: Organization) -> Located:
    """The units of one organization that are in scope; a failure is an error, never raised."""
    environments = [
        environment
        for environment in organization.environments
        if context.scope.has_place(organization.folder, environment.folder)
        and _has_units(context, environment)
    ]
    if not environments:
        return Located((), ())
    if organization.platform == SALESFORCE:
        return _orgs(context, organization, environments)
    try:
        provider = context.connect(organization)
        source = organization.source
        what = "organization"
        live = find(what, organization.organization, provider.organizations(), source)
        listed = context.asked.environments(live.id) or provider.environments(live.id)
    except ReconcilerError as error:
        return Located((), tuple(_unreached(context, organization, error, organization.folder)))
    jobs: list[Job] = []
    errors: list[PlanError] = []
    for environment in environments:
        found = _environment(context, organization, environment, provider, live, listed)
        jobs.extend(found.jobs)
        errors.extend(found.errors)
    return Located(tuple(jobs), tuple(errors))


def _orgs(
    context: Context, organization: Organization, environments: Iterable[Environment]
) -> Located:
    """The ApiAccess of each environment; each org has a login of its own."""
    jobs: list[Job] = []
    errors: list[PlanError] = []
    for environment in environments:
        assert environment.access is not None
        address = UnitAddress(organization.folder, environment.folder, environment.access.name)
        try:
            provider = context.provider(organization, environment)
            (live,) = provider.organizations()
            (kind,) = provider.environments(live.id)
        except ReconcilerError as error:
            place = f"{organization.folder}/{environment.folder}"
            errors += _unreached(context, organization, error, place)
            continue
        target = Target(provider.host, live.id, kind.id)
        jobs.append(Job(address, target, organization, environment, provider))
    return Located(tuple(jobs), tuple(errors))


def _has_units(context: Context, environment: Environment) -> bool:
    if environment.access is not None:
        names = context.scope.apis
        return not names or any(fnmatchcase(environment.access.name, name) for name in names)
    has_own = environment.automated is not None and not context.scope.apis
    return bool(environment.apis or environment.groups or has_own)


def _environment(
    context: Context,
    organization: Organization,
    environment: Environment,
    provider: Provider,
    live_organization: LiveOrganization,
    listed: Sequence[LiveEnvironment],
) -> Located:
    folder = f"{organization.folder}/{environment.folder}"
    organization_id = live_organization.id
    try:
        live = find("environment", environment.environment, listed, environment.source)
        _refuse_double(context, organization, environment, live_organization, live)
        instances: Sequence[Instance] = ()
        if environment.apis or environment.groups:
            asked = context.asked.instances(organization_id, live.id)
            instances = provider.instances(organization_id, live.id) if asked is None else asked
            place = Target(provider.host, organization_id, live.id)
            folders = (organization.folder, environment.folder)
            check_instances(context, provider, folders, place, instances)
    except ReconcilerError as error:
        return Located((), tuple(as_errors(error, folder)))
    matches, problems = match(environment, instances)
    jobs = [
        Job(
            UnitAddress(organization.folder, environment.folder, found.name),
            Target(provider.host, organization_id, live.id, str(found.instance.id)),
            organization,
            environment,
            provider,
            found,
        )
        for found in matches
        if matches_filter(found, context.scope.apis)
    ]
    if environment.automated is not None and not context.scope.apis:
        address = UnitAddress(organization.folder, environment.folder, ENVIRONMENT_UNIT)
        target = Target(provider.host, organization_id, live.id)
        jobs.append(Job(address, target, organization, environment, provider))
    return Located(tuple(jobs), tuple(as_errors(PolicyError(problems), folder)))


def _refuse_double(
    context: Context,
    organization: Organization,
    environment: Environment,
    live_organization: LiveOrganization,
    live: LiveEnvironment,
) -> None:
    """Raises PolicyError where another folder means the same live environment, once by name and
    once by id: what protects the one would not protect the other."""
    for outer in context.project.organizations:
        is_same = outer.organization in (live_organization.id, live_organization.name)
        if not is_same or outer.host != organization.host:
            continue
        for inner in outer.environments:
            if inner is not environment and inner.environment in (live.id, live.name):
                source, other = environment.source, inner.source
                message = f"this environment has a folder already: {other.file}:{other.line}"
                hint = "remove one of them"
                raise PolicyError(
                    [Problem(source.file, source.line, source.column, "", message, hint)]
                )


def find(what: str, wanted: str, listed: Sequence[NamedT], source: Source) -> NamedT:
    """The one that has this name or id; raises PolicyError that lists the near ones."""
    found = [item for item in listed if wanted in (item.id, item.name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(item.id for item in found)
        message, hint = f"several {what}s are named {wanted!r}", f"write the id: one of {ids}"
    else:
        message, hint = f"no {what} is named {wanted!r}", _near(what, wanted, listed)
    raise PolicyError([Problem(source.file, source.line, source.column, what, message, hint)])


def _near(what: str, wanted: str, listed: Sequence[NamedT]) -> str:
    names = sorted({item.name for item in listed})
    lowered = {name.lower(): name for name in names}
    near = [lowered[key] for key in get_close_matches(wanted.lower(), lowered, 3, 0.5)]
    if near:
        return f"did you mean {' or '.join(repr(name) for name in near)}?"
    if not names:
        return f"this login can see no {what}"
    more = ", ..." if len(names) > 10 else ""
    return f"this login can see: {', '.join(repr(name) for name in names[:10])}{more}"


def _unreached(
    context: Context, organization: Organization, error: ReconcilerError, address: str
) -> list[PlanError]:
    """Why an organization cannot be reached; where that is for want of credentials, also how to go
    on without it."""
    errors = as_errors(error, address)
    others = [
        f"--org {other.folder}"
        for other in context.project.organizations
        if other is not organization and context.scope.has_organization(other.folder)
    ]
    if not (isinstance(error, NoCredentials) and 0 < len(others) <= _MOST_NAMED):
        return errors
    way = f"; or go on without {organization.folder}: {' '.join(others)}"
    return [replace(one, message=one.message + way) for one in errors]


def as_errors(error: ReconcilerError, address: str) -> list[PlanError]:
    """A failure as what a plan reports of it: one error for each problem of the files."""
    if isinstance(error, PolicyError):
        return [
            PlanError(problem.message, Exit.INVALID, address, problem) for problem in error.problems
        ]
    return [PlanError(str(error), error.exit, address)]
