from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.catalogue import Field
from reconciler.core.model import MULESOFT_GROUP, DesiredUnit, Source
from reconciler.core.project import Layer
from reconciler.core.redact import Secret
from reconciler.errors import Problem
from reconciler.files.documents import entries
from reconciler.files.layers import Layering
from tests.files.builders import (
    ADDRESS,
    TARGET,
    StandInSchemas,
    a_layer,
    a_map,
    a_resolver,
    a_type,
    layering,
)

ORGANIZATION, ENVIRONMENT, GROUP, API = (
    "organization defaults",
    "environment defaults",
    "group payments",
    "api",
)
Made = tuple[DesiredUnit, list[Problem], list[str]]


def effective(*layers: Layer, of: Layering | None = None, technology: str = "") -> Made:
    return (of or layering()).effective(ADDRESS, TARGET, technology, layers)


def unit(*layers: Layer, of: Layering | None = None) -> DesiredUnit:
    made, problems, _ = effective(*layers, of=of)
    assert problems == []
    return made


def segments(made: DesiredUnit) -> list[str]:
    return [resource.key.segment for resource in made.resources]


def settings(made: DesiredUnit, index: int = 0) -> Any:
    return made.resources[index].settings


def policies(*names: str) -> str:
    return f"policies: [{', '.join(f'{{policyRef: {{name: {name}}}}}' for name in names)}]"


def cors(config: str, more: str = "") -> str:
    return f"policies: [{{policyRef: {{name: cors}}, config: {config}{more}}}]"


def test_a_policy_without_settings_gets_their_defaults() -> None:
    (resource,) = unit(a_layer(API, policies("cors"))).resources
    assert dict(resource.settings) == {
        "version": None,
        "config": {},
        "rules": None,
        "disabled": False,
    }


def test_mappings_merge_at_every_depth_and_lists_are_replaced() -> None:
    made = unit(
        a_layer(ORGANIZATION, cors("{a: {x: 1, y: {p: 1, q: 2}}, ips: [1, 2], keep: true}")),
        a_layer(API, cors("{a: {y: {q: 3}}, ips: [9]}")),
    )
    assert settings(made)["config"] == {
        "a": {"x": 1, "y": {"p": 1, "q": 3}},
        "ips": [9],
        "keep": True,
    }


def test_null_removes_an_inherited_key() -> None:
    made = unit(
        a_layer(ORGANIZATION, cors("{a: 1, b: {c: 1, d: 2}}", ", disabled: true")),
        a_layer(API, cors("{a: null, b: {c: null}, new: null}", ", disabled: null")),
    )
    assert settings(made)["config"] == {"b": {"d": 2}}
    assert settings(made)["disabled"] is False


def test_a_removed_key_can_be_set_again_below() -> None:
    made = unit(
        a_layer(ORGANIZATION, cors("{a: {x: 1}}")),
        a_layer(ENVIRONMENT, cors("{a: null}")),
        a_layer(API, cors("{a: {y: 2}}")),
    )
    assert settings(made)["config"] == {"a": {"y": 2}}


def test_no_layer_is_changed_by_merging() -> None:
    outer, own = a_layer(ORGANIZATION, cors("{a: {x: 1}}")), a_layer(API, cors("{a: {x: 2}}"))
    shared = layering()
    unit(outer, own, of=shared)
    assert settings(unit(outer, of=shared))["config"] == {"a": {"x": 1}}


def test_what_many_inherit_is_checked_once() -> None:
    schemas = StandInSchemas()
    shared = layering(schemas=schemas)
    outer = a_layer(ORGANIZATION, policies("cors", "spike-control"))
    made = [unit(outer, a_layer(API, policies("http-caching")), of=shared) for _ in range(5)]
    assert sorted(schemas.checked) == ["cors", "http-caching", "spike-control"]
    assert made[0].resources[0] is made[1].resources[0]


def test_what_many_files_say_in_the_same_words_is_checked_once_and_keeps_its_place() -> None:
    schemas = StandInSchemas()
    shared = layering(schemas=schemas)
    first, second = (
        unit(a_layer(API, f"{'#' + chr(10)}" * lines + policies("cors")), of=shared)
        for lines in (0, 3)
    )
    assert schemas.checked == ["cors"]
    places = [one.resources[0].source for one in (first, second)]
    assert all(places) and places[0] != places[1]


@pytest.mark.parametrize("other", ["{x: 1.10}", "{x: 01}", "{x: '1.1'}", "{x: true}", "{y: 1.1}"])
def test_other_words_are_checked_again(other: str) -> None:
    schemas = StandInSchemas()
    shared = layering(schemas=schemas)
    for config in ("{x: 1.1}", other):
        unit(a_layer(API, cors(config)), of=shared)
    assert schemas.checked == ["cors", "cors"]


def test_an_inherited_policy_is_made_anew_under_another_pin() -> None:
    shared = layering()
    outer = a_layer(ORGANIZATION, policies("cors"))
    versions = [
        settings(unit(outer, a_layer(API, f"versions: {{cors: {pin}}}"), of=shared))["version"]
        for pin in ("1.1.0", "1.2.0")
    ]
    assert versions == ["1.1.0", "1.2.0"]


def test_order_is_that_of_first_mention() -> None:
    made = unit(
        a_layer(ORGANIZATION, policies("a", "b")),
        a_layer(ENVIRONMENT, policies("c", "a")),
        a_layer(API, policies("d", "b")),
    )
    assert segments(made) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("positions", "order"),
    [
        ({"c": "first"}, "c a b d"),
        ({"a": "last"}, "b c d a"),
        ({"c": "first", "d": "first"}, "c d a b"),
        ({"a": "last", "b": "last"}, "c d a b"),
        ({"d": "{before: b}"}, "a d b c"),
        ({"a": "{after: c}"}, "b c a d"),
        ({"c": "{after: a}", "d": "{after: a}"}, "a c d b"),
        ({"c": "{before: a}", "d": "{before: a}"}, "c d a b"),
        ({"a": "{after: b}", "b": "{after: d}"}, "c d b a"),
        ({"a": "last", "b": "{before: a}"}, "c d b a"),
    ],
)
def test_position_moves_a_policy(positions: dict[str, str], order: str) -> None:
    items = [
        f"{{policyRef: {{name: {name}}}, position: {positions.get(name, 'null')}}}"
        for name in "abcd"
    ]
    made = unit(a_layer(API, f"policies: [{', '.join(items)}]"))
    assert segments(made) == order.split()


def positioned(*positions: str) -> list[str]:
    items = [
        f"{{policyRef: {{name: p{index}}}, position: {position}}}"
        for index, position in enumerate(positions)
    ]
    return [str(one) for one in effective(a_layer(API, f"policies: [{', '.join(items)}]"))[1]]


def test_a_position_by_an_unknown_policy_is_a_problem() -> None:
    (problem,) = positioned("{before: cross}")
    assert "position before: cross: there is no such policy on this API" in problem


def test_positions_in_a_circle_are_a_problem() -> None:
    found = positioned("{before: p1}", "{after: p0}")
    assert all("goes round in a circle" in problem for problem in found)
    assert len(found) == 2


def test_a_position_may_name_a_policy_by_its_name() -> None:
    text = (
        "policies: [{name: x, policyRef: {name: cors}}, {name: y, policyRef: {name: cors}},"
        " {policyRef: {name: b}, position: {after: %s}}]"
    )
    assert segments(unit(a_layer(API, text % "x"))) == ["cors:x", "b", "cors:y"]
    (problem,) = effective(a_layer(API, text % "cors"))[1]
    assert "means several policies (say which: cors:x, cors:y)" in str(problem)


def test_exclude_drops_what_is_inherited() -> None:
    made = unit(
        a_layer(ORGANIZATION, policies("cors", "a")),
        a_layer(API, "exclude: [{policy: cors, reason: CDN}]"),
    )
    assert segments(made) == ["a"]
    assert made.managed == {"policies"}


def test_exclude_finds_an_outbound_policy_by_its_type() -> None:
    outbound = a_type("credential-injection", direction="outbound")
    made = unit(
        a_layer(ORGANIZATION, "outboundPolicies: [{policyRef: {name: credential-injection}}]"),
        a_layer(API, "exclude: [{policy: credential-injection, reason: none}]"),
        of=layering(outbound),
    )
    assert made.resources == ()


def test_a_policy_excluded_above_may_be_declared_afresh_below() -> None:
    made = unit(
        a_layer(ORGANIZATION, cors("{a: 1}")),
        a_layer(ENVIRONMENT, "exclude: [{policy: cors, reason: CDN}]"),
        a_layer(API, cors("{b: 2}")),
    )
    assert settings(made)["config"] == {"b": 2}


def test_exclude_of_nothing_is_warned_of() -> None:
    _, problems, (warning,) = effective(
        a_layer(ORGANIZATION, policies("cors")),
        a_layer(API, "exclude: [{policy: corse, reason: CDN}]", "orders.yaml"),
    )
    assert problems == []
    assert warning == ("orders.yaml:1:11: corse is excluded but not inherited (inherited: cors)")


def test_excluded_and_declared_in_one_document_is_a_problem() -> None:
    text = policies("cors") + "\nexclude: [{policy: cors, reason: x}]"
    (problem,) = effective(a_layer(API, text))[1]
    assert "cors is excluded and declared in one document" in str(problem)


def test_absent_is_kept_and_manages_nothing() -> None:
    made = unit(a_layer(API, "absent: [{policy: http-caching, reason: stale}]", "o.yaml"))
    (absent,) = made.absent
    assert (absent.list, absent.type, absent.reason) == ("policies", "http-caching", "stale")
    assert absent.source == Source("o.yaml", 1, 10)
    assert made.managed == frozenset()


def test_declared_and_absent_at_once_is_a_problem() -> None:
    (problem,) = effective(
        a_layer(ORGANIZATION, policies("cors"), "org.yaml"),
        a_layer(API, "absent: [{policy: cors, reason: x}]", "orders.yaml"),
    )[1]
    assert str(problem).startswith("orders.yaml:1:10: cors is declared (org.yaml:1) and absent")


def test_excluded_and_absent_is_fine() -> None:
    text = "exclude: [{policy: cors, reason: x}]\nabsent: [{policy: cors, reason: x}]"
    made = unit(a_layer(ORGANIZATION, policies("cors")), a_layer(API, text))
    assert (made.resources, len(made.absent)) == ((), 1)


def test_two_groups_that_set_one_policy_are_a_problem_naming_both() -> None:
    (problem,) = effective(
        a_layer("group a", policies("cors"), "a.yaml"),
        a_layer("group b", policies("cors"), "b.yaml"),
    )[1]
    assert str(problem).startswith(
        "b.yaml:1:12: group b and group a (a.yaml:1) both set cors on one API"
    )


def test_a_group_and_the_api_may_set_one_policy() -> None:
    made = unit(a_layer(GROUP, cors("{a: 1}")), a_layer(API, cors("{b: 2}")))
    assert settings(made)["config"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("pins", "version"),
    [
        ({ORGANIZATION: "1.0.0"}, "1.0.0"),
        ({ORGANIZATION: "1.0.0", ENVIRONMENT: "1.1.0"}, "1.1.0"),
        ({ENVIRONMENT: "1.1.0", GROUP: "1.2.0"}, "1.2.0"),
        ({GROUP: "1.2.0", API: "1.3.0"}, "1.3.0"),
    ],
)
def test_the_nearest_pin_gives_the_version(pins: dict[str, str], version: str) -> None:
    layers = [
        a_layer(name, f"versions: {{cors: {pins[name]}}}" if name in pins else "{}")
        for name in (ORGANIZATION, ENVIRONMENT, GROUP)
    ]
    own = policies("cors") + (f"\nversions: {{cors: {pins[API]}}}" if API in pins else "")
    assert settings(unit(*layers, a_layer(API, own)))["version"] == version


def test_an_entry_s_own_version_goes_before_every_pin() -> None:
    made = unit(
        a_layer(ORGANIZATION, "policies: [{policyRef: {name: cors, version: 1.0.0}}]"),
        a_layer(API, "versions: {cors: 2.0.0}"),
    )
    assert settings(made)["version"] == "1.0.0"


def test_groups_that_pin_different_versions_are_a_problem() -> None:
    (problem,) = effective(
        a_layer("group a", "versions: {cors: 1.0.0}"),
        a_layer("group b", "versions: {cors: 2.0.0}"),
        a_layer(API, policies("cors")),
    )[1]
    assert "group b and group a (group a.yaml:1) pin cors to different versions" in str(problem)


def custom(name: str) -> str:
    return f"policies: [{{policyRef: {{name: {name}, groupId: mine}}}}]"


@pytest.mark.parametrize(
    ("pin", "name", "version"),
    [
        ("mine/cors", "cors", "1.0.0"),
        ("cors", "cors", None),
        ("audit", "audit", "1.0.0"),
        (f"{MULESOFT_GROUP}/cors", "cors", None),
    ],
)
def test_a_pin_of_a_custom_policy(pin: str, name: str, version: str | None) -> None:
    outer = a_layer(ORGANIZATION, f"versions: {{{pin}: 1.0.0}}")
    made = unit(outer, a_layer(API, custom(name)), of=layering(a_type("cors")))
    assert settings(made)["version"] == version


def test_the_nearest_prune_wins() -> None:
    made = unit(
        a_layer(ORGANIZATION, "prune: true"),
        a_layer(ENVIRONMENT, "prune: false"),
        a_layer(API, policies("a")),
    )
    assert made.prune is False
    assert unit(a_layer(ORGANIZATION, "prune: true"), a_layer(API)).prune is True


def test_only_declared_lists_are_managed() -> None:
    made = unit(a_layer(ORGANIZATION, policies("a")), a_layer(API, "tiers: []"))
    assert made.managed == {"policies", "tiers"}


def test_an_empty_list_below_leaves_what_is_inherited() -> None:
    assert segments(unit(a_layer(ORGANIZATION, policies("a")), a_layer(API, "policies: []"))) == [
        "a"
    ]


def test_rules_are_compared_as_sets_of_methods() -> None:
    verbs = "[CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE]"
    rules = f"[{{methods: [PUT, POST], path: /a}}, {{methods: {verbs}, path: /b}}]"
    (resource,) = unit(a_layer(API, cors("{}", f", rules: {rules}"))).resources
    assert resource.settings["rules"][0] == {"methods": ["PUT", "POST"], "path": "/a"}
    assert resource.canonical["rules"] == [
        {"methods": ["POST", "PUT"], "path": "/a"},
        {"methods": None, "path": "/b"},
    ]


def test_empty_rules_are_no_rules() -> None:
    (resource,) = unit(a_layer(API, cors("{}", ", rules: []"))).resources
    assert resource.canonical["rules"] is None


def test_an_outbound_policy_has_upstreams() -> None:
    text = "outboundPolicies: [{policyRef: {name: o}, upstreams: [b, a]}]"
    (resource,) = unit(a_layer(API, text)).resources
    assert resource.settings["upstreams"] == ["b", "a"]
    assert resource.canonical["upstreams"] == ["a", "b"]


def test_the_canonical_form_has_the_catalogue_s_defaults() -> None:
    known = a_type("cors", Field("ttl", "integer", default=60))
    (resource,) = unit(a_layer(API, cors("{a: 1}")), of=layering(known)).resources
    assert resource.settings["config"] == {"a": 1}
    assert resource.canonical["config"] == {"a": 1, "ttl": 60}


def test_tiers_merge_by_name_and_have_defaults() -> None:
    limit = "{maximumRequests: 10, timePeriodInMilliseconds: 1000}"
    made = unit(
        a_layer(GROUP, f"tiers: [{{name: Gold, limits: [{limit}], autoApprove: true}}]"),
        a_layer(API, "tiers: [{name: Gold, description: best, autoApprove: false}]"),
    )
    (resource,) = made.resources
    assert resource.key.segment == "tier:Gold"
    assert dict(resource.settings) == {
        "description": "best",
        "limits": [{"maximumRequests": 10, "timePeriodInMilliseconds": 1000}],
        "autoApprove": False,
        "status": "ACTIVE",
    }
    assert resource.canonical["limits"] == [
        {"maximumRequests": 10, "timePeriodInMilliseconds": 1000, "visible": True}
    ]


def test_a_merged_config_is_checked_as_a_whole_at_its_true_places() -> None:
    schemas = StandInSchemas(required=("origins",), refused="bad")
    found = effective(
        a_layer(ORGANIZATION, cors("{a: bad}"), "org.yaml"),
        a_layer(API, cors("{b: bad}"), "orders.yaml"),
        of=layering(schemas=schemas),
    )[1]
    assert [str(problem) for problem in found] == [
        "org.yaml:1:50: cors.config.a: is refused",
        "orders.yaml:1:50: cors.config.b: is refused",
        "org.yaml:1:46: cors.config: origins is missing",
    ]


def test_a_policy_without_config_misses_what_is_required() -> None:
    (problem,) = effective(
        a_layer(API, policies("cors"), "o.yaml"),
        of=layering(schemas=StandInSchemas(required=("origins",))),
    )[1]
    assert str(problem) == "o.yaml:1:12: cors.config: origins is missing"


def test_an_incomplete_stack_requires_nothing() -> None:
    made = layering(schemas=StandInSchemas(required=("origins",))).effective(
        ADDRESS,
        TARGET,
        "",
        [a_layer(API, policies("cors") + "\nexclude: [{policy: x, reason: y}]")],
        complete=False,
    )
    assert made[1:] == ([], [])


@pytest.mark.parametrize(
    ("direction", "listed", "right"),
    [("outbound", "policies", "outboundPolicies"), ("inbound", "outboundPolicies", "policies")],
)
def test_a_policy_in_the_wrong_list_is_a_problem(direction: str, listed: str, right: str) -> None:
    text = f"{listed}: [{{policyRef: {{name: p}}}}]"
    of = layering(a_type("p", direction=direction))
    (problem,) = effective(a_layer(API, text), of=of)[1]
    assert f"p is an {direction} policy (declare it under {right}:)" in str(problem)


def test_rules_on_a_policy_that_takes_none_are_a_problem() -> None:
    text = cors("{}", ", rules: [{methods: [GET], path: /a}]")
    (problem,) = effective(a_layer(API, text), of=layering(a_type("cors", rules=False)))[1]
    assert "takes no rules" in str(problem)


def test_a_policy_for_another_gateway_is_refused_at_its_place() -> None:
    known = a_type("p", gateways=frozenset(["flexGateway"]))
    made = effective(a_layer(API, policies("p")), of=layering(known), technology="mule4")
    assert [str(problem) for problem in made[1]] == [
        "api.yaml:1:12: p: p runs on flexGateway, and this API is mule4 "
        "(exclude it here, or let a group match technology: flexGateway)"
    ]


@pytest.mark.parametrize("technology", ["mule4", "serviceMesh"])
def test_a_policy_for_another_gateway_is_warned_of_where_that_is_not_sure(technology: str) -> None:
    known = a_type("p", gateways=frozenset(["flexGateway"]), gateways_documented=False)
    sure = a_type("q", gateways=frozenset(["flexGateway"]))
    used = known if technology == "mule4" else sure
    text = policies(used.name)
    made = effective(a_layer(API, text), of=layering(used), technology=technology)
    assert made[1] == []
    assert f"is known to run on flexGateway, and this API is {technology}" in made[2][0]


def automated(text: str, **versions: str) -> Made:
    pins = a_layer(ORGANIZATION, f"versions: {versions}\nprune: true\n" + policies("ignored"))
    items = a_map(f"a: [{text}]")["a"]
    return layering().automated_unit(
        ADDRESS, TARGET, [pins, a_layer(ENVIRONMENT)], entries(items, "automatedPolicies", "e.yaml")
    )


def test_automated_policies_make_the_environment_s_own_unit() -> None:
    rule = "{technologies: [mule4], range: {from: 4.1.1}, javaVersions: ['8', '17']}"
    text = f"{{policyRef: {{name: log}}, config: {{a: 1}}, ruleOfApplication: {rule}}}"
    made, problems, _ = automated(text, log="2.0.2")
    assert problems == []
    (resource,) = made.resources
    assert made.managed == {"automatedPolicies"}
    assert made.prune is True
    assert set(resource.settings) == {"version", "config", "ruleOfApplication"}
    assert resource.settings["version"] == "2.0.2"
    assert resource.canonical["ruleOfApplication"] == {
        "javaVersions": ["17", "8"],
        "range": {"from": "4.1.1"},
        "technologies": ["mule4"],
    }


def test_an_automated_policy_cannot_be_disabled() -> None:
    (problem,) = automated("{policyRef: {name: log}, disabled: true}")[1]
    assert "cannot be switched off" in str(problem)


def test_origins_name_layer_and_place_of_each_value() -> None:
    outer = "versions: {cors: 1.0.0}\n" + cors("{a: 1, b: {c: 2}, ips: [1]}")
    explained = layering().origins(
        [a_layer(ORGANIZATION, outer, "org.yaml"), a_layer(API, cors("{b: {c: 3}}"), "o.yaml")]
    )
    (policy,) = explained
    assert {
        path: (origin.layer, str(origin.source.file), origin.source.line, origin.source.column)
        for path, origin in policy.origins.items()
    } == {
        "version": (ORGANIZATION, "org.yaml", 1, 18),
        "config.a": (ORGANIZATION, "org.yaml", 2, 50),
        "config.b.c": (API, "o.yaml", 1, 54),
        "config.ips": (ORGANIZATION, "org.yaml", 2, 69),
    }
    assert policy.resource.settings["config"]["b"] == {"c": 3}


def test_a_secret_that_is_inherited_is_read_beside_its_own_file() -> None:
    seen: list[str] = []

    def read(path: Any) -> bytes:
        seen.append(str(path))
        return b"hunter2\n"

    resolver = a_resolver()
    of = layering(resolver=type(resolver)({}, resolver.cwd, resolver.state_dir, False, read))
    made = unit(
        a_layer(ORGANIZATION, cors("{password: '${file:a.key}'}"), "policies/acme/o.yaml"),
        a_layer(API, cors("{x: 1}"), "policies/acme/production/orders.yaml"),
        of=of,
    )
    assert seen == ["/work-dir/policies/acme/a.key"]
    assert settings(made)["config"]["password"] == Secret("hunter2", "${file:a.key}")


def test_an_overridden_reference_is_not_looked_up() -> None:
    _, problems, warnings = effective(
        a_layer(ORGANIZATION, cors("{user: '${env:UNSET}'}")),
        a_layer(API, cors("{user: joe}")),
        of=layering(resolver=a_resolver()),
    )
    assert (problems, warnings) == ([], [])


def test_rules_of_an_outbound_policy_are_refused() -> None:
    text = """\
outboundPolicies:
  - policyRef: {name: idle-timeout, version: 1.0.1}
    config: {timeout: 1}
    rules: [{path: /x}]
"""
    _, problems, _ = effective(a_layer(API, text))
    assert any("the service takes no rules for it" in str(item) for item in problems)
