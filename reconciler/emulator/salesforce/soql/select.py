"""Carries out a query: conditions, groups, order, bounds, and the records as they are answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key, partial
from typing import Any

from reconciler.emulator.salesforce.errors import malformed
from reconciler.emulator.salesforce.schema import Parent, SObject
from reconciler.emulator.salesforce.soql.bind import Binder, Bound, Source
from reconciler.emulator.salesforce.soql.conditions import compile_condition
from reconciler.emulator.salesforce.soql.parse import parse
from reconciler.emulator.salesforce.soql.syntax import (
    Aggregate,
    Comparison,
    Order,
    Path,
    Query,
)

Record = dict[str, Any]
# Gives the `attributes` of a record.
Attributes = Callable[[SObject, Mapping[str, Any]], Record]

_MOST_OFFSET = 2000


@dataclass(frozen=True, slots=True)
class Answer:
    """`total` counts what a bare COUNT() counted, or the records."""

    sobject: SObject
    total: int
    records: list[Record]


def select(text: str, source: Source, attributes: Attributes) -> Answer:
    """The answer to a query; Failure with the code of the service for a wrong one."""
    query = parse(text)
    if query.offset > _MOST_OFFSET:
        raise malformed("Maximum SOQL offset allowed is 2000")
    binder = Binder(source, query, text)
    sobject = binder.sobject()
    rows = _matching(query, binder, text)
    if query.counts_only:
        return Answer(sobject, len(_bounded(query, rows)), [])
    if query.aggregates:
        groups = _bounded(query, _grouped(query, binder, rows))
        return Answer(sobject, len(groups), groups)
    shown = [_bound_item(item, binder) for item in query.items]
    found = _bounded(query, _sorted(query.orders, binder, rows))
    records = [_record(row, shown, binder, attributes, sobject) for row in found]
    return Answer(sobject, len(records), records)


def _matching(query: Query, binder: Binder, text: str) -> list[Mapping[str, Any]]:
    rows = binder.source.rows(binder.sobject())
    if query.where is None:
        return list(rows)

    def inner(item: Comparison) -> frozenset[Any]:
        assert isinstance(item.value, Query)
        return _inner_values(item.value, binder.source, text)

    test = compile_condition(query.where, binder, inner)
    return [row for row in rows if test(row)]


def _inner_values(query: Query, source: Source, text: str) -> frozenset[Any]:
    """What `IN (SELECT …)` stands for; the inner query names one field."""
    binder = Binder(source, query, text)
    item = query.items[0]
    if len(query.items) != 1 or not isinstance(item, Path):
        raise malformed("an inner query selects exactly one field")
    bound = binder.path(item)
    return frozenset(binder.value(row, bound) for row in _matching(query, binder, text))


def _bounded(query: Query, rows: Sequence[Any]) -> list[Any]:
    end = None if query.limit is None else query.offset + query.limit
    return list(rows[query.offset : end])


def _bound_item(item: Path | Aggregate, binder: Binder) -> Bound:
    assert isinstance(item, Path)
    return binder.path(item)


def _record(
    row: Mapping[str, Any],
    shown: Sequence[Bound],
    binder: Binder,
    attributes: Attributes,
    sobject: SObject,
) -> Record:
    """The selected fields; those of a parent inside an object, or null where there is none."""
    record: Record = {"attributes": attributes(sobject, row)}
    for bound in shown:
        _place(record, row, bound.links, bound.field.name, binder, attributes)
    return record


def _place(
    record: Record,
    row: Mapping[str, Any],
    links: Sequence[Parent],
    field: str,
    binder: Binder,
    attributes: Attributes,
) -> None:
    if not links:
        record[field] = row.get(field)
        return
    name, _, target = links[0]
    parent = binder.parent(row, links[0])
    if parent is None:
        record[name] = None
        return
    if not record.get(name):
        record[name] = {"attributes": attributes(binder.source.sobject(target), parent)}
    _place(record[name], parent, links[1:], field, binder, attributes)


def _sorted(
    orders: Sequence[Order], binder: Binder, rows: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    keys = [(order, binder.path(order.path)) for order in orders]

    def compare(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
        for order, bound in keys:
            found = _compare(binder.value(one, bound), binder.value(other, bound), order)
            if found:
                return found
        return 0

    return sorted(rows, key=cmp_to_key(compare)) if keys else list(rows)


def _compare(one: Any, other: Any, order: Order) -> int:
    if one is None or other is None:
        if one is other:
            return 0
        return -1 if (one is None) == order.nulls_first else 1
    if isinstance(one, str) and isinstance(other, str):
        one, other = one.casefold(), other.casefold()
    found = int(one > other) - int(one < other)
    return -found if order.is_descending else found


# Groups


def _grouped(query: Query, binder: Binder, rows: Sequence[Mapping[str, Any]]) -> list[Record]:
    keys = [binder.grouped(path) for path in query.groups]
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {} if keys else {(): []}
    ordered = _sorted(query.orders, binder, rows)
    for row in ordered:
        groups.setdefault(tuple(binder.value(row, key) for key in keys), []).append(row)
    makers = _makers(query, binder, keys)
    return [
        {"attributes": {"type": "AggregateResult"}}
        | {name: make(members) for name, make in makers.items()}
        for members in groups.values()
    ]


def _makers(
    query: Query, binder: Binder, keys: Sequence[Bound]
) -> dict[str, Callable[[list[Mapping[str, Any]]], Any]]:
    """What each selected item shows of a group; an unnamed function is `expr0` and so on."""
    found: dict[str, Callable[[list[Mapping[str, Any]]], Any]] = {}
    unnamed = 0
    for item in query.items:
        if isinstance(item, Path):
            bound = binder.path(item)
            if bound.key not in [key.key for key in keys]:
                raise malformed(f"Field must be grouped or aggregated: {item}")
            found[bound.field.name] = partial(_first, binder, bound)
            continue
        name = item.alias or f"expr{unnamed}"
        unnamed += item.alias is None
        found[name] = _aggregate(item, binder)
    return found


def _first(binder: Binder, bound: Bound, members: list[Mapping[str, Any]]) -> Any:
    return binder.value(members[0], bound)


def _aggregate(item: Aggregate, binder: Binder) -> Callable[[list[Mapping[str, Any]]], Any]:
    if item.path is None:
        raise malformed("Grouped query cannot use COUNT()")
    bound = binder.path(item.path)
    reduce = _REDUCERS[item.function]

    def make(members: list[Mapping[str, Any]]) -> Any:
        values = [binder.value(member, bound) for member in members]
        return reduce([value for value in values if value is not None])

    return make


_REDUCERS: Mapping[str, Callable[[list[Any]], Any]] = {
    "COUNT": len,
    "COUNT_DISTINCT": lambda values: len(set(values)),
    "MAX": lambda values: max(values, default=None),
    "MIN": lambda values: min(values, default=None),
    "SUM": lambda values: sum(v for v in values if isinstance(v, int | float)),
    "AVG": lambda values: _mean([v for v in values if isinstance(v, int | float)]),
}


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
