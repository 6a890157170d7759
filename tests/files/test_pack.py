"""What is packed comes back as it was, places and spellings too."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.files.pack import Packed, Packer, opened, said
from reconciler.files.yaml import Map, Seq, number_text, parse

TEXT = """\
a: {x: 1, y: [1, 2, {z: null}], "": 3}
b: 010
c: 1.10
d: [true, "010", '#[vars.x]']
e: {}
f: []
"""


def a_map(text: str) -> Map:
    (document,), problems = parse(text.encode("utf-8", "surrogatepass"), "a.yaml")
    assert not problems
    value = document.value
    assert isinstance(value, Map)
    return value


def laid_out(value: Any) -> Any:
    """The value with the place and the spelling of everything in it."""
    if isinstance(value, Map):
        items = {key: laid_out(item) for key, item in value.items()}
        return Map, value.at, value.key_at, value.value_at, items
    if isinstance(value, Seq):
        return Seq, value.at, value.item_at, [laid_out(item) for item in value]
    return type(value), value, number_text(value)


def test_it_comes_back_with_places_and_spellings() -> None:
    value = a_map(TEXT)
    assert laid_out(Packer().pack(value).open()) == laid_out(value)


def test_it_reads_like_the_mapping() -> None:
    value = a_map(TEXT)
    packed = Packer().pack(value)
    assert dict(packed) == dict(packed.items()) == value
    assert (packed["b"], packed.get("nothing"), len(packed)) == (10, None, 6)
    assert opened(value) is value


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("a: 1", "\n\n  # here\na:   1", True),
        ("a: 1.1", "a: 1.10", False),
        ("a: 8", "a: 0o10", False),
        ("a: '1'", "a: 1", False),
        ("a: true", "a: 1", False),
        ("a: null", "a: ''", False),
    ],
)
def test_it_tells_what_is_said_apart_and_not_where(one: str, other: str, is_same: bool) -> None:
    packer = Packer()
    first, second = packer.pack(a_map(one)), packer.pack(a_map(other))
    assert (said(first) == said(second)) is is_same
    assert (first.content is second.content) is is_same


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(-9, 9)
    | st.text(["a", "b", "\ud83d"], max_size=4)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=20,
)


def placed(value: Any, line: int = 1) -> Any:
    """Plain values as if they had been read."""
    if isinstance(value, dict):
        made = Map((line, 1))
        for key, item in value.items():
            made.key_at[key], made.value_at[key] = (line, 2), (line, 3)
            made[key] = placed(item, line + 1)
        return made
    if isinstance(value, list):
        items = Seq((line, 1))
        items.extend(placed(item, line + 1) for item in value)
        items.item_at.extend((line, 4) for _ in value)
        return items
    return value


@given(st.dictionaries(st.text("abc"), values, max_size=4))
def test_any_mapping_comes_back(value: dict[str, Any]) -> None:
    packed = Packer().pack(placed(value))
    assert isinstance(packed, Packed)
    assert laid_out(packed.open()) == laid_out(placed(value))
