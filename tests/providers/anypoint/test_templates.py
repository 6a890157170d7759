"""Policy templates become types, whatever shape their configuration has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.catalogue import MISSING, Field
from reconciler.core.model import MULESOFT_GROUP
from reconciler.errors import BadAnswer
from reconciler.files.policy_schema import schema_of
from reconciler.providers.anypoint.templates import offered_from, type_from


def a_template(configuration: Any = None, **keys: Any) -> dict[str, Any]:
    head = {"groupId": "own", "assetId": "mine", "version": "1.0.0", "name": "Mine"}
    return {**head, "configuration": configuration, **keys}


def a_descriptor(name: str = "limit", **keys: Any) -> dict[str, Any]:
    return {"propertyName": name, "name": name, "type": "string", "optional": True, **keys}


def described(**keys: Any) -> Field:
    return type_from(a_template([a_descriptor(**keys)])).fields[keys.get("name", "limit")]


def in_schema(item: Any, **schema: Any) -> Field:
    return type_from(
        a_template({"type": "object", "properties": {"limit": item}, **schema})
    ).fields["limit"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "properties",
                    "required",
                    "items",
                    "enum",
                    "default",
                    "allOf",
                    "if",
                    "then",
                    "oneOf",
                    "$ref",
                    "const",
                    "propertyName",
                    "options",
                    "value",
                    "configuration",
                    "dependsOnKey",
                    "dependsOnValue",
                    "@context",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_configuration_is_a_type_or_a_bad_answer(configuration: Any) -> None:
    try:
        known = type_from(a_template(configuration))
    except BadAnswer:
        return
    schema_of(known)


@pytest.mark.parametrize(
    ("sent", "kind"),
    [("int", "integer"), ("boolean", "boolean"), ("expression", "expression"), ("odd", "")],
)
def test_the_types_of_descriptors(sent: str, kind: str) -> None:
    assert described(type=sent).type == kind


@pytest.mark.parametrize(
    ("keys", "default"),
    [
        ({"type": "int", "defaultValue": "10"}, 10),
        ({"type": "int", "defaultValue": "ten"}, MISSING),
        ({"type": "boolean", "defaultValue": "true"}, True),
        ({"defaultValue": None}, MISSING),
        ({"defaultValue": ""}, MISSING),
        ({"defaultValue": "x", "sensitive": True}, MISSING),
        ({"allowMultiple": True, "defaultValue": []}, []),
        ({"defaultValue": {"a": 1}}, MISSING),
    ],
)
def test_a_default_is_taken_where_it_is_of_the_type(keys: Any, default: Any) -> None:
    assert described(**keys).default == default


def test_a_descriptor_says_what_is_required_and_one_of() -> None:
    options = [{"name": "Strict", "value": "strict"}, {"name": "Lax", "value": "lax"}]
    found = described(type="radio", options=options, optional=False)
    assert (found.type, found.enum, found.required) == ("string", ("strict", "lax"), True)
    numbers = described(type="select", options=[{"value": 256}, {"value": 512}])
    assert (numbers.type, numbers.enum) == ("integer", (256, 512))


@pytest.mark.parametrize(
    ("name", "keys", "hidden"),
    [
        ("limit", {"sensitive": True}, True),
        ("limit", {"type": "password"}, True),
        ("apiToken", {}, True),
        ("clientSecret", {"type": "expression"}, True),
        ("maximumToken", {"type": "int"}, False),
        ("limit", {}, False),
    ],
)
def test_what_is_marked_or_named_like_a_secret_is_one(name: str, keys: Any, hidden: bool) -> None:
    assert type_from(a_template([a_descriptor(name, **keys)])).fields[name].sensitive == hidden


@pytest.mark.parametrize(
    "mark",
    [
        {"format": "password"},
        {"writeOnly": True},
        {"sensitive": True},
        {"@context": {"@characteristics": ["security:sensitive"]}},
    ],
)
def test_every_sign_of_a_secret_counts_in_a_schema(mark: Any) -> None:
    assert in_schema({"type": "string", **mark}).sensitive
    assert in_schema({"type": "array", "items": {"type": "string", **mark}}).sensitive


def test_a_descriptor_that_depends_on_another() -> None:
    items = [
        a_descriptor("on", type="boolean"),
        a_descriptor("key", dependsOnKey="on", dependsOnValue="true", optional=False),
        a_descriptor("stray", dependsOnKey="nosuch", dependsOnValue="x"),
    ]
    fields = type_from(a_template(items)).fields
    assert fields["key"].depends_on == {"on": True}
    assert fields["stray"].depends_on == {}


def test_nested_descriptors_are_the_keys_of_a_list() -> None:
    nested = [a_descriptor("key", optional=False), a_descriptor("value")]
    found = described(allowMultiple=True, configuration=nested)
    assert (found.type, found.item_type, list(found.fields)) == (
        "array",
        "object",
        ["key", "value"],
    )


def test_only_a_closed_schema_is_complete() -> None:
    closed = {"type": "object", "properties": {}, "additionalProperties": False}
    assert type_from(a_template(closed)).complete
    assert not type_from(a_template({"type": "object", "properties": {}})).complete
    inner = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert not type_from(a_template({**closed, "properties": {"o": inner}})).complete
    assert not type_from(a_template([])).complete


def test_a_schema_says_types_bounds_and_values() -> None:
    found = in_schema({"type": ["integer", "null"], "minimum": 1, "maximum": 9, "default": 3})
    assert (found.type, found.minimum, found.maximum, found.default) == ("integer", 1, 9, 3)
    assert in_schema({"oneOf": [{"const": "a"}, {"const": "b"}]}).enum == ("a", "b")
    listed = in_schema({"type": "array", "minItems": 2, "items": {"enum": ["GET", "PUT"]}})
    assert (listed.type, listed.item_type, listed.enum, listed.minimum) == (
        "array",
        "string",
        ("GET", "PUT"),
        2,
    )


def test_a_branch_on_a_value_is_a_condition() -> None:
    schema = {
        "type": "object",
        "properties": {"mode": {"type": "string", "enum": ["a", "b"]}},
        "required": ["mode"],
        "if": {"properties": {"mode": {"const": "a"}}},
        "then": {"properties": {"key": {"type": "string"}}, "required": ["key"]},
        "else": {"properties": {"other": {"type": "string"}}, "required": ["other"]},
    }
    fields = type_from(a_template(schema)).fields
    assert fields["mode"].required
    assert (fields["key"].required, fields["key"].depends_on) == (True, {"mode": "a"})
    # What holds where something is not so cannot be said, so it is not asked for.
    assert (fields["other"].required, fields["other"].depends_on) == (False, {})


def test_the_keys_of_choices_are_known_and_not_required() -> None:
    choices = [{"properties": {name: {"type": "string"}}, "required": [name]} for name in "ab"]
    fields = type_from(a_template({"type": "object", "oneOf": choices})).fields
    assert [(name, field.required) for name, field in fields.items()] == [
        ("a", False),
        ("b", False),
    ]


def test_a_reference_is_followed_inside_the_template_alone() -> None:
    schema = {"$defs": {"count": {"type": "integer"}}}
    assert in_schema({"$ref": "#/$defs/count"}, **schema).type == "integer"
    for elsewhere in (
        "https://evil.example.com/x",
        "file:///etc/passwd",
        "#/$defs/nosuch",
        "other",
    ):
        assert in_schema({"$ref": elsewhere}, **schema).type == ""


def test_a_template_that_refers_to_itself_is_no_trap() -> None:
    for count, is_refused in ((1, False), (50, True)):
        below = {f"k{n}": {"$ref": "#/$defs/node"} for n in range(count)}
        node = {"type": "object", "properties": below}
        schema = {"properties": {"a": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}}
        if is_refused:
            with pytest.raises(BadAnswer):
                type_from(a_template(schema))
        else:
            assert not type_from(a_template(schema)).complete
    loop = {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"$ref": "#/$defs/x"}}}
    assert type_from(a_template(loop)).fields["a"].type == ""


def test_patterns_are_left_out() -> None:
    found = type_from(a_template({"properties": {"a": {"type": "string", "pattern": "(a+)+$"}}}))
    assert "(a+)+$" not in str(schema_of(found))


def test_names_and_texts_from_outside_are_cut_and_cleaned() -> None:
    items = [
        a_descriptor("a\x1b[2J"),
        a_descriptor("n" * 500),
        a_descriptor("good", description="x" * 999),
    ]
    known = type_from(a_template(items, name="Line\nbreak \x1b[31m", description=None))
    assert list(known.fields) == ["good"]
    assert len(known.fields["good"].title) == 200
    assert known.title == "Line break [31m"
    assert known.summary == known.title


@pytest.mark.parametrize("configuration", ["text", 5, True])
def test_a_configuration_of_neither_shape_is_a_bad_answer(configuration: Any) -> None:
    with pytest.raises(BadAnswer, match="neither"):
        type_from(a_template(configuration))


def test_what_is_offered_and_what_is_ones_own() -> None:
    listed: list[dict[str, Any]] = [
        {"groupId": MULESOFT_GROUP, "assetId": "cors", "version": "1.3.2", "isOOTB": True},
        {"groupId": "own", "assetId": "mine", "assetVersion": "2.0.0", "isOOTB": False},
        {"groupId": "impl", "assetId": "x", "version": "1.0.0", "isOOTB": True},
        {"groupId": "own", "assetId": None, "version": "1.0.0"},
        {},
    ]
    found = offered_from(listed)
    assert [(item.name, item.version, item.is_own) for item in found] == [
        ("cors", "1.3.2", False),
        ("mine", "2.0.0", True),
        ("x", "1.0.0", False),
    ]
