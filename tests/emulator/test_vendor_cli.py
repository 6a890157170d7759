"""The requests of MuleSoft's command line, anypoint-cli-v4 1.6.12, recorded and sent again.

Each test stands for one command, and asserts what that command reads from the answers.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.emulator.bodies import a_basic_auth
from tests.emulator.driver import ACME, MULESOFT, PRODUCTION, Emulator, api_path, apis_path

POLICIES = api_path(19001001) + "/policies"
GRAPHQL = "/graph/api/v2/graphql"
LIST_QUERY = """{
  assets(types: "policy", limit: 100, offset: 0, latestVersionsOnly: false) {
    groupId
    assetId
    version
    description
    name
    __typename
  }
}
"""
ONE_QUERY = """query ($groupId: String!, $assetId: String!, $version: String!) {
  asset(groupId: $groupId, assetId: $assetId, version: $version) {
    name
    description
    assetId
    files {
      classifier
      externalLink
      __typename
    }
    __typename
  }
}
"""
EDITED = (
    "configurationData",
    "id",
    "pointcutData",
    "policyTemplateId",
    "groupId",
    "assetId",
    "assetVersion",
)


def applied(asset_id: str, version: str, configuration: Any, **others: Any) -> dict[str, Any]:
    """The body of `policy apply`: the instance id as a string, the template id as a name."""
    return {
        "apiVersionId": "19001001",
        "configurationData": configuration,
        "id": None,
        "pointcutData": None,
        "assetId": asset_id,
        "groupId": MULESOFT,
        "assetVersion": version,
        "policyTemplateId": asset_id,
        **others,
    }


def edited(policy: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The body of `policy edit`: most of the record, with its numbers as numbers."""
    record = {key: policy[key] for key in EDITED}
    record["apiVersionId"] = policy["apiId"]
    record["policyTemplateId"] = int(policy["policyTemplateId"])
    return {**record, **changes}


def ask(emulator: Emulator, query: str, **variables: str) -> Any:
    body = {
        "operationName": None,
        "variables": {**variables, "accessToken": emulator.token()},
        "query": query,
    }
    answer = emulator.anonymous("POST", GRAPHQL, json=body)
    assert answer.status_code == 200
    return answer.json()


def test_every_command_signs_in_and_finds_its_place(emulator: Emulator) -> None:
    profile = emulator.get("/accounts/api/users/me").json()
    root = next(o for o in profile["memberOfOrganizations"] if o["isRoot"])
    assert (root["id"], profile["organizationPreferences"]) == (ACME, {})
    page = emulator.get(f"/accounts/api/organizations/{root['id']}/environments").json()
    assert PRODUCTION in [e["id"] for e in page["data"] if e["name"] == "Production"]


def test_a_login_with_an_old_token_is_served(emulator: Emulator) -> None:
    body = {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo"}
    headers = {"Authorization": "Bearer long-gone"}
    path = "/accounts/api/v2/oauth2/token"
    assert emulator.anonymous("POST", path, json=body, headers=headers).status_code == 200


@pytest.mark.parametrize("kind", ["event", "error"])
def test_usage_reports_are_taken(emulator: Emulator, kind: str) -> None:
    path = f"/cli/api/v1/analytics/{kind}"
    assert emulator.anonymous("POST", path, json={"platform": {}}).status_code == 204


def test_api_list(emulator: Emulator) -> None:
    query = "?ascending=false&limit=1000&offset=0&sort=createdDate"
    assets = emulator.get(apis_path() + query).json()["assets"]
    shown = [(a["assetId"], a["exchangeAssetName"], i["id"]) for a in assets for i in a["apis"]]
    assert ("orders-api", "Orders API", 19001002) in shown


def test_policy_list(emulator: Emulator) -> None:
    for policy in emulator.get(POLICIES + "?fullInfo=false").json():
        assert policy["audit"]["updated"].get("date") or policy["audit"]["created"]["date"]
        assert policy["disabled"] is False


def test_policy_list_of_all(emulator: Emulator) -> None:
    assets = ask(emulator, LIST_QUERY)["data"]["assets"]
    assert len(assets) == 100
    assert {"groupId", "assetId", "version", "description", "name"} <= set(assets[0])


def test_policy_describe(emulator: Emulator) -> None:
    variables = {"groupId": MULESOFT, "assetId": "ip-allowlist", "version": "1.1.1"}
    (file,) = ask(emulator, ONE_QUERY, **variables)["data"]["asset"]["files"]
    assert file["classifier"] == "policy-definition"
    assert file["externalLink"].startswith(emulator.url)
    answer = emulator.anonymous("GET", file["externalLink"].removeprefix(emulator.url))
    definition = yaml.safe_load(answer.text)
    assert definition["name"] == "IP Allowlist"
    assert [p["propertyName"] for p in definition["configuration"]][:2] == ["ipExpression", "ips"]
    # The command's HTTP client would read JSON by itself and then fail on an object.
    assert not answer.text.lstrip().startswith("{")


def test_policy_describe_of_nothing(emulator: Emulator) -> None:
    variables = {"groupId": MULESOFT, "assetId": "nothing", "version": "1.1.1"}
    answer = ask(emulator, ONE_QUERY, **variables)
    assert answer["errors"][0]["message"]
    assert answer["data"] == {"asset": None}


def test_graphql_needs_a_token_among_the_variables(emulator: Emulator) -> None:
    answer = emulator.anonymous("POST", GRAPHQL, json={"query": LIST_QUERY, "variables": {}})
    assert answer.json()["errors"][0]["message"] == "Unauthorized"


@pytest.mark.parametrize(
    "pointcut", [None, [{"methodRegex": "POST|PUT", "uriTemplateRegex": "/orders/.*"}]]
)
def test_policy_apply(emulator: Emulator, pointcut: Any) -> None:
    configuration = {"rateLimits": [{"maximumRequests": 100, "timePeriodInMilliseconds": 1000}]}
    body = applied("rate-limiting", "1.4.0", configuration, pointcutData=pointcut)
    answer = emulator.post(POLICIES, body)
    assert answer.status_code == 201
    assert isinstance(answer.json()["id"], int)
    assert answer.json()["pointcutData"] == pointcut


def test_policy_apply_with_an_upstream_is_refused(emulator: Emulator) -> None:
    configuration = {"username": "a", "password": "b", "overwrite": True}
    body = applied("credential-injection-basic-auth", "1.0.1", configuration, upstreamId="u")
    answer = emulator.post(api_path(19001006) + "/policies", body)
    assert (answer.status_code, answer.json()["name"]) == (400, "PolicyValidationError")


def test_policy_apply_to_no_instance(emulator: Emulator) -> None:
    answer = emulator.post(apis_path() + "/abc/policies", applied("cors", "1.3.2", {}))
    assert answer.json()["message"] == '"route" could not be found using "request path"'


def test_policy_edit(emulator: Emulator) -> None:
    policy = emulator.policies(19001001)[0]
    configuration = {"inboundHeaders": ["x-debug"], "outboundHeaders": []}
    body = edited(policy, configurationData=configuration)
    assert emulator.patch(f"{POLICIES}/{policy['id']}", body).status_code == 200
    changed = emulator.policies(19001001)[0]
    assert changed["configurationData"] == configuration
    kept = ("id", "order", "assetVersion", "policyTemplateId")
    assert [changed[key] for key in kept] == [policy[key] for key in kept]


def test_policy_edit_of_conditions_loses_the_secrets(emulator: Emulator) -> None:
    """The command sends back the configuration that it read, in which they are missing."""
    path = f"{POLICIES}/{emulator.post(POLICIES, a_basic_auth()).json()['id']}"
    rules = [{"methodRegex": "GET", "uriTemplateRegex": "/.*"}]
    body = edited(emulator.policies(19001001)[-1], pointcutData=rules)
    assert emulator.patch(path, body).status_code == 200
    stored = emulator.stored(19001001)["policies"][-1]
    assert (stored["configurationData"], stored["pointcutData"]) == ({"username": "svc"}, rules)


@pytest.mark.parametrize("disabled", [True, False])
def test_policy_disable_and_enable(emulator: Emulator, disabled: bool) -> None:
    policy = emulator.policies(19001001)[0]
    answer = emulator.patch(f"{POLICIES}/{policy['id']}", {"disabled": disabled})
    assert (answer.status_code, answer.json()["disabled"]) == (200, disabled)


def test_policy_order(emulator: Emulator) -> None:
    first, second = (p["id"] for p in emulator.policies(19001001))
    answer = emulator.patch(
        POLICIES + "?fullInfo=false", [{"id": second, "order": 1}, {"id": first, "order": 2}]
    )
    assert answer.status_code == 200
    assert [p["id"] for p in emulator.policies(19001001)] == [second, first]


def test_policy_order_skips_what_has_none(emulator: Emulator) -> None:
    orders = [p["order"] for p in emulator.policies(19001007)]
    assert orders == [None, 1, 2]


def test_policy_remove(emulator: Emulator) -> None:
    path = f"{POLICIES}/{emulator.policies(19001001)[0]['id']}"
    assert [emulator.delete(path).status_code for _ in range(2)] == [204, 404]


def test_tier_add(emulator: Emulator) -> None:
    limit = {"visible": True, "maximumRequests": 100, "timePeriodInMilliseconds": 60000}
    body = {
        "apiVersionId": "19001001",
        "status": "ACTIVE",
        "name": "Silver",
        "description": "",
        "autoApprove": False,
        "limits": [limit],
    }
    answer = emulator.post(api_path(19001001) + "/tiers", body)
    assert answer.status_code == 201
    assert answer.json()["limits"] == [limit]


def test_api_manage(emulator: Emulator) -> None:
    endpoint = {
        "type": None,
        "uri": "https://x.example.com",
        "proxyUri": None,
        "isCloudHub": None,
        "deploymentType": "HY",
        "referencesUserDomain": None,
        "responseTimeout": None,
        "muleVersion4OrAbove": None,
    }
    body = {
        "endpoint": endpoint,
        "instanceLabel": "new",
        "technology": "flexGateway",
        "spec": {"assetId": "orders-api", "version": "1.0.0", "groupId": ACME},
    }
    answer = emulator.post(apis_path(), body)
    assert answer.status_code == 201
    assert answer.json()["id"] not in (19001001, 19001002)


def test_api_describe(emulator: Emulator) -> None:
    api = emulator.get(api_path(19001002) + "?includeProxyConfiguration=true").json()
    assert api["endpoint"]["deploymentType"] == "HY"
    assert {"deprecated", "tags", "isPublic", "lastActiveDate", "endpointUri"} <= set(api)
