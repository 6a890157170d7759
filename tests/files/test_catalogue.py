from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest

from reconciler.core.catalogue import MISSING, Field, PolicyType, canonical_config
from reconciler.core.model import MULESOFT_GROUP
from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.schema import Schemas
from reconciler.files.values import strings
from tests.files.builders import a_map, a_resolver

CATALOGUE = ShippedCatalogue.load()
CATEGORIES = {
    "authentication",
    "threat-protection",
    "quality-of-service",
    "transformation",
    "compliance",
    "troubleshooting",
    "ai",
    "other",
}


PROTECTS = {"access", "traffic", "payload", "confidentiality", "none"}
DIRECTIONS = {
    "lower": ("integer", "number"),
    "higher": ("integer", "number"),
    "narrower": ("array",),
    "wider": ("array",),
    "true": ("boolean",),
    "false": ("boolean",),
}


def fields_of(fields: Mapping[str, Field]) -> Iterator[Field]:
    for known in fields.values():
        yield known
        yield from fields_of(known.fields)


def get(name: str) -> PolicyType:
    known = CATALOGUE.get(MULESOFT_GROUP, name)
    assert known
    return known


def test_policy_is_read_with_its_fields() -> None:
    known = get("ip-allowlist")
    assert known.category == "threat-protection"
    assert known.gateways == {"mule4", "flexGateway"}
    assert known.versions == ("1.1.1", "1.1.2")
    assert known.fields["ips"].unordered
    assert known.fields["ips"].item_type == "string"
    assert known.fields["ipExpression"].type == "expression"
    assert known.fields["ips"].default is MISSING
    assert known.summary and known.fields["ips"].title


def test_nested_fields_and_sensitive_ones_are_read() -> None:
    assert get("rate-limiting").fields["rateLimits"].fields["maximumRequests"].minimum == 1
    assert get("http-basic-authentication").fields["password"].sensitive
    assert get("mcp-pii-detector").fields["entities"].enum[0] == "Email"
    assert get("jwt-validation").fields["textKey"].depends_on == {"jwtKeyOrigin": "text"}


def test_placeholder_of_the_console_is_no_default() -> None:
    known = get("jwt-validation")
    assert known.fields["supportedAudiences"].default is MISSING
    assert known.fields["textKey"].default is MISSING


def test_cors_is_not_ordered_and_takes_no_rules() -> None:
    known = get("cors")
    assert not known.ordered and not known.rules
    assert get("ip-allowlist").ordered and get("ip-allowlist").rules


def test_other_groups_and_policies_of_files_on_the_gateway_are_unknown() -> None:
    assert CATALOGUE.get("0a3c1f6e-5b7d-4a7e-9c21-6f1d2e3b4a01", "ip-allowlist") is None
    assert CATALOGUE.get(MULESOFT_GROUP, "tls") is None
    assert CATALOGUE.get(MULESOFT_GROUP, "no-such-policy") is None
    assert CATALOGUE.get(MULESOFT_GROUP, "../catalogue") is None


def test_names_are_sorted_and_whole() -> None:
    names = CATALOGUE.names()
    assert list(names) == sorted(names)
    assert len(names) == 80
    assert "cors" in names and "tls" not in names


def test_order_of_a_set_says_nothing() -> None:
    known = get("ip-allowlist")
    one = canonical_config({"ips": ["b", "a"]}, known)
    assert one == canonical_config({"ips": ["a", "b"]}, known)


def test_credentials_towards_upstreams_authenticate_no_caller() -> None:
    outbound = [known for known in map(get, CATALOGUE.names()) if known.direction == "outbound"]
    assert outbound
    assert not [known.name for known in outbound if known.category == "authentication"]


def test_each_field_knows_which_way_it_strengthens() -> None:
    quota = get("rate-limiting").fields["rateLimits"]
    assert quota.strengthens_when == "wider"
    assert quota.fields["maximumRequests"].strengthens_when == "lower"
    assert quota.fields["timePeriodInMilliseconds"].strengthens_when == "higher"
    assert get("ip-allowlist").fields["ips"].strengthens_when == "narrower"
    assert get("ip-blocklist").fields["ips"].strengthens_when == "wider"
    assert get("jwt-validation").fields["mandatoryExpClaim"].strengthens_when == "true"
    assert get("native-ext-proc").fields["failureModeAllow"].strengthens_when == "false"
    assert get("rate-limiting").fields["keySelector"].strengthens_when == ""


def test_number_that_stands_for_no_limit_is_known() -> None:
    depth = get("json-threat-protection").fields["maxContainerDepth"]
    assert (depth.strengthens_when, depth.unlimited) == ("lower", -1)
    assert get("spike-control").fields["queuingLimit"].unlimited is None


def test_gateways_that_no_document_names_are_marked() -> None:
    assert get("xml-threat-protection").gateways_documented
    assert not get("access-block").gateways_documented


@pytest.mark.parametrize("name", CATALOGUE.names())
def test_strengthening_fits_the_type_and_what_the_policy_protects(name: str) -> None:
    known = get(name)
    assert known.protects in PROTECTS
    found = [field for field in fields_of(known.fields) if field.strengthens_when]
    for field in found:
        way = field.strengthens_when
        assert way == "neutral" or field.type in DIRECTIONS[way], field.name
        assert field.unlimited is None or way == "lower", field.name
    if known.protects == "none":
        assert len(found) == len(list(fields_of(known.fields)))
        assert {field.strengthens_when for field in found} <= {"neutral"}
    if known.category in ("authentication", "threat-protection"):
        assert known.protects != "none"


@pytest.mark.parametrize("name", CATALOGUE.names())
def test_policy_is_whole_and_its_example_is_sound(name: str) -> None:
    known = get(name)
    assert known.category in CATEGORIES
    assert known.title and known.summary.endswith(".")
    assert known.gateways <= {"mule4", "flexGateway"} and known.gateways
    assert known.direction in ("inbound", "outbound")
    example = a_map(json.dumps(known.example))
    found = Schemas.load().check_config(
        example, MULESOFT_GROUP, name, file="f", at=(1, 1), path="config", partial=False
    )
    assert found == ([], [])
    resolver = a_resolver()
    for text, path, at in strings(example, "config", (1, 1)):
        assert list(resolver.check(text, "f", at, path)) == []
