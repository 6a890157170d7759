"""What a query is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Path:
    """`Parent.Profile.Name`, and where it stands in the text (from 0)."""

    parts: tuple[str, ...]
    place: int

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`COUNT(Id) n`; `path` is None in the bare COUNT()."""

    function: str
    path: Path | None
    alias: str | None


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it was written; `kind` is string, number, boolean, null, time or date."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`path operator value`; the value of IN and NOT IN is a tuple or a query."""

    path: Path
    operator: str
    value: Literal | tuple[Literal, ...] | Query


@dataclass(frozen=True, slots=True)
class Junction:
    """AND, OR or NOT over conditions."""

    operator: str
    conditions: tuple[Condition, ...]


Condition = Comparison | Junction


@dataclass(frozen=True, slots=True)
class Order:
    path: Path
    is_descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT. `place` is that of the sObject's name."""

    items: tuple[Path | Aggregate, ...]
    sobject: str
    place: int
    alias: str | None = None
    where: Condition | None = None
    groups: tuple[Path, ...] = ()
    orders: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0

    @property
    def counts_only(self) -> bool:
        """`SELECT COUNT() FROM …`: a number and no records."""
        first = self.items[0]
        return isinstance(first, Aggregate) and first.path is None

    @property
    def aggregates(self) -> bool:
        return bool(self.groups) or any(isinstance(item, Aggregate) for item in self.items)
