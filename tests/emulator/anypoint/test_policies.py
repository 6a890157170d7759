"""Policies of an instance: the shapes of the list, writes, order and secrets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.bodies import a_basic_auth, a_cors, a_policy
from tests.emulator.driver import MULESOFT, Emulator, api_path, xapi

ORDERS = api_path(19001001) + "/policies"
PARTNERS = api_path(19001002) + "/policies"
CUSTOMERS = api_path(19001003) + "/policies"
CATALOG = api_path(19001007) + "/policies"
HEALTH = api_path(19001008) + "/policies"
RULES = [{"methodRegex": "GET|POST", "uriTemplateRegex": "/orders/.*"}]


def add(emulator: Emulator, path: str, body: dict[str, Any]) -> Any:
    answer = emulator.post(path, body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def names(emulator: Emulator, path: str) -> list[str]:
    return [p["assetId"] for p in emulator.get(path + "?fullInfo=false").json()]


# The list


def test_the_flat_list_has_all_keys(emulator: Emulator) -> None:
    first = emulator.get(ORDERS + "?fullInfo=false").json()[0]
    assert first["id"] > 0
    assert first["policyTemplateId"].isdigit()
    assert first["order"] == 1
    assert first["disabled"] is False
    assert first["pointcutData"] is None
    assert first["type"] == "system"
    assert first["apiId"] == 19001001
    assert first["audit"]["updated"] == {}
    assert first["implementationAsset"]["assetId"] == "header-removal-mule"
    assert {"masterOrganizationId", "organizationId", "configurationData"} <= set(first)
    assert "label" not in first and "upstreamIds" not in first


@pytest.mark.parametrize("query", ["", "?fullInfo=true", "?version=v1"])
def test_the_object_list_is_the_default(emulator: Emulator, query: str) -> None:
    answer = emulator.get(ORDERS + query).json()
    assert [p["template"]["assetId"] for p in answer["policies"]] == [
        "header-removal",
        "client-id-enforcement",
    ]
    first = answer["policies"][0]
    assert {"policyId", "configuration", "version", "implementationAsset"} <= set(first)
    assert "disabled" not in first and "id" not in first
    assert answer["tiers"]["values"][0]["limits"][0]["maximumRequests"] == 1800


def test_only_the_flat_list_shows_disabled_policies(emulator: Emulator) -> None:
    full = emulator.get(CUSTOMERS).json()["policies"]
    assert "client-id-enforcement" not in [p["template"]["assetId"] for p in full]
    flat = {p["assetId"]: p["disabled"] for p in emulator.get(CUSTOMERS + "?fullInfo=false").json()}
    assert flat["client-id-enforcement"] is True


def test_a_wrong_flag_is_refused(emulator: Emulator) -> None:
    assert emulator.get(ORDERS + "?fullInfo=maybe").status_code == 400


def test_the_compact_shape_answers_a_list_without_a_query(emulator: Emulator) -> None:
    emulator.settings(policyListShape="compact")
    mule, flex = emulator.get(ORDERS).json(), emulator.get(PARTNERS).json()
    assert mule[0]["template"]["assetId"] == "header-removal"
    assert "template" not in flex[0]
    assert flex[0]["implementationAsset"]["assetId"] == "header-removal-flex"
    assert flex[-1]["upstreamIds"]
    assert "id" in emulator.get(ORDERS + "?fullInfo=false").json()[0]


def test_the_compact_shape_may_answer_every_list(emulator: Emulator) -> None:
    emulator.settings(policyListShape="compactAlways")
    assert "policyId" in emulator.get(ORDERS + "?fullInfo=false").json()[0]


def test_nothing_changed_since(emulator: Emulator) -> None:
    headers = {"If-Modified-Since": "4102444800000"}
    assert emulator.get(ORDERS, headers=headers).status_code == 304
    assert emulator.get(ORDERS, headers={"If-Modified-Since": "1"}).status_code == 200


def test_an_instance_without_policies(emulator: Emulator) -> None:
    assert emulator.get(HEALTH + "?fullInfo=false").json() == []
    assert emulator.get(HEALTH).json()["policies"] == []


def test_defaults_are_filled_on_request_only(emulator: Emulator) -> None:
    configuration = emulator.policies(19001006)[2]["configurationData"]
    assert "clusterizable" not in configuration
    emulator.settings(fillDefaults=True)
    configuration = emulator.policies(19001006)[2]["configurationData"]
    assert (configuration["clusterizable"], configuration["exposeHeaders"]) == (True, False)
    assert "clusterizable" not in emulator.stored(19001006)["policies"][2]["configurationData"]


def test_a_disabled_policy_may_lose_its_order(emulator: Emulator) -> None:
    assert emulator.policies(19001003)[1]["order"] == 2
    emulator.settings(nullOrderWhenDisabled=True)
    disabled = [p for p in emulator.policies(19001003) if p["disabled"]]
    assert [p["order"] for p in disabled] == [None]


# Create


def test_a_created_policy_is_the_last(emulator: Emulator) -> None:
    policy = add(emulator, ORDERS, a_policy(label="office", pointcutData=RULES))
    assert (policy["order"], policy["disabled"], policy["label"]) == (3, False, "office")
    read = emulator.get(f"{ORDERS}/{policy['id']}").json()
    assert read == policy
    assert read["pointcutData"] == RULES


def test_a_create_may_say_its_place(emulator: Emulator) -> None:
    policy = add(emulator, ORDERS, a_policy(order=1))
    assert policy["order"] == 1
    assert names(emulator, ORDERS) == ["ip-allowlist", "header-removal", "client-id-enforcement"]


def test_a_place_may_leave_a_gap(emulator: Emulator) -> None:
    add(emulator, ORDERS, a_policy(order=9))
    assert [p["order"] for p in emulator.policies(19001001)] == [1, 2, 9]


def test_a_policy_may_begin_disabled(emulator: Emulator) -> None:
    assert add(emulator, ORDERS, a_policy(disabled=True))["disabled"] is True


def test_cors_has_no_order(emulator: Emulator) -> None:
    assert add(emulator, ORDERS, a_cors())["order"] is None
    assert names(emulator, ORDERS)[0] == "cors"


def test_an_unknown_key_of_the_configuration_is_stored(emulator: Emulator) -> None:
    configuration = {**a_policy()["configurationData"], "noSuchKey": 1}
    policy = add(emulator, ORDERS, a_policy(configuration=configuration))
    assert emulator.get(f"{ORDERS}/{policy['id']}").json()["configurationData"] == configuration


def test_a_second_policy_of_a_template_is_a_conflict(emulator: Emulator) -> None:
    body = a_policy("header-removal", "1.1.2", {"inboundHeaders": ["x"]})
    answer = emulator.post(ORDERS, body)
    assert answer.status_code == 409
    assert set(answer.json()) == {"name", "message"}
    assert emulator.post(ORDERS + "?allowDuplicated=false", body).status_code == 409
    assert emulator.post(ORDERS + "?allowDuplicated=true", body).status_code == 201
    assert names(emulator, ORDERS).count("header-removal") == 2


@pytest.mark.parametrize("key", ["groupId", "assetId", "assetVersion"])
def test_coordinates_are_required(emulator: Emulator, key: str) -> None:
    body = a_policy()
    del body[key]
    answer = emulator.post(ORDERS, body)
    assert answer.status_code == 400
    assert "'groupId', 'assetId', 'assetVersion'" in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (a_policy(version="9.9.9"), "PolicyTemplateValidationError"),
        (a_policy("no-such-policy"), "PolicyTemplateValidationError"),
        (a_policy(groupId="somebody"), "PolicyTemplateValidationError"),
        (a_policy("ip-allowlist-mule"), "PolicyTemplateValidationError"),
        (
            a_policy(
                "credential-injection-basic-auth", "1.0.1", {"username": "u", "password": "p"}
            ),
            "PolicyTemplateValidationError",
        ),
    ],
)
def test_an_unknown_template_is_refused(emulator: Emulator, body: Any, name: str) -> None:
    answer = emulator.post(ORDERS, body)
    assert (answer.status_code, answer.json()["name"]) == (400, name)


def test_a_template_needs_an_implementation(emulator: Emulator) -> None:
    answer = emulator.post(PARTNERS, a_policy("xml-threat-protection", "1.2.1", {}))
    assert answer.status_code == 400
    text = "does not have an implementation for the API with technology(flexGateway)"
    assert text in answer.json()["message"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"order": 0}, "/body/order"),
        ({"order": "1"}, "/body/order"),
        ({"order": True}, "/body/order"),
        ({"disabled": "yes"}, "/body/disabled"),
        ({"label": 7}, "/body/label"),
        ({"pointcutData": {}}, "/body/pointcutData"),
        ({"pointcutData": [{"methodRegex": "GET"}]}, "/body/pointcutData/0/uriTemplateRegex"),
        ({"configurationData": []}, "/body/configurationData"),
    ],
)
def test_wrong_types_are_refused(emulator: Emulator, change: dict[str, Any], path: str) -> None:
    answer = emulator.post(ORDERS, {**a_policy(), **change})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == path


def test_cors_takes_no_conditions(emulator: Emulator) -> None:
    assert emulator.post(ORDERS, {**a_cors(), "pointcutData": RULES}).status_code == 400


# Change


def test_a_change_keeps_what_it_does_not_name(emulator: Emulator) -> None:
    policy = add(emulator, ORDERS, a_policy(label="office", pointcutData=RULES))
    changed = emulator.patch(f"{ORDERS}/{policy['id']}", {"disabled": True}).json()
    kept = ("configurationData", "pointcutData", "label", "order", "assetVersion")
    assert changed["disabled"] is True
    assert {key: changed[key] for key in kept} == {key: policy[key] for key in kept}
    assert changed["audit"]["updated"]["date"]


def test_a_change_replaces_configuration_as_a_whole(emulator: Emulator) -> None:
    configuration = {**a_policy()["configurationData"], "methodsString": "GET"}
    policy = add(emulator, ORDERS, a_policy(configuration=configuration))
    path = f"{ORDERS}/{policy['id']}"
    emulator.patch(path, {"configurationData": {"ips": ["2.2.2.2"], "ipExpression": "#[x]"}})
    assert emulator.get(path).json()["configurationData"] == {
        "ips": ["2.2.2.2"],
        "ipExpression": "#[x]",
    }


def test_null_clears_conditions(emulator: Emulator) -> None:
    policy = add(emulator, ORDERS, a_policy(pointcutData=RULES))
    changed = emulator.patch(f"{ORDERS}/{policy['id']}", {"pointcutData": None}).json()
    assert changed["pointcutData"] is None


def test_a_new_version_keeps_id_and_order(emulator: Emulator) -> None:
    old = emulator.policies(19001006)[2]
    new = emulator.patch(
        f"{api_path(19001006)}/policies/{old['id']}", {"assetVersion": "1.4.0"}
    ).json()
    assert (new["id"], new["order"], new["assetVersion"]) == (old["id"], old["order"], "1.4.0")
    assert new["policyTemplateId"] != old["policyTemplateId"]


@pytest.mark.parametrize(
    "change",
    [
        {"assetVersion": "9.9.9"},
        {"assetVersion": None},
        {"assetId": "ip-blocklist"},
        {"groupId": "somebody"},
        {"configurationData": {"ips": "1.1.1.1"}},
        {"configurationData": None},
        {"disabled": None},
        {"order": 0},
        {"upstreamIds": ["nobody"]},
    ],
)
def test_a_wrong_change_is_refused_and_changes_nothing(
    emulator: Emulator, change: dict[str, Any]
) -> None:
    policy = add(emulator, ORDERS, a_policy())
    before = emulator.state()
    assert emulator.patch(f"{ORDERS}/{policy['id']}", change).status_code == 400
    assert emulator.state() == before


def test_a_change_of_place_shifts_the_others(emulator: Emulator) -> None:
    policy = add(emulator, ORDERS, a_policy())
    emulator.patch(f"{ORDERS}/{policy['id']}", {"order": 1})
    assert names(emulator, ORDERS) == ["ip-allowlist", "header-removal", "client-id-enforcement"]


def test_there_is_no_put(emulator: Emulator) -> None:
    policy = emulator.policies(19001001)[0]
    answer = emulator.put(f"{ORDERS}/{policy['id']}", {})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "DELETE, PATCH, GET"
    assert answer.json()["headers"] == {"Allow": "DELETE, PATCH, GET"}


@pytest.mark.parametrize("verb", ["disable", "enable"])
def test_the_other_tree_switches_a_policy(emulator: Emulator, verb: str) -> None:
    policy = emulator.policies(19001001)[0]
    answer = emulator.post(f"{xapi(ORDERS)}/{policy['id']}/{verb}")
    assert answer.status_code == 201
    assert answer.json()["disabled"] is (verb == "disable")


def test_an_implementation_upgrade_answers_201(emulator: Emulator) -> None:
    policy = emulator.policies(19001001)[0]
    assert emulator.post(f"{ORDERS}/{policy['id']}/implementationAsset").status_code == 201


# Delete


def test_a_deleted_policy_is_gone(emulator: Emulator) -> None:
    path = f"{ORDERS}/{emulator.policies(19001001)[0]['id']}"
    answer = emulator.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    for method in ("GET", "PATCH", "DELETE"):
        assert emulator.request(method, path, json={}).status_code == 404


def test_a_delete_leaves_the_orders_of_the_others(emulator: Emulator) -> None:
    emulator.delete(f"{CUSTOMERS}/{emulator.policies(19001003)[2]['id']}")
    assert [p["order"] for p in emulator.policies(19001003)] == [1, 2, 4, 5]


# Order


def test_order_is_set_for_many(emulator: Emulator) -> None:
    first, second = (p["id"] for p in emulator.policies(19001001))
    answer = emulator.patch(ORDERS, [{"id": second, "order": 1}, {"id": first, "order": 2}])
    assert answer.status_code == 200
    assert names(emulator, ORDERS) == ["client-id-enforcement", "header-removal"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [1],
        [{"id": 1}],
        [{"order": 1}],
        [{"id": 1, "order": 1}],
        [{"id": "FIRST", "order": 0}],
        [{"id": "FIRST", "order": "1"}],
        [{"id": "FIRST", "order": 1}, {"id": "FIRST", "order": 2}],
    ],
)
def test_a_wrong_order_is_refused(emulator: Emulator, body: Any) -> None:
    first = emulator.policies(19001001)[0]["id"]
    for entry in body:
        if isinstance(entry, dict) and entry.get("id") == "FIRST":
            entry["id"] = first
    assert emulator.patch(ORDERS, body).status_code == 400


def test_cors_cannot_be_ordered(emulator: Emulator) -> None:
    cors = emulator.policies(19001007)[0]
    assert emulator.patch(CATALOG, [{"id": cors["id"], "order": 1}]).status_code == 400
    assert emulator.patch(f"{CATALOG}/{cors['id']}", {"order": 1}).status_code == 400


# Secrets


def test_a_secret_is_echoed_once_and_never_read(emulator: Emulator) -> None:
    created = add(emulator, ORDERS, a_basic_auth())
    path = f"{ORDERS}/{created['id']}"
    assert created["configurationData"]["password"] == "hunter2"
    assert emulator.get(path).json()["configurationData"] == {"username": "svc"}
    for query in ("", "?fullInfo=false"):
        assert "hunter2" not in emulator.get(ORDERS + query).text
    body = {"configurationData": {"username": "svc", "password": "hunter3"}}
    assert "hunter3" in emulator.patch(path, body).text
    assert "hunter3" not in emulator.patch(path, {"disabled": True}).text
    assert "hunter3" not in emulator.post(f"{xapi(path)}/enable").text


def test_secrets_that_are_not_sent_again_are_lost(emulator: Emulator) -> None:
    path = f"{ORDERS}/{add(emulator, ORDERS, a_basic_auth())['id']}"
    assert emulator.patch(path, {"configurationData": {"username": "new"}}).status_code == 200
    assert emulator.stored(19001001)["policies"][-1]["configurationData"] == {"username": "new"}


def test_a_switch_keeps_secrets(emulator: Emulator) -> None:
    emulator.settings(keepSecrets=True)
    path = f"{ORDERS}/{add(emulator, ORDERS, a_basic_auth())['id']}"
    emulator.patch(path, {"configurationData": {"username": "new"}})
    stored = emulator.stored(19001001)["policies"][-1]["configurationData"]
    assert stored == {"username": "new", "password": "hunter2"}


def test_disabling_keeps_secrets(emulator: Emulator) -> None:
    path = f"{ORDERS}/{add(emulator, ORDERS, a_basic_auth())['id']}"
    emulator.patch(path, {"disabled": True})
    stored = emulator.stored(19001001)["policies"][-1]["configurationData"]
    assert stored["password"] == "hunter2"


def test_a_create_needs_its_secrets(emulator: Emulator) -> None:
    body = a_policy("http-basic-authentication", "1.3.2", {"username": "svc"})
    assert emulator.post(ORDERS, body).status_code == 400


def test_seeded_secrets_are_stored_and_not_shown(emulator: Emulator) -> None:
    secrets = ("demo-partner-jwt-key-0123456789abcdef", "demo-backend-password")
    stored = str(emulator.stored(19001002))
    shown = emulator.get(PARTNERS).text + emulator.get(PARTNERS + "?fullInfo=false").text
    assert all(secret in stored and secret not in shown for secret in secrets)


def test_a_custom_policy_is_not_of_the_system(emulator: Emulator) -> None:
    seed = emulator.control("state")["anypoint"]
    template = {
        "groupId": "custom",
        "assetId": "house-rules",
        "versions": ["1.0.0"],
        "technologies": ["mule4"],
    }
    emulator.reset({**seed, "templates": [template]})
    policy = add(emulator, ORDERS, a_policy("house-rules", "1.0.0", {}, groupId="custom"))
    assert policy["type"] == "custom"
    assert policy["groupId"] != MULESOFT
