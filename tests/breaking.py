"""A provider whose connection breaks at a chosen write, for any platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from reconciler.core.model import Instance, LiveUnit, Resource, Target
from reconciler.errors import Unreachable
from reconciler.providers.base import LiveEnvironment, LiveOrganization, Provider

AnswerT = TypeVar("AnswerT")

BEFORE, AFTER = "before", "after"
Breaker = Callable[[str], AbstractContextManager[object]]
"""While it lasts the platform breaks the connection of a write, BEFORE or AFTER acting."""


@dataclass
class Breaking:
    """Another provider, of which write number `at` (from 1) is broken and none after it is sent.

    `at` 0 breaks nothing. writes: how many were asked for.
    """

    provider: Provider
    breaker: Breaker
    at: int = 0
    how: str = BEFORE
    writes: int = 0

    @property
    def host(self) -> str:
        return self.provider.host

    def budget(self) -> Mapping[str, str]:
        return self.provider.budget()

    def caller(self) -> Mapping[str, Any]:
        return self.provider.caller()

    def organizations(self) -> tuple[LiveOrganization, ...]:
        return self.provider.organizations()

    def environments(self, organization: str) -> tuple[LiveEnvironment, ...]:
        return self.provider.environments(organization)

    def instances(self, organization: str, environment: str) -> tuple[Instance, ...]:
        return self.provider.instances(organization, environment)

    def fetch(self, target: Target, lists: frozenset[str], technology: str) -> LiveUnit:
        return self.provider.fetch(target, lists, technology)

    def holds(self, target: Target, listed: str, resource: str) -> bool:
        return self.provider.holds(target, listed, resource)

    def has_instance(self, target: Target) -> bool:
        return self.provider.has_instance(target)

    def create(
        self, target: Target, desired: Resource, *, order: int | None, duplicate: bool
    ) -> Resource:
        return self._sent(
            lambda: self.provider.create(target, desired, order=order, duplicate=duplicate)
        )

    def update(
        self, target: Target, live: Resource, desired: Resource, *, paths: frozenset[str]
    ) -> None:
        self._sent(lambda: self.provider.update(target, live, desired, paths=paths))

    def delete(self, target: Target, live: Resource) -> None:
        self._sent(lambda: self.provider.delete(target, live))

    def reorder(self, target: Target, ids: tuple[str, ...]) -> None:
        self._sent(lambda: self.provider.reorder(target, ids))

    def _sent(self, write: Callable[[], AnswerT]) -> AnswerT:
        self.writes += 1
        if not self.at or self.writes < self.at:
            return write()
        if self.writes > self.at:
            raise Unreachable("the connection is gone")
        with self.breaker(self.how):
            return write()
