"""Filters over the files alone, for commands that find nothing on a platform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from reconciler.core.project import AccessDocument, ApiDocument, Environment, Organization
from reconciler.errors import UsageError
from reconciler.run.context import Context, Scope


def narrow(context: Context) -> Context:
    """The context with only what its filters name; raises UsageError where that is nothing.

    Groups stay: which APIs they reach is not known before the platform is asked.
    """
    scope = context.scope
    kept = tuple(_organizations(context, scope))
    if not kept and (scope.orgs or scope.envs or scope.apis):
        raise UsageError(f"nothing in the files matches {filters(scope)}")
    return replace(context, project=replace(context.project, organizations=kept))


def filters(scope: Scope) -> str:
    """The filters as they are typed."""
    return " ".join(f"--{name} {glob}" for name, globs in scope.data().items() for glob in globs)


def _organizations(context: Context, scope: Scope) -> Iterator[Organization]:
    for organization in context.project.organizations:
        if scope.has_organization(organization.folder):
            kept = tuple(_environments(organization, scope))
            if kept or not (scope.envs or scope.apis):
                yield replace(organization, environments=kept)


def _environments(organization: Organization, scope: Scope) -> Iterator[Environment]:
    for environment in organization.environments:
        if scope.has_environment(environment.folder):
            apis = tuple(api for api in environment.apis if _has_api(api, scope.apis))
            access = _access(environment, scope.apis)
            if apis or environment.groups or access or not scope.apis:
                yield replace(environment, apis=apis, access=access)


def _access(environment: Environment, globs: tuple[str, ...]) -> AccessDocument | None:
    found = environment.access
    if found and globs and not any(fnmatchcase(found.name, glob) for glob in globs):
        return None
    return found


def _has_api(api: ApiDocument, globs: tuple[str, ...]) -> bool:
    names = [api.name, f"{api.selector.asset}:{api.selector.label or ''}".rstrip(":")]
    return not globs or any(fnmatchcase(name, glob) for glob in globs for name in names)
