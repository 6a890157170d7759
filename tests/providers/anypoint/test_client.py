"""Endpoints over canned answers: pages, renewal of the token, refusals, malformed bodies."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from reconciler.core.model import Target
from reconciler.core.redact import Secret
from reconciler.errors import (
    BadAnswer,
    Conflict,
    Incomplete,
    NotAllowed,
    ProviderError,
    Throttled,
    Unreachable,
)
from reconciler.providers.anypoint.auth import Credentials, TokenSource
from reconciler.providers.anypoint.client import Client
from reconciler.transport import Bounds, Transport
from tests.providers.anypoint.natives import API_URL, ENVIRONMENT, HOST, TARGET
from tests.transport.clock import Clock

ENVIRONMENTS = f"{HOST}/accounts/api/organizations/org-1/environments"
POLICIES_URL = f"{API_URL}/19001001/policies"
TOKEN_URL = f"{HOST}/accounts/api/v2/oauth2/token"
Answer = tuple[int, dict[str, str], str]


@pytest.fixture
def client() -> Iterator[Client]:
    transport = Transport(HOST, bounds=Bounds(timing=Clock().timing))
    credentials = Credentials("token", Secret(""), Secret("t0k"))
    yield Client(transport, TokenSource(transport, credentials))
    transport.close()


def a_list(
    key: str, items: list[Any], total: int | None = None, cap: int = 10_000
) -> Callable[[requests.PreparedRequest], Answer]:
    """A paged list, as a callback of `responses`; `cap` is the service's own limit."""

    def answer(request: requests.PreparedRequest) -> Answer:
        query = parse_qs(urlsplit(str(request.url)).query)
        offset, limit = int(query["offset"][0]), min(cap, int(query["limit"][0]))
        counted = len(items) if total is None else total
        return 200, {}, json.dumps({key: items[offset : offset + limit], "total": counted})

    return answer


@responses.activate
@pytest.mark.parametrize(("count", "calls"), [(0, 1), (1, 1), (26, 1), (500, 1), (501, 2)])
def test_all_environments_come(client: Client, count: int, calls: int) -> None:
    natives = [{"id": f"env-{number}"} for number in range(count)]
    responses.add_callback("GET", ENVIRONMENTS, a_list("data", natives))
    assert client.environments("org-1") == natives
    assert len(responses.calls) == calls


@responses.activate
def test_a_service_that_caps_the_page_is_read_to_the_end(client: Client) -> None:
    natives = [{"id": f"env-{number}"} for number in range(70)]
    responses.add_callback("GET", ENVIRONMENTS, a_list("data", natives, cap=25))
    assert client.environments("org-1") == natives
    assert len(responses.calls) == 3


@responses.activate
def test_assets_are_counted_not_instances(client: Client) -> None:
    natives = [{"assetId": f"a{n}", "apis": [{"id": n}, {"id": 1000 + n}]} for n in range(101)]
    responses.add_callback("GET", API_URL, a_list("assets", natives))
    assert client.assets(ENVIRONMENT, dict) == natives
    assert len(responses.calls) == 2


@responses.activate
def test_pages_after_the_first_are_asked_for_before_they_are_needed(client: Client) -> None:
    natives = [{"assetId": f"a{n}", "apis": []} for n in range(1000)]
    waiting = threading.Barrier(2, timeout=10)
    listed = a_list("assets", natives)

    def answer(request: requests.PreparedRequest) -> Answer:
        if str(request.url).endswith(("offset=100", "offset=200")):
            waiting.wait()  # for the other one of the two
        return listed(request)

    responses.add_callback("GET", API_URL, answer)
    assert client.assets(ENVIRONMENT, dict) == natives
    assert len(responses.calls) == 10


@responses.activate
def test_a_page_that_came_short_in_the_middle_is_read_on_from_where_it_ended(
    client: Client,
) -> None:
    natives = [{"assetId": f"a{n}", "apis": []} for n in range(1000)]
    whole, short = a_list("assets", natives), a_list("assets", natives, cap=70)

    def answer(request: requests.PreparedRequest) -> Answer:
        return (short if "offset=300" in str(request.url) else whole)(request)

    responses.add_callback("GET", API_URL, answer)
    assert client.assets(ENVIRONMENT, dict) == natives


@responses.activate
def test_a_total_beyond_belief_asks_for_nothing_ahead(client: Client) -> None:
    natives = [{"assetId": "a", "apis": []}]
    responses.add_callback("GET", API_URL, a_list("assets", natives, total=10**12))
    with pytest.raises(Incomplete, match="1 assets came"):
        client.assets(ENVIRONMENT, dict)
    assert len(responses.calls) == 2


@responses.activate
@pytest.mark.parametrize("total", [2, 600, "600"])
def test_a_list_short_of_its_total_is_a_bad_answer(client: Client, total: int) -> None:
    responses.add_callback("GET", ENVIRONMENTS, a_list("data", [{"id": "env-1"}], total=total))
    with pytest.raises(BadAnswer, match=f"1 data came of {total}"):
        client.environments("org-1")


@responses.activate
def test_a_list_without_a_total_ends_with_a_short_page(client: Client) -> None:
    responses.get(ENVIRONMENTS, json={"data": [{"id": "env-1"}]})
    assert len(client.environments("org-1")) == 1
    assert len(responses.calls) == 1


@responses.activate
def test_a_list_that_moved_while_it_was_read_is_read_again(client: Client) -> None:
    natives = [{"id": f"env-{number}"} for number in range(500)]
    responses.get(ENVIRONMENTS, json={"data": natives, "total": 501})
    responses.get(ENVIRONMENTS, json={"data": [], "total": 500})
    responses.get(ENVIRONMENTS, json={"data": natives, "total": 500})
    assert len(client.environments("org-1")) == 500
    assert len(responses.calls) == 3


@responses.activate
def test_a_list_that_keeps_moving_is_a_bad_answer(client: Client) -> None:
    natives = [{"id": "env"}] * 500
    for _ in range(3):
        responses.get(ENVIRONMENTS, json={"data": natives, "total": 501})
        responses.get(ENVIRONMENTS, json={"data": [], "total": 500})
    with pytest.raises(BadAnswer, match="kept changing"):
        client.environments("org-1")


@responses.activate
@pytest.mark.parametrize("body", [[], None, "text", 7, {}, {"data": None}, {"data": [1]}])
def test_a_list_of_another_shape_is_a_bad_answer(client: Client, body: object) -> None:
    responses.get(ENVIRONMENTS, json=body)
    with pytest.raises(BadAnswer):
        client.environments("org-1")


@responses.activate
def test_half_a_list_is_a_bad_answer(client: Client) -> None:
    responses.get(ENVIRONMENTS, body=b'{"data": [{"id": "en', content_type="application/json")
    with pytest.raises(BadAnswer, match="no whole JSON"):
        client.environments("org-1")


@responses.activate
def test_organization_and_environment_are_in_the_headers(client: Client) -> None:
    responses.get(POLICIES_URL, json=[])
    client.policies(TARGET, full=False)
    sent = responses.calls[0].request
    assert sent.headers["X-ANYPNT-ORG-ID"] == "org-1"
    assert sent.headers["X-ANYPNT-ENV-ID"] == "env-1"
    assert sent.url == f"{POLICIES_URL}?fullInfo=false"


@responses.activate
@pytest.mark.parametrize("duplicate", [True, False])
def test_doubles_are_allowed_only_where_asked_for(client: Client, duplicate: bool) -> None:
    responses.post(POLICIES_URL, status=201, json={})
    client.create_policy(TARGET, {}, duplicate=duplicate)
    query = urlsplit(str(responses.calls[0].request.url)).query
    assert query == ("allowDuplicated=true" if duplicate else "")


def _app_client() -> Client:
    transport = Transport(HOST)
    app = Credentials("connected app", Secret("id"), Secret("s"))
    return Client(transport, TokenSource(transport, app))


@responses.activate
def test_an_expired_token_is_renewed_once_for_eight_threads() -> None:
    responses.post(TOKEN_URL, json={"access_token": "t1"})
    responses.post(TOKEN_URL, json={"access_token": "t2"})
    expired: set[str] = set()

    def answer(request: requests.PreparedRequest) -> Answer:
        return (401 if request.headers["Authorization"] in expired else 200), {}, "[]"

    responses.add_callback("GET", POLICIES_URL, answer)
    client = _app_client()
    client.policies(TARGET, full=False)
    expired.add("Bearer t1")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.policies(TARGET, full=False), range(64)))
    assert answers == [[]] * 64
    assert responses.assert_call_count(TOKEN_URL, 2)


@responses.activate
def test_a_refusal_for_ever_costs_two_logins() -> None:
    responses.post(TOKEN_URL, json={"access_token": "t1"})
    responses.post(TOKEN_URL, json={"access_token": "t2"})
    responses.get(POLICIES_URL, status=401)
    client = _app_client()
    for _ in range(3):
        with pytest.raises(NotAllowed) as caught:
            client.policies(TARGET, full=False)
        assert caught.value.status == 401
    responses.assert_call_count(TOKEN_URL, 2)


@responses.activate
@pytest.mark.parametrize(
    ("call", "scope"),
    [
        (lambda it: it.assets(ENVIRONMENT, dict), "read:api_configuration"),
        (lambda it: it.upstreams(TARGET), "read:api_configuration"),
        (lambda it: it.policies(TARGET, full=True), "read:api_policies"),
        (lambda it: it.automated_policies(ENVIRONMENT), "read:api_policies"),
        (lambda it: it.tiers(TARGET), "read:api_contracts"),
        (lambda it: it.create_policy(TARGET, {}, duplicate=False), "manage:api_policies"),
        (lambda it: it.create_outbound_policy(TARGET, {}, duplicate=True), "manage:api_policies"),
        (lambda it: it.update_policy(TARGET, "1", {}), "manage:api_policies"),
        (lambda it: it.order_policies(TARGET, []), "manage:api_policies"),
        (lambda it: it.delete_policy(TARGET, "1"), "manage:api_policies"),
        (lambda it: it.create_tier(TARGET, {}), "manage:api_contracts"),
        (lambda it: it.delete_tier(TARGET, "1"), "manage:api_contracts"),
    ],
)
def test_a_refusal_names_what_is_missing_and_where(
    client: Client, call: Callable[[Client], object], scope: str
) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE"):
        responses.add(method, re.compile(".*"), status=403, json={"message": "no"})
    with pytest.raises(NotAllowed) as caught:
        call(client)
    said = str(caught.value)
    assert f"({scope})" in said
    assert "organization org-1, environment env-1" in said
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize(
    ("status", "kind"), [(409, Conflict), (429, Throttled), (500, ProviderError)]
)
def test_other_failures_come_through(
    client: Client, status: int, kind: type[ProviderError]
) -> None:
    responses.post(POLICIES_URL, status=status, json={"name": "X", "message": "no hunter2"})
    with pytest.raises(kind, match=r"X: no \(secret\)"):
        client.create_policy(TARGET, {}, duplicate=False, hide=["hunter2"])


@responses.activate
def test_a_time_out_comes_through(client: Client) -> None:
    responses.post(POLICIES_URL, body=requests.ReadTimeout())
    with pytest.raises(Unreachable):
        client.create_policy(TARGET, {}, duplicate=False)


@responses.activate
def test_a_redirect_to_another_host_never_carries_the_token(client: Client) -> None:
    evil = responses.get("https://evil.example.com/x", json=[])
    responses.get(POLICIES_URL, status=307, headers={"Location": "https://evil.example.com/x?s=1"})
    with pytest.raises(BadAnswer, match="evil.example.com/x; not followed"):
        client.policies(TARGET, full=False)
    assert evil.call_count == 0


@responses.activate
def test_a_login_page_is_a_bad_answer(client: Client) -> None:
    responses.get(POLICIES_URL, body="<html>Sign in</html>", content_type="text/html")
    with pytest.raises(BadAnswer, match="a login page"):
        client.policies(TARGET, full=False)


@pytest.mark.parametrize("hostile", ["", ".", "..", "..."])
def test_an_id_that_would_climb_is_no_id(client: Client, hostile: str) -> None:
    with pytest.raises(BadAnswer):
        client.policies(Target(HOST, "org-1", "env-1", hostile), full=False)


@responses.activate
def test_ids_are_quoted(client: Client) -> None:
    responses.get(f"{API_URL}/a%2F..%3Fb/policies", json=[])
    assert client.policies(Target(HOST, "org-1", "env-1", "a/..?b"), full=False) == []


@responses.activate
def test_automated_policies_short_of_their_total_are_a_bad_answer(client: Client) -> None:
    url = f"{HOST}/apimanager/api/v1/organizations/org-1/automated-policies"
    responses.get(url, json={"automatedPolicies": [], "total": 1})
    with pytest.raises(BadAnswer, match="0 came of 1"):
        client.automated_policies(ENVIRONMENT)
