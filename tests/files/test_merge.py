from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import ResourceKey, Source
from reconciler.core.project import Entry
from reconciler.files.merge import Contribution, leaf_origins, merge
from tests.files.builders import a_map

KEYS = st.sampled_from("abc")
TREES = st.dictionaries(
    KEYS,
    st.recursive(
        st.none() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
        lambda below: st.dictionaries(KEYS, below, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


def contributions(*bodies: Any) -> list[Contribution]:
    key = ResourceKey("policies", "g", "cors")
    return [
        Contribution(str(number), Entry(key, a_map(yaml.safe_dump(body)), Source(f"{number}.yaml")))
        for number, body in enumerate(bodies)
    ]


def merged(*bodies: Any) -> Any:
    return merge(contributions(*bodies))[0]


def laid(below: Any, above: Any) -> Any:
    """What the design says of merging, written without places."""
    if not isinstance(above, dict):
        return above
    base = below if isinstance(below, dict) else {}
    both = {**base, **{key: laid(base.get(key), value) for key, value in above.items()}}
    return {key: value for key, value in both.items() if value is not None}


@given(st.lists(TREES, min_size=1, max_size=4))
def test_layers_merge_as_the_design_says(bodies: list[Any]) -> None:
    expected: Any = {}
    for body in bodies:
        expected = laid(expected, body)
    assert merged(*bodies) == expected


@given(TREES)
def test_a_layer_said_twice_changes_nothing(body: Any) -> None:
    assert merged(body, body) == merged(body)


@given(st.lists(TREES, min_size=1, max_size=4))
def test_merging_leaves_its_parts_alone(bodies: list[Any]) -> None:
    chain = contributions(*bodies)
    merge(chain)
    assert [link.entry.body for link in chain] == bodies


@given(st.lists(TREES, min_size=1, max_size=4))
def test_each_value_comes_from_the_last_layer_that_says_it(bodies: list[Any]) -> None:
    value, places = merge(contributions(*bodies))
    for path, origin in leaf_origins(value, places).items():
        found: Any = bodies[int(origin.layer)]
        for part in path.split("."):
            found = found[part]
        assert found is not None
        assert origin.source.file == f"{origin.layer}.yaml"
