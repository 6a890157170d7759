"""Live state -> documents in the file format; writing them is the command's.

A plan right after an export shows no change: what is written is what is live, and a secret that
the service does not return is left as the name of a variable.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.core.catalogue import MISSING, Catalogue, Field
from reconciler.core.model import (
    AUTOMATED,
    MULESOFT_GROUP,
    OUTBOUND,
    POLICIES,
    TIERS,
    Instance,
    LiveUnit,
    Resource,
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
        files[path] = writer.environment(place, unit, folders.path(place))
    apis = list(api_places(live, errors))
    stems = _stems(apis, folders)
    for place, unit in fetch_all(live, apis, _lists, errors):
        assert place.instance is not None
        path = f"{folders.path(place)}/{stems[place.instance.id]}.yaml"
        files[path] = writer.api(place.instance, unit, apis, path.removesuffix(".yaml"))
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
        for organization in organizations:
            mine = {env.id: slug(env.name) for owner, env in places if owner == organization}
            self._environments.update(_unique(mine))

    def of(self, organization: LiveOrganization) -> str:
        return self._organizations[organization.id]

    def path(self, place: Place) -> str:
        return f"{self.of(place.organization)}/{self._environments[place.environment.id]}"


def slug(name: str) -> str:
    """A name as a file name: lower case, letters, digits, dots and dashes."""
    made = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")
    return made or "unnamed"


def _unique(names: Mapping[Any, str]) -> dict[Any, str]:
    seen: Counter[str] = Counter()
    made = {}
    for key, name in names.items():
        seen[name] += 1
        made[key] = name if seen[name] == 1 else f"{name}-{seen[name]}"
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

    def environment(self, place: Place, unit: LiveUnit, prefix: str) -> dict[str, Any]:
        document: dict[str, Any] = {
            "apiVersion": API_VERSION,
            "kind": "Environment",
            "environment": place.environment.name,
        }
        entries = [self._automated(item, prefix) for item in unit.resources]
        if entries:
            document["automatedPolicies"] = entries
        return document

    def api(
        self, instance: Instance, unit: LiveUnit, all_apis: Sequence[Place], prefix: str
    ) -> dict[str, Any]:
        document: dict[str, Any] = {
            "apiVersion": API_VERSION,
            "kind": "ApiInstance",
            "api": _selector(instance, all_apis),
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

    def _automated(self, resource: Resource, prefix: str) -> dict[str, Any]:
        entry = self._policy(resource, "", prefix)
        rule = {k: v for k, v in (resource.settings.get("ruleOfApplication") or {}).items() if v}
        if rule:
            entry["ruleOfApplication"] = rule
        return entry

    def _config(self, resource: Resource, prefix: str) -> dict[str, Any]:
        known = self._catalogue.get(resource.key.group, resource.key.type)
        fields = known.fields if known else {}
        live = resource.settings.get("config") or {}
        return self._object(live, fields, prefix)

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
            return [self._value(part, _items(field), name) for part in item]
        return escape(item) if isinstance(item, str) else item

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
    return field if field and field.fields else None


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
    return {key: value for key, value in rule.items() if value is not None}


def _tier(resource: Resource) -> dict[str, Any]:
    kept = {key: value for key, value in resource.settings.items() if value not in (None, "")}
    if kept.get("status") == "ACTIVE":
        kept.pop("status")
    return {"name": resource.key.name, **kept}


def _selector(instance: Instance, all_apis: Sequence[Place]) -> dict[str, Any]:
    """Asset and label where they name one instance of its environment, else the id."""
    mine = next(place for place in all_apis if place.instance == instance)
    same = [
        place
        for place in all_apis
        if place.instance
        and place.environment == mine.environment
        and (place.instance.asset, place.instance.label) == (instance.asset, instance.label)
    ]
    if len(same) > 1:
        return {"id": instance.id}
    return {"asset": instance.asset, "label": instance.label}
