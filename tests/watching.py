"""A provider that tells of each call of a run, before and after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from reconciler.core.model import LiveUnit, Resource, Target
from tests.breaking import Breaking

AnswerT = TypeVar("AnswerT")


def _nothing() -> None:
    pass


@dataclass
class Watching(Breaking):
    """before: called ahead of each read and write; after: behind each write.

    calls: `read`, or the id of the resource that the write is about, empty for a create or an
    order; the one that is being made is the last.
    """

    before: Callable[[], None] = _nothing
    after: Callable[[], None] = _nothing
    calls: list[str] = field(default_factory=list)

    def fetch(self, target: Target, lists: frozenset[str], technology: str) -> LiveUnit:
        self._told("read")
        return super().fetch(target, lists, technology)

    def update(
        self, target: Target, live: Resource, desired: Resource, *, paths: frozenset[str]
    ) -> None:
        self._about = live.id
        super().update(target, live, desired, paths=paths)

    def delete(self, target: Target, live: Resource) -> None:
        self._about = live.id
        super().delete(target, live)

    _about: str = ""

    def _told(self, call: str) -> None:
        self.calls.append(call)
        self.before()

    def _sent(self, write: Callable[[], AnswerT]) -> AnswerT:
        about, self._about = self._about, ""
        self._told(about)
        try:
            return super()._sent(write)
        finally:
            self.after()
