"""How configurations are checked against the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.emulator.bodies import a_policy
from tests.emulator.driver import ACME, MULESOFT, Emulator, api_path

SCHEMAS = Path(__file__).parents[3] / "schemas" / "policies"
TEMPLATES = f"/apimanager/xapi/v1/organizations/{ACME}/exchange-policy-templates"

MULE = api_path(19001008) + "/policies"
FLEX = api_path(19001006) + "/policies?allowDuplicated=true"
LIMIT = {"maximumRequests": 1, "timePeriodInMilliseconds": 1}
GROUP = {"name": "g", "origins": ["https://a.example.com"], "accessControlMaxAge": 30}
LOG_ITEM = {"itemName": "x", "itemData": {"message": "#[payload]", "level": "INFO"}}


@pytest.mark.parametrize(
    ("asset_id", "version", "configuration"),
    [
        ("rate-limiting", "1.4.0", {"rateLimits": [LIMIT], "keySelector": "#[x]"}),
        ("client-id-enforcement", "1.3.3", {}),
        ("http-caching", "1.1.1", {}),
        ("cors", "1.3.2", {"publicResource": True, "originGroups": [{}]}),
        ("cors", "1.3.2", {"publicResource": False, "originGroups": [GROUP]}),
        ("message-logging", "2.0.2", {"loggingConfiguration": [LOG_ITEM]}),
        ("spike-control", "1.2.1", {"timePeriodInMilliseconds": 5000}),
        ("ip-allowlist", "1.1.1", {"ips": ["1.1.1.1"], "ipExpression": "#[if (a)\n b else c]"}),
        ("header-removal", "1.1.2", {"inboundHeaders": None}),
    ],
)
def test_what_fits_is_accepted(
    emulator: Emulator, asset_id: str, version: str, configuration: Any
) -> None:
    answer = emulator.post(MULE, a_policy(asset_id, version, configuration))
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("asset_id", "version", "configuration", "path", "code"),
    [
        ("rate-limiting", "1.4.0", {}, "rateLimits", "required"),
        ("rate-limiting", "1.4.0", {"rateLimits": []}, "rateLimits", "minimum"),
        ("rate-limiting", "1.4.0", {"rateLimits": [1]}, "rateLimits/0", "type"),
        (
            "rate-limiting",
            "1.4.0",
            {"rateLimits": [{"maximumRequests": 1}]},
            "rateLimits/0/timePeriodInMilliseconds",
            "required",
        ),
        (
            "rate-limiting",
            "1.4.0",
            {"rateLimits": [{**LIMIT, "maximumRequests": "1"}]},
            "rateLimits/0/maximumRequests",
            "type",
        ),
        (
            "rate-limiting",
            "1.4.0",
            {"rateLimits": [{**LIMIT, "maximumRequests": 1.5}]},
            "rateLimits/0/maximumRequests",
            "type",
        ),
        (
            "rate-limiting",
            "1.4.0",
            {"rateLimits": [{**LIMIT, "maximumRequests": 0}]},
            "rateLimits/0/maximumRequests",
            "minimum",
        ),
        (
            "rate-limiting",
            "1.4.0",
            {"rateLimits": [LIMIT], "exposeHeaders": 1},
            "exposeHeaders",
            "type",
        ),
        ("spike-control", "1.2.1", {"maximumRequests": True}, "maximumRequests", "type"),
        (
            "spike-control",
            "1.2.1",
            {"timePeriodInMilliseconds": 5001},
            "timePeriodInMilliseconds",
            "maximum",
        ),
        (
            "client-id-enforcement",
            "1.3.3",
            {"clientIdExpression": "x"},
            "clientIdExpression",
            "pattern",
        ),
        (
            "client-id-enforcement",
            "1.3.3",
            {"credentialsOriginHasHttpBasicAuthenticationHeader": "magic"},
            "credentialsOriginHasHttpBasicAuthenticationHeader",
            "enum",
        ),
        ("jwt-validation", "1.3.2", {"signingKeyLength": 128}, "signingKeyLength", "enum"),
        (
            "cors",
            "1.3.2",
            {"publicResource": False, "originGroups": [{}]},
            "originGroups/0/name",
            "required",
        ),
        (
            "message-logging",
            "2.0.2",
            {"message": "#[payload]", "level": "INFO"},
            "loggingConfiguration",
            "required",
        ),
        (
            "message-logging",
            "2.0.2",
            {"loggingConfiguration": [{"itemName": "x", "itemData": []}]},
            "loggingConfiguration/0/itemData",
            "type",
        ),
        ("ip-allowlist", "1.1.1", {"ips": [7]}, "ips/0", "type"),
        ("cors", "1.3.2", {"originGroups": []}, "publicResource", "required"),
    ],
)
def test_what_does_not_fit_is_refused(
    emulator: Emulator, asset_id: str, version: str, configuration: Any, path: str, code: str
) -> None:
    answer = emulator.post(MULE, a_policy(asset_id, version, configuration))
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["path"] == f"/body/configurationData/{path}"
    assert error["errorCode"] == f"{code}.openapi.validation"


@pytest.mark.parametrize("fallback", ["https://a.example.com", {"route": "a"}])
def test_a_field_of_any_type_takes_anything(emulator: Emulator, fallback: Any) -> None:
    configuration = {"supportedVendors": [], "fallback": fallback}
    body = a_policy("model-based-routing", "1.0.1", configuration)
    assert emulator.post(FLEX, body).status_code == 201


def test_text_has_its_pattern(emulator: Emulator) -> None:
    configuration = {"endpoint": "a", "path": "/", "statusCode": "fine"}
    answer = emulator.post(FLEX, a_policy("health-check", "1.0.1", configuration))
    assert answer.json()["errors"][0]["errorCode"] == "pattern.openapi.validation"
    body = a_policy("health-check", "1.0.1", {**configuration, "statusCode": "200"})
    assert emulator.post(FLEX, body).status_code == 201


def test_every_shipped_policy_is_known(emulator: Emulator) -> None:
    templates = emulator.get(TEMPLATES + "?latest=true&includeConfiguration=false").json()
    shipped = {file.name.removesuffix(".schema.json") for file in SCHEMAS.iterdir()}
    assert {item["assetId"] for item in templates if item["groupId"] == MULESOFT} == shipped


def test_a_reference_is_just_text(emulator: Emulator) -> None:
    body = a_policy("spike-control", "1.2.1", {"maximumRequests": "${env:X}"})
    assert emulator.post(MULE, body).status_code == 400


def test_a_refusal_does_not_repeat_the_value(emulator: Emulator) -> None:
    configuration = {"username": 7, "password": ["hunter2"]}
    answer = emulator.post(MULE, a_policy("http-basic-authentication", "1.3.2", configuration))
    assert answer.status_code == 400
    assert "hunter2" not in answer.text


def test_an_incomplete_list_of_fields_checks_nothing(emulator: Emulator) -> None:
    body = a_policy("mcp-tool-mapping", "1.0.0", {"whatever": 1})
    assert emulator.post(FLEX, body).status_code == 201


def test_a_default_may_stand_in_for_a_required_key_or_not(emulator: Emulator) -> None:
    body = a_policy("spike-control", "1.2.1", {})
    emulator.settings(strictRequired=True)
    assert emulator.post(MULE, body).status_code == 400
    emulator.settings(strictRequired=False)
    assert emulator.post(MULE, body).status_code == 201


def test_nested_secrets_are_not_read(emulator: Emulator) -> None:
    secrets = {"accessKeyId": "AKIA", "secretAccessKey": "hunter2", "sessionToken": "t"}
    credentials = {"source": "Inline", **secrets}
    seed = emulator.control("state")["anypoint"]
    lambda_policy = a_policy("native-aws-lambda", "1.0.1", {"credentials": credentials})
    seed["apis"][5]["policies"].append(lambda_policy)
    emulator.reset(seed)
    emulator.settings(outboundInList="both")
    shown = emulator.policies(19001006)[-1]
    assert shown["configurationData"] == {"credentials": {"source": "Inline"}}
