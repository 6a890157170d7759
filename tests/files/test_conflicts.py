from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import Problem
from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.conflicts import may_overlap
from reconciler.files.layers import Layering
from reconciler.files.schema import Schemas
from tests.files.builders import ADDRESS, TARGET, a_layer, a_resolver

LAYERING = Layering(Schemas.load(), ShippedCatalogue.load(), a_resolver(offline=True))
BASIC = "policyRef: {name: http-basic-authentication}, config: {username: a, password: '${env:P}'}"
LDAP = (
    "policyRef: {name: ldap-authentication}, config: {ldapServerUserDn: a, ldapSearchBase: b, "
    "ldapServerUserPassword: '${env:P}'}"
)
TOKEN = "policyRef: {name: openidconnect-access-token-enforcement}, config: {}"
JWT = "policyRef: {name: jwt-validation}, config: {jwtKeyOrigin: jwks, jwksUrl: 'https://a', %s}"
BEARER = JWT % "jwtOrigin: httpBearerAuthenticationHeader"
CLIENT = "policyRef: {name: client-id-enforcement}, config: {%s}"
CLIENT_BASIC = (
    CLIENT % "credentialsOriginHasHttpBasicAuthenticationHeader: httpBasicAuthenticationHeader"
)
SLA = "policyRef: {name: rate-limiting-sla-based}, config: {clientIdExpression: '#[a]'}"


def found(
    *entries: str, more: str = "", technology: str = "", complete: bool = True
) -> tuple[list[Problem], list[str]]:
    lines = "".join(f"  - {{{entry}}}\n" for entry in entries)
    layer = a_layer("api", f"policies:\n{lines}{more}")
    made = LAYERING.effective(ADDRESS, TARGET, technology, [layer], complete=complete)
    return made[1], made[2]


def warnings(*entries: str, **more: Any) -> list[str]:
    problems, said = found(*entries, **more)
    assert problems == []
    return said


def test_a_password_and_a_token_in_one_header_are_warned_of() -> None:
    assert warnings(BASIC, BEARER) == [
        "api.yaml:3:5: jwt-validation: wants a token in the Authorization header, where "
        "http-basic-authentication (api.yaml:2) wants a user name and password: no request passes "
        "both (exclude one of them, or give each its own requests with rules:)"
    ]


@pytest.mark.parametrize(
    "pair", [(BASIC, LDAP), (CLIENT_BASIC, BASIC), (TOKEN, BEARER), (LDAP, TOKEN)]
)
def test_two_policies_that_read_one_header_are_warned_of(pair: tuple[str, str]) -> None:
    (warning,) = warnings(*pair)
    assert "Authorization header" in warning


@pytest.mark.parametrize(
    "pair",
    [
        (CLIENT % "clientIdExpression: '#[attributes.headers.client_id]'", BASIC),
        (JWT % "jwtOrigin: customExpression, jwtExpression: '#[attributes.headers.jwt]'", BASIC),
        (BASIC, f"{BEARER}, disabled: true"),
        (BASIC, SLA),
    ],
)
def test_policies_that_read_other_things_go_together(pair: tuple[str, str]) -> None:
    assert not any("Authorization" in warning for warning in warnings(*pair))


def test_an_expression_may_read_the_header_too() -> None:
    read = "jwtOrigin: customExpression, jwtExpression: '#[attributes.headers.authorization]'"
    assert len(warnings(BASIC, JWT % read)) == 1


def test_policies_for_different_requests_go_together() -> None:
    one = f"{BASIC}, rules: [{{methods: [GET], path: /a/.*}}]"
    other = f"{BEARER}, rules: [{{methods: [GET], path: /b/.*}}]"
    assert warnings(one, other) == []


def rule(path: str, *methods: str) -> list[dict[str, Any]]:
    return [{"methods": list(methods or ("GET",)), "path": path}]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (None, rule("/a"), True),
        (rule("/a/.*"), rule("/a/x"), True),
        (rule("/a/.*"), rule("/b/.*"), False),
        (rule("/a/.*", "GET"), rule("/a/.*", "POST"), False),
        (rule("/ab?"), rule("/a"), True),
        (rule("/a|/b"), rule("/b"), True),
        (rule(".*"), rule("/b"), True),
    ],
)
def test_rules_overlap_unless_it_is_sure_that_they_do_not(
    one: Any, other: Any, expected: bool
) -> None:
    assert may_overlap(one, other) is may_overlap(other, one) is expected


def test_quotas_of_tiers_need_tiers() -> None:
    (problem,) = found(SLA, more="tiers: []")[0]
    assert str(problem) == (
        "api.yaml:2:5: rate-limiting-sla-based: takes each client's quota from its SLA tier, and "
        "tiers: is empty (add tiers: to the API's document)"
    )
    limits = "[{maximumRequests: 1, timePeriodInMilliseconds: 1}]"
    assert warnings(SLA, more=f"tiers: [{{name: Gold, limits: {limits}}}]") == []


def test_tiers_that_no_file_declares_may_be_live() -> None:
    (warning,) = warnings(SLA)
    assert "no file declares tiers:" in warning
    assert warnings(SLA, technology="mule4") == []
    assert warnings(SLA, complete=False) == []


def test_policy_of_another_gateway_is_refused_where_documents_say_so() -> None:
    text = "policyRef: {name: xml-threat-protection}, config: {maxNodeDepth: 5}"
    (problem,) = found(text, technology="flexGateway")[0]
    assert "xml-threat-protection runs on mule4, and this API is flexGateway" in problem.message
    (warning,) = warnings("policyRef: {name: access-block}", technology="mule4")
    assert "access-block is known to run on flexGateway" in warning
