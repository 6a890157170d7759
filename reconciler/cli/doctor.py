"""`doctor`: credentials, organizations, environments, permissions, versions; writes nothing."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Generic, TypeVar

from reconciler import __version__
from reconciler.cli.narrow import narrow
from reconciler.cli.output import print_document, print_rows, style_of
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for
from reconciler.core.access import SWITCHES, LiveAccess
from reconciler.core.model import APPS, GRANTS, POLICIES, Instance, Target
from reconciler.core.plan import PlanError
from reconciler.core.project import Environment, Organization
from reconciler.errors import Exit, PolicyError, ReconcilerError, worst
from reconciler.files.access import effective_access
from reconciler.files.platforms import SALESFORCE
from reconciler.providers.base import LiveEnvironment, Provider
from reconciler.run.access import access_platform
from reconciler.run.context import Context
from reconciler.run.locate import find
from reconciler.show.clean import clean
from reconciler.show.text import Style

_NO_EMULATOR = "not installed: pip install 'reconciler[emulator]'"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `exit` is OK where it is as it should be."""

    what: str
    detail: str
    exit: Exit = Exit.OK

    @property
    def is_ok(self) -> bool:
        return self.exit is Exit.OK

    @property
    def data(self) -> dict[str, Any]:
        return {"what": self.what, "ok": self.is_ok, "detail": self.detail}


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    findings = list(_findings(args, shell))
    if args.format == "json":
        errors = [
            PlanError(item.detail, item.exit, item.what) for item in findings if not item.is_ok
        ]
        print_document(args, shell, {"items": [item.data for item in findings]}, errors)
    elif args.format == "markdown":
        print_rows(args, shell, [item.data for item in findings], ("what", "ok", "detail"))
    else:
        shell.data(_text(findings, style_of(args, shell)))
    return worst(item.exit for item in findings)


def _text(findings: Sequence[Finding], style: Style) -> str:
    width = max(len(clean(item.what)) for item in findings)
    lines = []
    for item in findings:
        sign = style.paint("32", "✓") if item.is_ok else style.paint("31", "✗")
        lines.append(f"{sign} {clean(item.what):<{width}}  {clean(item.detail)}\n")
    return "".join(lines)


def _findings(args: argparse.Namespace, shell: Shell) -> Iterator[Finding]:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield Finding("versions", f"reconciler {__version__}, {python}, {sys.platform}")
    has_emulator = find_spec("uvicorn") is not None
    yield Finding("emulator", "installed" if has_emulator else _NO_EMULATOR)
    try:
        context = narrow(context_for(args, shell, read_only=True))
    except PolicyError as error:
        first, *others = map(str, error.problems)
        more = f"; {len(others)} more: reconciler validate" if others else ""
        yield Finding("files", f"{first}{more}", error.exit)
        return
    names = ", ".join(item.folder for item in context.project.organizations)
    yield Finding("files", f"{args.policies}: {names}")
    for organization in context.project.organizations:
        if organization.platform == SALESFORCE:
            for environment in organization.environments:
                yield from _org(context, organization, environment)
        else:
            yield from _organization(context, organization)


def _organization(context: Context, organization: Organization) -> Iterator[Finding]:
    name = organization.folder
    login = _try(lambda: context.connect(organization))
    caller = login.then(lambda provider: provider.caller())
    yield caller.finding(
        f"{name}: login", lambda found: f"{found.get('kind')} {found.get('name')}, {_host(login)}"
    )
    if login.value is None or caller.value is None:
        return
    provider, source = login.value, organization.source
    wanted = organization.organization
    live = _try(lambda: find("organization", wanted, provider.organizations(), source))
    yield live.finding(f"{name}: organization", lambda found: f"{found.path} ({found.id})")
    listed = live.then(lambda found: provider.environments(found.id))
    for environment in organization.environments:
        if live.value:
            yield _environment(provider, live.value.id, listed, environment, name)
    yield Finding(f"{name}: rate budget", _budget_text(provider.budget()))


def _org(
    context: Context, organization: Organization, environment: Environment
) -> Iterator[Finding]:
    """A Salesforce org: the login, the org, and what can be read of it."""
    name = f"{organization.folder}/{environment.folder}"
    login = _try(lambda: context.provider(organization, environment))
    live = login.then(lambda provider: provider.organizations()[0])
    caller = live.then(lambda _: login.value.caller() if login.value else {})
    yield caller.finding(
        f"{name}: login", lambda found: f"{found.get('kind')} {found.get('name')}, {_host(login)}"
    )
    if login.value is None or caller.value is None or live.value is None:
        return
    yield live.finding(f"{name}: org", lambda found: f"{found.name} ({found.id})")
    provider, org = login.value, live.value
    if environment.access is not None:
        target = Target(provider.host, org.id, provider.environments(org.id)[0].id)
        desired = effective_access(organization, environment, target)[0]
        read = _try(lambda: access_platform(provider).fetch_access(target, desired))
        yield read.finding(f"{name}: access", _seen)
    yield Finding(f"{name}: rate budget", _budget_text(provider.budget()))


def _seen(live: LiveAccess) -> str:
    switches = ", ".join(
        f"{name} {'on' if live.switch(name) else 'off'}" for name in SWITCHES if live.is_activated
    )
    apps = f"{len(live.of(APPS))} apps and {len(live.of(GRANTS))} grants readable"
    return f"{apps}; {switches or 'Salesforce Support has not activated the feature'}"


def _budget_text(budget: Mapping[str, str]) -> str:
    if "remaining" not in budget:
        return "the service tells none"
    limit = f" of {budget['limit']}" if "limit" in budget else ""
    return f"{budget['remaining']}{limit} calls left"


def _host(login: _Tried[Provider]) -> str:
    return login.value.host if login.value else ""


def _environment(
    provider: Provider,
    organization: str,
    listed: _Tried[tuple[LiveEnvironment, ...]],
    environment: Environment,
    folder: str,
) -> Finding:
    """What can be read there: the instances, and the policies of the first."""
    source = environment.source
    live = listed.then(lambda items: find("environment", environment.environment, items, source))
    instances = live.then(lambda found: provider.instances(organization, found.id))
    place = Target(provider.host, organization, live.value.id if live.value else "")
    policies = instances.then(lambda items: _read_one(provider, place, items))
    return policies.finding(
        f"{folder}/{environment.folder}",
        lambda count: f"{environment.environment}: {count} API instances, policies readable",
    )


def _read_one(provider: Provider, place: Target, instances: tuple[Instance, ...]) -> int:
    if instances:
        first = instances[0]
        target = replace(place, api=str(first.id))
        provider.fetch(target, frozenset((POLICIES,)), first.technology)
    return len(instances)


T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class _Tried(Generic[T]):
    """What came of an attempt, or why nothing did."""

    value: T | None = None
    error: ReconcilerError | None = None

    def then(self, look: Callable[[T], U]) -> _Tried[U]:
        value = self.value
        return _Tried(error=self.error) if value is None else _try(lambda: look(value))

    def finding(self, what: str, words: Callable[[T], str]) -> Finding:
        if self.value is not None:
            return Finding(what, words(self.value))
        error = self.error or ReconcilerError("nothing found")
        return Finding(what, str(error).split("\n")[0], error.exit)


def _try(look: Callable[[], U]) -> _Tried[U]:
    try:
        return _Tried(look())
    except ReconcilerError as error:
        return _Tried(error=error)
