"""One mistake gives one problem, at its line and column, in plain words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.catalogue import MISSING, Field, PolicyType
from reconciler.core.model import MULESOFT_GROUP
from reconciler.core.redact import Secret
from reconciler.errors import Problem
from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.schema import Schemas
from reconciler.files.yaml import Map, parse

SCHEMAS = Schemas.load()
CATALOGUE = ShippedCatalogue.load()
SAMPLE = sorted((Path(__file__).parents[2] / "policies").rglob("*.yaml"))
CUSTOM = "0a3c1f6e-5b7d-4a7e-9c21-6f1d2e3b4a01"
API = "apiVersion: reconciler/v1\nkind: ApiInstance\napi: {asset: orders-api}\n"


def a_document(text: str) -> Map:
    documents, problems = parse(text.encode(), "f.yaml")
    assert not problems
    value: Map = documents[0].value
    return value


def check(text: str) -> list[str]:
    """Problems of a document as `line:column path: message (hint)`."""
    found = sorted(SCHEMAS.check_document(a_document(text), "f.yaml"))
    return [str(problem).removeprefix("f.yaml:") for problem in found]


def check_config(
    config: Map, name: str, *, partial: bool = False, group: str = MULESOFT_GROUP, **more: Any
) -> tuple[list[Problem], list[Problem]]:
    return SCHEMAS.check_config(
        config, group, name, file="f.yaml", at=(1, 1), path="config", partial=partial, **more
    )


def errors_of(name: str, text: str, *, partial: bool = False) -> list[str]:
    errors, _ = check_config(a_document(text), name, partial=partial)
    return [str(error).removeprefix("f.yaml:") for error in sorted(errors)]


def warnings_of(name: str, text: str, *, partial: bool = False) -> list[str]:
    _, warnings = check_config(a_document(text), name, partial=partial)
    return [str(warning).removeprefix("f.yaml:") for warning in sorted(warnings)]


DOCUMENTS = {
    "unknown key": (
        API + "policys: []",
        '4:1: policys: unknown key "policys" (did you mean "policies"?)',
    ),
    "unknown key of a short mapping": (
        API + "exclude: [{policy: cors, reason: x, qqq: 1}]",
        '4:37: exclude[0].qqq: unknown key "qqq" (allowed: policy, groupId, name, list, reason)',
    ),
    "misspelt key that must be there": (
        API + "policies: [{policyReff: {name: cors}}]",
        '4:13: policies[0].policyReff: unknown key "policyReff" (did you mean "policyRef"?)',
    ),
    "missing key": (
        API + "policies:\n  - config: {}",
        "5:5: policies[0]: policyRef is missing (add policyRef:)",
    ),
    "text for a list": (
        API + "policies: no",
        "4:11: policies: must be a list, is text (write a list: [ITEM, ...])",
    ),
    "nothing for a list": (
        API + "policies:",
        "4:10: policies: must be a list, is empty (write a list: [ITEM, ...], or remove the key)",
    ),
    "text for a boolean": (
        API + "prune: yes",
        "4:8: prune: must be true or false, is text (write true or false)",
    ),
    "boolean for a text": (
        "apiVersion: reconciler/v1\nkind: Environment\nenvironment: true",
        "3:14: environment: must be text, is true (quote it, if it is meant as text)",
    ),
    "unknown verb": (
        API + "policies:\n  - policyRef: {name: spike-control}\n"
        "    rules: [{methods: [GETT], path: /}]",
        "6:24: policies[0].rules[0].methods[0]: must be one of GET, POST, PUT, PATCH, DELETE, "
        'OPTIONS, HEAD, TRACE, CONNECT (did you mean "GET"?)',
    ),
    "verb twice": (
        API + "policies:\n  - policyRef: {name: spike-control}\n"
        "    rules: [{methods: [GET, GET], path: /}]",
        "6:29: policies[0].rules[0].methods[1]: stands here twice (remove one of them)",
    ),
    "position": (
        API + "policies:\n  - {policyRef: {name: cors}, position: top}",
        "5:41: policies[0].position: must be first, last, {before: NAME} or {after: NAME}",
    ),
    "version": (
        API + "policies:\n  - policyRef: {name: cors, version: latest}",
        "5:38: policies[0].policyRef.version: must be a version such as 1.4.0",
    ),
    "pinned version": (
        API + "versions: {cors: newest}",
        "4:18: versions.cors: must be a version such as 1.4.0",
    ),
    "pin of an unknown policy": (
        API + "versions: {corss: 1.0.0}",
        '4:12: versions.corss: unknown policy "corss" (did you mean "cors"?)',
    ),
    "pin that is no name": (
        API + "versions: {a b: 1.0.0}",
        "4:12: versions.a b: must be a policy name or groupId/name",
    ),
    "unknown policy": (
        API + "policies:\n  - policyRef: {name: ip-alowlist}",
        '5:23: policies[0].policyRef.name: unknown policy "ip-alowlist" '
        '(did you mean "ip-allowlist"?)',
    ),
    "unknown policy like no other": (
        API + "policies:\n  - policyRef: {name: zzz}",
        '5:23: policies[0].policyRef.name: unknown policy "zzz" '
        "(a custom policy needs its groupId)",
    ),
    "outbound policy among the inbound": (
        API + "policies:\n  - policyRef: {name: idle-timeout}",
        "5:23: policies[0].policyRef.name: idle-timeout acts on calls to upstreams "
        "(move it to outboundPolicies)",
    ),
    "inbound policy among the outbound": (
        API + "outboundPolicies:\n  - policyRef: {name: cors}",
        "5:23: outboundPolicies[0].policyRef.name: cors acts on requests to the API "
        "(move it to policies)",
    ),
    "policy of the gateway's own files": (
        API + "policies:\n  - policyRef: {name: tls}",
        "5:23: policies[0].policyRef.name: tls is for files on the gateway itself; "
        "API Manager cannot apply it (remove it here)",
    ),
    "rules of a policy that takes none": (
        API + "policies:\n  - policyRef: {name: cors}\n    rules: [{methods: [GET], path: /}]",
        "6:12: policies[0].rules: cors holds for the whole API (remove rules)",
    ),
    "upstreams of an inbound policy": (
        API + "policies:\n  - {policyRef: {name: cors}, upstreams: [a]}",
        '5:31: policies[0].upstreams: unknown key "upstreams" '
        "(allowed: name, description, policyRef, config, rules, disabled, position)",
    ),
    "absent without a reason": (
        API + "absent:\n  - policy: cors",
        "5:5: absent[0]: reason is missing (add reason:)",
    ),
    "tier without a limit": (
        API + "tiers: [{name: Gold, limits: []}]",
        "4:30: tiers[0].limits: must not be empty (add an item, or remove the key)",
    ),
    "limit below one": (
        API + "tiers: [{name: G, limits: [{maximumRequests: 0, timePeriodInMilliseconds: 1}]}]",
        "4:46: tiers[0].limits[0].maximumRequests: must be at least 1 (write 1 or more)",
    ),
    "limit with a fraction": (
        API + "tiers: [{name: G, limits: [{maximumRequests: 1.5, timePeriodInMilliseconds: 1}]}]",
        "4:46: tiers[0].limits[0].maximumRequests: must be a whole number, is a fraction "
        "(write a whole number)",
    ),
    "asset and id": (
        "apiVersion: reconciler/v1\nkind: ApiInstance\napi: {asset: a, id: 1}",
        "3:6: api: must hold asset (label, groupId and productVersion narrow it), or id alone",
    ),
    "half of the credentials": (
        "apiVersion: reconciler/v1\nkind: Organization\norganization: A\nauth: {clientId: a}",
        "4:7: auth: must hold clientId and clientSecret, or username and password, or token",
    ),
    "two kinds of credentials": (
        "apiVersion: reconciler/v1\nkind: Organization\norganization: A\n"
        "auth: {username: a, password: b, token: c}",
        "4:7: auth: must hold clientId and clientSecret, or username and password, or token",
    ),
    "no match": (
        "apiVersion: reconciler/v1\nkind: ApiGroup\napi: {match: {}}",
        "3:14: api.match: must not be empty (write something, or remove the key)",
    ),
    "unknown technology": (
        "apiVersion: reconciler/v1\nkind: ApiGroup\napi: {match: {technology: flex}}",
        "3:27: api.match.technology: must be one of mule4, flexGateway (choose one of them)",
    ),
    "two technologies": (
        "apiVersion: reconciler/v1\nkind: Environment\nenvironment: A\nautomatedPolicies:\n"
        "  - policyRef: {name: cors}\n"
        "    ruleOfApplication: {technologies: [mule4, flexGateway]}",
        "6:39: automatedPolicies[0].ruleOfApplication.technologies: must hold one item at most "
        "(remove the others)",
    ),
    "fewer deletes than none": (
        "apiVersion: reconciler/v1\nkind: Project\nlimits: {maxDeletes: -1}",
        "3:22: limits.maxDeletes: must be at least 0 (write 0 or more)",
    ),
    "unknown kind": (
        "apiVersion: reconciler/v1\nkind: ApiInstanc",
        '2:7: kind: unknown kind "ApiInstanc" (did you mean "ApiInstance"?)',
    ),
    "no kind": (
        "apiVersion: reconciler/v1",
        "1:1: kind is missing (one of Project, Organization, Environment, ApiInstance, ApiGroup, "
        "ApiAccess)",
    ),
    "other format": (
        API.replace("v1", "v2"),
        "1:13: apiVersion: must be reconciler/v1 (write reconciler/v1)",
    ),
    "kind that is no text": (
        "apiVersion: reconciler/v1\nkind: [ApiGroup]",
        "2:7: kind: must be one of Project, Organization, Environment, ApiInstance, ApiGroup, "
        "ApiAccess",
    ),
    "no mapping": ("- a", "1:1: a document must be a mapping"),
}


@pytest.mark.parametrize("case", DOCUMENTS)
def test_mistake_in_a_document_is_one_problem_at_its_place(case: str) -> None:
    text, expected = DOCUMENTS[case]
    assert check(text) == [expected]


CONFIGS = {
    "unknown key": (
        "ip-allowlist",
        "ipz: [1.1.1.1]",
        '1:1: config.ipz: unknown key "ipz" (did you mean "ips"?)',
    ),
    "number for a list": (
        "ip-allowlist",
        "ips: 7",
        "1:6: config.ips: must be a list of text, is a number (write a list: [ITEM, ...])",
    ),
    "empty list": (
        "ip-allowlist",
        "ips: []",
        "1:6: config.ips: must not be empty (add an item, or remove the key)",
    ),
    "plain text for an expression": (
        "ip-allowlist",
        "{ips: [10.1], ipExpression: hello}",
        '1:29: config.ipExpression: must be an expression: #[...] (write "#[...]")',
    ),
    "unknown value": (
        "jwt-validation",
        "signingMethod: rs",
        '1:16: config.signingMethod: must be one of rsa, hmac, es, none (did you mean "rsa"?)',
    ),
    "number that is not offered": (
        "jwt-validation",
        "signingKeyLength: 255",
        "1:19: config.signingKeyLength: must be one of 256, 384, 512 (choose one of them)",
    ),
    "below the range": (
        "rate-limiting",
        "rateLimits: [{maximumRequests: 0, timePeriodInMilliseconds: 1}]",
        "1:32: config.rateLimits[0].maximumRequests: must be at least 1 (write 1 or more)",
    ),
    "above the range": (
        "spike-control",
        "timePeriodInMilliseconds: 6000",
        "1:27: config.timePeriodInMilliseconds: must be at most 5000 (write 5000 or less)",
    ),
    "number in quotes": (
        "spike-control",
        "maximumRequests: '5'",
        "1:18: config.maximumRequests: must be a whole number, is text (remove the quotes)",
    ),
    "misspelt key inside a list": (
        "rate-limiting",
        "rateLimits: [{maximumRequest: 1, timePeriodInMilliseconds: 1}]",
        '1:15: config.rateLimits[0].maximumRequest: unknown key "maximumRequest" '
        '(did you mean "maximumRequests"?)',
    ),
    "text that does not fit": (
        "health-check",
        "{endpoint: a, path: /, statusCode: fine}",
        "1:36: config.statusCode: must be a status such as 200",
    ),
    "missing key": ("ip-allowlist", "{}", "1:1: config: ips is missing (add ips:)"),
    "missing key inside a list": (
        "rate-limiting",
        "rateLimits: [{maximumRequests: 1}]",
        "1:14: config.rateLimits[0]: timePeriodInMilliseconds is missing "
        "(add timePeriodInMilliseconds:)",
    ),
    "missing key of a branch": (
        "cors",
        "{publicResource: false, originGroups: [{origins: [a]}]}",
        "1:40: config.originGroups[0]: name is missing (add name:)",
    ),
    "nothing to do": (
        "header-removal",
        "{inboundHeaders: [], outboundHeaders: []}",
        "1:1: config: inboundHeaders or outboundHeaders must hold something "
        "(add an item to inboundHeaders)",
    ),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_mistake_in_a_configuration_is_one_problem_at_its_place(case: str) -> None:
    name, text, expected = CONFIGS[case]
    assert errors_of(name, text) == [expected]


def test_every_mistake_is_reported() -> None:
    text = "{ipz: [a], methodsString: [], ips: [1, []]}"
    assert len(errors_of("ip-allowlist", text)) == 3


@pytest.mark.parametrize("file", SAMPLE, ids=lambda file: str(file.name))
def test_sample_is_sound(file: Path) -> None:
    documents, problems = parse(file.read_bytes(), str(file))
    assert not problems
    for document in documents:
        assert SCHEMAS.check_document(document.value, str(file)) == []
        assert SCHEMAS.document_warnings(document.value, str(file)) == []
        assert [*_config_faults(document.value)] == []


def _config_faults(document: Map) -> list[Problem]:
    found: list[Problem] = []
    for holder in (document, document.get("defaults", {})):
        for listed in ("policies", "outboundPolicies"):
            for entry in holder.get(listed, ()):
                errors, warnings = check_config(entry["config"], entry["policyRef"]["name"])
                found += errors + warnings
    return found


@pytest.mark.parametrize(
    "at", ["{at}\napi: {{match: {{asset: a}}}}", "api: {{match: {{asset: a}}, {at}}}"]
)
def test_bounds_of_a_group_stand_at_any_of_its_levels(at: str) -> None:
    head = "apiVersion: reconciler/v1\nkind: ApiGroup\n"
    assert check(head + at.format(at="atLeast: 2")) == []
    assert check(head + at.format(at="mayBeEmpty: true")) == []


def test_number_becomes_text_where_text_is_asked_for() -> None:
    document = a_document(
        API + "policies: [{name: 0123, policyRef: {name: cors, version: 1.10}}]\n"
        "versions: {cors: 1.10}"
    )
    assert SCHEMAS.check_document(document, "f.yaml") == []
    assert document["policies"][0]["policyRef"]["version"] == "1.10"
    assert document["policies"][0]["name"] == "0123"
    assert document["versions"]["cors"] == "1.10"


def test_number_becomes_text_in_a_configuration() -> None:
    config = a_document("{endpoint: a, path: /, statusCode: 200}")
    assert check_config(config, "health-check") == ([], [])
    assert config["statusCode"] == "200"


def test_number_becomes_text_beside_a_secret() -> None:
    config = a_document("{username: 1.10, password: x}")
    config["password"] = Secret("x")
    assert check_config(config, "http-basic-authentication") == ([], [])
    assert config["username"] == "1.10"
    assert isinstance(config["password"], Secret)


def test_reference_fits_every_scalar() -> None:
    text = "{maximumRequests: '${env:X}', exposeHeaders: '${file:y}', delayAttempts: '${env:Z}'}"
    assert errors_of("spike-control", text) == []
    assert errors_of("jwt-validation", "{signingMethod: '${env:X}'}", partial=True) == []


def test_reference_is_no_list() -> None:
    assert errors_of("ip-allowlist", "ips: ${env:X}") == [
        "1:6: config.ips: must be a list of text, is text (write a list: [ITEM, ...])"
    ]


def test_unknown_secret_passes_any_check() -> None:
    config = a_document("{maximumRequests: 1}")
    config["maximumRequests"] = Secret(reference="${env:X}")
    assert check_config(config, "spike-control", secrets_resolved=True) == ([], [])


def test_known_secret_is_checked_and_not_shown() -> None:
    config = a_document("{maximumRequests: 1}")
    config["maximumRequests"] = Secret("hunter2", "${env:X}")
    errors, _ = check_config(config, "spike-control", secrets_resolved=True)
    assert [error.path for error in errors] == ["config.maximumRequests"]
    assert "hunter2" not in str(errors)


def test_known_secret_may_be_a_number_as_text() -> None:
    config = a_document("{maximumRequests: 1}")
    config["maximumRequests"] = Secret("20", "${env:X}")
    assert check_config(config, "spike-control", secrets_resolved=True) == ([], [])


def test_value_is_never_in_a_message() -> None:
    text = "{username: [hunter2], password: {hunter2: hunter2}}"
    assert "hunter2" not in str(errors_of("http-basic-authentication", text))


def test_part_of_a_layer_lacks_nothing() -> None:
    assert errors_of("ip-allowlist", "{}", partial=True) == []
    assert errors_of("header-removal", "{inboundHeaders: []}", partial=True) == []


def test_null_removes_an_inherited_key() -> None:
    assert errors_of("ip-allowlist", "ips: null", partial=True) == []


def test_key_without_effect_is_a_warning() -> None:
    text = "{credentialsOriginHasHttpBasicAuthenticationHeader: httpBasicAuthenticationHeader, "
    expected = (
        "1:84: config.clientSecretExpression: has no effect unless "
        "credentialsOriginHasHttpBasicAuthenticationHeader is customExpression"
    )
    text += "clientSecretExpression: '#[a]'}"
    assert warnings_of("client-id-enforcement", text) == [expected]
    assert warnings_of("client-id-enforcement", text, partial=True) == [expected]


def test_condition_in_another_layer_is_not_guessed() -> None:
    assert warnings_of("jwt-validation", "jwksUrl: a", partial=True) == []


def test_unknown_key_is_a_warning_where_the_catalogue_is_incomplete() -> None:
    text = "{thresholds: {}, thresold: 1}"
    assert errors_of("circuit-breaker", text) == []
    assert warnings_of("circuit-breaker", text) == [
        '1:18: config.thresold: unknown key "thresold" (did you mean "thresholds"?)'
    ]


@pytest.mark.parametrize("name", CATALOGUE.names())
def test_unknown_key_is_refused_where_the_catalogue_is_complete_and_warned_of_elsewhere(
    name: str,
) -> None:
    known = CATALOGUE.get(MULESOFT_GROUP, name)
    assert known
    meant = max(known.fields, key=len, default="")
    wrong = meant[:-1] + meant[-1:] * 2 or "anything"
    errors, warnings = check_config(_parsed({wrong: 1}), name, partial=True)
    found, others = (errors, warnings) if known.complete else (warnings, errors)
    assert [(one.path, one.message) for one in found] == [
        (f"config.{wrong}", f'unknown key "{wrong}"')
    ]
    assert others == []
    if meant:
        assert found[0].hint == f'did you mean "{meant}"?'


def test_custom_policy_is_not_checked_and_says_so() -> None:
    errors, warnings = check_config(a_document("{any: thing}"), "mine", group=CUSTOM)
    assert errors == []
    assert [warning.message for warning in warnings] == [
        "not checked: no schema for a custom policy"
    ]
    entry = f"policies:\n  - policyRef: {{name: mine, groupId: {CUSTOM}}}\n    config: {{a: 1}}"
    assert check(API + entry) == []


def test_unlisted_version_is_a_warning() -> None:
    document = a_document(API + "policies:\n  - policyRef: {name: cors, version: 9.0.0}")
    assert SCHEMAS.check_document(document, "f.yaml") == []
    (warning,) = SCHEMAS.document_warnings(document, "f.yaml")
    assert (warning.line, warning.column) == (5, 38)
    assert "9.0.0 of cors is not in the catalogue" in warning.message


def test_remembered_configuration_is_still_checked_in_full() -> None:
    assert errors_of("ip-allowlist", "{methodsString: GET}", partial=True) == []
    assert errors_of("ip-allowlist", "{methodsString: GET}") == [
        "1:1: config: ips is missing (add ips:)"
    ]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | st.text("${a}:", max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab"), inner, max_size=2),
    max_leaves=4,
)


def _paths(value: Any) -> list[tuple[str | int, ...]]:
    if not isinstance(value, dict | list):
        return []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [path for key, item in items for path in ((key,), *((key, *p) for p in _paths(item)))]


@settings(deadline=None)
@given(st.sampled_from(SAMPLE), st.data())
def test_bad_content_gives_problems_and_no_exception(file: Path, data: st.DataObject) -> None:
    document = parse(file.read_bytes(), "f.yaml")[0][0].value
    *path, last = data.draw(st.sampled_from(_paths(document)))
    node = document
    for part in path:
        node = node[part]
    node[last] = a_document(json.dumps({"x": data.draw(ANYTHING)}))["x"]
    found = SCHEMAS.check_document(document, "f.yaml")
    found += SCHEMAS.document_warnings(document, "f.yaml")
    assert all(problem.line > 0 and problem.message for problem in found)


@settings(deadline=None)
@given(st.sampled_from(CATALOGUE.names()), st.dictionaries(st.text("ab"), ANYTHING), st.data())
def test_bad_configuration_gives_problems_and_no_exception(
    name: str, config: dict[str, Any], data: st.DataObject
) -> None:
    known = CATALOGUE.get(MULESOFT_GROUP, name)
    keys = list(known.fields) if known else []
    config.update(data.draw(st.dictionaries(st.sampled_from(keys or ["a"]), ANYTHING)))
    check_config(a_document(json.dumps(config)), name, partial=data.draw(st.booleans()))


def a_policy_type() -> st.SearchStrategy[PolicyType]:
    found = [CATALOGUE.get(MULESOFT_GROUP, name) for name in CATALOGUE.names()]
    return st.sampled_from([known for known in found if known])


def a_value(known: Field) -> st.SearchStrategy[Any]:
    if known.type == "array":
        count = int(known.minimum or 1)
        items = _item(known)
        return st.lists(items, min_size=count, max_size=count + 2)
    if known.type == "object":
        return a_config(known.fields)
    return _scalar(known, known.type)


def _item(known: Field) -> st.SearchStrategy[Any]:
    if known.item_type == "object":
        return a_config(known.fields)
    return _scalar(known, known.item_type)


def _scalar(known: Field, kind: str) -> st.SearchStrategy[Any]:
    if known.format == "address":
        return st.ip_addresses().map(str)
    if known.enum:
        return st.sampled_from(known.enum)
    if kind in ("integer", "number"):
        low, high = int(known.minimum or 0), int(known.maximum or 10_000)
        return st.integers(low, max(low, high))
    return {
        "boolean": st.booleans(),
        "expression": st.just("#[attributes.headers['a']]"),
    }.get(kind, st.sampled_from(["200", "404"]))


def a_config(fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    required = {name: a_value(known) for name, known in fields.items() if _must(known)}
    optional = {name: a_value(known) for name, known in fields.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


def _must(known: Field) -> bool:
    return known.required and known.default is MISSING


@st.composite
def a_type_and_config(draw: st.DrawFn) -> tuple[PolicyType, dict[str, Any]]:
    known = draw(a_policy_type())
    config = draw(a_config(known.fields))
    for name in ("inboundHeaders", "outboundHeaders"):
        if name in known.fields:
            config.setdefault(name, draw(a_value(known.fields[name])))
    return known, config


def _parsed(config: dict[str, Any]) -> Map:
    return a_document(json.dumps(config))


@settings(deadline=None)
@given(a_type_and_config())
def test_configuration_made_from_the_catalogue_is_sound(
    made: tuple[PolicyType, dict[str, Any]],
) -> None:
    known, config = made
    errors, _ = check_config(_parsed(config), known.name)
    assert errors == []


@settings(deadline=None)
@given(a_type_and_config())
def test_unknown_key_is_found_at_its_place(made: tuple[PolicyType, dict[str, Any]]) -> None:
    known, config = made
    parsed = _parsed({**config, "qqqqqq": 1})
    found = check_config(parsed, known.name)[0 if known.complete else 1]
    at = [(one.line, one.column) for one in found if one.path == "config.qqqqqq"]
    assert at == [parsed.key_at["qqqqqq"]]


@settings(deadline=None)
@given(a_type_and_config(), st.data())
def test_wrong_type_is_found_at_its_place(
    made: tuple[PolicyType, dict[str, Any]], data: st.DataObject
) -> None:
    known, config = made
    keys = [name for name in config if known.fields[name].type]
    if not keys:
        return
    key = data.draw(st.sampled_from(keys))
    wrong = 7 if known.fields[key].type in ("array", "object") else ["wrong"]
    parsed = _parsed({**config, key: wrong})
    errors, _ = check_config(parsed, known.name)
    (error,) = [one for one in errors if one.path == f"config.{key}"]
    assert (error.line, error.column) == parsed.value_at[key]
    assert len(errors) == 1
