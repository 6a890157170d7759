"""A platform in memory, with faults, for the tests of the run."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reconciler.core.canonical import canonical_settings
from reconciler.core.catalogue import Catalogue
from reconciler.core.diff import diff_unit
from reconciler.core.model import POLICIES, Instance, LiveUnit, Resource, Target
from reconciler.core.project import Organization
from reconciler.core.redact import reveal
from reconciler.errors import Conflict, Unreachable
from reconciler.files.layers import Layering
from reconciler.files.load import load
from reconciler.providers.base import LiveEnvironment, LiveOrganization, Provider
from reconciler.run.apply import Work
from reconciler.run.context import Context
from reconciler.run.locate import Job
from tests.breaking import AFTER, BEFORE
from tests.builders import CATALOGUE, REDACTOR, TARGET, a_desired
from tests.files.builders import (
    ENVIRONMENT,
    ORGANIZATION,
    StandInSchemas,
    a_resolver,
    an_environment,
    an_instance,
    an_organization,
    write_tree,
)


@dataclass
class FakeProvider:
    """Implements `providers.base.Provider` over lists of live resources.

    faults: by the number of the write, from 1: BEFORE raises and does nothing, AFTER acts and
    then raises. deaf_to: settings that an update is told and does not take. unread: numbers of
    the fetches, from 1, that nobody answers. on_write, on_written: called with the number of each
    write, before and after it acts.
    writes: `create alpha`, `reorder` ..., in the order sent.
    """

    units: dict[Target, list[Resource]] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    deaf_to: frozenset[str] = frozenset()
    unread: frozenset[int] = frozenset()
    on_write: Callable[[int], None] = lambda number: None
    on_written: Callable[[int], None] = lambda number: None
    apis: tuple[Instance, ...] = (an_instance(1),)
    host: str = TARGET.host
    is_down: bool = False
    catalogue: Catalogue = field(default_factory=lambda: CATALOGUE)
    writes: list[str] = field(default_factory=list)
    fetches: int = 0
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(100))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def budget(self) -> Mapping[str, str]:
        return {}

    def caller(self) -> Mapping[str, Any]:
        return {"name": "fake", "kind": "user", "organization": "org"}

    def organizations(self) -> tuple[LiveOrganization, ...]:
        if self.is_down:
            raise Unreachable("nobody answers")
        return (LiveOrganization("org", "Acme Corp", "Acme Corp"),)

    def environments(self, organization: str) -> tuple[LiveEnvironment, ...]:
        return (LiveEnvironment("env", "Production", "production"),)

    def instances(self, organization: str, environment: str) -> tuple[Instance, ...]:
        return self.apis

    def fetch(self, target: Target, lists: frozenset[str], technology: str) -> LiveUnit:
        with self._lock:
            self.fetches += 1
            if self.fetches in self.unread:
                raise Unreachable("nobody answers")
            held = [item for item in self.units.get(target, []) if item.key.list in lists]
        return LiveUnit(target, tuple(sorted(held, key=_place)), lists)

    def holds(self, target: Target, listed: str, resource: str) -> bool:
        return any(item.id == resource for item in self.units.get(target, []))

    def has_instance(self, target: Target) -> bool:
        return any(str(item.id) == target.api for item in self.apis)

    def create(
        self, target: Target, desired: Resource, *, order: int | None, duplicate: bool
    ) -> Resource:
        with self._write(f"create {desired.key.segment}") as unit_of:
            unit = unit_of(target)
            if not duplicate and any(_coordinates(item) == _coordinates(desired) for item in unit):
                raise Conflict("it is there already", status=409)
            made = self._stored(desired, str(next(self._ids)), _make_room(unit, desired, order))
            unit.append(made)
        return made

    def update(
        self, target: Target, live: Resource, desired: Resource, *, paths: frozenset[str]
    ) -> None:
        with self._write(f"update {desired.key.segment}") as unit_of:
            unit = unit_of(target)
            place = next(i for i, item in enumerate(unit) if item.id == live.id)
            taken = {k: v for k, v in desired.settings.items() if k not in self.deaf_to}
            version = taken.get("version") or unit[place].settings.get("version")
            settings = {**unit[place].settings, **taken, "version": version}
            renamed = replace(desired, settings=settings)
            unit[place] = self._stored(renamed, live.id, unit[place].order)

    def delete(self, target: Target, live: Resource) -> None:
        with self._write(f"delete {live.key.segment}") as unit_of:
            unit = unit_of(target)
            unit[:] = [item for item in unit if item.id != live.id]

    def reorder(self, target: Target, ids: tuple[str, ...]) -> None:
        with self._write("reorder") as unit_of:
            unit = unit_of(target)
            numbers = {each: number for number, each in enumerate(ids, 1)}
            unit[:] = [replace(item, order=numbers.get(item.id, item.order)) for item in unit]

    def _stored(self, desired: Resource, id_: str, order: int | None) -> Resource:
        """What a service would answer: no secret, and only what was sent."""
        settings = reveal(desired.settings)
        for pattern in desired.write_only:
            settings["config"].pop(pattern.removeprefix("config."), None)
        known = self.catalogue.get(desired.key.group, desired.key.type)
        canonical = canonical_settings(desired.key.list, settings, known)
        return Resource(desired.key, settings, canonical, id=id_, order=order)

    def _write(self, what: str) -> _Write:
        return _Write(self, what)


@dataclass
class _Write:
    """One write: counted, failed before or after as the faults say."""

    provider: FakeProvider
    what: str
    fault: str | None = None

    def __enter__(self) -> Callable[[Target], list[Resource]]:
        provider = self.provider
        provider._lock.acquire()
        provider.writes.append(self.what)
        number = len(provider.writes)
        self.fault = provider.faults.get(number)
        try:
            provider.on_write(number)
        except BaseException:
            provider._lock.release()
            raise
        if self.fault == BEFORE:
            provider._lock.release()
            raise Unreachable("the connection broke")
        return lambda target: provider.units.setdefault(target, [])

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        number = len(self.provider.writes)
        self.provider._lock.release()
        self.provider.on_written(number)
        if self.fault == AFTER and error is None:
            raise Unreachable("the answer was lost")


def _coordinates(resource: Resource) -> tuple[str, str, str]:
    key = resource.key
    return key.list, key.group, key.type or key.name


def _place(resource: Resource) -> tuple[str, bool, int, int]:
    order = resource.order
    return resource.key.list, order is not None, order or 0, int(resource.id)


def _make_room(unit: list[Resource], desired: Resource, order: int | None) -> int | None:
    if desired.key.list != POLICIES or desired.key.type == "cors":
        return None
    numbers = [item.order for item in unit if item.order is not None]
    if order is None:
        return max(numbers, default=0) + 1
    if order in numbers:
        unit[:] = [_moved(item, order) for item in unit]
    return order


def _moved(item: Resource, order: int) -> Resource:
    if item.order is None or item.order < order:
        return item
    return replace(item, order=item.order + 1)


def a_context(provider: Provider | None = None, **changes: Any) -> Context:
    """A context over one organization `acme` with one API `orders`."""
    made = provider or FakeProvider()
    values: dict[str, Any] = {
        "project": None,
        "layering": Layering(StandInSchemas(), CATALOGUE, a_resolver(offline=False)),
        "redactor": REDACTOR,
        "connect": lambda organization: made,
        "parallelism": 2,
    }
    return Context(**(values | changes))


def a_loaded_context(
    root: Path,
    provider: Provider,
    files: Mapping[str, str],
    environ: Mapping[str, str] | None = None,
    **changes: Any,
) -> Context:
    """A context over files; paths are below the organization's folder, whose document and whose
    production environment are there already."""
    heads = {"organization.yaml": ORGANIZATION, "production/environment.yaml": ENVIRONMENT}
    root.mkdir(exist_ok=True)
    tree = write_tree(root, {f"acme/{name}": text for name, text in (heads | dict(files)).items()})
    resolver = a_resolver(root, environ)
    project = load(tree, StandInSchemas(), resolver=resolver)
    layering = Layering(StandInSchemas(), CATALOGUE, resolver)
    return a_context(provider, project=project, layering=layering, **changes)


def an_api_file(*entries: str, asset: str = "orders-api", more: str = "") -> str:
    """An ApiInstance with these policies, each as flow YAML."""
    policies = "".join(f"  - {entry}\n" for entry in entries)
    head = f"apiVersion: reconciler/v1\nkind: ApiInstance\napi: {{asset: {asset}}}\n{more}\n"
    return head + (f"policies:\n{policies}" if entries else "")


def an_entry(type_: str = "alpha", config: str = "{}", more: str = "") -> str:
    return f'{{policyRef: {{name: {type_}, version: "1.0.0"}}, config: {config}{more}}}'


def a_job(provider: Provider, target: Target = TARGET, name: str = "orders") -> Job:
    organization: Organization = an_organization()
    address = replace(a_desired().address, unit=name)
    return Job(address, target, organization, an_environment(), provider)


def a_work(
    provider: FakeProvider,
    *desired: Resource,
    target: Target = TARGET,
    name: str = "orders",
    **more: Any,
) -> Work:
    """What a plan of this unit would have carried out, compared with what is live now."""
    job = a_job(provider, target, name)
    unit = a_desired(*desired, address=job.address, target=target, **more)
    live = LiveUnit(target, tuple(sorted(provider.units.get(target, []), key=_place)), unit.managed)
    return Work(job, diff_unit(unit, live, CATALOGUE, REDACTOR))


def names(provider: FakeProvider, target: Target = TARGET) -> Sequence[str]:
    """Segments of what is live, in order."""
    return [item.key.segment for item in sorted(provider.units.get(target, []), key=_place)]
