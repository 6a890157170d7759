"""The protocol over canned answers: what is asked for, how often, and what is made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from reconciler.core.model import AUTOMATED, MULESOFT_GROUP, OUTBOUND, POLICIES, TIERS
from reconciler.core.redact import Secret
from reconciler.errors import BadAnswer, NotFound, OutOfTime, ProviderError, Refusal
from reconciler.providers.anypoint.auth import Credentials
from reconciler.providers.anypoint.provider import AnypointProvider, connect
from reconciler.providers.base import Provider
from reconciler.transport import Bounds
from tests.providers.anypoint.natives import (
    API_URL,
    CATALOGUE,
    ENVIRONMENT,
    HOST,
    TARGET,
    UPSTREAM,
    a_resource,
    recorded,
)
from tests.transport.clock import Clock

URL = f"{API_URL}/19001001"
XAPI_URL = URL.replace("/api/v1/", "/xapi/v1/")
AUTOMATED_URL = f"{HOST}/apimanager/api/v1/organizations/org-1/automated-policies"
INJECTION = "credential-injection-basic-auth"
TOKEN = Credentials("token", Secret(""), Secret("t0k"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider() -> Iterator[AnypointProvider]:
    made = connect(HOST, TOKEN, CATALOGUE)
    yield made
    made.close()


def calls() -> list[str]:
    """Method and path of each call so far, in order."""
    return [
        f"{call.request.method} {str(call.request.url).replace(HOST, '')}"
        for call in responses.calls
    ]


def sent() -> Any:
    """The body of the last call."""
    return json.loads(responses.calls[-1].request.body or "")


def a_native(policy_id: int, order: int | None, asset: str = "ip-allowlist") -> dict[str, Any]:
    coordinates = {"groupId": MULESOFT_GROUP, "assetId": asset, "assetVersion": "1.1.1"}
    return {"id": policy_id, "order": order, **coordinates}


def test_the_provider_keeps_the_protocol(provider: AnypointProvider) -> None:
    kept: Provider = provider
    assert kept.host == HOST


def test_a_foreign_host_is_refused_before_any_call() -> None:
    with pytest.raises(Refusal):
        connect("https://evil.example.com", TOKEN, CATALOGUE)


@responses.activate
def test_caller_and_organizations_cost_one_call_each(provider: AnypointProvider) -> None:
    responses.get(f"{HOST}/accounts/api/me", json=recorded("me"))
    root = recorded("hierarchy")["id"]
    tree = f"/accounts/api/organizations/{root}/hierarchy"
    responses.get(HOST + tree, json=recorded("hierarchy"))
    assert provider.organizations() == provider.organizations()
    assert provider.caller()["name"] == "policy-bot"
    assert calls() == ["GET /accounts/api/me", f"GET {tree}"]


@responses.activate
def test_environments_are_listed_once_each(provider: AnypointProvider) -> None:
    body = recorded("environments")
    body["data"].append(body["data"][0])
    responses.get(f"{HOST}/accounts/api/organizations/org-1/environments", json=body)
    found = provider.environments("org-1")
    assert [(each.name, each.type) for each in found] == [
        ("Production", "production"),
        ("Sandbox", "sandbox"),
        ("Design", "design"),
    ]


@responses.activate
def test_an_asset_listed_twice_gives_its_instances_once(provider: AnypointProvider) -> None:
    assets = [{"assetId": "b", "apis": [{"id": 9}, {"id": 3}]}, {"assetId": "a", "apis": []}]
    responses.get(API_URL, json={"total": 3, "assets": [*assets, assets[0]]})
    assert [each.id for each in provider.instances("org-1", "env-1")] == [3, 9]


@responses.activate
def test_policies_cost_one_call_and_come_in_order(provider: AnypointProvider) -> None:
    natives = [a_native(4, 2), a_native(3, 11), a_native(9, None), a_native(2, 2)]
    responses.get(f"{URL}/policies", json=natives)
    unit = provider.fetch(TARGET, frozenset([POLICIES]), "mule4")
    assert [each.id for each in unit.resources] == ["9", "2", "4", "3"]
    assert len(responses.calls) == 1
    assert calls()[0].endswith("/policies?fullInfo=false")


@responses.activate
def test_tiers_cost_one_call_more_and_come_last(provider: AnypointProvider) -> None:
    responses.get(f"{URL}/policies", json=[a_native(1, 1)])
    responses.get(f"{URL}/tiers", json={"total": 1, "tiers": [recorded("tier_created")]})
    unit = provider.fetch(TARGET, frozenset([POLICIES, TIERS]), "mule4")
    assert [each.key.list for each in unit.resources] == [POLICIES, TIERS]
    assert len(responses.calls) == 2


@responses.activate
def test_tiers_alone_read_no_policies(provider: AnypointProvider) -> None:
    responses.get(f"{URL}/tiers", json={"total": 0, "tiers": []})
    assert provider.fetch(TARGET, frozenset([TIERS]), "mule4").resources == ()


def _answer_outbound() -> None:
    plain = [a_native(1, 1), {**a_native(6086912, 2, INJECTION), "disabled": False}]
    match = responses.matchers.query_param_matcher
    responses.get(f"{URL}/policies", json=plain, match=[match({"fullInfo": "false"})])
    full = recorded("policies_compact")
    responses.get(f"{URL}/policies", json=full, match=[match({"fullInfo": "true"})])
    upstream = {"id": UPSTREAM, "label": "backend", "uri": "https://b"}
    responses.get(f"{URL}/upstreams", json={"total": 1, "upstreams": [upstream]})


@responses.activate
def test_outbound_policies_are_read_in_both_forms(provider: AnypointProvider) -> None:
    _answer_outbound()
    unit = provider.fetch(TARGET, frozenset([POLICIES, OUTBOUND]), "flexGateway")
    assert [(each.key.list, each.id) for each in unit.resources] == [
        (POLICIES, "1"),
        (POLICIES, "6086913"),
        (OUTBOUND, "6086912"),
    ]
    assert unit.resources[2].settings["upstreams"] == ["backend"]
    assert unit.upstreams == {UPSTREAM: ("backend", "https://b")}
    assert len(responses.calls) == 3


@responses.activate
def test_only_the_lists_asked_for_come(provider: AnypointProvider) -> None:
    _answer_outbound()
    unit = provider.fetch(TARGET, frozenset([OUTBOUND]), "flexGateway")
    assert [each.id for each in unit.resources] == ["6086912"]


@responses.activate
def test_automated_policies_belong_to_the_environment(provider: AnypointProvider) -> None:
    responses.get(AUTOMATED_URL, json=recorded("automated"))
    unit = provider.fetch(ENVIRONMENT, frozenset([AUTOMATED]), "")
    assert [each.id for each in unit.resources] == ["125754"]
    assert calls()[0].endswith("?environmentId=env-1")


@responses.activate
@pytest.mark.parametrize("body", [{}, None, "x", [1], [{}], [{"id": 1}], {"policies": None}])
def test_a_broken_policy_list_is_a_bad_answer_of_that_api(
    provider: AnypointProvider, body: object
) -> None:
    responses.get(f"{URL}/policies", json=body)
    with pytest.raises(BadAnswer, match="API 19001001"):
        provider.fetch(TARGET, frozenset([POLICIES]), "mule4")


@responses.activate
def test_an_instance_that_is_gone_is_not_found(provider: AnypointProvider) -> None:
    responses.get(f"{URL}/policies", status=404, json={"name": "N", "message": "gone"})
    with pytest.raises(NotFound):
        provider.fetch(TARGET, frozenset([POLICIES]), "mule4")


@responses.activate
def test_a_create_reads_nothing(provider: AnypointProvider) -> None:
    responses.post(f"{URL}/policies", status=201, json=recorded("policy_created"))
    made = provider.create(TARGET, a_resource(), order=3, duplicate=False)
    assert (made.id, made.order) == ("6086882", 3)
    assert sent()["order"] == 3
    assert len(responses.calls) == 1


@responses.activate
def test_what_was_secret_in_a_create_is_secret_in_its_answer(provider: AnypointProvider) -> None:
    native = {**a_native(1, 1, "custom"), "configurationData": {"header": "hunter2"}}
    responses.post(f"{URL}/policies", status=201, json=native)
    desired = a_resource(
        "custom",
        config={"header": Secret("hunter2", "${env:H}")},
        secrets=frozenset(["config.header"]),
    )
    made = provider.create(TARGET, desired, order=None, duplicate=False)
    assert "hunter2" not in repr(made)
    assert sent()["configurationData"] == {"header": "hunter2"}


@responses.activate
@pytest.mark.parametrize("body", [None, [], {}, "x", {"id": 1}])
def test_a_create_whose_answer_is_no_policy_is_a_bad_answer(
    provider: AnypointProvider, body: object
) -> None:
    responses.post(f"{URL}/policies", status=201, json=body)
    with pytest.raises(BadAnswer):
        provider.create(TARGET, a_resource(), order=None, duplicate=False)


@responses.activate
@pytest.mark.parametrize("is_read", [True, False])
def test_an_outbound_create_reads_the_upstreams_once(
    provider: AnypointProvider, is_read: bool
) -> None:
    _answer_outbound()
    url = f"{XAPI_URL}/policies/outbound-policies"
    responses.post(url, status=201, json=recorded("outbound_created"))
    if is_read:
        provider.fetch(TARGET, frozenset([OUTBOUND]), "flexGateway")
    desired = a_resource(INJECTION, list_name=OUTBOUND, upstreams=["backend"])
    made = provider.create(TARGET, desired, order=None, duplicate=True)
    assert made.id == "6086912"
    assert made.settings["upstreams"] == ["backend"]
    assert sent()["upstreamIds"] == [UPSTREAM]
    assert calls()[-1].endswith("/outbound-policies?allowDuplicated=true")
    assert sum("/upstreams" in call for call in calls()) == 1


@responses.activate
def test_a_disabled_outbound_policy_is_disabled_after_its_create(
    provider: AnypointProvider,
) -> None:
    _answer_outbound()
    url = f"{XAPI_URL}/policies/outbound-policies"
    responses.post(url, status=201, json=recorded("outbound_created"))
    responses.patch(f"{URL}/policies/6086912", json={})
    desired = a_resource(INJECTION, list_name=OUTBOUND, upstreams=["backend"], disabled=True)
    made = provider.create(TARGET, desired, order=None, duplicate=False)
    assert made.settings["disabled"] is True
    assert sent() == {"disabled": True}


@responses.activate
def test_a_create_that_could_not_be_switched_off_in_time_was_sent(clock: Clock) -> None:
    def create(request: object) -> tuple[int, dict[str, str], str]:
        clock.now += 100
        return 201, {}, json.dumps(recorded("outbound_created"))

    _answer_outbound()
    responses.add_callback("POST", f"{XAPI_URL}/policies/outbound-policies", create)
    bounds = Bounds(max_time_s=100.0, timing=clock.timing)
    provider = connect(HOST, TOKEN, CATALOGUE, bounds=bounds)
    desired = a_resource(INJECTION, list_name=OUTBOUND, upstreams=["backend"], disabled=True)
    with pytest.raises(ProviderError, match="created, but not switched off: not sent") as caught:
        provider.create(TARGET, desired, order=None, duplicate=False)
    assert not isinstance(caught.value, OutOfTime)


@responses.activate
def test_an_update_sends_what_differs(provider: AnypointProvider) -> None:
    responses.patch(f"{URL}/policies/7", json={})
    live = a_resource(resource_id="7", disabled=True)
    provider.update(TARGET, live, a_resource(), paths=frozenset())
    assert sent() == {"disabled": False}
    provider.update(TARGET, live, live, paths=frozenset())
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize("status", [204, 200, 404])
@pytest.mark.parametrize(
    ("list_name", "url"),
    [
        (POLICIES, f"{URL}/policies/7"),
        (OUTBOUND, f"{URL}/policies/7"),
        (TIERS, f"{URL}/tiers/7"),
        (AUTOMATED, f"{AUTOMATED_URL}/7"),
    ],
)
def test_a_delete_of_what_is_gone_is_done(
    provider: AnypointProvider, list_name: str, url: str, status: int
) -> None:
    responses.delete(url, status=status)
    provider.delete(TARGET, a_resource(list_name=list_name, resource_id="7"))
    assert len(responses.calls) == 1


@responses.activate
def test_a_reorder_is_one_call(provider: AnypointProvider) -> None:
    responses.patch(f"{URL}/policies", json={"message": "Resource updated successfully"})
    provider.reorder(TARGET, ("9", "3"))
    assert sent() == [{"id": 9, "order": 1}, {"id": 3, "order": 2}]


@responses.activate
@pytest.mark.parametrize("is_list", [True, False])
def test_a_tier_is_created_and_replaced(provider: AnypointProvider, is_list: bool) -> None:
    native = recorded("tier_created")
    other = {**native, "id": 1, "name": "Silver"}
    body = {"total": 2, "tiers": [other, native]} if is_list else native
    responses.post(f"{URL}/tiers", status=201, json=body)
    responses.put(f"{URL}/tiers/123123", status=201, json={})
    desired = a_resource("", list_name=TIERS, group="", name="Gold")
    made = provider.create(TARGET, desired, order=None, duplicate=False)
    assert made.id == "123123"
    provider.update(TARGET, made, desired, paths=frozenset())
    assert sent()["name"] == "Gold"


@responses.activate
def test_an_automated_policy_is_created_and_updated(provider: AnypointProvider) -> None:
    (native,) = recorded("automated")["automatedPolicies"]
    responses.post(AUTOMATED_URL, status=201, json=native)
    responses.patch(f"{AUTOMATED_URL}/125754", json={})
    desired = a_resource(list_name=AUTOMATED)
    made = provider.create(ENVIRONMENT, desired, order=None, duplicate=False)
    provider.update(ENVIRONMENT, made, desired, paths=frozenset())
    assert sent()["ruleOfApplication"]["environmentId"] == "env-1"


def test_a_read_only_provider_writes_nothing() -> None:
    provider = connect(HOST, TOKEN, CATALOGUE, read_only=True)
    live = a_resource(resource_id="7")
    with pytest.raises(Refusal):
        provider.create(TARGET, live, order=None, duplicate=False)
    with pytest.raises(Refusal):
        provider.update(TARGET, live, a_resource(disabled=True), paths=frozenset())
    with pytest.raises(Refusal):
        provider.delete(TARGET, live)
    with pytest.raises(Refusal):
        provider.reorder(TARGET, ("7",))
