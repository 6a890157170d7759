"""Valid configurations of a policy, made from its schema, and changes of one field of them.

A value under a secret key is a reference; `variables` of a configuration names them all.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from reconciler.core.model import MULESOFT_GROUP
from reconciler.files.schema import Schemas
from reconciler.files.shipped import policy_names, read_schema
from reconciler.files.values import escape
from reconciler.files.write import to_yaml
from reconciler.files.yaml import Map, parse

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]

NAMES = tuple(sorted(policy_names()["inbound"] + policy_names()["outbound"]))
SCHEMAS = Schemas.load()

_OR_REFERENCE = r"|\$\{(env|file):"
_ODD = (
    "no",
    "null",
    "~",
    "0123",
    "1.10",
    "1e3",
    "12:30",
    "2026-01-31",
    " a ",
    "a: b",
    "a # b",
    "- a",
    "#[payload]",
    "'a\" \\",
    "line\nline\n",
    "tab\tand \u00a0\u2028\u0085",
    "${HOME}",
    "$${x}",
    "a ${",
    "*a",
    "&a",
    "é\N{PILE OF POO}",
    "=",
    "%",
)
_TEXT = (
    st.sampled_from(_ODD)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6)
).map(escape)
_EXPRESSIONS = (
    "#[attributes.headers['x-forwarded-for']]",
    "#[payload.a as Number]",
    '#[vars.claimSet.client_id ++ "-"]',
    "#[if (attributes.method == 'GET') 'a' else 'b']",
)
_ADDRESSES = ("10.0.0.0/8", "192.168.1.1", "203.0.113.7", "2001:db8::/32", "198.51.100.0/24")
_ANYTHING = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.floats(-9, 9, width=16) | _TEXT,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(("a", "no", "1", "b c", "é")), inner, max_size=2)
    ),
    max_leaves=4,
)


@dataclass(frozen=True, slots=True)
class Edit:
    """A changed configuration, and the path under which a plan has to show the change.

    inside: the field is a set of mappings, so that the plan may show any of what is in it.
    """

    config: dict[str, Any]
    path: str
    inside: bool = False


def about(name: str) -> Schema:
    """What the catalogue says of the policy: gateways, direction, versions ..."""
    found: Schema = read_schema(f"policies/{name}")["x-reconciler"]
    return found


@st.composite
def configs(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A configuration that the checks of the files take."""
    schema = read_schema(f"policies/{name}")
    config = draw(_mapping(schema))
    for key in about(name).get("notAllEmpty", ())[:1]:
        config.setdefault(key, draw(_value(schema["properties"][key], key)))
    return config


@st.composite
def valid_configs(draw: st.DrawFn, name: str) -> dict[str, Any]:
    return draw(configs(name).filter(lambda config: is_sound(name, config)))


def is_sound(name: str, config: Mapping[str, Any]) -> bool:
    parsed, problems = parse(to_yaml({"config": config}).encode(), "f.yaml")
    assert not problems, problems
    value: Map = parsed[0].value["config"]
    errors, _ = SCHEMAS.check_config(
        value,
        MULESOFT_GROUP,
        name,
        file="f.yaml",
        at=(1, 1),
        path="config",
        partial=False,
    )
    return not errors


def variable(key: str) -> str:
    """The reference under which a secret key stands in a file."""
    return f"${{env:VALUE_OF_{key.upper()}}}"


def variables(config: Any) -> set[str]:
    """The names of all variables in a configuration."""
    return set(re.findall(r"\$\{env:([A-Za-z0-9_]+)\}", json.dumps(config)))


@st.composite
def edits(draw: st.DrawFn, name: str, config: dict[str, Any]) -> Edit:
    """Another sound configuration that differs in one field, where there is any."""
    schema = read_schema(f"policies/{name}")
    spots = list(_spots(config, schema, ()))
    if not spots:
        return Edit(config, "")
    return draw(st.sampled_from(spots).flatmap(lambda spot: _edit(name, config, *spot)))


def _edit(name: str, config: dict[str, Any], path: Path, node: Schema) -> st.SearchStrategy[Edit]:
    old = _at(config, path)
    made = _value(node, str(path[-1]))
    inside = bool(node.get("x-unordered")) and "properties" in node.get("items", {})

    def edit(value: Any) -> Edit:
        changed = copy.deepcopy(config)
        _at(changed, path[:-1])[path[-1]] = value
        return Edit(changed, _dotted(path), inside)

    candidates = made.filter(lambda value: _differs(value, old, node))
    return candidates.map(edit).filter(lambda made: is_sound(name, made.config))


def _differs(value: Any, old: Any, node: Schema) -> bool:
    """Whether a value is another one, and another as a whole where it is a list."""
    old = node.get("default") if old is None else old
    if isinstance(value, list):
        if node.get("items", {}).get("type") == "object":
            return len(value) != len(old or [])
        if node.get("x-unordered"):
            return sorted(value) != sorted(old or [])
    return bool(value != old or type(value) is not type(old))


def _spots(value: Any, schema: Schema, path: Path) -> Iterator[tuple[Path, Schema]]:
    """The fields that are there or could be, and can have another value."""
    for key, node in schema.get("properties", {}).items():
        here = (*path, key)
        held = value.get(key)
        if node.get("x-sensitive"):
            continue
        items = node.get("items", {})
        if held is not None and "properties" in items and not node.get("x-unordered"):
            for index, item in enumerate(held):
                yield from _spots(item, items, (*here, index))
        if held is not None and node["x-type"] == "object" and "properties" in node:
            yield from _spots(held, node, here)
        elif node["x-type"] not in ("object", "any"):
            yield here, node


def _mapping(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    properties = schema.get("properties", {})
    required = {key for key, node in properties.items() if _is_required(key, node, schema)}
    must = {key: _value(node, key) for key, node in properties.items() if key in required}
    may = {key: _value(node, key) for key, node in properties.items() if key not in required}
    return st.fixed_dictionaries(must, optional=may)


def _is_required(key: str, node: Schema, schema: Schema) -> bool:
    is_asked = key in schema.get("required", ()) or node.get("x-required", False)
    return bool(is_asked) and "default" not in node


def _value(node: Schema, key: str) -> st.SearchStrategy[Any]:
    if node.get("x-sensitive"):
        return st.just(variable(key))
    kind, items = node["x-type"], node.get("items", {})
    if kind == "any":
        return _ANYTHING
    if kind == "object":
        return _mapping(node) if "properties" in node else _free()
    if kind == "array":
        least = node.get("minItems", 0)
        made = _item(items, key)
        return st.lists(made, min_size=least, max_size=least + 2, unique_by=json.dumps)
    return _scalar(node, key)


def _item(node: Schema, key: str) -> st.SearchStrategy[Any]:
    if "properties" in node:
        return _mapping(node)
    return _free() if node.get("type") == "object" else _scalar(node, key)


def _free() -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(("a", "b", "yes", "07")), _ANYTHING, max_size=2)


def _scalar(node: Schema, key: str) -> st.SearchStrategy[Any]:
    kind = node.get("x-type", node.get("type"))
    allowed = [value for value in node.get("anyOf", ({},))[0].get("enum", ()) if value is not None]
    if allowed:
        return st.sampled_from(allowed)
    if kind == "boolean":
        return st.booleans()
    if kind in ("integer", "number"):
        low = int(node.get("minimum", 1))
        return st.integers(low, int(node.get("maximum", low + 100_000)))
    if kind == "expression":
        return st.sampled_from(_EXPRESSIONS)
    return _text(node, key)


def _text(node: Schema, key: str) -> st.SearchStrategy[str]:
    if "pattern" in node:
        pattern = node["pattern"].removesuffix(_OR_REFERENCE)
        return st.from_regex(pattern, fullmatch=True, alphabet=st.characters(codec="ascii"))
    if key == "ips":
        return st.sampled_from(_ADDRESSES)
    return _TEXT


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else value[part]
    return value


def _dotted(path: Path) -> str:
    text = "config"
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text
