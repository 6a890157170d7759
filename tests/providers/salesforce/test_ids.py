"""Record ids in 15 and 18 characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.providers.salesforce.ids import is_same_id, record_id
from tests.providers.salesforce.natives import APP, ORG, USER

ID15 = st.text("0123456789abcxyzABCXYZ", min_size=15, max_size=15)


@pytest.mark.parametrize("known", [ORG, USER, APP, "0H45g0000004C92CAE"])
def test_the_suffix_is_that_of_the_service(known: str) -> None:
    assert record_id(known[:15]) == known
    assert record_id(known) == known


@given(ID15)
def test_an_id_is_the_same_in_both_lengths_and_any_case_of_the_long_one(short: str) -> None:
    long = record_id(short)
    assert len(long) == 18
    assert record_id(long.lower()) == record_id(long.upper()) == long
    assert is_same_id(short, long)


def test_ids_that_differ_in_case_alone_are_two() -> None:
    assert not is_same_id("00D5g000000AbCd", "00D5g000000abcd")
    assert not is_same_id("00D5g000000abcdEAA", ORG)


@pytest.mark.parametrize(
    "text",
    ["", "00D", "00D5g000000AbCd!", "00D5g000000AbCdE", "../../../../../..", f"{ORG}\n", "é" * 15]
    + ["00D5g000000AbCdEA9", "00D5g000000AbCd555"],
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        record_id(text)
    assert not is_same_id(text, ORG)
