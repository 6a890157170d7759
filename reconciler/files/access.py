"""The layers of an ApiAccess to what is desired of the org: merged, checked, and with places.

The organization's `defaults:` come first, then the document itself. Apps are merged by their
name, key by key, as policies are; lists are replaced, and null removes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from reconciler.core.access import (
    BYPASSES,
    CONNECTED_APP,
    PERMISSION_SET,
    POLICY_FIELDS,
    PROFILE,
    REPORT,
    SWITCHES,
    DesiredAccess,
)
from reconciler.core.model import (
    APPS,
    BYPASS,
    GRANTS,
    SETTINGS,
    Resource,
    ResourceKey,
    Source,
    Target,
    UnitAddress,
)
from reconciler.core.project import AccessDocument, Entry, Environment, Organization
from reconciler.errors import Problem
from reconciler.files.documents import item_place
from reconciler.files.merge import Contribution, Origin, Places, leaf_origins, merge
from reconciler.files.schema_words import suggest
from reconciler.files.stack import place_text, problem_at
from reconciler.files.yaml import Map

HOLDER_LISTS = {"permissionSets": PERMISSION_SET, "profiles": PROFILE}
_DEFAULTS, _OWN = "organization defaults", "access"


@dataclass(frozen=True, slots=True)
class MergedApp:
    """An app of the files: all layers of it as one mapping. source: where it is named last."""

    name: str
    body: Map = field(repr=False)
    places: Places = field(repr=False)
    source: Source

    @property
    def kind(self) -> str:
        return str(self.body.get("kind") or CONNECTED_APP)

    def problem(self, path: str, message: str, hint: str) -> Problem:
        """A problem with one of its values, where that was set; `path` is dotted."""
        found: Any = self.body
        *outer, last = path.split(".")
        for part in outer:
            found = found[part]
        return problem_at(
            self.places.origin(found.value_at[last]).source, message, hint, f"{self.name}.{path}"
        )

    def origins(self) -> dict[str, Origin]:
        """The place of each value, by its dotted path."""
        return leaf_origins(self.body, self.places)


@dataclass(frozen=True, slots=True)
class MergedAccess:
    """All layers of an ApiAccess; `rest` is everything but its apps."""

    document: AccessDocument
    apps: Mapping[str, MergedApp]
    rest: Map = field(repr=False)
    places: Places = field(repr=False)

    def source(self, *path: str) -> Source:
        """Where a value of `rest` was set."""
        found = self.rest
        for part in path[:-1]:
            found = found[part]
        return self.places.origin(found.value_at[path[-1]]).source


def merged_access(organization: Organization, document: AccessDocument) -> MergedAccess:
    """The document over the organization's defaults; nothing is checked."""
    layers = [(_OWN, document.body, document.source)]
    if isinstance(organization.access, Map):
        file = organization.source.file
        layers.insert(0, (_DEFAULTS, organization.access, Source(file, *organization.access.at)))
    chains: dict[str, list[Contribution]] = {}
    for layer, body, source in layers:
        for name, entry in _app_entries(body, source.file):
            chains.setdefault(name, []).append(Contribution(layer, entry))
    apps = {
        name: MergedApp(name, *merge(chain), chain[-1].entry.source)
        for name, chain in chains.items()
    }
    rest = [
        Contribution(layer, Entry(ResourceKey("", "", ""), _without_apps(body), source))
        for layer, body, source in layers
    ]
    return MergedAccess(document, apps, *merge(rest))


def _app_entries(body: Mapping[str, Any], file: str) -> Iterator[tuple[str, Entry]]:
    items = body.get("apps") or ()
    for index, item in enumerate(items):
        name = str(item["name"])
        key = ResourceKey(APPS, str(item.get("kind") or CONNECTED_APP), name)
        yield name, Entry(key, item, Source(file, *item_place(items, index)))


def _without_apps(body: Mapping[str, Any]) -> Map:
    kept = Map(getattr(body, "at", (1, 1)))
    for key, value in body.items():
        if key in ("settings", "bypass", "unlistedApps", "self"):
            kept[key] = value
            assert isinstance(body, Map)
            kept.key_at[key], kept.value_at[key] = body.key_at[key], body.value_at[key]
    return kept


def effective_access(
    organization: Organization, environment: Environment, target: Target
) -> tuple[DesiredAccess, list[Problem]]:
    """What is desired of the environment's org, and everything wrong in its files."""
    document = environment.access
    assert document is not None
    merged = merged_access(organization, document)
    apps = list(merged.apps.values())
    granted = [app for app in apps if isinstance(app.body.get("allow"), Map)]
    own = merged.rest["self"]
    desired = DesiredAccess(
        address=UnitAddress(organization.folder, environment.folder, document.name),
        target=target,
        resources=(
            *declared_settings(merged),
            *map(declared_app, apps),
            *(one for app in granted for one in declared_grants(app)),
            *declared_bypasses(merged),
        ),
        managed=frozenset(_managed(merged)),
        protected=environment.protected,
        platform="salesforce",
        source=document.source,
        self_app=str(own["app"]),
        self_user=str(own["username"]),
        granted=frozenset(app.name for app in granted),
        exact=frozenset(app.name for app in granted if app.body.get("grants") != "atLeast"),
        bypassed=frozenset(merged.rest.get("bypass") or ()),
        unlisted=str(merged.rest.get("unlistedApps") or REPORT),
    )
    return desired, list(_problems(merged))


def _managed(merged: MergedAccess) -> Iterator[str]:
    """A list counts as managed where something in it is."""
    yield from (APPS, GRANTS) if merged.apps else ()
    if merged.rest.get("settings"):
        yield SETTINGS
    if merged.rest.get("bypass"):
        yield BYPASS


def declared_settings(merged: MergedAccess) -> Iterator[Resource]:
    """The switches that some layer names."""
    declared = merged.rest.get("settings") or {}
    for name in SWITCHES:
        if name in declared:
            value = {"enabled": bool(declared[name])}
            source = merged.source("settings", name)
            yield Resource(ResourceKey(SETTINGS, "", name), value, value, source=source)


def declared_app(app: MergedApp) -> Resource:
    """An app with what the files say of its policy."""
    said = {name: app.body[name] for name in POLICY_FIELDS if name in app.body}
    return Resource(ResourceKey(APPS, app.kind, app.name), said, said, source=app.source)


def declared_grants(app: MergedApp) -> Iterator[Resource]:
    """Whom the files allow an app."""
    for kind, name, at in _holders(app.body["allow"]):
        key = ResourceKey(GRANTS, kind, app.name, name)
        yield Resource(key, {"appKind": app.kind}, {}, source=app.places.origin(at).source)


def declared_bypasses(merged: MergedAccess) -> Iterator[Resource]:
    """Whom the files let get around it all."""
    declared = merged.rest.get("bypass") or {}
    for permission in BYPASSES:
        for kind, name, at in _holders(declared.get(permission) or {}):
            key = ResourceKey(BYPASS, kind, permission, name)
            yield Resource(key, {}, {}, source=merged.places.origin(at).source)


def _holders(lists: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Kind and name of each holder, and where it stands."""
    for listed, kind in HOLDER_LISTS.items():
        items = lists.get(listed) or ()
        for index, name in enumerate(items):
            yield kind, str(name), item_place(items, index)


def _problems(merged: MergedAccess) -> Iterator[Problem]:
    yield from _check_self(merged)
    for app in merged.apps.values():
        yield from _check_app(app)


def _check_self(merged: MergedAccess) -> Iterator[Problem]:
    own = str(merged.rest["self"]["app"])
    if own not in merged.apps:
        hint = suggest(own, merged.apps)[1] if merged.apps else f"add {{name: {own}}} to apps"
        message = "the app that this tool signs in with must be one of apps"
        yield problem_at(merged.source("self", "app"), message, hint, "self.app")


def _check_app(app: MergedApp) -> Iterator[Problem]:
    allow = app.body.get("allow")
    holds = isinstance(allow, Map) and any(allow.get(listed) for listed in HOLDER_LISTS)
    if holds and app.body.get("adminApproved") is False:
        message = "a grant says nothing while every user may authorize the app by himself"
        yield app.problem("adminApproved", message, "write adminApproved: true, or drop allow:")
    if "grants" in app.body and not isinstance(allow, Map):
        yield app.problem("grants", "there are no grants without allow:", "add allow:")
    if app.body.get("reviewBy") and not _is_day(str(app.body["reviewBy"])):
        yield app.problem("reviewBy", "there is no such day", "write a day such as 2027-02-01")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def check_doubles(document: Mapping[str, Any], file: str) -> Iterable[Problem]:
    """Apps that one document, or one `defaults:`, names twice."""
    first: dict[str, Source] = {}
    problems: list[Problem] = []
    for name, entry in _app_entries(document, file):
        earlier = first.setdefault(name, entry.source)
        if earlier is not entry.source:
            message = f"the app {name!r} stands here twice, first at {place_text(earlier)}"
            problems.append(problem_at(entry.source, message, "remove one of them", "apps"))
    return problems
