"""Checks beyond types, as `check_config` gives them: at their place, and never showing a secret."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.model import MULESOFT_GROUP
from reconciler.core.redact import Secret
from reconciler.errors import Problem
from reconciler.files.schema import Schemas
from reconciler.files.yaml import Map
from tests.files.builders import a_map

SCHEMAS = Schemas.load()


def found_in(config: Map, name: str, **more: Any) -> tuple[list[Problem], list[Problem]]:
    more = {"partial": True} | more
    return SCHEMAS.check_config(
        config, MULESOFT_GROUP, name, file="f", at=(1, 1), path="config", **more
    )


def errors(name: str, text: str) -> list[str]:
    found, warnings = found_in(a_map(text), name)
    assert warnings == []
    return [str(problem).removeprefix("f:") for problem in found]


def warnings(name: str, text: str) -> list[str]:
    problems, found = found_in(a_map(text), name)
    assert problems == []
    return [str(problem).removeprefix("f:") for problem in found]


def test_address_is_refused_at_its_place() -> None:
    assert errors("ip-allowlist", "ips: [10.1.2.3, 10.1.2.300]") == [
        "1:17: config.ips[1]: is no address, CIDR block, range or leading part of an address "
        "(each part is 0 to 255)"
    ]


def test_bits_beyond_the_prefix_are_warned_of() -> None:
    assert warnings("ip-blocklist", "ips: [10.1.2.3/8]") == [
        "1:7: config.ips[0]: has bits beyond its prefix, so it means 10.0.0.0/8 "
        "(write 10.0.0.0/8, or the single address without /)"
    ]


def test_items_that_say_nothing_new_are_warned_of() -> None:
    assert warnings("ip-allowlist", "ips: [10.0.0.0/8, 10.1, 10.0.0.0/8]") == [
        "1:25: config.ips[2]: is the same as 10.0.0.0/8, which stands here too (remove it)",
        "1:19: config.ips[1]: lies within 10.0.0.0/8, which stands here too (remove it)",
    ]


@pytest.mark.parametrize("ips", ["0.0.0.0/0", "'::/0'", "0.0.0.0-255.255.255.255"])
def test_a_list_of_everything_is_warned_of(ips: str) -> None:
    (allowed,) = warnings("ip-allowlist", f"ips: [{ips}]")
    assert allowed.startswith("1:7: config.ips[0]: holds every IPv")
    assert "the policy lets everyone in (list the callers' addresses" in allowed
    (refused,) = warnings("ip-blocklist", f"ips: [{ips}]")
    assert "the policy turns everyone away" in refused


def test_two_halves_are_everything_too() -> None:
    (warning,) = warnings("ip-allowlist", "ips: [0.0.0.0/1, 128.0.0.0/1]")
    assert warning.startswith("1:6: config.ips: holds every IPv4 address")


def test_a_reference_is_not_judged() -> None:
    assert warnings("ip-allowlist", "ips: ['${env:OFFICE}', '${env:OFFICE}']") == []
    assert errors("ip-allowlist", "ipExpression: '${env:EXPRESSION}'") == []


def test_a_known_secret_is_judged_and_not_shown() -> None:
    config = a_map("ips: [a, b, c, d]")
    values = ["10.9.8.7/8", "10.9.8.7", "10.9.8.6", "hunter2"]
    config["ips"][:] = [Secret(value, "${env:X}") for value in values]
    problems, found = found_in(config, "ip-allowlist", secrets_resolved=True)
    assert [problem.path for problem in problems] == ["config.ips[3]"]
    assert sorted(problem.path for problem in found) == [
        "config.ips[0]",
        "config.ips[1]",
        "config.ips[2]",
    ]
    assert not any(text in str(problems + found) for text in ("10.", "hunter2"))


def test_expression_is_refused_where_it_does_not_fit_together() -> None:
    assert errors("ip-allowlist", "ipExpression: \"#[attributes.headers['a']\"") == [
        "1:15: config.ipExpression: a [ is never closed (add ])"
    ]


def test_expression_in_a_list_is_found() -> None:
    text = "loggingConfiguration: [{itemName: a, itemData: {message: '#[(a]', level: INFO}}]"
    (error,) = errors("message-logging", text)
    assert "config.loggingConfiguration[0].itemData.message: a ( is never closed" in error


def test_expression_where_any_text_may_stand_is_only_warned_of() -> None:
    (warning,) = warnings("header-injection", "inboundHeaders: [{key: a, value: '#[a'}]")
    assert "config.inboundHeaders[0].value: a #[ is never closed (add ])" in warning
    assert warnings("header-injection", "inboundHeaders: [{key: a, value: 'a [ b'}]") == []


def test_method_that_does_not_exist_is_warned_of() -> None:
    (warning,) = warnings("ip-allowlist", "methodsString: GET|POTS")
    assert 'names a method that HTTP does not have (did you mean "POST"?)' in warning
    assert warnings("ip-allowlist", "methodsString: GET|POST") == []


def test_quota_that_never_matters_is_warned_of() -> None:
    quota = "{{maximumRequests: {}, timePeriodInMilliseconds: {}}}".format
    text = f"rateLimits: [{quota(9, 1000)}, {quota(5, 1000)}, {quota(50, 60000)}]"
    (warning,) = warnings("rate-limiting", text)
    assert warning.startswith("1:14: config.rateLimits[0]: never matters")


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("spike-control", "delayAttempts: -1", "write 0 or more"),
        ("jwt-validation", "jwksServiceConnectionTimeout: -5", "write 0 or more"),
        ("idle-timeout", "timeout: -1", "write 0 or more"),
        ("json-threat-protection", "maxContainerDepth: -2", "write -1 or more"),
        ("intask-authentication-policy", "challengeResponseStatusCode: 4010", "write 599 or less"),
    ],
)
def test_time_or_count_out_of_range_is_refused(name: str, text: str, hint: str) -> None:
    (error,) = errors(name, text)
    assert hint in error
