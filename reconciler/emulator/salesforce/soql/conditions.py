"""WHERE: from a condition to a test of one record."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.ids import to_18
from reconciler.emulator.salesforce.soql.bind import Binder, Bound
from reconciler.emulator.salesforce.soql.dates import span
from reconciler.emulator.salesforce.soql.syntax import Comparison, Condition, Junction, Literal

Test = Callable[[Mapping[str, Any]], bool]
# Gives the values of a query inside IN.
Inner = Callable[[Comparison], frozenset[Any]]

_IDS = ("id", "reference")
_LITERALS = {"boolean": "boolean", "int": "number", "datetime": "time"}
_WILD = {"_": ".", "%": ".*", r"\_": "_", r"\%": "%"}
# A bare date is no point in time.
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TYPE_NAMES = {"datetime": "dateTime"}


def compile_condition(condition: Condition, binder: Binder, inner: Inner) -> Test:
    """The test; Failure where a field is unknown or a value of a wrong type."""
    if isinstance(condition, Comparison):
        return _comparison(condition, binder, inner)
    tests = [compile_condition(part, binder, inner) for part in condition.conditions]
    return _junction(condition, tests)


def _junction(condition: Junction, tests: list[Test]) -> Test:
    if condition.operator == "not":
        return lambda row: not tests[0](row)
    combine = all if condition.operator == "and" else any
    return lambda row: combine(test(row) for test in tests)


def _comparison(item: Comparison, binder: Binder, inner: Inner) -> Test:
    bound = binder.filtered(item.path)
    accepts = _accepts(item, bound, binder, inner)
    kind = bound.field.kind
    return lambda row: accepts(_comparable(binder.value(row, bound), kind))


def _accepts(item: Comparison, bound: Bound, binder: Binder, inner: Inner) -> Callable[[Any], bool]:
    if item.operator in ("in", "not in"):
        wanted = _members(item, bound, inner)
        is_in = item.operator == "in"
        return lambda value: (value in wanted) is is_in
    assert isinstance(item.value, Literal)
    if item.operator == "like":
        return _like(item.value, bound)
    if bound.field.kind == "datetime" and item.value.kind != "null":
        return _timely(item.operator, item.value, bound, binder.source.now)
    wanted_value = _typed(item.value, bound)
    if item.operator == "=":
        return lambda value: bool(value == wanted_value)
    if item.operator == "!=":
        return lambda value: bool(value != wanted_value)
    return _ordered(item.operator, wanted_value)


def _members(item: Comparison, bound: Bound, inner: Inner) -> frozenset[Any]:
    if isinstance(item.value, tuple):
        return frozenset(_typed(literal, bound) for literal in item.value)
    return frozenset(_comparable(value, bound.field.kind) for value in inner(item))


def _ordered(operator: str, wanted: Any) -> Callable[[Any], bool]:
    if wanted is None or isinstance(wanted, bool):
        raise Failure("INVALID_QUERY_FILTER_OPERATOR", "operator cannot be used with this value")
    return lambda value: value is not None and _ranks(operator, value, wanted)


def _ranks(operator: str, value: Any, wanted: Any) -> bool:
    if operator == "<":
        return bool(value < wanted)
    if operator == "<=":
        return bool(value <= wanted)
    return bool(value > wanted) if operator == ">" else bool(value >= wanted)


def _timely(operator: str, literal: Literal, bound: Bound, now: float) -> Callable[[Any], bool]:
    """A stretch of time: = is inside, < before its start, > after its end."""
    if literal.kind not in ("time", "date") or _DAY.fullmatch(literal.text):
        raise _wrong_type(bound)
    start, end = span(literal, now)
    tests: dict[str, Callable[[Any], bool]] = {
        "=": lambda value: value is not None and start <= value < end,
        "!=": lambda value: value is None or not start <= value < end,
        "<": lambda value: value is not None and value < start,
        "<=": lambda value: value is not None and value < end,
        ">": lambda value: value is not None and value >= end,
        ">=": lambda value: value is not None and value >= start,
    }
    return tests[operator]


def _like(literal: Literal, bound: Bound) -> Callable[[Any], bool]:
    if literal.kind != "string" or bound.field.kind in _LITERALS or bound.field.kind in _IDS:
        text = f"invalid operator on {bound.field.kind} field"
        raise Failure("INVALID_QUERY_FILTER_OPERATOR", text)
    parts = re.split(r"(\\[_%]|[_%])", literal.text)
    pattern = "".join(_WILD.get(part) or re.escape(part) for part in parts)
    expression = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    return lambda value: isinstance(value, str) and expression.fullmatch(value) is not None


def _typed(literal: Literal, bound: Bound) -> Any:
    """The value of a literal, as `_comparable` makes those of records."""
    kind = bound.field.kind
    if literal.kind == "null":
        return None
    if literal.kind != _LITERALS.get(kind, "string"):
        raise _wrong_type(bound)
    if kind in _IDS:
        found = to_18(literal.text)
        if found is None:
            raise Failure("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal.text}")
        return found
    if kind == "boolean":
        return literal.text == "true"
    if kind == "int":
        return float(literal.text)
    return literal.text.replace(r"\_", "_").replace(r"\%", "%").casefold()


def _wrong_type(bound: Bound) -> Failure:
    kind = _TYPE_NAMES.get(bound.field.kind, bound.field.kind)
    quotes = " and should not be enclosed in quotes" if bound.field.kind in _LITERALS else ""
    text = f"value of filter criterion for field '{bound.field.name}' must be of type {kind}"
    return Failure("INVALID_FIELD", text + quotes)


def _comparable(value: Any, kind: str) -> Any:
    """Text compares without its case; ids and times are of one form already."""
    is_text = isinstance(value, str) and kind not in _IDS and kind != "datetime"
    return value.casefold() if is_text else value
