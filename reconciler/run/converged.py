"""What the last converged run left in each environment, in `converged/ORG/ENV.json`.

It is what tells whether the files or the platform moved since, which resources a list must not
be without, and whether an environment has converged on what the files say. A file that is damaged,
or of another place, counts as none.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.core.diff import UnitDiff
from reconciler.core.known import (
    Digester,
    KnownEnvironment,
    KnownUnit,
    known_unit,
    unit_data,
)
from reconciler.core.model import Target, UnitAddress
from reconciler.core.redact import Redactor
from reconciler.run.state import Store

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Settled:
    """An environment that a run was about. place: its target without an API. units: the names of
    those that its files reach, all of them where `is_whole`. content: digest of its files."""

    organization: str
    environment: str
    place: Target
    units: frozenset[str]
    is_whole: bool
    content: str


class Converged:
    """Reads what is known, takes note of what converges, and keeps it. Used by threads.

    Without a store nothing is known and nothing is kept.
    """

    def __init__(self, store: Store | None = None, redactor: Redactor | None = None) -> None:
        self._store = store
        self._redactor = redactor
        self._lock = threading.Lock()
        self._read: dict[str, tuple[Target, KnownEnvironment] | None] = {}
        self._digester: Digester | None = None
        self._noted: dict[tuple[str, str], dict[str, Any]] = {}

    @classmethod
    def holding(
        cls,
        redactor: Redactor,
        known: Mapping[tuple[str, str], tuple[Target, KnownEnvironment]],
    ) -> Converged:
        """What is known by the folders of each environment, and of no other; nothing is kept."""
        made = cls(None, redactor)
        made._read.update({_name(*folders): found for folders, found in known.items()})
        return made

    def unit(self, address: UnitAddress, target: Target) -> KnownUnit | None:
        """The unit as it was left there; None where that is not known."""
        known = self.environment(address.organization, address.environment, target)
        unit = known.unit(address.unit) if known else None
        if known and unit and known.key != self.digester().key_id:
            return unit.without_digests()
        return unit

    def environment(
        self, organization: str, environment: str, place: Target
    ) -> KnownEnvironment | None:
        """The environment as it was left at that place (its API does not count), or None."""
        found = self.recorded(organization, environment)
        return found[1] if found and found[0] == replace(place, api="") else None

    def recorded(
        self, organization: str, environment: str
    ) -> tuple[Target, KnownEnvironment] | None:
        """What is recorded for these folders, and of which place: whoever asks compares it."""
        name = _name(organization, environment)
        with self._lock:
            if name not in self._read:
                self._read[name] = self._load(name)
            return self._read[name]

    def digester(self) -> Digester:
        """Makes the digests of this run."""
        with self._lock:
            if self._digester is None:
                self._digester = Digester(self._redactor or Redactor(lambda: b""))
            return self._digester

    def note(self, diff: UnitDiff) -> None:
        """Takes note of a unit if it needs no change."""
        made = self.note_of(diff)
        if made is not None:
            self.note_data(diff.desired.address, made)

    def note_of(self, diff: UnitDiff) -> Mapping[str, Any] | None:
        """What is to be noted of a unit: nothing where nothing is kept or it needs a change."""
        if self._store is None or diff.steps or diff.problems:
            return None
        return unit_data(known_unit(diff, self.digester()))

    def note_data(self, address: UnitAddress, made: Mapping[str, Any]) -> None:
        """Takes note of a unit as `note_of` has made it."""
        with self._lock:
            own = self._noted.setdefault((address.organization, address.environment), {})
            own[address.unit] = made

    def noted(self, organization: str, environment: str) -> frozenset[str]:
        """The names of the units that have been noted in this run."""
        return frozenset(self._noted.get((organization, environment), ()))

    def begin(self, settled: Iterable[Settled], run: str, at: str) -> None:
        """Before the first write: what is about to be left does not count as converged any more.

        Raises OSError where that cannot be written.
        """
        for one in settled:
            known = self.environment(one.organization, one.environment, one.place)
            if known and known.content not in ("", one.content):
                self._write(one, replace(known, content="", converged_at=""), run, at)

    def keep(self, settled: Iterable[Settled], run: str, at: str) -> None:
        """Writes what was noted. Raises OSError once all that can be written is."""
        failure: OSError | None = None
        for one in settled:
            noted = self._noted.get((one.organization, one.environment), {})
            known = self.environment(one.organization, one.environment, one.place)
            if not (noted or known):
                continue
            try:
                self._write(one, self._after(one, known, noted, at), run, at)
            except OSError as error:
                failure = error
        if failure:
            raise failure

    def _after(
        self,
        settled: Settled,
        known: KnownEnvironment | None,
        noted: Mapping[str, Any],
        at: str,
    ) -> KnownEnvironment:
        key = self.digester().key_id
        before = known.under(key) if known else KnownEnvironment({})
        kept = {
            name: unit
            for name, unit in before.units.items()
            if name in settled.units or not settled.is_whole
        }
        made = replace(before, units={**kept, **noted}, key=key)
        if settled.is_whole and settled.units <= noted.keys():
            return replace(made, content=settled.content, converged_at=at)
        if settled.content != before.content:
            return replace(made, content="", converged_at="")
        return made

    def _write(self, settled: Settled, made: KnownEnvironment, run: str, at: str) -> None:
        if self._store is None:
            return
        name = _name(settled.organization, settled.environment)
        self._store.write(name, _encoded(made, settled.place, run, at))
        with self._lock:
            self._read[name] = (settled.place, made)

    def _load(self, name: str) -> tuple[Target, KnownEnvironment] | None:
        try:
            data = self._store.read(name) if self._store else None
            return _decoded(data) if data else None
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None


def _name(organization: str, environment: str) -> str:
    return f"converged/{organization}/{environment}.json"


def _encoded(made: KnownEnvironment, place: Target, run: str, at: str) -> bytes:
    data = {
        "schemaVersion": SCHEMA_VERSION,
        "at": at,
        "run": run,
        "place": {
            "host": place.host,
            "organization": place.organization,
            "environment": place.environment,
        },
        "content": made.content or None,
        "convergedAt": made.converged_at or None,
        "key": made.key,
        "units": {name: made.units[name] for name in sorted(made.units)},
    }
    return json.dumps(data, separators=(",", ":")).encode()


def _decoded(data: bytes) -> tuple[Target, KnownEnvironment]:
    """Raises ValueError, TypeError or KeyError for what is no such file."""
    read: Any = json.loads(data)
    if read["schemaVersion"] != SCHEMA_VERSION:
        raise ValueError("of another version")
    place = read["place"]
    names = ("host", "organization", "environment")
    content, at = (str(read.get(name) or "") for name in ("content", "convergedAt"))
    known = KnownEnvironment(dict(read["units"]), content, at, str(read.get("key") or ""))
    return Target(*(str(place[name]) for name in names)), known
