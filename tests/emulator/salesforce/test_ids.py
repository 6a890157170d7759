"""Ids in 15 and in 18 characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator.salesforce.ids import Ids, to_18

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("000000000000000", "000000000000000AAA"),
        ("ABCDEFGHIJKLMNO", "ABCDEFGHIJKLMNO555"),
        # The id of the master record type, the same in every org.
        ("012000000000000", "012000000000000AAA"),
        ("00D5g000000AbCd", "00D5g000000AbCdEAK"),
    ],
)
def test_the_tail_says_which_are_capitals(short: str, long: str) -> None:
    assert (to_18(short), to_18(long)) == (long, long)


@pytest.mark.parametrize("text", [None, 7, "", "x" * 14, "x" * 16, "00D5g000000AbCdAAA", "ä" * 15])
def test_what_is_no_id(text: object) -> None:
    assert to_18(text) is None


@given(st.text(CHARACTERS, min_size=15, max_size=15))
def test_the_longer_form_keeps_the_shorter(short: str) -> None:
    long = to_18(short)
    assert long is not None and long[:15] == short and len(long) == 18
    assert to_18(long) == long


def test_new_ids_keep_clear_of_known_ones() -> None:
    one, other = Ids(), Ids()
    given_elsewhere = [one.next("SetupEntityAccess") for _ in range(5)]
    for key in given_elsewhere:
        other.note(key)
    assert other.next("SetupEntityAccess") not in given_elsewhere
