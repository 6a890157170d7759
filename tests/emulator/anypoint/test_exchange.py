"""Policy templates: the list, one, and the two shapes of a configuration."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tests.emulator.bodies import a_policy
from tests.emulator.driver import ACME, MULESOFT, PRODUCTION, Emulator

XAPI = f"/apimanager/xapi/v1/organizations/{ACME}"
TEMPLATES = XAPI + "/exchange-policy-templates"
LEGACY = f"/apimanager/api/v1/organizations/{ACME}/policy-templates"


def one(asset_id: str, version: str) -> str:
    return f"{TEMPLATES}/{MULESOFT}/{asset_id}/{version}"


def coordinates(templates: Any) -> dict[str, str]:
    return {t["assetId"]: t["version"] for t in templates}


def test_the_list_holds_all_versions(emulator: Emulator) -> None:
    templates = emulator.get(TEMPLATES).json()
    versions = [t["version"] for t in templates if t["assetId"] == "rate-limiting"]
    assert versions == ["1.0.0", "1.4.0", "1.4.1"]
    assert all(isinstance(t["configuration"], list) for t in templates)


def test_the_latest_is_not_the_highest(emulator: Emulator) -> None:
    latest = coordinates(emulator.get(TEMPLATES + "?latest=true").json())
    assert latest["rate-limiting"] == "1.4.1"
    assert latest["jwt-validation"] == "0.12.0"


def test_the_configuration_can_be_left_out(emulator: Emulator) -> None:
    templates = emulator.get(TEMPLATES + "?includeConfiguration=false").json()
    assert not any("configuration" in t for t in templates)


@pytest.mark.parametrize(
    ("query", "inside", "outside"),
    [
        ("injectionPoint=outbound", "credential-injection-basic-auth", "cors"),
        ("injectionPoint=inbound", "cors", "credential-injection-basic-auth"),
        ("automatedOnly=true", "cors", "credential-injection-basic-auth"),
        (f"apiInstanceId=19001001&environmentId={PRODUCTION}", "xml-threat-protection", "tracing"),
        ("apiInstanceId=19001002", "tracing", "xml-threat-protection"),
    ],
)
def test_the_list_is_filtered(emulator: Emulator, query: str, inside: str, outside: str) -> None:
    found = coordinates(emulator.get(f"{TEMPLATES}?{query}").json())
    assert inside in found and outside not in found


def test_templates_of_an_unknown_instance(emulator: Emulator) -> None:
    assert emulator.get(TEMPLATES + "?apiInstanceId=1").status_code == 404


def test_one_template_describes_its_properties(emulator: Emulator) -> None:
    template = emulator.get(one("http-basic-authentication", "1.3.2")).json()
    found = {p["propertyName"]: p for p in template["configuration"]}
    assert (found["password"]["sensitive"], found["password"]["optional"]) == (True, False)
    assert found["username"]["sensitive"] is False
    assert "allVersions" not in template


def test_one_template_as_json_schema(emulator: Emulator) -> None:
    template = emulator.get(one("rate-limiting", "1.4.0") + "?splitModel=true").json()
    schema = template["configuration"]
    jsonschema.Draft201909Validator.check_schema(schema)
    limits = [{"maximumRequests": 1, "timePeriodInMilliseconds": 1}]
    jsonschema.validate({"rateLimits": limits}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"rateLimits": []}, schema)


def test_every_schema_is_valid(emulator: Emulator) -> None:
    for template in emulator.get(TEMPLATES + "?splitModel=true").json():
        jsonschema.Draft201909Validator.check_schema(template["configuration"])


def test_a_branch_of_the_schema(emulator: Emulator) -> None:
    schema = emulator.get(one("client-id-enforcement", "1.3.3") + "?splitModel=true").json()
    assert schema["configuration"]["allOf"][0]["if"]["properties"]


def test_all_versions_of_one(emulator: Emulator) -> None:
    template = emulator.get(one("spike-control", "1.2.1") + "?includeAllVersions=true").json()
    assert [v["version"] for v in template["allVersions"]] == ["1.2.1", "1.2.2"]


def test_an_unknown_template(emulator: Emulator) -> None:
    assert emulator.get(one("spike-control", "0.0.1")).status_code == 404


def test_the_template_id_of_a_policy_is_that_of_its_template(emulator: Emulator) -> None:
    number = emulator.get(one("header-removal", "1.1.2")).json()["id"]
    assert emulator.policies(19001001)[0]["policyTemplateId"] == str(number)


def test_the_old_list_has_other_names(emulator: Emulator) -> None:
    templates = {t["id"]: t for t in emulator.get(LEGACY).json()}
    names = [p["propertyName"] for p in templates["client-id-enforcement"]["configuration"]]
    assert names[0] == "credentialsOrigin"
    assert "groupId" not in templates["cors"]
    assert emulator.get(LEGACY + "/cors").json()["id"] == "cors"
    assert emulator.get(LEGACY + "/nothing").status_code == 404


def test_every_template_can_be_looked_up(emulator: Emulator) -> None:
    for template in emulator.get(TEMPLATES + "?includeConfiguration=false").json():
        assert emulator.get(one(template["assetId"], template["version"])).status_code == 200


def test_exchange_finds_policies(emulator: Emulator) -> None:
    path = "/exchange/api/v2/assets/search?types=policy&search=spike"
    assert [a["assetId"] for a in emulator.get(path).json()] == ["spike-control"]
    assert a_policy()["groupId"] == emulator.get(path).json()[0]["groupId"]
