"""Recorded bodies become resources, whatever shape the list has."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.model import MULESOFT_GROUP, OUTBOUND, POLICIES, TIERS, Instance, ResourceKey
from reconciler.core.redact import Secret
from reconciler.errors import BadAnswer
from reconciler.providers.anypoint import convert
from reconciler.providers.base import LiveEnvironment, LiveOrganization
from tests.providers.anypoint.natives import CATALOGUE, UPSTREAM, UPSTREAMS, recorded

ROOT, CHILD = (f"11111111-aaaa-4aaa-8aaa-00000000000{n}" for n in (1, 2))


def policy(native: Any) -> Any:
    return convert.policy_from(native, CATALOGUE, UPSTREAMS)


def a_native(**keys: Any) -> dict[str, Any]:
    flat = {"id": 1, "groupId": MULESOFT_GROUP, "assetId": "ip-allowlist", "assetVersion": "1.1.1"}
    return {**flat, **keys}


def test_the_tree_is_flat_with_the_root_first() -> None:
    assert convert.organizations_from(recorded("hierarchy")) == (
        LiveOrganization(ROOT, "Example Corp", "Example Corp"),
        LiveOrganization(CHILD, "Payments", "Example Corp/Payments"),
    )


def test_a_tree_that_names_itself_ends() -> None:
    tree: dict[str, Any] = {"id": "a", "name": "A"}
    tree["subOrganizations"] = [tree, None]
    assert len(convert.organizations_from(tree)) == 1


@pytest.mark.parametrize(
    "me",
    [
        {"client": {"org_id": "o"}, "user": {"organization": {"id": "other"}}},
        {"user": {"organization": {"id": "o"}}},
        {"client": None, "user": {"properties": {"cs_auth": {"activeOrganizationId": "o"}}}},
        {
            "user": {
                "memberOfOrganizations": [
                    {"id": "sub", "isRoot": True, "isMaster": False},
                    {"id": "o", "isRoot": True, "isMaster": True},
                ]
            }
        },
    ],
)
def test_the_organization_of_the_caller(me: dict[str, Any]) -> None:
    assert convert.organization_of_caller(me) == "o"


@pytest.mark.parametrize("me", [{}, {"user": None}, {"user": {"memberOfOrganizations": "x"}}])
def test_a_caller_without_an_organization_is_a_bad_answer(me: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        convert.organization_of_caller(me)


def test_the_caller() -> None:
    app = {"name": "policy-bot", "kind": "connected app", "organization": ROOT}
    assert convert.caller_from(recorded("me")) == app
    user = {**recorded("me"), "client": None}
    assert convert.caller_from(user) == {"name": "ci-user", "kind": "user", "organization": ROOT}


def test_an_environment_may_lack_all_but_its_id() -> None:
    assert convert.environment_from({"id": "e", "type": None}) == LiveEnvironment("e", "", "")
    with pytest.raises(BadAnswer):
        convert.environment_from({"name": "Production"})


def test_an_instance() -> None:
    (asset,) = recorded("instances")["assets"]
    expected = Instance(
        19001001,
        "orders-api",
        CHILD,
        "orders-v1-sandbox",
        "v1",
        "1.0.2",
        "mule4",
        ("team-a",),
        "active",
    )
    assert list(convert.instances_from(asset)) == [expected]


def test_an_instance_may_lack_all_but_its_id() -> None:
    asset = {"assetId": "a", "groupId": "g", "apis": [{"id": "7", "instanceLabel": None}]}
    assert list(convert.instances_from(asset)) == [Instance(7, "a", "g")]


@pytest.mark.parametrize("apis", [None, "x", [{}], [None], [{"id": True}]])
def test_a_broken_asset_is_a_bad_answer(apis: Any) -> None:
    with pytest.raises(BadAnswer):
        list(convert.instances_from({"assetId": "a", "apis": apis}))


def test_both_forms_of_the_list_say_the_same() -> None:
    (plain,) = convert.policy_entries(recorded("policies_plain"))
    (full,) = convert.policy_entries(recorded("policies_full"))
    assert policy(plain) == policy(full)
    assert policy(plain).key == ResourceKey(POLICIES, MULESOFT_GROUP, "spike-control")
    assert policy(plain).id == "6086880"
    assert policy(plain).settings["version"] == "1.2.1"


def test_the_compact_form_names_the_implementation() -> None:
    outbound, inbound = map(policy, convert.policy_entries(recorded("policies_compact")))
    key = ResourceKey(OUTBOUND, MULESOFT_GROUP, "credential-injection-basic-auth")
    assert (outbound.key, outbound.order, outbound.id) == (key, 11, "6086912")
    assert outbound.settings["upstreams"] == ["backend"]
    assert inbound.key == ResourceKey(POLICIES, MULESOFT_GROUP, "ip-allowlist")
    assert inbound.settings["rules"] is None


@pytest.mark.parametrize("suffix", ["-flex", "-omni", "-mule"])
def test_an_implementation_of_another_group_is_mulesofts_where_the_catalogue_knows_it(
    suffix: str,
) -> None:
    place = {"groupId": "e0b4", "assetId": f"ip-allowlist{suffix}", "version": "1.1.1"}
    key = policy({"policyId": 1, "implementationAsset": place}).key
    assert (key.group, key.type) == (MULESOFT_GROUP, "ip-allowlist")
    custom = {**place, "assetId": f"our-own{suffix}"}
    key = policy({"policyId": 1, "implementationAsset": custom}).key
    assert (key.group, key.type) == ("e0b4", "our-own")


@pytest.mark.parametrize("answer", [None, "x", 7, {}, {"policies": {}}, [1], [None]])
def test_a_list_of_another_shape_is_a_bad_answer(answer: Any) -> None:
    with pytest.raises(BadAnswer):
        convert.policy_entries(answer)


@pytest.mark.parametrize(
    "native",
    [
        {},
        {"id": 1},
        {"id": None, "groupId": "g", "assetId": "a"},
        {"id": "one", "groupId": "g", "assetId": "a"},
        {"id": 1, "groupId": "g"},
        a_native(configurationData=["x"]),
        a_native(pointcutData={"methodRegex": "GET"}),
        a_native(pointcutData=["GET"]),
    ],
)
def test_a_broken_policy_is_a_bad_answer(native: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        policy(native)


@pytest.mark.parametrize(
    ("keys", "part", "value"),
    [
        ({"disabled": True}, "disabled", True),
        ({"disabled": None}, "disabled", False),
        ({"configurationData": None}, "config", {}),
        ({"configuration": {"ips": ["1.1.1.1"]}}, "config", {"ips": ["1.1.1.1"]}),
        ({"pointcutData": None}, "rules", None),
        ({"pointcutData": []}, "rules", None),
        ({"assetVersion": None}, "version", None),
    ],
)
def test_what_is_absent_null_or_empty_is_the_same(
    keys: dict[str, Any], part: str, value: object
) -> None:
    assert policy(a_native(**keys)).settings[part] == value


@pytest.mark.parametrize(
    ("regex", "methods"),
    [
        ("GET|POST", ["GET", "POST"]),
        ("POST|GET", ["POST", "GET"]),
        ("get", ["get"]),
        ("G.*|POST", ["G.*|POST"]),
        (".*", None),
        ("", None),
        (None, None),
        ("TRACE|PUT|POST|PATCH|OPTIONS|HEAD|GET|DELETE|CONNECT", None),
    ],
)
def test_methods_of_a_rule(regex: str | None, methods: list[str] | None) -> None:
    pointcut = [{"methodRegex": regex, "uriTemplateRegex": "/orders/.*"}]
    (rule,) = policy(a_native(pointcutData=pointcut)).settings["rules"]
    assert rule == {"path": "/orders/.*"} | ({"methods": methods} if methods else {})


@pytest.mark.parametrize(
    ("keys", "label", "order"),
    [
        ({}, "", None),
        ({"label": None, "order": None}, "", None),
        ({"label": "writes", "order": "3"}, "writes", 3),
    ],
)
def test_label_and_order(keys: dict[str, Any], label: str, order: int | None) -> None:
    made = policy(a_native(**keys))
    assert (made.key.name, made.order) == (label, order)


def test_a_sensitive_field_is_wrapped() -> None:
    native = a_native(
        assetId="http-basic-authentication",
        configurationData={"username": "svc", "password": "hunter2"},
    )
    made = policy(native)
    assert made.settings["config"]["password"] == Secret("hunter2")
    assert made.secrets == made.write_only == frozenset(["config.password"])
    assert "hunter2" not in repr(made)


def test_an_unknown_policy_hides_what_is_named_like_a_secret() -> None:
    config = {"apiKey": "k", "list": [{"password": "p", "n": 1}], "tokenUrl": "u", "token": ""}
    made = policy(a_native(assetId="custom", configurationData=config))
    assert made.settings["config"] == {
        "apiKey": Secret("k"),
        "list": [{"password": Secret("p"), "n": 1}],
        "tokenUrl": "u",
        "token": "",
    }


def test_server_only_keys_and_defaults_are_no_difference() -> None:
    config = {"rateLimits": [], "policyId": 7, "apiId": 8}
    made = policy(a_native(assetId="rate-limiting", configurationData=config))
    assert made.canonical["config"] == {"rateLimits": [], "exposeHeaders": False}


@pytest.mark.parametrize(("sent", "count"), [({}, 0), ({"applicationCount": "3"}, 3)])
def test_a_tier_knows_how_many_use_it(sent: dict[str, Any], count: int) -> None:
    tier = convert.tier_from({"id": 1, "name": "Gold", "limits": [], **sent})
    assert tier.applications == count
    assert "applications" not in {*tier.settings, *tier.canonical}


def test_the_list_of_upstreams() -> None:
    natives = recorded("upstreams")["upstreams"]
    assert convert.upstreams_from(natives) == {UPSTREAM: (None, "https://backend.example.com")}


def test_the_direction_is_known_without_upstreams_too() -> None:
    native = a_native(assetId="credential-injection-basic-auth", upstreamIds=[])
    assert policy(native).key.list == OUTBOUND
    assert policy(native).settings["upstreams"] == []
    assert policy(a_native(upstreamIds=[UPSTREAM])).key.list == OUTBOUND


def test_both_forms_are_merged_without_doubles() -> None:
    plain: list[convert.Native] = [
        {"id": 1, "disabled": True, "upstreamIds": None},
        {"id": "2", "label": "a"},
    ]
    full: list[convert.Native] = [
        {"policyId": "1", "upstreamIds": ["u"], "disabled": False},
        {"policyId": 2, "label": "b"},
        {"policyId": 3},
    ]
    assert convert.merged_entries(plain, full) == [
        {"id": 1, "disabled": True, "upstreamIds": ["u"]},
        {"id": "2", "label": "a"},
        {"policyId": 3},
    ]


def test_an_automated_policy_without_an_environment_is_shared() -> None:
    (native,) = recorded("automated")["automatedPolicies"]
    rule = {k: v for k, v in native["ruleOfApplication"].items() if k != "environmentId"}
    assert not convert.automated_from(native, CATALOGUE).shared
    assert convert.automated_from({**native, "ruleOfApplication": rule}, CATALOGUE).shared


def test_an_automated_policy() -> None:
    (native,) = recorded("automated")["automatedPolicies"]
    made = convert.automated_from(native, CATALOGUE)
    assert made.key == ResourceKey("automatedPolicies", MULESOFT_GROUP, "header-injection")
    assert made.settings["ruleOfApplication"] == {
        "range": {"from": "4.6.0"},
        "javaVersions": ["8", "11", "17"],
        "technologies": ["mule4"],
    }
    assert made.canonical["ruleOfApplication"]["javaVersions"] is None


def test_a_tier() -> None:
    made = convert.tier_from(recorded("tier_created"))
    assert made.key == ResourceKey(TIERS, "", "", "Gold")
    assert made.id == "123123"
    assert made.settings == {
        "description": "standard",
        "limits": [{"maximumRequests": 1800, "timePeriodInMilliseconds": 60000, "visible": True}],
        "autoApprove": False,
        "status": "ACTIVE",
    }


def test_limits_may_be_text() -> None:
    made = convert.tier_from({"id": "1", "name": "x", "limits": [{"maximumRequests": "5"}]})
    assert made.settings["limits"] == [{"maximumRequests": 5, "visible": True}]


@pytest.mark.parametrize(
    "native",
    [{}, {"id": 1}, {"name": "x"}, {"id": 1, "name": "x", "limits": {"a": 1}}],
)
def test_a_broken_tier_is_a_bad_answer(native: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        convert.tier_from(native)


def test_secrets_are_wrapped_by_pattern() -> None:
    settings = {"config": {"a": "1", "claims": [{"value": "2", "k": 3}], "b": None}}
    patterns = frozenset(["config.a", "config.claims.*.value", "config.b"])
    assert convert.hide_secrets(settings, patterns) == {
        "config": {"a": Secret("1"), "claims": [{"value": Secret("2"), "k": 3}], "b": None}
    }


@pytest.mark.parametrize(
    "rule",
    [{"technologies": "mule4"}, {"technologies": [1]}, {"javaVersions": 8}, {"range": "4.1"}],
)
def test_an_automated_policy_whose_rule_is_of_another_shape_is_refused(rule: Any) -> None:
    native = {**recorded("automated")["automatedPolicies"][0], "ruleOfApplication": rule}
    with pytest.raises(BadAnswer, match="is not as documented"):
        convert.automated_from(native, CATALOGUE)


def test_what_holds_a_known_secret_is_concealed_wherever_it_stands() -> None:
    config = {"a": "x s3cret-text y", "b": [{"c": "s3cret-text"}, {"c": "z"}], "d": ["s3cret-text"]}
    config |= {"u": "https://u:p@h/", "plain": "https://h/"}
    native = {**recorded("policies_plain")[0], "configurationData": config}
    made = convert.conceal(convert.policy_from(native, CATALOGUE, {}), frozenset(["s3cret-text"]))
    assert made.secrets == {"config.a", "config.b.*.c", "config.d", "config.u"}
    assert "s3cret" not in str(made)
    assert ":p@" not in str(made)
    assert made.settings["config"]["plain"] == "https://h/"
