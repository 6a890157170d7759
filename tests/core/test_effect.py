"""Which changes strengthen, which weaken, and that nobody is told all is well by guessing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.canonical import canonical_settings
from reconciler.core.catalogue import Catalogue
from reconciler.core.diff import Action, UnitDiff, diff_unit
from reconciler.core.effect import Effect, of_create, of_delete, of_order, of_update, worst
from reconciler.core.model import MULESOFT_GROUP, TIERS, Resource
from reconciler.core.redact import Secret
from reconciler.files.catalogue import ShippedCatalogue
from tests.builders import REDACTOR, a_desired, a_live, a_live_policy, a_policy, a_tier

S, W, N = Effect.STRENGTHENS, Effect.WEAKENS, Effect.NEUTRAL
_CATALOGUE: Catalogue = ShippedCatalogue.load()


def shipped(
    type_: str, config: Mapping[str, Any] | None = None, *, id_: int = 0, **more: Any
) -> Resource:
    """A policy in the canonical form of the real catalogue, live where it has an id."""
    made = a_live_policy(type_, config=config, id_=id_, order=id_, **more)
    known = _CATALOGUE.get(made.key.group, type_)
    canonical = canonical_settings(made.key.list, made.settings, known)
    return replace(made, canonical=canonical)


def changed(type_: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Effect:
    """The effect of an update of these settings: `config`, `rules`, `disabled`, `version`."""
    return of_update(shipped(type_, id_=1, **before), shipped(type_, **after), _CATALOGUE).effect


def configured(type_: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Effect:
    return changed(type_, {"config": before}, {"config": after})


def quota(requests: int, window: int = 1000) -> dict[str, int]:
    return {"maximumRequests": requests, "timePeriodInMilliseconds": window}


@pytest.mark.parametrize(
    ("type_", "before", "after", "effect"),
    [
        ("rate-limiting", {"rateLimits": [quota(10)]}, {"rateLimits": [quota(9)]}, S),
        ("rate-limiting", {"rateLimits": [quota(10)]}, {"rateLimits": [quota(11)]}, W),
        ("rate-limiting", {"rateLimits": [quota(10)]}, {"rateLimits": [quota(10, 500)]}, W),
        ("rate-limiting", {"rateLimits": [quota(10)]}, {"rateLimits": [quota(10, 2000)]}, S),
        ("rate-limiting", {"rateLimits": [quota(10)]}, {"rateLimits": [quota(9, 500)]}, W),
        ("rate-limiting", {"rateLimits": [quota(10)]}, {"rateLimits": [quota(10), quota(5)]}, S),
        ("rate-limiting", {"rateLimits": [quota(10), quota(5)]}, {"rateLimits": [quota(10)]}, W),
        ("rate-limiting", {"rateLimits": [quota(10)]}, {"rateLimits": [quota(9), quota(8)]}, W),
        ("ip-allowlist", {"ips": ["10.0.0.0/8"]}, {"ips": ["10.1.0.0/16"]}, S),
        ("ip-allowlist", {"ips": ["10.0.0.0/9", "10.128.0.0/9"]}, {"ips": ["10.0.0.0/8"]}, S),
        ("ip-allowlist", {"ips": ["10.1.0.0/16"]}, {"ips": ["10.0.0.0/8"]}, W),
        ("ip-allowlist", {"ips": ["1.1.1.1"]}, {"ips": ["2.2.2.2"]}, W),
        ("ip-allowlist", {"ips": ["1.1.1.1"]}, {"ips": ["1.1.1.1", "::/0"]}, W),
        ("ip-allowlist", {"ips": ["1.1.1.1"]}, {"ips": ["nonsense"]}, W),
        ("ip-blocklist", {"ips": ["1.1.1.1"]}, {"ips": ["1.1.0.0/16"]}, S),
        ("ip-blocklist", {"ips": ["1.1.0.0/16"]}, {"ips": ["1.1.1.1"]}, W),
        ("json-threat-protection", {"maxContainerDepth": 5}, {"maxContainerDepth": -1}, W),
        ("json-threat-protection", {}, {"maxContainerDepth": 5}, S),
        ("rate-limiting", {"exposeHeaders": True}, {"exposeHeaders": False}, N),
        ("ip-allowlist", {"ipExpression": "#[a]"}, {"ipExpression": "#[b]"}, W),
        ("http-caching", {"ttl": 600}, {"ttl": 60}, N),
        ("jwt-validation", {"signingKeyLength": 256}, {"signingKeyLength": 512}, S),
        ("jwt-validation", {"signingKeyLength": 512}, {"signingKeyLength": 256}, W),
        ("rate-limiting", {"nobodyKnows": 1}, {"nobodyKnows": 2}, W),
    ],
)
def test_the_catalogue_says_which_way_a_field_strengthens(
    type_: str, before: Mapping[str, Any], after: Mapping[str, Any], effect: Effect
) -> None:
    assert configured(type_, before, after) is effect


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        ({}, {"disabled": True}, W),
        ({"disabled": True}, {}, S),
        ({"disabled": True}, {"disabled": True, "config": {"rateLimits": [quota(99)]}}, N),
        ({"disabled": True}, {"config": {"rateLimits": [quota(99)]}}, S),
        ({}, {"rules": [{"methods": ["GET"], "path": "/a"}]}, W),
        ({"rules": [{"methods": ["GET"], "path": "/a"}]}, {}, S),
        (
            {"rules": [{"methods": ["GET"], "path": "/a"}]},
            {"rules": [{"methods": ["GET", "PUT"], "path": "/a"}]},
            S,
        ),
        (
            {"rules": [{"methods": ["GET"], "path": "/a"}]},
            {"rules": [{"methods": ["GET"], "path": "/b"}]},
            W,
        ),
        ({"version": "1.0.0"}, {"version": "1.4.0"}, N),
        ({"version": "1.4.0"}, {"version": "1.0.0"}, W),
        ({"version": "1.4.0"}, {"version": "1.10.0"}, N),
    ],
)
def test_switches_rules_and_versions(
    before: Mapping[str, Any], after: Mapping[str, Any], effect: Effect
) -> None:
    assert changed("rate-limiting", before, after) is effect


def test_of_a_policy_that_nobody_knows_all_but_a_create_weakens() -> None:
    own: dict[str, Any] = {"group": "own-group"}
    live, desired = (
        a_live_policy("mystery", config={"a": 1}, **own),
        a_policy("mystery", config={"a": 2}, **own),
    )
    assert of_create(desired, _CATALOGUE).effect is S
    assert of_update(live, desired, _CATALOGUE).effect is W
    assert of_delete(live, _CATALOGUE).effect is W
    newer = a_policy("mystery", config={"a": 1}, version="2.0.0", **own)
    assert of_update(live, newer, _CATALOGUE).effect is W


def test_what_protects_nothing_never_weakens() -> None:
    caching = shipped("http-caching", {"ttl": 600}, id_=1)
    assert of_delete(caching, _CATALOGUE).effect is N
    assert of_create(caching, _CATALOGUE).effect is N


def test_what_is_off_already_is_removed_without_loss() -> None:
    assert of_delete(shipped("jwt-validation", id_=1, disabled=True), _CATALOGUE).effect is N
    assert of_delete(shipped("jwt-validation", id_=1), _CATALOGUE).effect is W
    assert of_create(shipped("jwt-validation", disabled=True), _CATALOGUE).effect is N


def test_another_secret_is_neutral() -> None:
    def login(password: str) -> Resource:
        return shipped(
            "http-basic-authentication",
            {"username": "a", "password": Secret(password)},
            id_=1,
            secrets=["config.password"],
        )

    assert of_update(login("one"), login("two"), _CATALOGUE).effect is N


@pytest.mark.parametrize(
    ("limit", "auto", "effect"),
    [(10, False, N), (9, False, S), (11, False, W), (10, True, W), (9, True, W)],
)
def test_a_tier_that_lets_more_through_weakens(limit: int, auto: bool, effect: Effect) -> None:
    before, after = a_tier(id_=1), a_tier(limit=limit, autoApprove=auto)
    assert of_update(before, after, _CATALOGUE).effect is effect


def test_a_new_or_an_unused_tier_is_neutral() -> None:
    assert a_tier().key.list == TIERS
    assert of_create(a_tier(), _CATALOGUE).effect is N
    assert of_delete(a_tier(id_=1), _CATALOGUE).effect is N


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        (["ip-allowlist", "rate-limiting"], ["rate-limiting", "ip-allowlist"], W),
        (["rate-limiting", "ip-allowlist"], ["ip-allowlist", "rate-limiting"], S),
        (["ip-allowlist", "jwt-validation"], ["jwt-validation", "ip-allowlist"], W),
        (["ip-allowlist", "message-logging"], ["message-logging", "ip-allowlist"], W),
        (["message-logging", "http-caching"], ["http-caching", "message-logging"], N),
        (["json-threat-protection", "ip-allowlist"], ["ip-allowlist", "json-threat-protection"], S),
        (["own-unknown", "ip-allowlist"], ["ip-allowlist", "own-unknown"], W),
    ],
)
def test_who_may_call_is_asked_first(before: list[str], after: list[str], effect: Effect) -> None:
    held = {name: shipped(name, id_=place) for place, name in enumerate(before, 1)}
    found = of_order([held[name] for name in before], [held[name] for name in after], _CATALOGUE)
    assert found.effect is effect


def test_a_reason_names_what_moves_or_is_raised() -> None:
    raised = of_update(
        shipped("rate-limiting", {"rateLimits": [quota(10)]}, id_=1),
        shipped("rate-limiting", {"rateLimits": [quota(11)]}),
        _CATALOGUE,
    )
    assert raised.why == "config.rateLimits[0].maximumRequests is raised"


def test_all_reasons_are_told_once() -> None:
    removed = of_delete(shipped("jwt-validation", id_=1), _CATALOGUE)
    assert worst([removed, removed]) == removed


_LIVE = st.lists(
    st.sampled_from(["ip-allowlist", "rate-limiting", "http-caching", "spike-control"]), unique=True
)
_LIMITS = st.fixed_dictionaries({"maximumRequests": st.integers(1, 3)})


@st.composite
def units(draw: st.DrawFn) -> UnitDiff:
    live = [
        shipped(name, draw(_LIMITS), id_=place, disabled=draw(st.booleans()))
        for place, name in enumerate(draw(_LIVE), 1)
    ]
    desired = [shipped(name, draw(_LIMITS), disabled=draw(st.booleans())) for name in draw(_LIVE)]
    wanted = a_desired(*desired, prune=draw(st.booleans()))
    return diff_unit(wanted, a_live(*live), _CATALOGUE, REDACTOR)


@given(units())
def test_what_weakens_never_comes_before_what_strengthens(found: UnitDiff) -> None:
    effects = [step.change.effect for step in found.steps if step.change.action != Action.REORDER]
    assert effects == sorted(effects, key=[S, N, W].index) or any(
        step.change.action is Action.DELETE and step.change.effect is N for step in found.steps
    )
    assert [one for one in effects if one is S] == effects[: effects.count(S)]


@given(units())
def test_there_and_back_is_never_stronger_both_ways(found: UnitDiff) -> None:
    for step in found.steps:
        if step.live and step.desired:
            back = of_update(step.desired, step.live, _CATALOGUE)
            assert (step.change.effect, back.effect) != (S, S)


def test_the_group_of_the_shipped_policies_is_mulesofts() -> None:
    assert _CATALOGUE.get(MULESOFT_GROUP, "ip-allowlist") is not None
