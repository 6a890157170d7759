"""What the shared suite needs of a platform. A platform is added by a line in PLATFORMS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.canonical import canonical_settings
from reconciler.core.diff import UnitDiff, diff_unit
from reconciler.core.model import MULESOFT_GROUP, POLICIES, Resource, ResourceKey, Source, Target
from reconciler.core.redact import Secret
from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.layers import Layering
from reconciler.providers.anypoint.auth import Credentials, TokenSource
from reconciler.providers.anypoint.client import READS, Client
from reconciler.providers.anypoint.provider import AnypointProvider
from reconciler.providers.base import Provider
from reconciler.run.apply import Work
from reconciler.run.context import Context
from reconciler.transport import Bounds, Transport
from tests.breaking import BEFORE, Breaker
from tests.builders import REDACTOR, a_desired
from tests.emulator.driver import ACME, PRODUCTION, Emulator
from tests.files.builders import StandInSchemas, a_resolver
from tests.run.fake import FakeProvider, a_context, a_job
from tests.transport.clock import Clock

DEMO = Credentials("connected app", Secret("demo"), Secret("demo"))
SHIPPED = ShippedCatalogue.load()


@dataclass(frozen=True)
class Stage:
    """A platform with one empty API. breaker: breaks the connection of writes while it lasts."""

    provider: Provider
    target: Target
    breaker: Breaker
    lists: frozenset[str] = field(default_factory=lambda: frozenset((POLICIES,)))

    def context(self) -> Context:
        resolver = a_resolver(offline=True)
        layering = Layering(StandInSchemas(), SHIPPED, resolver)
        return a_context(self.provider, layering=layering)

    def live(self) -> list[Resource]:
        return list(self.provider.fetch(self.target, self.lists, "mule4").resources)

    def diff(self, *desired: Resource, **more: Any) -> UnitDiff:
        unit = a_desired(*desired, managed=sorted(self.lists), target=self.target, **more)
        live = self.provider.fetch(self.target, self.lists, "mule4")
        return diff_unit(unit, live, SHIPPED, REDACTOR)

    def work(self, *desired: Resource, provider: Provider | None = None, **more: Any) -> Work:
        job = a_job(provider or self.provider, self.target)
        return Work(job, self.diff(*desired, **more))


def a_policy(
    type_: str = "rate-limiting", version: str = "1.4.0", name: str = "", **config: Any
) -> Resource:
    """A desired policy of the shipped catalogue; rate-limiting gets its quota by `each`."""
    if type_ == "rate-limiting":
        each = {"maximumRequests": config.pop("each", 10), "timePeriodInMilliseconds": 1000}
        config = {"rateLimits": [each], **config}
    settings = {"version": version, "config": config, "rules": None, "disabled": False}
    return Resource(
        ResourceKey(POLICIES, MULESOFT_GROUP, type_, name),
        settings,
        canonical_settings(POLICIES, settings, SHIPPED.get(MULESOFT_GROUP, type_)),
        source=Source("orders.yaml", 7, 3),
    )


def an_allowlist(*ips: str) -> Resource:
    return a_policy("ip-allowlist", "1.1.1", ips=list(ips or ["1.1.1.1"]))


def a_removal(*headers: str) -> Resource:
    return a_policy("header-removal", "1.1.2", outboundHeaders=list(headers or ["server"]))


@contextmanager
def anypoint(emulator: Emulator) -> Iterator[Stage]:
    """Anypoint, as the emulator plays it in a process of its own."""
    emulator.reset(one_api())
    with connected(emulator) as provider:
        target = Target(emulator.url, ACME, PRODUCTION, "1")
        yield Stage(provider, target, emulator_breaker(emulator))


@contextmanager
def connected(emulator: Emulator) -> Iterator[AnypointProvider]:
    """A login to the emulator that repeats what failed at once."""
    transport = Transport(emulator.url, reads=READS, bounds=Bounds(timing=Clock().timing))
    provider = AnypointProvider(Client(transport, TokenSource(transport, DEMO)), SHIPPED)
    yield provider
    provider.close()


@contextmanager
def memory(emulator: Emulator) -> Iterator[Stage]:
    """The stand-in that the tests of the run use: it must behave as a platform does."""
    provider = FakeProvider(catalogue=SHIPPED)

    @contextmanager
    def breaker(how: str) -> Iterator[None]:
        provider.faults = {len(provider.writes) + 1: how}
        yield
        provider.faults = {}

    yield Stage(provider, Target(provider.host, "org", "env", "1"), breaker)


PLATFORMS: Mapping[str, Callable[[Emulator], AbstractContextManager[Stage]]] = {
    "anypoint": anypoint,
    "memory": memory,
}


def one_api(**api: Any) -> dict[str, Any]:
    """A seed of the emulator with one API, number 1, in Production of Acme Corp."""
    empty: dict[str, Any] = {
        "organizations": [
            {"id": ACME, "name": "Acme Corp", "parentId": None, "domain": "acme-corp"}
        ],
        "environments": [
            {"id": PRODUCTION, "organizationId": ACME, "name": "Production", "type": "production"}
        ],
        "logins": [{"kind": "client", "name": "demo", "secret": "demo", "id": "c-1"}],
    }
    made = {"id": 1, "environmentId": PRODUCTION, "groupId": ACME, "assetId": "orders-api", **api}
    return {**empty, "apis": [made]}


def emulator_breaker(emulator: Emulator) -> Breaker:
    """Breaks the next write that the emulator gets."""

    @contextmanager
    def breaker(how: str = BEFORE) -> Iterator[None]:
        rules = [
            {"match": {"method": method, "path": "/apimanager/"}, "fault": {"drop": how}}
            for method in ("POST", "PUT", "PATCH", "DELETE")
        ]
        emulator.faults(*rules)
        try:
            yield
        finally:
            emulator.faults()

    return breaker
