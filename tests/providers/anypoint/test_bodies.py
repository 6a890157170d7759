"""What is sent, key by key, and that it comes back as what was declared."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.canonical import ALL_METHODS
from reconciler.core.model import AUTOMATED, MULESOFT_GROUP, OUTBOUND, TIERS, Resource
from reconciler.core.redact import Secret, reveal
from reconciler.errors import PolicyError
from reconciler.providers.anypoint import bodies, convert
from tests.providers.anypoint.natives import (
    CATALOGUE,
    ENVIRONMENT,
    TARGET,
    UPSTREAM,
    UPSTREAMS,
    a_resource,
)

INJECTION = "credential-injection-basic-auth"


def an_outbound(**settings: Any) -> Resource:
    return a_resource(INJECTION, list_name=OUTBOUND, **{"upstreams": ["backend"], **settings})


def test_a_create_has_exactly_these_keys_in_this_order() -> None:
    body = bodies.create_policy_body(TARGET, a_resource(config={"ips": ["1.1.1.1"]}), None)
    assert json.dumps(body) == (
        '{"configurationData": {"ips": ["1.1.1.1"]}, "apiVersionId": 19001001, '
        '"pointcutData": null, "policyTemplateId": null, '
        f'"groupId": "{MULESOFT_GROUP}", "assetId": "ip-allowlist", "assetVersion": "1.1.1"}}'
    )


def test_a_create_says_order_label_and_disabled_only_where_given() -> None:
    desired = a_resource(name="writes", disabled=True)
    body = bodies.create_policy_body(TARGET, desired, 2)
    assert list(body)[-3:] == ["order", "label", "disabled"]
    assert (body["order"], body["label"], body["disabled"]) == (2, "writes", True)


def test_rules_keep_the_order_of_their_methods() -> None:
    rules: list[dict[str, Any]] = [
        {"methods": ["POST", "PUT"], "path": "/orders/.*"},
        {"methods": None, "path": "/x"},
    ]
    assert bodies.pointcuts(rules) == [
        {"methodRegex": "POST|PUT", "uriTemplateRegex": "/orders/.*"},
        {"methodRegex": "|".join(ALL_METHODS), "uriTemplateRegex": "/x"},
    ]
    assert bodies.pointcuts([]) is None


def test_secrets_are_revealed_in_the_body_alone() -> None:
    config = {"password": Secret("hunter2"), "deep": [{"x": Secret("s3")}]}
    desired = a_resource(config=config)
    body = bodies.create_policy_body(TARGET, desired, None)
    assert body["configurationData"] == {"password": "hunter2", "deep": [{"x": "s3"}]}
    assert set(bodies.secret_texts(desired.settings)) == {"hunter2", "s3"}


def test_an_unknown_secret_is_an_error_before_anything_is_sent() -> None:
    config = {"deep": [{"password": Secret(None, "${env:PW}")}]}
    with pytest.raises(PolicyError) as caught:
        bodies.create_policy_body(TARGET, a_resource(config=config), None)
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == (7, "config.deep[0].password")
    assert "${env:PW} is not set" in problem.message


def test_a_create_without_a_version_is_an_error() -> None:
    with pytest.raises(PolicyError, match="needs a version"):
        bodies.create_policy_body(TARGET, a_resource(version=None), None)


def test_an_outbound_create() -> None:
    body = bodies.create_outbound_body(TARGET, an_outbound(disabled=True), UPSTREAMS)
    assert body == {
        "configurationData": {},
        "groupId": MULESOFT_GROUP,
        "assetId": INJECTION,
        "assetVersion": "1.1.1",
        "upstreamIds": [UPSTREAM],
        "apiVersionId": 19001001,
    }


@pytest.mark.parametrize("name", ["backend", "https://backend.example.com", UPSTREAM])
def test_an_upstream_is_found_by_label_uri_or_id(name: str) -> None:
    assert bodies.upstream_ids(an_outbound(upstreams=[name]), UPSTREAMS) == [UPSTREAM]


@pytest.mark.parametrize(
    "upstreams",
    [{}, {"1": ("other", "u")}, {"1": ("backend", "u"), "2": ("backend", "v")}],
)
def test_an_upstream_that_is_not_there_or_not_one_is_an_error(upstreams: Any) -> None:
    with pytest.raises(PolicyError, match=r"upstreams\[0\]"):
        bodies.upstream_ids(an_outbound(), upstreams)


@pytest.mark.parametrize(
    ("live", "desired", "body"),
    [
        ({}, {}, {}),
        ({"disabled": True}, {}, {"disabled": False}),
        (
            {"config": {"ips": ["1"], "b": 2}},
            {"config": {"ips": ["2"]}},
            {"configurationData": {"ips": ["2"]}},
        ),
        ({"config": {"ips": ["1", "2"]}}, {"config": {"ips": ["2", "1"]}}, {}),
        ({"rules": [{"path": "/x"}]}, {"rules": None}, {"pointcutData": None}),
        (
            {},
            {"rules": [{"methods": ["GET"], "path": "/x"}]},
            {"pointcutData": [{"methodRegex": "GET", "uriTemplateRegex": "/x"}]},
        ),
        (
            {"version": "1.0.0", "config": {"ips": ["1"]}},
            {"config": {"ips": ["1"]}},
            {
                "groupId": MULESOFT_GROUP,
                "assetId": "ip-allowlist",
                "assetVersion": "1.1.1",
                "configurationData": {"ips": ["1"]},
            },
        ),
        ({}, {"version": None}, {}),
    ],
)
def test_an_update_sends_what_differs(
    live: dict[str, Any], desired: dict[str, Any], body: dict[str, Any]
) -> None:
    made = bodies.update_policy_body(a_resource(**live), a_resource(**desired), {})
    assert made == body


def test_a_new_version_takes_the_rules_with_it() -> None:
    rules = [{"methods": ["GET"], "path": "/x"}]
    live = a_resource(version="1.0.0", rules=rules)
    body = bodies.update_policy_body(live, a_resource(rules=rules), {})
    assert body["pointcutData"] == [{"methodRegex": "GET", "uriTemplateRegex": "/x"}]


def test_a_secret_that_is_not_returned_is_sent_with_every_update() -> None:
    live = a_resource("http-basic-authentication", config={"username": "old"}, disabled=True)
    body = bodies.update_policy_body(live, _basic_authentication(), {})
    assert body == {
        "configurationData": {"username": "u", "password": "hunter2"},
        "disabled": False,
    }


def test_switching_on_leaves_configuration_and_secrets_alone() -> None:
    live = a_resource("http-basic-authentication", config={"username": "u"}, disabled=True)
    paths = frozenset(("disabled",))
    body = bodies.update_policy_body(live, _basic_authentication(), {}, paths)
    assert body == {"disabled": False}


def test_switching_on_with_a_rotated_secret_sends_both() -> None:
    live = a_resource("http-basic-authentication", config={"username": "u"}, disabled=True)
    paths = frozenset(("disabled", "config.password"))
    body = bodies.update_policy_body(live, _basic_authentication(), {}, paths)
    assert body == {
        "configurationData": {"username": "u", "password": "hunter2"},
        "disabled": False,
    }


def _basic_authentication() -> Resource:
    config = {"username": "u", "password": Secret("hunter2")}
    made = a_resource("http-basic-authentication", config=config)
    secret = frozenset(("config.password",))
    return replace(made, secrets=secret, write_only=secret)


def test_equal_secrets_are_no_difference_whatever_their_reference() -> None:
    live = a_resource(config={"x": Secret("v")})
    desired = a_resource(config={"x": Secret("v", "${env:X}")})
    assert bodies.update_policy_body(live, desired, {}) == {}


@pytest.mark.parametrize(
    ("live", "desired", "body"),
    [
        ({"upstreams": ["https://backend.example.com"]}, {}, {}),
        ({"upstreams": []}, {}, {"upstreamIds": [UPSTREAM]}),
        ({"upstreams": ["gone"]}, {}, {"upstreamIds": [UPSTREAM]}),
        ({"version": "1.0.0"}, {}, {"assetVersion": "1.1.1", "configurationData": {}}),
        ({}, {"disabled": True}, {"disabled": True}),
        ({"rules": [{"path": "/x"}]}, {}, {}),
    ],
)
def test_an_outbound_update(
    live: dict[str, Any], desired: dict[str, Any], body: dict[str, Any]
) -> None:
    made = bodies.update_policy_body(an_outbound(**live), an_outbound(**desired), UPSTREAMS)
    assert made == body


def an_automated(**settings: Any) -> Resource:
    return a_resource(list_name=AUTOMATED, **settings)


def test_an_automated_create() -> None:
    rule = {"technologies": ["mule4"], "range": {"from": "4.1.1"}}
    body = bodies.create_automated_body(ENVIRONMENT, an_automated(ruleOfApplication=rule))
    assert body == {
        "ruleOfApplication": {"organizationId": "org-1", "environmentId": "env-1", **rule},
        "groupId": MULESOFT_GROUP,
        "assetId": "ip-allowlist",
        "assetVersion": "1.1.1",
        "configurationData": {},
        "pointcutData": None,
    }


def test_an_automated_update_carries_all_that_it_must() -> None:
    live = an_automated(ruleOfApplication={"technologies": ["mule4"]})
    body = bodies.update_automated_body(
        ENVIRONMENT, live, an_automated(version=None, disabled=True)
    )
    assert body == {
        "ruleOfApplication": {
            "organizationId": "org-1",
            "environmentId": "env-1",
            "technologies": ["mule4"],
        },
        "groupId": MULESOFT_GROUP,
        "assetId": "ip-allowlist",
        "assetVersion": "1.1.1",
        "configurationData": {},
    }


def test_a_tier() -> None:
    limit = {"maximumRequests": 1800, "timePeriodInMilliseconds": 60000}
    desired = a_resource("", list_name=TIERS, group="", name="Gold", limits=[limit])
    body = bodies.create_tier_body(TARGET, desired)
    assert body == {
        "name": "Gold",
        "autoApprove": False,
        "status": "ACTIVE",
        "limits": [{"visible": True, **limit}],
        "apiVersionId": 19001001,
    }


_TEXT = st.text("ab#[]'\" {}|é", max_size=6)
_LEAF = _TEXT | st.integers(-5, 5) | st.booleans() | _TEXT.map(Secret)
_CONFIG = st.dictionaries(
    st.sampled_from(["username", "password", "overwrite", "ips", "custom"]),
    _LEAF | st.lists(_TEXT, max_size=3) | st.dictionaries(st.sampled_from("abc"), _LEAF),
)
_RULE = st.fixed_dictionaries(
    {"path": st.sampled_from([".*", "/orders/.*"])},
    optional={"methods": st.none() | st.lists(st.sampled_from(ALL_METHODS), min_size=1)},
)


@given(
    name=st.sampled_from(["", "writes"]),
    asset=st.sampled_from(["ip-allowlist", "http-basic-authentication", "custom"]),
    config=_CONFIG,
    rules=st.none() | st.lists(_RULE, max_size=3),
    disabled=st.booleans(),
)
def test_what_was_created_reads_as_what_was_declared(
    name: str, asset: str, config: dict[str, Any], rules: Any, disabled: bool
) -> None:
    desired = a_resource(asset, name=name, config=config, rules=rules, disabled=disabled)
    body = json.loads(json.dumps(bodies.create_policy_body(TARGET, desired, None)))
    echo = {"disabled": False, "order": 3, **body, "id": 7, "policyTemplateId": "348123"}
    live = convert.policy_from(echo, CATALOGUE, {})
    assert live.key == desired.key
    assert reveal(live.canonical) == reveal(desired.canonical)
    assert bodies.update_policy_body(live, desired, {}) == {}
