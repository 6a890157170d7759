"""Only relative order counts: managed policies permute within the places that they hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.order import permuted, places, with_new


@pytest.mark.parametrize(
    ("live", "wanted", "expected"),
    [
        ("abc", "abc", "abc"),
        ("abc", "cba", "cba"),
        ("aXb", "ba", "bXa"),
        ("XabY", "ba", "XbaY"),
        ("abc", "nca", "cba"),
        ("abc", "", "abc"),
    ],
)
def test_managed_ones_permute_within_their_places(live: str, wanted: str, expected: str) -> None:
    assert "".join(permuted(live, wanted)) == expected


@pytest.mark.parametrize(
    ("sequence", "wanted", "expected"),
    [
        ("ab", "nab", "nab"),
        ("ab", "anb", "anb"),
        ("ab", "abn", "abn"),
        ("aXb", "anb", "anXb"),
        ("XaY", "na", "XnaY"),
        ("XY", "nm", "XYnm"),
        ("", "nm", "nm"),
    ],
)
def test_new_ones_go_beside_their_neighbour(sequence: str, wanted: str, expected: str) -> None:
    assert "".join(with_new(sequence, wanted)) == expected


def test_a_place_is_the_number_of_the_next_one_behind() -> None:
    assert places("anb", {"a": 3, "b": 7}, "n") == {"n": 7}


def test_each_placed_create_moves_those_behind_it() -> None:
    assert places("namb", {"a": 1, "b": 2}, "nm") == {"n": 1, "m": 3}


def test_the_last_one_asks_for_no_place() -> None:
    assert places("an", {"a": 1}, "n") == {"n": None}


@st.composite
def live_and_wanted(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Live ids, some of them managed in another order, and new ones between."""
    live = draw(st.lists(st.integers(0, 9), unique=True))
    managed = draw(st.lists(st.sampled_from(live), unique=True)) if live else []
    new = draw(st.lists(st.integers(10, 14), unique=True))
    return live, draw(st.permutations([*managed, *new]))


@given(live_and_wanted())
def test_permuting_keeps_every_place_of_an_unmanaged_one(
    given: tuple[list[int], list[int]],
) -> None:
    live, wanted = given
    moved = permuted(live, wanted)
    assert sorted(moved) == sorted(live)
    for before, after in zip(live, moved, strict=True):
        assert before == after or (before in wanted and after in wanted)


@given(live_and_wanted())
def test_permuting_twice_is_permuting_once(given: tuple[list[int], list[int]]) -> None:
    live, wanted = given
    moved = permuted(live, wanted)
    assert permuted(moved, wanted) == moved
    assert [item for item in moved if item in wanted] == [i for i in wanted if i in live]


@given(live_and_wanted())
def test_the_final_order_holds_everything_and_is_the_wanted_one(
    given: tuple[list[int], list[int]],
) -> None:
    live, wanted = given
    final = with_new(permuted(live, wanted), wanted)
    assert sorted(final) == sorted({*live, *wanted})
    assert [item for item in final if item in wanted] == wanted


@given(live_and_wanted(), st.data())
def test_creates_at_their_places_give_the_final_order(
    given: tuple[list[int], list[int]], data: st.DataObject
) -> None:
    """A service that makes room where a number is taken, and else appends."""
    live, wanted = given
    gaps = data.draw(st.lists(st.integers(1, 3), min_size=len(live), max_size=len(live)))
    current = permuted(live, wanted)
    numbers = {item: sum(gaps[: place + 1]) for place, item in enumerate(current)}
    final = with_new(current, wanted)
    new = [item for item in final if item not in numbers]
    held = dict(numbers)
    for item, place in places(final, numbers, new).items():
        if place is None:
            place = max(held.values(), default=0) + 1
        elif place in held.values():
            held = {other: n + (n >= place) for other, n in held.items()}
        held[item] = place
    assert tuple(sorted(held, key=held.__getitem__)) == final
