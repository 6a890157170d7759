"""Live state -> documents in the file format; writing them is the command's.

A plan right after an export shows no change: what is written is what is live, and a secret that
the service does not return is left as the name of a variable.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.core.canonical import ALL_METHODS
from reconciler.core.catalogue import MISSING, SERVER_ONLY, Catalogue, Field, canonical_scalar
from reconciler.core.model import (
    AUTOMATED,
    MULESOFT_GROUP,
    OUTBOUND,
    POLICIES,
    TIERS,
    Instance,
    LiveUnit,
    Resource,
    ResourceKey,
)
from reconciler.core.plan import PlanError
from reconciler.core.redact import Secret
from reconciler.files.values import escape
from reconciler.providers.base import LiveEnvironment, LiveOrganization
from reconciler.run.inventory import Live, Place, api_places, environments, fetch_all

API_VERSION = "reconciler/v1"
_FLEX = "flexGateway"


@dataclass(frozen=True, slots=True)
class Exported:
    """Documents by path below the folder, and what could not be read."""

    files: Mapping[str, Mapping[str, Any]]
    errors: tuple[PlanError, ...]
    variables: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def export(live: Live, catalogue: Catalogue, default_host: str) -> Exported:
    """Every organization, environment and API in scope as documents."""
    errors: list[PlanError] = []
    places = list(environments(live, errors))
    writer = _Writer(catalogue)
    files: dict[str, Mapping[str, Any]] = {}
    folders = _Folders(places)
    for organization in dict.fromkeys(organization for organization, _ in places):
        is_unique = folders.names[organization.name] == 1
        files[f"{folders.of(organization)}/organization.yaml"] = _organization(
            organization, live.provider.host, default_host, is_unique
        )
    empty = [Place(organization, environment) for organization, environment in places]
    for place, unit in fetch_all(live, empty, lambda _: frozenset((AUTOMATED,)), errors):
        path = f"{folders.path(place)}/environment.yaml"
        files[path] = writer.environment(folders.reference(place), unit, folders.path(place))
    apis = list(api_places(live, errors))
    stems = _stems(apis, folders)
    for place, unit in fetch_all(live, apis, _lists, errors):
        assert place.instance is not None
        path = f"{folders.path(place)}/{stems[place.instance.id]}.yaml"
        selector = _selector(place, place.instance)
        files[path] = writer.api(selector, unit, path.removesuffix(".yaml"))
    return Exported(files, tuple(errors), tuple(sorted(writer.variables)), tuple(writer.warnings))


def _lists(place: Place) -> frozenset[str]:
    is_flex = place.instance is not None and place.instance.technology == _FLEX
    return frozenset((POLICIES, TIERS, OUTBOUND) if is_flex else (POLICIES, TIERS))


class _Folders:
    """Folder names: the live names as slugs, told apart by a number where they would clash."""

    def __init__(self, places: Sequence[tuple[LiveOrganization, LiveEnvironment]]) -> None:
        organizations = list(dict.fromkeys(organization for organization, _ in places))
        self.names = Counter(organization.name for organization in organizations)
        self._organizations = _unique({item.id: slug(item.name) for item in organizations})
        self._environments: dict[str, str] = {}
        self._references: dict[str, str] = {}
        for organization in organizations:
            mine = [env for owner, env in places if owner == organization]
            self._environments.update(_unique({env.id: slug(env.name) for env in mine}))
            names = Counter(env.name for env in mine)
            for env in mine:
                self._references[env.id] = env.name if names[env.name] == 1 else env.id

    def of(self, organization: LiveOrganization) -> str:
        return self._organizations[organization.id]

    def reference(self, place: Place) -> str:
        """How a document names the environment: by its name, or its id where that is not enough."""
        return self._references[place.environment.id]

    def path(self, place: Place) -> str:
        return f"{self.of(place.organization)}/{self._environments[place.environment.id]}"


def slug(name: str) -> str:
    """A name as a file name: lower case, letters, digits, dots and dashes."""
    made = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")
    return made or "unnamed"


def _unique(names: Mapping[Any, str]) -> dict[Any, str]:
    """The names, told apart by a number where they are the same."""
    taken: set[str] = set()
    counts: Counter[str] = Counter()
    made = {}
    for key, name in names.items():
        unique = name
        while unique in taken:
            counts[name] += 1
            unique = f"{name}-{counts[name] + 1}"
        taken.add(unique)
        made[key] = unique
    return made


_RESERVED = frozenset(("organization", "environment", "automatedpolicies", "reconciler"))


def _stems(places: Iterable[Place], folders: _Folders) -> dict[int, str]:
    by_folder: dict[str, dict[int, str]] = {}
    for place in places:
        instance = place.instance
        assert instance is not None
        name = instance.asset if instance.label is None else f"{instance.asset}-{instance.label}"
        stem = slug(name)
        stem = f"{stem}-api" if stem in _RESERVED else stem
        by_folder.setdefault(folders.path(place), {})[instance.id] = stem
    return {key: stem for names in by_folder.values() for key, stem in _unique(names).items()}


def _organization(
    organization: LiveOrganization, host: str, default_host: str, is_unique: bool
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "Organization",
        "organization": organization.name if is_unique else organization.id,
    }
    if host != default_host and not host.startswith("http://"):
        document["host"] = host
    return document


class _Writer:
    """Live resources as entries of documents; remembers which variables it named.

    A variable is named after the address of its value: two environments share no secret.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.variables: set[str] = set()
        self.warnings: list[str] = []

    def environment(self, reference: str, unit: LiveUnit, prefix: str) -> dict[str, Any]:
        document: dict[str, Any] = {
            "apiVersion": API_VERSION,
            "kind": "Environment",
            "environment": reference,
        }
        entries = [self._automated(item, prefix) for item in self._expressible(unit, reference)]
        if entries:
            document["automatedPolicies"] = entries
        return document

    def api(self, selector: Mapping[str, Any], unit: LiveUnit, prefix: str) -> dict[str, Any]:
        document: dict[str, Any] = {
            "apiVersion": API_VERSION,
            "kind": "ApiInstance",
            "api": selector,
        }
        for name in (POLICIES, OUTBOUND):
            resources = [item for item in unit.resources if item.key.list == name]
            if resources or name == POLICIES:
                document[name] = [
                    self._policy(item, key, prefix) for item, key in _named(resources)
                ]
        tiers = [_tier(item) for item in unit.resources if item.key.list == TIERS]
        if tiers:
            document["tiers"] = tiers
        return document

    def _policy(self, resource: Resource, name: str, prefix: str) -> dict[str, Any]:
        settings = resource.settings
        entry: dict[str, Any] = {"name": name} if name else {}
        entry["policyRef"] = _reference(resource)
        config = self._config(resource, f"{prefix} {resource.key.type} {name}")
        if config:
            entry["config"] = config
        for key in ("rules", "upstreams"):
            if settings.get(key):
                entry[key] = [_rule(rule) for rule in settings[key]]
        if settings.get("disabled"):
            entry["disabled"] = True
        return entry

    def _expressible(self, unit: LiveUnit, reference: str) -> list[Resource]:
        """The automated policies without second ones of a type: they have no name in files."""
        kept: dict[ResourceKey, Resource] = {}
        for item in unit.resources:
            if item.key in kept:
                text = f"{reference}: a second automated {item.key.type} (id {item.id}) is left out"
                self.warnings.append(text)
            kept.setdefault(item.key, item)
        return list(kept.values())

    def _automated(self, resource: Resource, prefix: str) -> dict[str, Any]:
        # Files give an automated policy neither rules nor a switch.
        config = self._config(resource, f"{prefix} {resource.key.type}")
        entry = {"policyRef": _reference(resource), **({"config": config} if config else {})}
        rule = {k: v for k, v in (resource.settings.get("ruleOfApplication") or {}).items() if v}
        if rule:
            entry["ruleOfApplication"] = rule
        return entry

    def _config(self, resource: Resource, prefix: str) -> dict[str, Any]:
        known = self._catalogue.get(resource.key.group, resource.key.type)
        fields = known.fields if known else {}
        live = resource.settings.get("config") or {}
        declared = {key: live[key] for key in live if key in fields or key not in SERVER_ONLY}
        return self._object(declared, fields, prefix)

    def _object(
        self, value: Mapping[str, Any], fields: Mapping[str, Field], prefix: str
    ) -> dict[str, Any]:
        made = {
            key: self._value(item, fields.get(key), f"{prefix} {key}")
            for key, item in value.items()
            if item is not None
        }
        for name, field in fields.items():
            if field.sensitive and name not in made and _is_asked_for(field, made):
                made[name] = self._variable(f"{prefix} {name}")
        return made

    def _value(self, item: Any, field: Field | None, name: str) -> Any:
        if isinstance(item, Secret) or (field and field.sensitive):
            return self._variable(name)
        if isinstance(item, Mapping):
            return self._object(item, field.fields if field else {}, name)
        if isinstance(item, list | tuple):
            names = [name] if len(item) == 1 else [f"{name} {n}" for n in range(1, len(item) + 1)]
            parts = zip(item, names, strict=True)
            return [self._value(part, _items(field), each) for part, each in parts]
        plain = canonical_scalar(item, field.type if field else "")
        return escape(plain) if isinstance(plain, str) else plain

    def _variable(self, name: str) -> str:
        made = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
        made = f"SECRET_{made}" if not made[:1].isalpha() or _is_refused(made) else made
        self.variables.add(made)
        return f"${{env:{made}}}"


def _is_refused(name: str) -> bool:
    """Variables that files may not name (see `files.values`)."""
    return name.startswith(
        ("ANYPOINT_", "SALESFORCE_", "RECONCILER_", "GITHUB_", "ACTIONS_", "CI_", "AWS_")
    )


def _items(field: Field | None) -> Field | None:
    """What an item of a list is: its keys are the field's own."""
    return replace(field, type=field.item_type) if field else None


def _is_asked_for(field: Field, values: Mapping[str, Any]) -> bool:
    if field.depends_on:
        return all(values.get(key) == wanted for key, wanted in field.depends_on.items())
    return field.required and field.default is MISSING


def _named(resources: Sequence[Resource]) -> list[tuple[Resource, str]]:
    """Each policy with the name that its entry needs: only where the API has it twice."""
    counts = Counter((item.key.group, item.key.type) for item in resources)
    made: list[tuple[Resource, str]] = []
    seen: Counter[tuple[str, str]] = Counter()
    for item in resources:
        key = (item.key.group, item.key.type)
        seen[key] += 1
        is_twice = counts[key] > 1
        made.append((item, item.key.name or (f"{item.key.type}-{seen[key]}" if is_twice else "")))
    return made


def _reference(resource: Resource) -> dict[str, Any]:
    reference: dict[str, Any] = {"name": resource.key.type}
    if resource.key.group != MULESOFT_GROUP:
        reference["groupId"] = resource.key.group
    if resource.settings.get("version"):
        reference["version"] = resource.settings["version"]
    return reference


def _rule(rule: Any) -> Any:
    if not isinstance(rule, Mapping):
        return rule
    return {"methods": rule.get("methods") or list(ALL_METHODS), "path": rule["path"]}


def _tier(resource: Resource) -> dict[str, Any]:
    kept = {key: value for key, value in resource.settings.items() if value not in (None, "")}
    if kept.get("status") == "ACTIVE":
        kept.pop("status")
    return {"name": resource.key.name, **kept}


def _selector(place: Place, instance: Instance) -> dict[str, Any]:
    """Asset and label where they name one instance of its environment, else the id."""
    if not place.is_alone:
        return {"id": instance.id}
    return {"asset": instance.asset, "label": instance.label}
