"""Endpoints over canned answers: pages, renewal of the token, refusals, malformed bodies."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import responses

from reconciler.core.redact import Secret
from reconciler.errors import (
    BadAnswer,
    CannotSee,
    Conflict,
    NotAllowed,
    NotFound,
    ProviderError,
    Throttled,
    Unreachable,
)
from reconciler.providers.salesforce.client import Client, Identity
from reconciler.providers.salesforce.nodes import Node, leaf
from reconciler.providers.salesforce.refusals import SessionRefused
from reconciler.providers.salesforce.results import Deployment, ItemError, ItemResult
from tests.providers.salesforce.natives import (
    APP,
    DATA_URL,
    GRANT,
    HOST,
    ORG,
    PERMISSION_SET,
    QUERY_URL,
    SOAP_URL,
    TOKEN_URL,
    USER,
    a_fault,
    a_response,
    a_token,
    an_error,
    answer_soap,
    query_of,
    rows,
    sent_json,
    text_of,
)
from tests.providers.salesforce.scene import a_login, logged_in

GRANT_URL = f"{DATA_URL}/sobjects/SetupEntityAccess"
MANY_URL = f"{DATA_URL}/composite/sobjects"
DEPLOY_URL = f"{DATA_URL}/metadata/deployRequest"
USERINFO_URL = f"{HOST}/services/oauth2/userinfo"
SETTINGS = Node(
    "metadata",
    type="ConnectedAppSettings",
    children=(leaf("fullName", "ConnectedApp"), leaf("enableAdminApprovedAppsOnly", True)),
)
LOCKED_OUT = an_error("INVALID_SESSION_ID", "This session is not valid for use with the REST API")
EXPIRED = an_error("INVALID_SESSION_ID", "Session expired or invalid")
FIELDS = {"ParentId": PERMISSION_SET, "SetupEntityId": APP}


def sent_bytes() -> bytes:
    body = responses.calls[-1].request.body
    return body if isinstance(body, bytes) else str(body).encode()


READS: list[Callable[[Client], Any]] = [
    lambda client: client.query("x"),
    lambda client: client.tooling_query("x"),
    lambda client: client.count("x"),
    lambda client: client.record("ConnectedApplication", APP, ["Id"]),
]


@responses.activate
@pytest.mark.parametrize("code", ["INVALID_TYPE", "INVALID_FIELD", "INSUFFICIENT_ACCESS"])
@pytest.mark.parametrize("read", READS)
def test_what_cannot_be_seen_is_never_none(read: Callable[[Client], Any], code: str) -> None:
    client = logged_in()
    for path in ("query", "tooling/query", f"sobjects/ConnectedApplication/{APP}"):
        responses.get(f"{DATA_URL}/{path}", status=400, json=an_error(code))
    with pytest.raises(CannotSee) as caught:
        read(client)
    assert caught.value.code == code


@responses.activate
def test_metadata_that_cannot_be_seen_is_never_none() -> None:
    client = logged_in()
    answer_soap(a_fault("sf:INSUFFICIENT_ACCESS", "no"), status=500)
    for ask in (
        lambda: client.read_metadata("ConnectedApp", ["A"]),
        lambda: client.list_metadata(["ConnectedApp"]),
    ):
        with pytest.raises(CannotSee):
            ask()


@responses.activate
def test_a_write_that_is_refused_is_no_matter_of_sight() -> None:
    client = logged_in()
    answer_soap(a_fault("sf:INSUFFICIENT_ACCESS", "no"), status=500)
    with pytest.raises(NotAllowed) as caught:
        client.update_metadata([SETTINGS])
    assert type(caught.value) is NotAllowed


@responses.activate
def test_who_the_token_is() -> None:
    client = logged_in()
    told = {"user_id": USER, "organization_id": ORG[:15], "preferred_username": "u@x"}
    responses.get(USERINFO_URL, json=told)
    assert client.identity() == Identity(USER, "u@x", ORG)


@responses.activate
def test_a_profile_that_the_scopes_do_not_reach_leaves_the_ids() -> None:
    client = logged_in()
    responses.get(USERINFO_URL, status=403, body="Missing_OAuth_Scope", content_type="text/plain")
    assert client.identity() == Identity(USER, "", ORG)


@responses.activate
@pytest.mark.parametrize(
    "told",
    [None, [], {}, {"user_id": USER, "organization_id": "00D5g000000AbCx"}, {"user_id": USER}]
    + [{"user_id": APP, "organization_id": ORG}],
)
def test_a_profile_of_somebody_else_is_a_bad_answer(told: Any) -> None:
    client = logged_in()
    responses.get(USERINFO_URL, json=told)
    with pytest.raises(BadAnswer):
        client.identity()


@responses.activate
def test_the_calls_that_are_left_are_told() -> None:
    client = logged_in()
    assert client.budget == {}
    limits = {"DailyApiRequests": {"Max": 15000, "Remaining": 14987}}
    headers = {"Sforce-Limit-Info": "api-usage=13/15000; per-app-api-usage=17/250(appName=x)"}
    responses.get(f"{DATA_URL}/limits", json=limits, headers=headers)
    assert client.limits() == limits
    assert client.budget == {"limit": "15000", "remaining": "14987"}


@responses.activate
def test_a_record_is_created_changed_and_deleted() -> None:
    client = logged_in()
    created = {"id": GRANT, "success": True, "errors": []}
    responses.post(GRANT_URL, status=201, json=created)
    responses.patch(f"{GRANT_URL}/{GRANT}", status=204)
    responses.delete(f"{GRANT_URL}/{GRANT}", status=204)
    assert client.create("SetupEntityAccess", FIELDS) == GRANT
    assert sent_json() == FIELDS
    client.update("SetupEntityAccess", GRANT[:15], {"A": None})
    assert sent_json() == {"A": None}
    client.delete("SetupEntityAccess", GRANT)


@responses.activate
def test_a_record_that_is_there_already_is_a_conflict() -> None:
    client = logged_in()
    responses.post(GRANT_URL, status=400, json=an_error("DUPLICATE_VALUE"))
    with pytest.raises(Conflict):
        client.create("SetupEntityAccess", FIELDS)


@responses.activate
def test_a_record_that_is_gone_is_not_found() -> None:
    client = logged_in()
    responses.delete(f"{GRANT_URL}/{GRANT}", status=404, json=an_error("ENTITY_IS_DELETED"))
    with pytest.raises(NotFound):
        client.delete("SetupEntityAccess", GRANT)


@responses.activate
def test_a_create_that_says_that_it_failed_has_failed() -> None:
    client = logged_in()
    body = {"success": False, "errors": [{"statusCode": "X", "message": "no"}]}
    responses.post(GRANT_URL, status=201, json=body)
    with pytest.raises(ProviderError, match="not created: X: no"):
        client.create("SetupEntityAccess", FIELDS)


@responses.activate
@pytest.mark.parametrize("id", ["", "..", "../../x", "0J05g00000DfGhJ/x", "0J05g00000DfGhJ?a=b"])
def test_what_is_no_id_never_reaches_a_path(id: str) -> None:
    client = logged_in()
    calls: list[Callable[[], Any]] = [
        lambda: client.delete("SetupEntityAccess", id),
        lambda: client.update("SetupEntityAccess", id, {}),
        lambda: client.record("SetupEntityAccess", id, ["Id"]),
        lambda: client.delete_many([id], all_or_none=True),
        lambda: client.update_many("PermissionSet", [{"id": id}], all_or_none=True),
        lambda: client.deployment(id),
        lambda: client.retrieval(id),
    ]
    for call in calls:
        with pytest.raises(ValueError):
            call()
    assert len(responses.calls) == 0


@responses.activate
@pytest.mark.parametrize("name", ["", "..", "A/B", "A?b", "A B", "é"])
def test_what_is_no_name_never_reaches_a_path(name: str) -> None:
    client = logged_in()
    calls: list[Callable[[], Any]] = [
        lambda: client.create(name, {}),
        lambda: client.delete(name, GRANT),
        lambda: client.record("X", GRANT, [name]),
        lambda: client.create_many(name, [{}], all_or_none=True),
    ]
    for call in calls:
        with pytest.raises(ValueError):
            call()
    assert len(responses.calls) == 0


@responses.activate
def test_many_records_have_an_outcome_each() -> None:
    client = logged_in()
    error = {"statusCode": "DUPLICATE_VALUE", "message": "is there", "fields": []}
    outcomes = [
        {"id": GRANT, "success": True, "errors": []},
        {"success": False, "errors": [error]},
        {"success": False},
    ]
    responses.post(MANY_URL, json=outcomes)
    found = client.create_many("SetupEntityAccess", [FIELDS] * 3, all_or_none=False)
    assert found[0] == ItemResult(GRANT, True)
    assert found[1].errors == (ItemError("DUPLICATE_VALUE", "is there"),)
    assert "does not say why" in str(found[2].errors[0])
    record = {"attributes": {"type": "SetupEntityAccess"}, **FIELDS}
    assert sent_json() == {"allOrNone": False, "records": [record] * 3}


@responses.activate
def test_many_records_are_changed_and_deleted() -> None:
    client = logged_in()
    responses.patch(MANY_URL, json=[{"id": PERMISSION_SET, "success": True}])
    responses.delete(MANY_URL, json=[{"id": GRANT, "success": True}])
    client.update_many(
        "PermissionSet", [{"id": PERMISSION_SET[:15], "Label": "x"}], all_or_none=True
    )
    assert sent_json()["records"][0]["id"] == PERMISSION_SET
    client.delete_many([GRANT[:15]], all_or_none=True)
    assert query_of() == {"ids": GRANT, "allOrNone": "true"}


@responses.activate
@pytest.mark.parametrize("body", [None, {}, [], [1], [{}, {}]])
def test_outcomes_of_another_number_or_shape_are_a_bad_answer(body: Any) -> None:
    client = logged_in()
    responses.post(MANY_URL, json=body)
    with pytest.raises(BadAnswer):
        client.create_many("SetupEntityAccess", [FIELDS], all_or_none=True)


@pytest.mark.parametrize("count", [0, 201])
def test_a_call_takes_so_many_records(count: int) -> None:
    client = a_login()[0]
    with pytest.raises(ValueError, match="1 to 200"):
        client.create_many("SetupEntityAccess", [FIELDS] * count, all_or_none=True)
    with pytest.raises(ValueError, match="1 to 200"):
        client.delete_many([GRANT] * count, all_or_none=True)


@responses.activate
def test_a_token_is_revoked() -> None:
    client = logged_in()
    responses.post(f"{HOST}/services/oauth2/revoke", status=200)
    client.revoke(Secret("del+ete"))
    assert responses.calls[-1].request.body == b"token=del%2Bete"


@responses.activate
def test_a_token_that_cannot_be_revoked_is_told_and_not_shown() -> None:
    client = logged_in()
    body = {"error": "invalid_token", "error_description": "no hunter2"}
    responses.post(f"{HOST}/services/oauth2/revoke", status=400, json=body)
    with pytest.raises(ProviderError) as caught:
        client.revoke(Secret("hunter2"))
    assert caught.value.code == "invalid_token"
    assert "hunter2" not in str(caught.value)


def a_record(name: str) -> str:
    return f"<records><fullName>{name}</fullName></records>"


@responses.activate
def test_components_are_read_in_tens() -> None:
    client = logged_in()
    names = [f"App{number}" for number in range(23)]
    for some in (names[:10], names[10:20], names[20:]):
        answer_soap(a_response("readMetadata", f"<result>{''.join(map(a_record, some))}</result>"))
    found = client.read_metadata("ConnectedApp", names)
    assert [node and node.value("fullName") for node in found] == names
    assert [call.request.url for call in responses.calls].count(SOAP_URL) == 3


@responses.activate
def test_a_session_stands_in_the_envelope_alone() -> None:
    client = logged_in()
    answer_soap(a_response("listMetadata", ""))
    client.list_metadata(["ConnectedApp"])
    sent = responses.calls[-1].request
    assert f"<met:sessionId>{text_of()}<" in sent_bytes().decode()
    assert "Authorization" not in sent.headers
    assert sent.headers["SOAPAction"] == '""'
    assert sent.headers["Content-Type"] == "text/xml; charset=UTF-8"


@responses.activate
def test_a_change_of_metadata_has_an_outcome() -> None:
    client = logged_in()
    result = "<result><fullName>ConnectedApp</fullName><success>true</success></result>"
    answer_soap(a_response("updateMetadata", result))
    assert client.update_metadata([SETTINGS]) == (ItemResult("ConnectedApp", True),)


@responses.activate
def test_a_deployment_is_sent_in_two_parts() -> None:
    client = logged_in()
    state = {"done": False, "status": "Pending", "success": False}
    answer = {"id": "0Af5g00000LmNoPCAV", "deployResult": state}
    responses.post(DEPLOY_URL, status=201, json=answer)
    found = client.deploy(b"PK\0\xff", check_only=True)
    assert found == Deployment("0Af5g00000LmNoPCAV", False, False, "Pending")
    parts = sent_bytes().split(b"\r\n")
    options = json.loads(parts[4])["deployOptions"]
    assert (options["checkOnly"], options["rollbackOnError"]) == (True, True)
    assert parts[9] == b"PK\0\xff"


@responses.activate
def test_a_deployment_that_failed_says_of_what() -> None:
    client = logged_in()
    failure = {"fullName": "A", "problem": "no such\nuser", "problemType": "Error"}
    result = {"done": True, "success": False, "status": "Failed"}
    body = {
        "id": "0Af5g00000LmNoPCAV",
        "deployResult": {**result, "details": {"componentFailures": [failure]}},
    }
    responses.get(f"{DEPLOY_URL}/0Af5g00000LmNoPCAV", json=body)
    found = client.deployment("0Af5g00000LmNoP")
    assert (found.is_done, found.is_success, found.problems) == (True, False, ("A: no such user",))


@responses.activate
@pytest.mark.parametrize("body", [None, [], {}, {"id": 1, "deployResult": {}}, {"id": "x"}])
def test_a_deployment_of_another_shape_is_a_bad_answer(body: Any) -> None:
    client = logged_in()
    responses.post(DEPLOY_URL, status=201, json=body)
    with pytest.raises(BadAnswer):
        client.deploy(b"", check_only=False)


@responses.activate
def test_an_expired_token_is_renewed_once_for_eight_threads() -> None:
    client, expired = logged_in(), set[str]()

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if request.headers["Authorization"] in expired:
            return 401, {}, json.dumps(EXPIRED)
        return 200, {}, json.dumps(rows())

    responses.add_callback("GET", QUERY_URL, answer)
    client.query("x")
    expired.add(f"Bearer {text_of(1)}")
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: client.query("x"), range(64))) == [()] * 64
    responses.assert_call_count(TOKEN_URL, 2)


@responses.activate
def test_an_expired_session_of_soap_is_renewed() -> None:
    client = logged_in()
    answer_soap(a_fault("sf:INVALID_SESSION_ID", "INVALID_SESSION_ID: expired"), status=500)
    answer_soap(a_response("listMetadata", ""))
    assert client.list_metadata(["ConnectedApp"]) == ()
    responses.assert_call_count(TOKEN_URL, 2)


@responses.activate
def test_a_login_that_is_locked_out_is_told_as_that_and_does_not_loop() -> None:
    client = logged_in()
    responses.get(QUERY_URL, status=401, json=LOCKED_OUT)
    for _ in range(3):
        with pytest.raises(NotAllowed) as caught:
            client.query("x")
    assert not isinstance(caught.value, CannotSee)
    responses.assert_call_count(TOKEN_URL, 2)


@responses.activate
def test_the_lock_out_has_its_own_error() -> None:
    client = logged_in()
    responses.get(QUERY_URL, status=401, json=LOCKED_OUT)
    with pytest.raises(SessionRefused, match="a renewed token is refused too"):
        client.query("x")


@responses.activate
def test_a_held_token_is_used_and_not_renewed() -> None:
    responses.post(TOKEN_URL, json=a_token(1))
    responses.post(TOKEN_URL, json=a_token(2))
    client, tokens = a_login()
    tokens.token()
    responses.get(QUERY_URL, status=401, json=LOCKED_OUT)
    with pytest.raises(SessionRefused):
        client.holding(tokens.fresh()).query("x")
    assert responses.calls[-1].request.headers["Authorization"] == f"Bearer {text_of(2)}"
    assert len(responses.calls) == 3


@responses.activate
def test_the_limit_of_the_day_is_not_waited_for() -> None:
    client = logged_in()
    responses.get(QUERY_URL, status=403, json=an_error("REQUEST_LIMIT_EXCEEDED"))
    with pytest.raises(Throttled, match="calls of the last 24 hours"):
        client.query("x")
    assert len(responses.calls) == 2


@responses.activate
def test_a_read_is_repeated_where_the_service_is_away() -> None:
    client = logged_in()
    responses.get(QUERY_URL, status=503, json=an_error("SERVER_UNAVAILABLE"))
    responses.get(QUERY_URL, json=rows())
    responses.post(SOAP_URL, status=503)
    answer_soap(a_response("listMetadata", ""))
    assert client.query("x") == ()
    assert client.list_metadata(["ConnectedApp"]) == ()


WRITES: list[Callable[[Client], Any]] = [
    lambda client: client.create("SetupEntityAccess", FIELDS),
    lambda client: client.update("SetupEntityAccess", GRANT, {}),
    lambda client: client.delete("SetupEntityAccess", GRANT),
    lambda client: client.create_many("SetupEntityAccess", [FIELDS], all_or_none=True),
    lambda client: client.delete_many([GRANT], all_or_none=True),
    lambda client: client.update_metadata([SETTINGS]),
    lambda client: client.revoke(Secret("t")),
    lambda client: client.deploy(b"", check_only=True),
]


@responses.activate
@pytest.mark.parametrize("write", WRITES)
def test_a_write_is_sent_once(write: Callable[[Client], Any]) -> None:
    """Whether it was carried out is not known: it is for the caller to look."""
    client = logged_in()
    for method in ("POST", "PATCH", "DELETE"):
        for url in (GRANT_URL, f"{GRANT_URL}/{GRANT}", MANY_URL, SOAP_URL, DEPLOY_URL):
            responses.add(method, url, body=requests.exceptions.ReadTimeout())
    responses.post(f"{HOST}/services/oauth2/revoke", body=requests.exceptions.ReadTimeout())
    with pytest.raises(Unreachable):
        write(client)
    assert len(responses.calls) == 2


@responses.activate
def test_the_instance_that_the_login_names_is_used() -> None:
    instance = "https://acme--uat2.sandbox.my.salesforce.com"
    responses.post(TOKEN_URL, json=a_token(instance_url=instance))
    responses.get(f"{instance}/services/data/v64.0/limits", json={})
    client = a_login()[0]
    assert client.limits() == {}
    client.close()


@responses.activate
@pytest.mark.parametrize("body", [b"<html>log in</html>", b"<!DOCTYPE html>", b"{"])
def test_a_page_in_between_is_a_bad_answer(body: bytes) -> None:
    client = logged_in()
    responses.get(QUERY_URL, body=body, content_type="text/html")
    responses.post(SOAP_URL, body=body, content_type="text/html")
    for ask in (lambda: client.query("x"), lambda: client.list_metadata(["ConnectedApp"])):
        with pytest.raises(BadAnswer):
            ask()


@pytest.mark.parametrize("version", ["", "64", "v64.0", "64.0/..", "64.0\n", "64.5"])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="version of the API"):
        a_login(version=version)
