"""Spellings that mean the same have one canonical form."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.canonical import (
    ALL_METHODS,
    canonical_application,
    canonical_rules,
    canonical_settings,
    canonical_tier,
)
from reconciler.core.model import AUTOMATED, OUTBOUND, POLICIES, TIERS


@pytest.mark.parametrize("rules", [None, [], ()])
def test_no_rules_are_none(rules: list[dict[str, object]] | None) -> None:
    assert canonical_rules(rules) is None


@given(st.lists(st.sampled_from(ALL_METHODS), min_size=1, max_size=8, unique=True))
def test_methods_are_a_set_without_case(methods: list[str]) -> None:
    spelled = [method.lower() for method in methods] + methods[:1]
    random.shuffle(spelled)
    made = canonical_rules([{"methods": spelled, "path": "/x"}])
    assert made == [{"methods": sorted(methods), "path": "/x"}]


@pytest.mark.parametrize("methods", [None, [], list(ALL_METHODS)])
def test_all_methods_are_none(methods: list[str] | None) -> None:
    assert canonical_rules([{"methods": methods}]) == [{"methods": None, "path": ".*"}]


def test_a_policy_has_its_parts_whatever_is_left_out() -> None:
    made = canonical_settings(POLICIES, {}, None)
    assert made == {"version": None, "config": {}, "rules": None, "disabled": False}


def test_upstreams_are_a_set() -> None:
    assert canonical_settings(OUTBOUND, {"upstreams": ["b", "a"]}, None)["upstreams"] == ["a", "b"]


def test_an_automated_policy_says_where_it_applies() -> None:
    made = canonical_settings(AUTOMATED, {"ruleOfApplication": {"technologies": ["mule4"]}}, None)
    expected = {"technologies": ["mule4"], "range": None, "javaVersions": None}
    assert made["ruleOfApplication"] == expected


def test_all_java_versions_are_as_good_as_none() -> None:
    assert canonical_application({"javaVersions": ["8", "11", "17"]}) == canonical_application(None)


def test_limits_of_a_tier_are_a_set_and_visible() -> None:
    one, two = {"maximumRequests": 1}, {"maximumRequests": 2, "visible": True}
    made = canonical_tier({"limits": [two, one]})
    assert made == canonical_settings(TIERS, {"limits": [one, two], "status": "ACTIVE"}, None)
    assert made["limits"][0] == {"maximumRequests": 1, "visible": True}
