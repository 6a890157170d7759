"""Names of a query against the schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from reconciler.emulator.salesforce.errors import Failure, malformed, no_column
from reconciler.emulator.salesforce.schema import Field, Parent, SObject
from reconciler.emulator.salesforce.soql.syntax import Path, Query

_DEEPEST = 5


class Source(Protocol):
    """Where the records come from, as one caller sees them.

    - `sobject` finds by name in any case, and refuses INVALID_TYPE.
    - `has` says whether the org has a column that the schema knows.
    - `rows` and `row` give records with every field.
    """

    @property
    def now(self) -> float: ...
    def sobject(self, name: str) -> SObject: ...
    def has(self, sobject: SObject, field: Field) -> bool: ...
    def rows(self, sobject: SObject) -> Sequence[Mapping[str, Any]]: ...
    def row(self, sobject: SObject, key: str) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class Bound:
    """A path that was found: over which relationships, to which field."""

    links: tuple[Parent, ...]
    field: Field

    @property
    def key(self) -> tuple[str, ...]:
        return (*(name for name, _, _ in self.links), self.field.name)


@dataclass(frozen=True, slots=True)
class Binder:
    """Binds the paths of one query; `text` is for the place that errors show."""

    source: Source
    query: Query
    text: str

    def sobject(self) -> SObject:
        try:
            return self.source.sobject(self.query.sobject)
        except Failure as failure:
            raise located(failure, self.text, self.query.place) from None

    def path(self, path: Path) -> Bound:
        """The field of a path; Failure INVALID_FIELD shows where it stands."""
        try:
            return self._path(self.sobject(), self._own(path))
        except Failure as failure:
            raise located(failure, self.text, path.place) from None

    def filtered(self, path: Path) -> Bound:
        """The same, for a condition."""
        bound = self.path(path)
        if not bound.field.filterable:
            text = f"field '{bound.field.name}' can not be filtered in a query call"
            raise located(Failure("INVALID_FIELD", text), self.text, path.place)
        return bound

    def grouped(self, path: Path) -> Bound:
        bound = self.path(path)
        if not bound.field.groupable:
            raise malformed(f"field '{bound.field.name}' can not be grouped in a query call")
        return bound

    def value(self, row: Mapping[str, Any], bound: Bound) -> Any:
        """What a record holds at the end of a path; None where a parent is missing."""
        current: Mapping[str, Any] | None = row
        for link in bound.links:
            current = self.parent(current, link)
        return current.get(bound.field.name) if current is not None else None

    def parent(self, row: Mapping[str, Any] | None, link: Parent) -> Mapping[str, Any] | None:
        _, field, target = link
        key = row.get(field) if row is not None else None
        return self.source.row(self.source.sobject(target), key) if key else None

    def _own(self, path: Path) -> tuple[str, ...]:
        """The parts without the sObject's own name or alias in front."""
        names = (self.query.sobject.lower(), (self.query.alias or self.query.sobject).lower())
        is_prefixed = len(path.parts) > 1 and path.parts[0].lower() in names
        return path.parts[1:] if is_prefixed else path.parts

    def _path(self, sobject: SObject, parts: tuple[str, ...]) -> Bound:
        if len(parts) > _DEEPEST + 1:
            raise malformed("SELECT: a relationship path has at most 5 steps")
        links = []
        for name in parts[:-1]:
            link = sobject.parent(name)
            if link is None:
                text = f"Didn't understand relationship '{name}' in field path. If you are"
                text += " attempting to use a custom relationship, be sure to append the '__r'"
                text += " after the custom relationship name."
                raise Failure("INVALID_FIELD", text)
            links.append(link)
            sobject = self.source.sobject(link[2])
        field = sobject.field(parts[-1])
        if field is None or not self.source.has(sobject, field):
            raise no_column(parts[-1], sobject.name)
        return Bound(tuple(links), field)


def located(failure: Failure, text: str, place: int) -> Failure:
    """The failure with the line of the query and a mark below the place."""
    if failure.message.startswith("\n"):
        return failure
    line = text[max(0, place - 60) : place + 60].replace("\n", " ")
    mark = " " * min(place, 60) + "^"
    where = f"ERROR at Row:1:Column:{place + 1}"
    message = f"\n{line}\n{mark}\n{where}\n{failure.message}"
    return Failure(failure.code, message, status=failure.status, fields=failure.fields)
