"""What the platform stores: frozen values, replaced and never changed.

Mappings inside are shared between many policies and must not be altered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.emulator.anypoint.templates import Template

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stamps:
    """Times in ms since 1970; `updated` None until the first change."""

    created: int
    updated: int | None = None

    @property
    def latest(self) -> int:
        return self.created if self.updated is None else self.updated


@dataclass(frozen=True, slots=True)
class Organization:
    id: str
    name: str
    parent_id: str | None = None
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """`type` is production, sandbox or design."""

    id: str
    organization_id: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Asset:
    """The Exchange asset that instances of one API share; `number` is API Manager's own id."""

    number: int
    group_id: str
    asset_id: str
    name: str

    @property
    def key(self) -> tuple[str, str]:
        return (self.group_id, self.asset_id)


@dataclass(frozen=True, slots=True)
class Instance:
    """One API instance; `extra` holds what is stored and shown without a meaning here."""

    id: int
    environment_id: str
    asset: Asset
    asset_version: str
    product_version: str
    technology: str
    stamps: Stamps
    label: str | None = None
    tags: tuple[str, ...] = ()
    endpoint_uri: str | None = None
    extra: Config = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy of an instance. `order` is None for a policy that cannot be ordered.

    `overridden_by` names the automated policy that disabled it, and will enable it again.
    """

    id: int
    template: Template
    configuration: Config
    order: int | None
    stamps: Stamps
    disabled: bool = False
    pointcut: Any = None
    label: str | None = None
    upstream_ids: tuple[str, ...] = ()
    overridden_by: int | None = None


@dataclass(frozen=True, slots=True)
class AutomatedPolicy:
    """A policy of an organization; `rule` is its ruleOfApplication."""

    id: int
    organization_id: str
    rule: Config
    template: Template
    configuration: Any
    order: int | None
    stamps: Stamps
    disabled: bool = False
    pointcut: Any = None

    @property
    def environment_id(self) -> str | None:
        return self.rule.get("environmentId")

    def covers(self, technology: str) -> bool:
        """Whether instances of this technology fall under it; no list means all runtimes."""
        technologies = self.rule.get("technologies") or (technology,)
        return technology in technologies and technology in self.template.technologies


@dataclass(frozen=True, slots=True)
class Upstream:
    id: str
    uri: str
    stamps: Stamps
    label: str | None = None
    tls_context: Any = None


@dataclass(frozen=True, slots=True)
class Tier:
    """An SLA tier; `limits` as the service shows them."""

    id: int
    name: str
    stamps: Stamps
    limits: tuple[Config, ...] = ()
    description: str | None = None
    status: str = "ACTIVE"
    auto_approve: bool = False


@dataclass(frozen=True, slots=True)
class Contract:
    """`status` is APPROVED, PENDING, REJECTED or REVOKED."""

    id: int
    application_id: int
    stamps: Stamps
    status: str
    tier_id: int | None = None
    requested_tier_id: int | None = None


@dataclass(frozen=True, slots=True)
class Application:
    id: int
    organization_id: str
    name: str
    client_id: str
    client_secret: str
    stamps: Stamps
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """Who may sign in: a connected app (`kind` client) or a person (`kind` user)."""

    kind: str
    name: str
    secret: str
    id: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which object; `user` is None for a connected app."""

    at: int
    organization_id: str
    action: str
    object_type: str
    object_id: str
    object_name: str
    environment_id: str | None = None
    parent_id: str | None = None
    user: str | None = None
    client_id: str | None = None
    payload: Config = field(default_factory=dict)
