"""What a platform has to offer: find the place, fetch a unit, carry out one write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from reconciler.core.access import DesiredAccess, LiveAccess
from reconciler.core.catalogue import PolicyType
from reconciler.core.diff import Step
from reconciler.core.model import Instance, LiveUnit, Resource, Target
from reconciler.core.trail import TrailEntry
from reconciler.core.use import Usage
from reconciler.errors import ProviderError


@dataclass(frozen=True, slots=True)
class LiveEnvironment:
    """An environment as the service lists it; `type` is production, sandbox or design."""

    id: str
    name: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class LiveOrganization:
    """An organization of the login's business-group tree; `path` names it from the root."""

    id: str
    name: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class OfferedPolicy:
    """A version of a policy that can be applied; `is_own`: the organization publishes it."""

    group: str
    name: str
    version: str
    is_own: bool = False


@runtime_checkable
class PolicyShelf(Protocol):
    """What a provider has besides, where its platform says which policies it offers."""

    def offered(
        self, organization: str, *, newest: bool = False, injection: str = ""
    ) -> tuple[OfferedPolicy, ...]:
        """All versions that the organization may apply, or the newest of each by the platform's
        own word. injection: only `inbound` or `outbound` ones."""

    def policy_type(self, organization: str, group: str, name: str, version: str) -> PolicyType:
        """What a version takes as its configuration; direction and gateways are left empty."""


@runtime_checkable
class AccessPlatform(Protocol):
    """What a provider has besides, where its platform says who may call its APIs."""

    def fetch_access(self, target: Target, desired: DesiredAccess) -> LiveAccess:
        """Everything that the org holds of it, and of the names in `desired` what they stand for.

        Raises CannotSee where rights are missing: that is never read as none.
        """

    def prove_access(self, target: Target) -> None:
        """Shows with a new token and a real query that this login still gets in; waits for what
        may not have spread yet. Raises LockedOut, with the way out, where it does not."""


@runtime_checkable
class Collections(Protocol):
    """What a provider has besides, where its platform takes many records of one kind in a call."""

    @property
    def max_records(self) -> int:
        """How many it takes at most."""

    def create_many(
        self, target: Target, desired: Sequence[Resource]
    ) -> tuple[Resource | ProviderError, ...]:
        """Sends one call, and reads back; what came to be, or why it did not, for each in order.

        What is there already counts as created. Raises ProviderError where nothing can be told.
        """

    def delete_many(
        self, target: Target, live: Sequence[Resource]
    ) -> tuple[ProviderError | None, ...]:
        """Sends one call, and reads back; why each is still there, or None, in order."""


@runtime_checkable
class AuditLog(Protocol):
    """What a provider has besides, where its platform keeps who changed what."""

    def changes_since(self, target: Target, since: datetime) -> tuple[TrailEntry, ...]:
        """What anybody changed at the place after that second, newest first; where there is very
        much, the newest. Raises CannotSee where rights are missing."""


@runtime_checkable
class UsePlatform(Protocol):
    """What a provider has besides, where its platform tells which apps and users called it."""

    def fetch_use(self, target: Target, days: int, now: datetime) -> Usage:
        """The use of the last days before `now`, and what of it cannot be seen for want of
        rights: that is told in it, and never read as none."""

    def fetch_holders(
        self, target: Target, parents: Collection[str]
    ) -> Mapping[str, frozenset[str]]:
        """Ids of the active users who hold each of these (`core.access.Parent.id`), directly or
        through a group. Raises CannotSee where rights are missing."""

    def count_profiles(self, target: Target) -> int:
        """How many profiles there are. Raises CannotSee where rights are missing."""


@runtime_checkable
class Rehearsal(Protocol):
    """What a provider has besides, where its platform says beforehand what it would refuse."""

    def rehearse(self, target: Target, steps: Sequence[Step]) -> tuple[str, ...]:
        """What the platform would have against the steps, all together; changes nothing. Raises
        Refusal where the login is read-only and was not made for it."""


class Provider(Protocol):
    """One login to one host. Duties of an implementer:

    - it is used by several threads at once;
    - reads are retried, writes are sent once;
    - every failure is a `ProviderError`; nothing of `requests` escapes;
    - secrets never reach an exception or a log;
    - made with `read_only=True` it raises before a write is sent.
    """

    @property
    def host(self) -> str:
        """Base URL of the service, without a trailing slash."""

    def budget(self) -> Mapping[str, str]:
        """What the service last told of its rate limit: `limit`, `remaining`, `reset`; or {}."""

    def caller(self) -> Mapping[str, Any]:
        """Who the token is: `name`, `kind` (`connected app` or `user`), `organization` (id)."""

    def organizations(self) -> tuple[LiveOrganization, ...]:
        """All organizations that the login can see, the root first; fetched once."""

    def environments(self, organization: str) -> tuple[LiveEnvironment, ...]:
        """All environments of an organization id; all pages."""

    def instances(self, organization: str, environment: str) -> tuple[Instance, ...]:
        """All API instances of an environment, sorted by id; all pages."""

    def fetch(self, target: Target, lists: frozenset[str], technology: str) -> LiveUnit:
        """The unit as the service holds it, only the lists asked for; resources in order.

        With `outboundPolicies` the policies are read in both list forms and the upstreams too.
        Raises Incomplete for a list that is not whole.
        """

    def holds(self, target: Target, listed: str, resource: str) -> bool:
        """Whether a resource of one of LISTS is there when asked for by its id. False where the
        service has no such question."""

    def has_instance(self, target: Target) -> bool:
        """Whether the API is there when asked for by its id."""

    def create(
        self, target: Target, desired: Resource, *, order: int | None, duplicate: bool
    ) -> Resource:
        """Sends one create and returns what came to be; never sends it twice.

        order: the place to ask for, or None for the end. duplicate: the files hold this policy
        twice on this API, so the service's own guard against doubles is lifted.
        """

    def update(
        self, target: Target, live: Resource, desired: Resource, *, paths: frozenset[str]
    ) -> None:
        """Makes the live resource equal to the desired one; sends only what must be sent.

        paths: the fields that differ, secrets that are to be sent again among them.
        """

    def delete(self, target: Target, live: Resource) -> None:
        """Deletes; one that is gone already counts as deleted."""

    def reorder(self, target: Target, ids: tuple[str, ...]) -> None:
        """Sets the order of the given policies, first to last."""
