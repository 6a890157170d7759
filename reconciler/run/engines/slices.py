"""Units on their way to another process: what is sent, what stays, and what comes back.

Credentials never travel, and no value of a secret does. References travel as they stand in the
files; a worker looks them up in its own environment, and shows by keyed digests that it finds the
same there. A unit in which a secret stands as plain text stays here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, TypeVar

from reconciler.core.catalogue import Catalogue
from reconciler.core.diff import Step, UnitDiff
from reconciler.core.known import KnownEnvironment
from reconciler.core.model import MULESOFT_GROUP, TIERS, LiveUnit, Target, UnitAddress
from reconciler.core.project import (
    ApiDocument,
    Entry,
    Environment,
    GroupDocument,
    Organization,
)
from reconciler.core.redact import is_secret_key
from reconciler.files.match import Match
from reconciler.files.pack import said
from reconciler.files.secrets import Carried, carried
from reconciler.files.values import has_reference
from reconciler.run.context import Context
from reconciler.run.converge import Asks, Compared
from reconciler.run.locate import Job

ReadT = TypeVar("ReadT")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit without the way to its platform."""

    address: UnitAddress
    target: Target
    match: Match | None


@dataclass(frozen=True, slots=True)
class Slice:
    """Units of one environment, with all that it takes to compare them.

    organization, environment: with their own layers, without the documents below them. known: what
    the last converged run left of these units. sent: keyed digests of secrets last sent to them.
    """

    organization: Organization
    environment: Environment
    units: tuple[Unit, ...]
    asks: Asks
    known: tuple[Target, KnownEnvironment] | None
    sent: Mapping[Target, Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Named:
    """What the documents of the units that travel name.

    references: each text with a `${…}` in it, after the file that it stands in where that matters.
    policies: group and name of each custom policy.
    """

    references: frozenset[tuple[str, str]]
    policies: frozenset[tuple[str, str]]


def split(context: Context, jobs: Sequence[Job]) -> tuple[list[Job], list[Job], Named]:
    """The units that may travel, those that stay here, and what the former name."""
    reader = _Reader(context.layering.catalogue)
    away: list[Job] = []
    stay: list[Job] = []
    for job in jobs:
        (away if reader.may_travel(job) else stay).append(job)
    return away, stay, reader.named()


def slices(context: Context, jobs: Iterable[Job], size: int, asks: Asks) -> Iterator[Slice]:
    """The jobs in parts of at most `size`, each of one environment, in their order."""
    for _, group in groupby(jobs, lambda job: (job.address.organization, job.address.environment)):
        together = list(group)
        for start in range(0, len(together), size):
            yield _slice(context, together[start : start + size], asks)


def _slice(context: Context, jobs: Sequence[Job], asks: Asks) -> Slice:
    first = jobs[0]
    sent = {job.target: found for job in jobs if (found := context.memory.sent(job.target))}
    return Slice(
        replace(first.organization, environments=()),
        replace(first.environment, apis=(), groups=()),
        tuple(Unit(job.address, job.target, job.match) for job in jobs),
        asks,
        _known(context, jobs),
        sent,
    )


def _known(context: Context, jobs: Sequence[Job]) -> tuple[Target, KnownEnvironment] | None:
    address = jobs[0].address
    recorded = context.known.recorded(address.organization, address.environment)
    if recorded is None:
        return None
    place, known = recorded
    names = {job.address.unit for job in jobs}
    units = {name: known.units[name] for name in names if name in known.units}
    return place, replace(known, units=units)


def bare(found: Compared) -> Compared:
    """What was compared elsewhere, on its way back: all that a plan tells, and of the resources
    themselves nothing: neither what the files nor what the service says."""
    return replace(found, jobs=(), diffs=tuple(map(_bare_diff, found.diffs)))


def _bare_diff(found: UnitDiff) -> UnitDiff:
    return replace(
        found,
        desired=replace(found.desired, resources=()),
        live=LiveUnit(found.live.target, (), found.live.lists),
        steps=tuple(map(_bare_step, found.steps)),
        paired=(),
    )


def _bare_step(step: Step) -> Step:
    live = replace(step.live, settings={}, canonical={}) if step.live else None
    return replace(step, live=live, desired=None)


class _Reader:
    """Reads what documents name; what says the same is read once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._read: dict[tuple[Any, ...], Carried] = {}
        self._shared: dict[int, tuple[object, bool]] = {}
        self._references: set[tuple[str, str]] = set()
        self._policies: set[tuple[str, str]] = set()

    def named(self) -> Named:
        return Named(frozenset(self._references), frozenset(self._policies))

    def may_travel(self, job: Job) -> bool:
        """Whether no secret stands in what is sent of it."""
        if job.is_access:
            return False
        is_open = [
            self._once(job.organization, self._head),
            self._once(job.environment, self._environment),
        ]
        if job.match:
            is_open += [self._once(group, self._document) for group in job.match.groups]
        if job.match and job.match.api:
            is_open.append(self._document(job.match.api))
        return all(is_open)

    def _once(self, value: ReadT, read: Callable[[ReadT], bool]) -> bool:
        kept = self._shared.get(id(value))
        if kept is None:
            # A document that is kept cannot give its identity to another one.
            kept = self._shared[id(value)] = (value, read(value))
        return kept[1]

    def _document(self, document: ApiDocument | GroupDocument) -> bool:
        return self._entries(document.layer.lists)

    def _head(self, organization: Organization) -> bool:
        auth = organization.auth or {}
        is_plain = any(
            is_secret_key(key) and isinstance(value, str) and not has_reference(value)
            for key, value in auth.items()
        )
        return not is_plain and self._entries(organization.layer.lists)

    def _environment(self, environment: Environment) -> bool:
        automated = {"": environment.automated or ()}
        return self._entries(environment.layer.lists) and self._entries(automated)

    def _entries(self, lists: Mapping[str, Sequence[Entry]]) -> bool:
        is_open = [self._entry(entry) for entries in lists.values() for entry in entries]
        return all(is_open)

    def _entry(self, entry: Entry) -> bool:
        key = entry.key
        words = (key.group, key.type, said(entry.body))
        found = self._read.get(words)
        if found is None:
            found = self._read[words] = carried(entry, self._catalogue.get(key.group, key.type))
        if key.list != TIERS and key.group != MULESOFT_GROUP:
            self._policies.add((key.group, key.type))
        file = entry.source.file
        self._references.update((file if "${file:" in text else "", text) for text in found.texts)
        return not found.has_plain_secret
