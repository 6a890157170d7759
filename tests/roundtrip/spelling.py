"""The same live policy in other words: what a service may answer without anything being changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from reconciler.core.catalogue import SERVER_ONLY
from reconciler.files.shipped import read_schema
from tests.roundtrip.configs import Schema

_GAP = 7


@st.composite
def respelled(draw: st.DrawFn, policy: dict[str, Any]) -> dict[str, Any]:
    """A stored policy with numbers as text, sets in another order, nulls, keys of the server's
    own, gaps in the order, and rules that say the same."""
    schema = read_schema(f"policies/{policy['assetId']}")
    config = draw(_mapping(policy["configurationData"], schema))
    if draw(st.booleans()):
        keys = sorted(SERVER_ONLY - set(schema.get("properties", {})))
        config |= draw(st.fixed_dictionaries({}, optional={key: st.just("7") for key in keys}))
    changed = {**policy, "configurationData": config, "pointcutData": _rules(draw, policy)}
    if policy["order"] is not None:
        changed["order"] = policy["order"] * _GAP
    return changed


def _rules(draw: st.DrawFn, policy: Mapping[str, Any]) -> Any:
    pointcuts = policy["pointcutData"]
    if not pointcuts:
        return draw(st.sampled_from((None, [])))
    return [
        {**pointcut, "methodRegex": "|".join(reversed(pointcut["methodRegex"].split("|")))}
        for pointcut in pointcuts
    ]


@st.composite
def _mapping(draw: st.DrawFn, value: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    properties = schema.get("properties", {})
    made = {
        key: draw(_value(item, properties[key])) if key in properties else item
        for key, item in value.items()
    }
    absent = [key for key in properties if key not in value]
    nulls = draw(st.lists(st.sampled_from(absent), unique=True)) if absent else []
    return {**made, **dict.fromkeys(nulls)}


def _value(value: Any, node: Schema) -> st.SearchStrategy[Any]:
    kind = node.get("x-type", node.get("type"))
    if node.get("x-sensitive") or value is None:
        return st.just(value)
    if isinstance(value, Mapping):
        return _mapping(value, node)
    if isinstance(value, list):
        items = st.tuples(*(_value(item, node.get("items", {})) for item in value)).map(list)
        return items.flatmap(st.permutations) if node.get("x-unordered") else items
    if kind in ("integer", "number") and not isinstance(value, bool):
        return st.sampled_from((value, str(value)))
    return st.just(value)
