"""A fast yes has to be jsonschema's yes too, and its words are jsonschema's."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.files.checker import Checker
from reconciler.files.shipped import document_schema, policy_names, read_schema
from reconciler.files.yaml import TextFloat, TextInt, parse

NAMES = sorted({*policy_names()["inbound"], *policy_names()["outbound"]})
_CHECKERS: dict[str, Checker] = {}
_REFERENCES: dict[str, Draft202012Validator] = {}

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 10**6)
    | st.sampled_from([0.5, 1.0, "", "GET", "1", "true", "#[vars.x]", "${env:X}", "10.0.0.0/8"])
)


def values(schema: dict[str, Any], depth: int = 3) -> st.SearchStrategy[Any]:
    """Mostly what the schema asks for, and now and then something else."""
    fitting: list[st.SearchStrategy[Any]] = [scalars]
    if "enum" in schema:
        fitting.append(st.sampled_from(schema["enum"]))
    if "default" in schema:
        fitting.append(st.just(schema["default"]))
    if depth and "properties" in schema:
        below = {key: values(one, depth - 1) for key, one in schema["properties"].items()}
        odd = st.dictionaries(st.sampled_from(["odd", "config"]), scalars, max_size=1)
        known = st.fixed_dictionaries({}, optional=below)
        fitting += [known, st.builds(lambda a, b: {**a, **b}, known, odd)]
    if depth and isinstance(schema.get("items"), dict):
        fitting.append(st.lists(values(schema["items"], depth - 1), max_size=3))
    return st.one_of(fitting)


def reference(name: str, schema: Any) -> Draft202012Validator:
    return _REFERENCES.setdefault(name, Draft202012Validator(schema))


@given(st.data())
def test_it_accepts_what_jsonschema_accepts(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    schema = read_schema(f"policies/{name}")
    config = data.draw(values(dict(schema)))
    found = _CHECKERS.setdefault(name, Checker(schema)).errors(config)
    assert bool(found) != reference(name, schema).is_valid(config)


def test_numbers_that_keep_their_spelling_are_left_to_jsonschema() -> None:
    number, fraction = TextInt(8), TextFloat(1.1)
    number.text, fraction.text = "010", "1.10"
    checker = Checker({"type": "object", "properties": {"a": {"type": "number"}}})
    assert checker.errors({"a": number}) == checker.errors({"a": fraction}) == []
    (error,) = Checker({"type": "string"}).errors(fraction)
    assert error.validator == "type"


def test_what_the_fast_one_cannot_read_is_judged_all_the_same() -> None:
    checker = Checker({"type": "string", "pattern": "^[a-z]+$"})
    assert [error.validator for error in checker.errors("\ud800")] == ["pattern"]
    assert checker.errors("abc\n") == []  # as Python reads `$`


def test_an_item_twice_is_told_without_its_value() -> None:
    (error,) = Checker({"uniqueItems": True}).errors(["s3cret", "s3cret"])
    assert error.message == "holds an item twice"


def test_a_document_is_accepted_as_it_was_read() -> None:
    text = b"apiVersion: reconciler/v1\nkind: ApiInstance\napi: {asset: orders}\n"
    (document,), _ = parse(text, "orders.yaml")
    assert Checker(document_schema("api-instance")).errors(document.value) == []
