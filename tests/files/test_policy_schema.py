"""Fields as JSON Schema and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.catalogue import MISSING, Field, PolicyType
from reconciler.core.model import MULESOFT_GROUP
from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.custom_shape import shape_faults
from reconciler.files.policy_schema import fields_of, schema_of
from reconciler.files.schema import misfits

CATALOGUE = ShippedCatalogue.load()
NAMES = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8)
KINDS = st.sampled_from(["", "string", "expression", "boolean", "integer", "number"])


@st.composite
def fields(draw: st.DrawFn, depth: int = 2) -> dict[str, Field]:
    names = draw(st.lists(NAMES, unique=True, max_size=3))
    return {name: draw(one_field(name, depth)) for name in names}


@st.composite
def one_field(draw: st.DrawFn, name: str, depth: int) -> Field:
    kind = draw(KINDS)
    shape = draw(st.sampled_from(["plain", "list", "object", "objects"] if depth else ["plain"]))
    enum = ("a", "b") if kind == "string" and draw(st.booleans()) else ()
    is_list, is_object = shape in ("list", "objects"), shape in ("object", "objects")
    inner = "object" if is_object else kind
    return Field(
        name=name,
        type="array" if is_list else inner,
        default=draw(st.sampled_from([MISSING, []])) if is_list else MISSING,
        required=draw(st.booleans()),
        sensitive=draw(st.booleans()),
        unordered=is_list and draw(st.booleans()),
        item_type=inner if is_list else "",
        enum=() if is_object or (is_list and not inner) else enum,
        minimum=1 if is_list and draw(st.booleans()) else None,
        depends_on=draw(st.sampled_from([{}, {"other": True}])),
        fields=draw(fields(depth - 1)) if is_object else {},
        title=draw(NAMES),
    )


def a_type(found: dict[str, Field], *, complete: bool = True) -> PolicyType:
    return PolicyType(
        "own", "mine", "Mine", "other", ("1.0.0",), frozenset(), "", True, True, complete, found
    )


@given(fields(), st.booleans())
def test_what_is_written_is_read_back(found: dict[str, Field], complete: bool) -> None:
    schema = schema_of(a_type(found, complete=complete))
    assert shape_faults(schema) == []
    assert fields_of(schema) == found


@pytest.mark.parametrize("name", CATALOGUE.names())
def test_every_shipped_policy_survives(name: str) -> None:
    known = CATALOGUE.get(MULESOFT_GROUP, name)
    assert known is not None
    assert fields_of(schema_of(known)) == known.fields


@pytest.mark.parametrize("name", CATALOGUE.names())
def test_every_shipped_example_fits_the_schema_made_anew(name: str) -> None:
    known = CATALOGUE.get(MULESOFT_GROUP, name)
    assert known is not None
    assert misfits(known.example, known)[0] == []


@given(fields())
def test_the_example_of_any_policy_fits_it(found: dict[str, Field]) -> None:
    known = a_type(found)
    assert misfits(schema_of(known)["examples"][0], known)[0] == []


def test_misfits_change_nothing_and_name_the_field() -> None:
    known = a_type({"limit": Field("limit", "integer", required=True, maximum=10)})
    config = {"limit": 11, "other": 1}
    errors, unknown = misfits(config, known)
    assert {fault.path for fault in errors} == {("other",), ("limit",)}
    assert unknown == []
    assert config == {"limit": 11, "other": 1}
    is_open = a_type(dict(known.fields), complete=False)
    assert [fault.path for fault in misfits({"limit": 1, "x": 1}, is_open)[1]] == [("x",)]
