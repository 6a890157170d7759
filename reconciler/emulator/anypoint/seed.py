"""Where a store's content comes from: a named seed, a scale, or a document.

A document has the shape that `state.dump` gives: lists `organizations`, `environments`, `apis`,
`automatedPolicies`, `applications`, `logins` and `templates`, and a mapping `settings`; all may be
missing. An entry of `apis` holds its own `policies`, `upstreams`, `tiers` and `contracts`. Keys are
those of the service; ids of what hangs on an API may be left out.
"""

from __future__ import annotations

import gc
import uuid
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from reconciler.emulator.anypoint.model import (
    Application,
    AutomatedPolicy,
    Contract,
    Environment,
    Instance,
    Login,
    Organization,
    Policy,
    Stamps,
    Tier,
    Upstream,
)
from reconciler.emulator.anypoint.scale import fill_scale
from reconciler.emulator.anypoint.store import Clock, Store
from reconciler.emulator.anypoint.templates import Template, load_catalogue, templates_of

Seed = str | Mapping[str, Any]

_SEEDED_MS = 1_767_607_200_000
_LARGEST_SCALE = 1_000_000
_LISTS = (
    "organizations",
    "environments",
    "apis",
    "automatedPolicies",
    "applications",
    "logins",
    "templates",
)


def read_seed(seed: Seed, clock: Clock) -> Store:
    """A new store; ValueError says what is wrong with the seed."""
    store = Store(load_catalogue(), clock)
    if isinstance(seed, str) and seed.startswith("scale:"):
        _fill(store, _named("empty"))
        _scale(store, seed.partition(":")[2])
    elif isinstance(seed, str):
        _fill(store, _named(seed))
    elif isinstance(seed, Mapping):
        _fill(store, seed)
    else:
        raise ValueError("a seed is a name or an object")
    return store


@cache
def _named(name: str) -> Mapping[str, Any]:
    if name not in ("demo", "empty"):
        raise ValueError(f"unknown seed {name!r}; there is demo, empty, scale:N")
    text = files(__package__).joinpath(f"{name}.yaml").read_text("utf-8")
    document: Mapping[str, Any] = yaml.safe_load(text)
    return document if name == "empty" else {**_named("empty"), **document}


def _scale(store: Store, text: str) -> None:
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise ValueError(f"scale:{text} needs a number of API instances")
    if int(text) > _LARGEST_SCALE:
        raise ValueError(f"scale: at most {_LARGEST_SCALE}")
    gc.disable()
    try:
        fill_scale(store, int(text), Stamps(_SEEDED_MS))
    finally:
        gc.enable()
    # Nothing of this ever becomes garbage by itself; looking through it would cost pauses.
    gc.collect()
    gc.freeze()


def _fill(store: Store, document: Any) -> None:
    if not isinstance(document, Mapping):
        raise ValueError("a seed must be an object")
    unknown = sorted(set(document) - {*_LISTS, "settings"})
    if unknown:
        raise ValueError(f"seed: unknown keys {', '.join(unknown)}")
    try:
        _Reader(store).read(document)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"seed: {type(error).__name__} {error}") from None


class _Reader:
    """Puts a document into a store; equal configurations are kept once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stamps = Stamps(_SEEDED_MS)

    def read(self, document: Mapping[str, Any]) -> None:
        store = self._store
        store.settings = store.settings.changed(document.get("settings", {}))
        for row in document.get("templates", ()):
            for template in templates_of(row, row["groupId"], system=False):
                store.catalogue.add(template)
        for row in document.get("logins", ()):
            store.logins.append(_login(row))
        for row in document.get("organizations", ()):
            self._organization(row)
        for row in document.get("environments", ()):
            environment = _environment(row)
            store.environments[environment.id] = environment
        for row in document.get("applications", ()):
            application = self._application(row)
            store.applications[application.id] = application
        for row in document.get("apis", ()):
            self._instance(row)
        for row in document.get("automatedPolicies", ()):
            item = self._automated(row)
            store.automated[item.id] = item
        _check_references(store)

    def _organization(self, row: Mapping[str, Any]) -> None:
        organization = Organization(
            _text(row, "id"), _text(row, "name"), row.get("parentId"), row.get("domain")
        )
        self._store.organizations[organization.id] = organization

    def _instance(self, row: Mapping[str, Any]) -> None:
        asset = self._store.asset(
            _text(row, "groupId"), _text(row, "assetId"), row.get("exchangeAssetName")
        )
        version = _text(row, "assetVersion", "1.0.0")
        instance = Instance(
            id=self._id("instance", row),
            environment_id=row["environmentId"],
            asset=asset,
            asset_version=version,
            product_version=row.get("productVersion", f"v{version.partition('.')[0]}"),
            technology=_text(row, "technology", "mule4"),
            stamps=self._stamps_of(row),
            label=row.get("instanceLabel"),
            tags=tuple(row.get("tags", ())),
            endpoint_uri=row.get("endpointUri"),
            extra=dict(row.get("extra", {})),
        )
        self._store.put_instance(instance)
        self._hang(instance, row)

    def _hang(self, instance: Instance, row: Mapping[str, Any]) -> None:
        """What belongs to the instance."""
        store, api = self._store, instance.id
        policies = [self._policy(p, i) for i, p in enumerate(row.get("policies", ()), 1)]
        if policies:
            store.policies[api] = tuple(policies)
        if row.get("upstreams"):
            store.upstreams[api] = tuple(self._upstream(u) for u in row["upstreams"])
        if row.get("tiers"):
            store.tiers[api] = tuple(self._tier(t) for t in row["tiers"])
        if row.get("contracts"):
            store.contracts[api] = tuple(self._contract(c) for c in row["contracts"])

    def _policy(self, row: Mapping[str, Any], place: int) -> Policy:
        template = self._template(row)
        return Policy(
            id=self._id("policy", row),
            template=template,
            configuration=_configuration(row),
            order=row.get("order", place) if template.orderable else None,
            stamps=self._stamps_of(row),
            disabled=row.get("disabled", False),
            pointcut=row.get("pointcutData"),
            label=row.get("label"),
            upstream_ids=tuple(row.get("upstreamIds", ())),
            overridden_by=row.get("overriddenBy"),
        )

    def _automated(self, row: Mapping[str, Any]) -> AutomatedPolicy:
        return AutomatedPolicy(
            id=self._id("automated", row),
            organization_id=row["ruleOfApplication"]["organizationId"],
            rule=row["ruleOfApplication"],
            template=self._template(row),
            configuration=row.get("configurationData", {}),
            order=row.get("order", 1),
            stamps=self._stamps_of(row),
            disabled=row.get("disabled", False),
            pointcut=row.get("pointcutData"),
        )

    def _template(self, row: Mapping[str, Any]) -> Template:
        found = self._store.catalogue.find(row["groupId"], row["assetId"], row["assetVersion"])
        if found is None:
            raise ValueError(f"seed: no template {row['assetId']} {row['assetVersion']}")
        return found

    def _upstream(self, row: Mapping[str, Any]) -> Upstream:
        identity = row.get("id") or str(uuid.uuid4())
        stamps = self._stamps_of(row)
        return Upstream(identity, row["uri"], stamps, row.get("label"), row.get("tlsContext"))

    def _tier(self, row: Mapping[str, Any]) -> Tier:
        return Tier(
            id=self._id("tier", row),
            name=row["name"],
            stamps=self._stamps_of(row),
            limits=tuple({"visible": True, **limit} for limit in row.get("limits", ())),
            description=row.get("description"),
            status=row.get("status", "ACTIVE"),
            auto_approve=row.get("autoApprove", False),
        )

    def _contract(self, row: Mapping[str, Any]) -> Contract:
        return Contract(
            id=self._id("contract", row),
            application_id=row["applicationId"],
            stamps=self._stamps_of(row),
            status=row.get("status", "APPROVED"),
            tier_id=row.get("tierId"),
            requested_tier_id=row.get("requestedTierId"),
        )

    def _application(self, row: Mapping[str, Any]) -> Application:
        return Application(
            id=self._id("application", row),
            organization_id=row["masterOrganizationId"],
            name=row["name"],
            client_id=row["clientId"],
            client_secret=row["clientSecret"],
            stamps=self._stamps_of(row),
            description=row.get("description"),
        )

    def _id(self, kind: str, row: Mapping[str, Any]) -> int:
        if row.get("id") is None:
            return self._store.ids.next(kind)
        return self._store.ids.seen(kind, int(row["id"]))

    def _stamps_of(self, row: Mapping[str, Any]) -> Stamps:
        """`createdMs` and `updatedMs`; most entries share one value."""
        if "createdMs" not in row:
            return self._stamps
        return Stamps(row["createdMs"], row.get("updatedMs"))


def _login(row: Mapping[str, Any]) -> Login:
    return Login(row["kind"], row["name"], row["secret"], row["id"], row.get("readOnly", False))


def _environment(row: Mapping[str, Any]) -> Environment:
    keys = ("id", "organizationId", "name", "type")
    return Environment(*(_text(row, key) for key in keys))


def _text(row: Mapping[str, Any], key: str, default: str | None = None) -> str:
    """A string of the seed; YAML makes numbers of some versions that have no quotes."""
    value = row[key] if default is None else row.get(key, default)
    if not isinstance(value, str):
        raise ValueError(f"seed: {key} must be a string, not {value!r}")
    return value


def _configuration(row: Mapping[str, Any]) -> Mapping[str, Any]:
    configuration = row.get("configurationData", {})
    if not isinstance(configuration, Mapping):
        raise ValueError("seed: configurationData must be an object")
    return configuration


def _check_references(store: Store) -> None:
    roots = [o for o in store.organizations.values() if o.parent_id is None]
    if len(roots) != 1:
        raise ValueError("seed: exactly one organization has no parentId")
    _check_known(
        "parentId",
        (o.parent_id for o in store.organizations.values() if o.parent_id),
        store.organizations,
    )
    _check_known(
        "organizationId",
        (e.organization_id for e in store.environments.values()),
        store.organizations,
    )
    _check_known(
        "environmentId", (i.environment_id for i in store.instances.values()), store.environments
    )


def _check_known(what: str, used: Iterable[str], known: Mapping[str, Any]) -> None:
    missing = sorted(set(used) - set(known))
    if missing:
        raise ValueError(f"seed: unknown {what} {', '.join(missing)}")
