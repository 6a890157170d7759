from __future__ import annotations

import pytest

from reconciler.core.catalogue import Field
from reconciler.files.layers import Layering
from tests.files.builders import ADDRESS, TARGET, a_layer, a_resolver, a_type, layering

HEADER = "#[attributes.headers['x-forwarded-for']]"
ALLOWLIST = a_type(
    "ip-allowlist",
    Field("ips", "array", item_type="string", format="address"),
    Field("ipExpression", "expression", default=HEADER),
)


def warnings(text: str, *, of: Layering | None = None, organization: str = "{}") -> list[str]:
    layers = [a_layer("organization defaults", organization), a_layer("api", text)]
    made = (of or layering(ALLOWLIST)).effective(ADDRESS, TARGET, "", layers)
    assert made[1] == []
    return made[2]


def allowlist(expression: str = HEADER, more: str = "") -> str:
    return (
        "policies:\n  - policyRef: {name: ip-allowlist}\n"
        f'    config: {{ips: [1.1.1.1], ipExpression: "{expression}"}}\n{more}'
    )


def test_a_header_that_any_caller_can_set_is_warned_of() -> None:
    assert warnings(allowlist()) == [
        "api.yaml:3:44: ip-allowlist.config.ipExpression: any caller can set the header "
        "x-forwarded-for, and the policy believes it "
        "(say in description: which trusted proxy overwrites it)"
    ]


@pytest.mark.parametrize(
    "expression",
    ["#[attributes.headers.'x-real-ip']", "#[attributes.headers['X-Client'][0]]", "#[headers.ip]"],
)
def test_any_header_counts(expression: str) -> None:
    assert len(warnings(allowlist(expression))) == 1


def test_the_address_of_the_connection_is_believed() -> None:
    assert warnings(allowlist("#[attributes.remoteAddress]")) == []


def test_the_default_is_a_header_too() -> None:
    text = "policies:\n  - policyRef: {name: ip-allowlist}\n    config: {ips: [1.1.1.1]}"
    (warning,) = warnings(text)
    assert warning.startswith("api.yaml:3:13: ip-allowlist.config: any caller")


def test_a_description_that_names_the_proxy_settles_it() -> None:
    said = "    description: behind our load balancer\n"
    assert warnings(allowlist(more=said)) == []
    assert warnings("description: only reached over the edge proxy\n" + allowlist()) == []


def test_the_description_of_the_entry_goes_before_that_of_its_document() -> None:
    text = "description: behind a proxy\n" + allowlist(more="    description: our offices\n")
    assert len(warnings(text)) == 1


def test_the_description_of_another_layers_document_counts_where_it_sets_the_policy() -> None:
    outer = "description: behind the WAF\n"
    assert len(warnings(allowlist(), organization=outer + "policies: []")) == 1
    assert warnings(allowlist(), organization=outer + allowlist()) == []


def test_a_policy_that_is_off_believes_nothing() -> None:
    assert warnings(allowlist(more="    disabled: true\n")) == []


def test_an_expression_from_a_variable_is_looked_into_where_it_is_known() -> None:
    text = allowlist("${env:EXPRESSION}")
    assert not any("any caller" in warning for warning in warnings(text))
    known = layering(ALLOWLIST, resolver=a_resolver(environ={"EXPRESSION": HEADER}))
    assert any("any caller" in warning for warning in warnings(text, of=known))
