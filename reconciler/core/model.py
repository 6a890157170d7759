"""The values that everything else speaks in; knows no provider.

A *unit* is what is read, ordered, fingerprinted and written as one: an API instance, or the
environment itself for what belongs to the environment. A unit holds *resources* (policies,
tiers, automated policies), each with a `ResourceKey` that never depends on a server's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote

MULESOFT_GROUP = "68ef9520-24e9-4cf2-b2f5-620025690913"
"""Exchange group of MuleSoft's own policies (facts, section 7.3)."""

POLICIES, OUTBOUND, TIERS, AUTOMATED = (
    "policies",
    "outboundPolicies",
    "tiers",
    "automatedPolicies",
)
LISTS = (POLICIES, OUTBOUND, TIERS, AUTOMATED)
"""The lists of a document. One that no layer declares is not managed."""

SETTINGS, APPS, GRANTS, BYPASS = "settings", "apps", "grants", "bypass"
ACCESS_LISTS = (SETTINGS, APPS, GRANTS, BYPASS)
"""What an ApiAccess is made of: switches, apps, who may use each, and who gets around it all."""

ENVIRONMENT_UNIT = "automatedPolicies"
"""Unit name, in addresses, of what belongs to the environment itself."""


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """A place in a file; line and column count from 1."""

    file: str
    line: int = 0
    column: int = 0


_KINDS = {
    TIERS: "tier",
    AUTOMATED: "automatedPolicy",
    SETTINGS: "setting",
    APPS: "app",
    GRANTS: "grant",
    BYPASS: "bypass",
}


@lru_cache(4096)
def _quoted(part: str) -> str:
    return quote(part, safe="-._~ *")


@dataclass(frozen=True, slots=True, order=True)
class ResourceKey:
    """Identity of a resource within its unit.

    list: one of LISTS. group: Exchange group id, empty for a tier. type: asset id, empty for a
    tier. name: `name` of a policy entry (the live label), the tier's name, else empty.

    Or one of ACCESS_LISTS. type: the switch, the app's name, or the permission that gets around.
    group: of an app `connectedApp` or `externalClientApp`; of a grant or bypass `permissionSet` or
    `profile`, and name: which one.
    """

    list: str
    group: str
    type: str
    name: str = ""

    @property
    def kind(self) -> str:
        """`policy`, `tier`, `automatedPolicy`; `setting`, `app`, `grant` or `bypass`."""
        return _KINDS.get(self.list, "policy")

    @property
    def segment(self) -> str:
        """Last segment of the address: `ip-allowlist`, `rate-limiting:writes`, `tier:Gold`,
        `Billing Sync/permissionSet:Billing_Sync_Use`."""
        if self.list in (GRANTS, BYPASS):
            of = "bypass:" if self.list == BYPASS else ""
            return f"{of}{_quoted(self.type)}/{self.group}:{_quoted(self.name)}"
        parts = ("tier" if self.list == TIERS else self.type, self.name)
        return ":".join(_quoted(part) for part in parts if part)

    @property
    def token(self) -> str:
        """Stands for the id of what does not exist yet; unlike the segment it is unique."""
        return "/".join((self.list, self.group, self.segment))


@dataclass(frozen=True, slots=True)
class Resource:
    """One policy, tier or automated policy, desired or live.

    settings, for a policy: `version` (text or None), `config` (mapping), `rules` (list of
    {methods, path} or None), `disabled` (bool), and for an outbound policy `upstreams` (labels or
    URIs); for an automated policy also `ruleOfApplication`; for a tier `description`, `limits`,
    `autoApprove`, `status`. In a desired resource they are as declared and leaves may be `Secret`;
    in a live one as the service holds them, in the same words.
    canonical: the same for comparing: defaults filled in, sets sorted, numbers as numbers.
    secrets: patterns of paths in `settings` that are secret (`config.password`,
    `config.claims.*.value`). write_only: those of them that the service never returns.
    order: the place among the unit's policies, live only; None where the service orders none.
    applications: of a live tier, how many applications have an active contract for it.
    shared: live, and for more than this unit, such as an automated policy of the whole
    organization: it is seen, and never changed from here.
    """

    key: ResourceKey
    settings: Mapping[str, Any]
    canonical: Mapping[str, Any]
    secrets: frozenset[str] = frozenset()
    write_only: frozenset[str] = frozenset()
    id: str = ""
    order: int | None = None
    source: Source | None = None
    applications: int = 0
    shared: bool = False

    def found_as(self, id_: str, order: int | None) -> Resource:
        """A live resource that is the same but for its id and place."""
        return self._with(id_, order, self.source)

    def at(self, source: Source) -> Resource:
        """The same resource, declared at another place."""
        return self._with(self.id, self.order, source)

    def _with(self, id_: str, order: int | None, source: Source | None) -> Resource:
        """`dataclasses.replace` takes several times as long, and an estate has very many."""
        return Resource(
            self.key,
            self.settings,
            self.canonical,
            self.secrets,
            self.write_only,
            id_,
            order,
            source,
            self.applications,
            self.shared,
        )


@dataclass(frozen=True, slots=True, order=True)
class UnitAddress:
    """`acme/production/orders`: organization folder, environment folder, unit name."""

    organization: str
    environment: str
    unit: str

    def __str__(self) -> str:
        return f"{self.organization}/{self.environment}/{self.unit}"


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """Where a unit lives, in the service's own ids; `api` is empty for an environment's unit."""

    host: str
    organization: str
    environment: str
    api: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Instance:
    """A live API instance, as listed. `label` is None where it has none."""

    id: int
    asset: str
    group: str
    label: str | None = None
    version: str = ""
    asset_version: str = ""
    technology: str = "mule4"
    tags: tuple[str, ...] = ()
    status: str = ""

    def __str__(self) -> str:
        label = f":{self.label}" if self.label is not None else ""
        return f"{self.asset}{label} (id {self.id}, {self.version or 'no version'})"


@dataclass(frozen=True, slots=True)
class Absent:
    """`absent:` of a document: this policy is deleted where it is live, without prune."""

    list: str
    group: str
    type: str
    name: str
    reason: str
    source: Source


@dataclass(frozen=True, slots=True)
class DesiredUnit:
    """What the files say of one unit; `resources` stand in the desired order within each list.

    managed: the lists that some layer declares. prune: delete live resources of managed lists
    that no file names. hidden: by group and asset id, patterns of paths that are secret in what is
    live of such policies, beside those that they are known by.
    """

    address: UnitAddress
    target: Target
    resources: tuple[Resource, ...]
    managed: frozenset[str]
    absent: tuple[Absent, ...] = ()
    prune: bool = False
    protected: bool = False
    platform: str = "anypoint"
    technology: str = ""
    source: Source | None = None
    hidden: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    @property
    def terms(self) -> Mapping[str, Any]:
        """What else the files say of the unit, as plain values, for its digest."""
        return {}


@dataclass(frozen=True, slots=True)
class LiveUnit:
    """What the service holds of one unit, as far as it was asked for (`lists`).

    upstreams: label and URI of each upstream by its id; read only where outbound policies are.
    sent: by resource id, the HMAC of each secret that was last sent, by its dotted path; filled
    in from what is remembered here, never by the service. hides_disabled: lists that may leave
    out what is disabled, so that nobody knows whether it is there. overridden: by group and asset
    id, the automated policy that switches off such policies here; filled in by the run.
    """

    target: Target
    resources: tuple[Resource, ...]
    lists: frozenset[str]
    upstreams: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    sent: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hides_disabled: frozenset[str] = frozenset()
    overridden: Mapping[tuple[str, str], str] = field(default_factory=dict)
