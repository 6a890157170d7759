"""Merges what several layers say of one policy, keeping where each value came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.core.model import Source
from reconciler.core.project import Entry
from reconciler.errors import Problem
from reconciler.files.pack import opened
from reconciler.files.yaml import Map, Place, Seq

_OWN_KEYS = frozenset(["name", "position"])


@dataclass(frozen=True, slots=True)
class Origin:
    """Which layer set a value, and where: `environment defaults`, file, line, column."""

    layer: str
    source: Source


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one layer says of a policy. description: of the layer's document."""

    layer: str
    entry: Entry
    description: str = ""


class Places:
    """Stands for places in several files by single numbers.

    A merged mapping holds values of several files, while a `Place` is a line and a column of one.
    So the merged mapping is given a number for each place, as its line, and this gives the
    place back.
    """

    def __init__(self) -> None:
        self._origins: list[Origin] = []

    def number(self, layer: str, file: str, at: Place) -> Place:
        self._origins.append(Origin(layer, Source(file, *at)))
        return len(self._origins), 1

    def origin(self, place: Place) -> Origin:
        return self._origins[place[0] - 1]

    def translate(self, problem: Problem) -> Problem:
        """A problem found in the merged mapping, at its true place."""
        source = self.origin((min(max(problem.line, 1), len(self._origins)), 1)).source
        return Problem(
            source.file,
            source.line,
            source.column,
            problem.path,
            problem.message,
            problem.hint,
        )


def merge(chain: Sequence[Contribution]) -> tuple[Map, Places]:
    """The entries of a chain, outermost layer first, as one mapping of fresh containers.

    Mappings merge key by key, lists and scalars are replaced, null removes. The name and the
    position of an entry are left out.
    """
    places = Places()
    first = chain[0].entry.source
    merged = Map(places.number(chain[0].layer, first.file, (first.line, first.column)))
    for contribution in chain:
        _Copier(places, contribution).lay(merged, opened(contribution.entry.body), _OWN_KEYS)
    return merged, places


@dataclass(frozen=True, slots=True)
class _Copier:
    places: Places
    contribution: Contribution

    def lay(self, below: Map, above: Any, leave_out: frozenset[str] = frozenset()) -> None:
        for key, value in above.items():
            if key in leave_out:
                continue
            if value is None:
                below.pop(key, None)
            elif isinstance(value, Map) and isinstance(below.get(key), Map):
                self.lay(below[key], value)
            else:
                below[key] = self._copy(value)
                below.key_at[key] = self._number(above.key_at[key])
                below.value_at[key] = self._number(above.value_at[key])

    def _copy(self, value: Any) -> Any:
        if isinstance(value, Map):
            copied = Map(self._number(value.at))
            self.lay(copied, value)
            return copied
        if isinstance(value, Seq):
            items = Seq(self._number(value.at))
            items.extend(self._copy(item) for item in value)
            items.item_at.extend(self._number(at) for at in value.item_at)
            return items
        return value

    def _number(self, at: Place) -> Place:
        return self.places.number(self.contribution.layer, self.contribution.entry.source.file, at)


def leaf_origins(value: Map, places: Places, path: str = "") -> dict[str, Origin]:
    """The origin of each value that is not a mapping, by its dotted path; a list counts as one.

    An empty mapping is a leaf too.
    """
    found: dict[str, Origin] = {}
    for key, item in value.items():
        below = f"{path}.{key}" if path else key
        if isinstance(item, Map) and item:
            found |= leaf_origins(item, places, below)
        else:
            found[below] = places.origin(value.value_at[key])
    return found
