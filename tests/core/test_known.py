"""What is remembered of a unit, and its compact form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.core.known import (
    Digester,
    KnownResource,
    KnownUnit,
    known_unit,
    unit_data,
    unit_from,
)
from reconciler.core.model import AUTOMATED, OUTBOUND, POLICIES, TIERS
from reconciler.core.redact import Redactor, Secret
from tests.builders import REDACTOR, a_live_policy, a_policy, a_tier, diff

DIGESTER = Digester(REDACTOR)


def test_every_live_resource_is_remembered_and_what_no_file_names_has_no_desired() -> None:
    found = diff(
        [a_policy("alpha"), a_tier("Gold")],
        [a_live_policy("alpha", id_=7), a_live_policy("beta", id_=8, order=2), a_tier(id_=9)],
    )
    known = known_unit(found, DIGESTER)
    assert known.api == "1"
    shown = [(item.segment, item.id, item.order, item.list) for item in known.resources]
    assert shown == [
        ("alpha", "7", 1, POLICIES),
        ("beta", "8", 2, POLICIES),
        ("tier:Gold", "9", None, TIERS),
    ]
    assert [bool(item.desired) for item in known.resources] == [True, False, True]
    assert {len(item.live) for item in known.resources} == {12}
    assert [item.id for item in known.of(TIERS, OUTBOUND)] == ["9"]


def test_a_digest_tells_values_apart_and_keys_too() -> None:
    one, two = a_policy("alpha", config={"limit": 1}), a_policy("alpha", config={"limit": 2})
    assert DIGESTER.desired(one) != DIGESTER.desired(two)
    assert DIGESTER.live(one) == DIGESTER.live(a_live_policy("alpha", config={"limit": 1}, order=5))
    other = Digester(Redactor(lambda: b"another key"))
    assert (other.desired(one), other.key_id) != (DIGESTER.desired(one), DIGESTER.key_id)


def test_a_secret_counts_with_its_value() -> None:
    def of(value: Any) -> str:
        secret = Secret(value, "${env:PASSWORD}")
        return DIGESTER.desired(a_policy("login", config={"password": secret}))

    assert len({of("one"), of("two"), of(None)}) == 3


UNIT = KnownUnit(
    "7",
    (
        KnownResource("alpha", "1", "0123456789ab", "ba9876543210", 1),
        KnownResource("cors", "2", "", "ba9876543210"),
        KnownResource("out@ward", "3", "", "ba9876543210", 2, OUTBOUND),
        KnownResource("tier:Gold", "3", "0123456789ab", "ba9876543210", None, TIERS),
        KnownResource("alpha", "4", "", "", None, AUTOMATED),
    ),
)


def test_the_compact_form_gives_the_unit_back() -> None:
    assert unit_from(json.loads(json.dumps(unit_data(UNIT)))) == UNIT
    assert unit_data(UNIT)["resources"]["alpha@1"] == ["0123456789ab", "ba9876543210", 1]


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"api": "1"},
        {"api": "1", "resources": []},
        {"api": "1", "resources": {"a@1": None}},
        {"api": "1", "resources": {"a@1": ["x"]}},
        {"api": "1", "resources": {"a@1": ["x", "y", "z"]}},
    ],
    ids=str,
)
def test_anything_else_is_refused(data: Any) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        unit_from(data)
