"""The whole state of the platform, and the few rules that every writer of it shares."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from reconciler.emulator.anypoint.model import (
    Application,
    Asset,
    AuditEntry,
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
from reconciler.emulator.anypoint.settings import Settings
from reconciler.emulator.anypoint.templates import Catalogue

_NEWEST_AUDIT = 100_000

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows, until `expires` (seconds since 1970)."""

    login: Login
    expires: float


@dataclass(frozen=True, slots=True)
class AssetGroup:
    """An asset and its instances in one environment, in order of id."""

    asset: Asset
    instances: tuple[Instance, ...]


# Ids of different kinds look different, so that a mixed-up one is noticed.
_FIRST_IDS = {
    "asset": 2_130_000,
    "instance": 19_900_000,
    "policy": 6_086_000,
    "automated": 125_000,
    "tier": 123_000,
    "contract": 4_234_000,
    "application": 1_422_000,
}


class Counters:
    """Ids that are never given twice, also not after a delete."""

    def __init__(self) -> None:
        self._last = dict(_FIRST_IDS)

    def next(self, kind: str) -> int:
        self._last[kind] += 1
        return self._last[kind]

    def seen(self, kind: str, number: int) -> int:
        """Notes an id that was given elsewhere, and gives it back."""
        self._last[kind] = max(self._last[kind], number)
        return number


class Store:
    """State in dictionaries; everything in them is frozen and replaced as a whole."""

    def __init__(self, catalogue: Catalogue, clock: Clock = time.time) -> None:
        self.catalogue = catalogue
        self.settings = Settings()
        self.clock = clock
        self.ids = Counters()
        self.organizations: dict[str, Organization] = {}
        self.environments: dict[str, Environment] = {}
        self.assets: dict[tuple[str, str], Asset] = {}
        self.instances: dict[int, Instance] = {}
        self.policies: dict[int, tuple[Policy, ...]] = {}
        self.tiers: dict[int, tuple[Tier, ...]] = {}
        self.upstreams: dict[int, tuple[Upstream, ...]] = {}
        self.contracts: dict[int, tuple[Contract, ...]] = {}
        self.automated: dict[int, AutomatedPolicy] = {}
        self.applications: dict[int, Application] = {}
        self.logins: list[Login] = []
        self.grants: dict[str, Grant] = {}
        self.audit: deque[AuditEntry] = deque(maxlen=_NEWEST_AUDIT)
        self._touched: dict[int, int] = {}
        self._groups: dict[str, tuple[AssetGroup, ...]] = {}

    def now_ms(self) -> int:
        return int(self.clock() * 1000)

    def stamps(self) -> Stamps:
        return Stamps(self.now_ms())

    def touched(self, stamps: Stamps) -> Stamps:
        return replace(stamps, updated=self.now_ms())

    def master(self) -> Organization:
        """The root of the tree; there is exactly one."""
        return next(o for o in self.organizations.values() if o.parent_id is None)

    def children(self, organization_id: str) -> list[Organization]:
        return [o for o in self.organizations.values() if o.parent_id == organization_id]

    def environments_of(self, organization_id: str) -> list[Environment]:
        return [e for e in self.environments.values() if e.organization_id == organization_id]

    def groups(self, environment_id: str) -> tuple[AssetGroup, ...]:
        """The assets of an environment by name, each with its instances."""
        if not self._groups:
            self._groups = self._group_all()
        return self._groups.get(environment_id, ())

    def _group_all(self) -> dict[str, tuple[AssetGroup, ...]]:
        """Sorted once and kept until an instance changes, because paging asks for it often."""
        found: dict[str, dict[tuple[str, str], list[Instance]]] = {}
        for instance in self.instances.values():
            assets = found.setdefault(instance.environment_id, {})
            assets.setdefault(instance.asset.key, []).append(instance)
        groups: dict[str, tuple[AssetGroup, ...]] = {}
        for environment_id, assets in found.items():
            ordered = sorted(assets.values(), key=lambda group: group[0].asset.asset_id)
            groups[environment_id] = tuple(AssetGroup(g[0].asset, tuple(g)) for g in ordered)
        return groups

    def put_instance(self, instance: Instance) -> None:
        self.instances[instance.id] = instance
        self._groups = {}

    def drop_instance(self, instance_id: int) -> None:
        """Removes an instance with everything that hangs on it."""
        holders = (self.instances, self.policies, self.tiers, self.upstreams, self.contracts)
        for holder in holders:
            holder.pop(instance_id, None)
        self._groups = {}

    def asset(self, group_id: str, asset_id: str, name: str | None = None) -> Asset:
        """The asset of these coordinates, made on first use."""
        key = (group_id, asset_id)
        if key not in self.assets:
            shown = name or asset_id.replace("-", " ").title().replace("Api", "API")
            self.assets[key] = Asset(self.ids.next("asset"), group_id, asset_id, shown)
        return self.assets[key]

    def policies_of(self, instance_id: int) -> tuple[Policy, ...]:
        return self.policies.get(instance_id, ())

    def set_policies(self, instance_id: int, policies: tuple[Policy, ...]) -> None:
        self.policies[instance_id] = policies
        self._touched[instance_id] = self.now_ms()

    def put_policy(self, instance_id: int, policy: Policy) -> None:
        """Stores a policy in the place of the one with its id, or as the last."""
        others = self.policies_of(instance_id)
        if any(other.id == policy.id for other in others):
            updated = tuple(policy if other.id == policy.id else other for other in others)
        else:
            updated = (*others, policy)
        self.set_policies(instance_id, updated)

    def changed_at(self, instance_id: int) -> int:
        """When the policies of an instance last changed, in ms."""
        if instance_id in self._touched:
            return self._touched[instance_id]
        return self.instances[instance_id].stamps.created

    def automated_over(self, instance: Instance) -> Iterator[AutomatedPolicy]:
        """The automated policies that cover an instance."""
        organization_id = self.environments[instance.environment_id].organization_id
        for policy in self.automated.values():
            scoped = policy.environment_id in (None, instance.environment_id)
            owned = policy.organization_id == organization_id
            if scoped and owned and policy.covers(instance.technology):
                yield policy
