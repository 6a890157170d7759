"""The canonical form of a configuration."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.catalogue import Field, canonical_config
from reconciler.core.redact import Secret, reveal
from tests.files.builders import a_type

TYPE = a_type(
    "everything",
    Field("number", "number"),
    Field("count", "integer", default=3),
    Field("text", "string", default="x"),
    Field("none", "string", default=None),
    Field("names", "array", unordered=True, item_type="string"),
    Field("counts", "array", unordered=True, item_type="integer"),
    Field("steps", "array", item_type="string"),
    Field(
        "limits",
        "array",
        unordered=True,
        item_type="object",
        fields={"each": Field("each", "integer", default=1)},
    ),
    Field("deep", "object", fields={"flag": Field("flag", "boolean", default=False)}),
    Field("order", "integer"),
)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("a1.", max_size=3) | st.just(2.0),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=6,
)
configs = st.dictionaries(st.sampled_from([*TYPE.fields, "other", "apiId"]), values, max_size=6)


@given(configs)
def test_the_canonical_form_is_its_own(config: dict[str, Any]) -> None:
    once = canonical_config(config, TYPE)
    assert canonical_config(once, TYPE) == once


@given(configs)
def test_the_canonical_form_of_an_unknown_policy_is_its_own(config: dict[str, Any]) -> None:
    once = canonical_config(config, None)
    assert canonical_config(once, None) == once


@given(configs, st.randoms())
def test_the_order_of_keys_says_nothing(config: dict[str, Any], random: Any) -> None:
    keys = list(config)
    random.shuffle(keys)
    shuffled = {key: config[key] for key in keys}
    assert repr(canonical_config(shuffled, TYPE)) == repr(canonical_config(config, TYPE))


@given(st.lists(st.integers(0, 20) | st.text("123", min_size=1, max_size=2)), st.randoms())
def test_a_set_has_one_form(items: list[Any], random: Any) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)
    for name in ("names", "counts"):
        assert canonical_config({name: shuffled}, TYPE) == canonical_config({name: items}, TYPE)


@given(configs)
def test_a_secret_is_where_its_value_would_be(config: dict[str, Any]) -> None:
    config.pop("count", None)
    hidden = {**config, "text": Secret("hidden")}
    plain = {**config, "text": "hidden"}
    assert reveal(canonical_config(hidden, TYPE)) == canonical_config(plain, TYPE)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"count": "07"}, 7),
        ({"count": "7.0"}, 7),
        ({"count": 7.0}, 7),
        ({"count": "many"}, "many"),
        ({"count": True}, True),
        ({"count": None}, 3),
    ],
)
def test_numbers_are_numbers_where_the_catalogue_says_so(config: Any, expected: Any) -> None:
    assert canonical_config(config, TYPE)["count"] == expected


@pytest.mark.parametrize("text", ["inf", "nan", "1e400", "1_0", " 7 ", "0x7", "٣"])
def test_odd_numbers_stay_text(text: str) -> None:
    assert canonical_config({"count": text}, TYPE)["count"] == text


def test_a_declared_key_is_no_key_of_the_server() -> None:
    assert canonical_config({"order": 1, "apiId": 2}, TYPE)["order"] == 1
    assert "apiId" not in canonical_config({"order": 1, "apiId": 2}, TYPE)


def test_defaults_are_filled_in_at_every_depth() -> None:
    found = canonical_config({"limits": [{}], "deep": {}}, TYPE)
    assert (found["limits"], found["deep"]) == ([{"each": 1}], {"flag": False})
    assert "none" not in found
