"""The control calls: request log, reset, state, and what they refuse."""

from __future__ import annotations

import pytest

from tests.emulator.driver import ACME, MULESOFT, Emulator, api_path, apis_path

POLICIES = api_path(19001001) + "/policies"
CORS = {
    "groupId": MULESOFT,
    "assetId": "cors",
    "assetVersion": "1.3.2",
    "configurationData": {"publicResource": True, "originGroups": []},
}


def test_requests_are_logged_oldest_first(emulator: Emulator) -> None:
    emulator.get("/accounts/api/me")
    emulator.get(apis_path() + "?limit=1")
    log = [entry for entry in emulator.logged() if entry["method"] == "GET"]
    assert log == [
        {"method": "GET", "path": "/accounts/api/me", "status": 200},
        {"method": "GET", "path": apis_path(), "status": 200},
    ]


def test_control_calls_are_not_counted(emulator: Emulator) -> None:
    emulator.state()
    emulator.logged()
    assert emulator.control("requests") == {"total": 0, "byMethod": {}, "log": []}


def test_requests_are_counted_by_method(emulator: Emulator) -> None:
    token = emulator.token()
    emulator.request("GET", "/accounts/api/me", token=token)
    emulator.request("GET", "/nothing", token=token)
    summary = emulator.control("requests")
    assert (summary["total"], summary["byMethod"]) == (3, {"GET": 2, "POST": 1})


def test_bodies_are_kept_with_their_queries(emulator: Emulator) -> None:
    emulator.post(POLICIES + "?allowDuplicated=true", CORS)
    newest = emulator.control("bodies")[-1]
    assert newest == {
        "method": "POST",
        "path": POLICIES,
        "query": {"allowDuplicated": "true"},
        "status": 201,
        "body": CORS,
    }


def test_reset_undoes_changes(emulator: Emulator) -> None:
    before = emulator.state()
    emulator.post(POLICIES, CORS)
    emulator.reset()
    assert emulator.state() == before


def test_reset_clears_faults_and_settings(emulator: Emulator) -> None:
    emulator.fail({"status": 503})
    emulator.settings(fillDefaults=True)
    emulator.reset()
    assert emulator.get("/accounts/api/me").status_code == 200
    assert emulator.control("settings")["fillDefaults"] is False


def test_reset_without_a_body_goes_to_the_demo(emulator: Emulator) -> None:
    emulator.reset("empty")
    assert emulator.anonymous("POST", "/_emulator/reset").status_code == 200
    assert len(emulator.state()["apis"]) == 12


def test_tokens_outlive_a_reset(emulator: Emulator) -> None:
    token = emulator.token()
    emulator.reset("empty")
    assert emulator.request("GET", "/accounts/api/me", token=token).status_code == 200


def test_state_is_a_seed(emulator: Emulator) -> None:
    emulator.post(POLICIES, CORS)
    state = emulator.control("state")
    emulator.reset("empty")
    emulator.reset(state)
    assert emulator.control("state") == state


def test_empty_seed_keeps_the_organizations(emulator: Emulator) -> None:
    emulator.reset("empty")
    tree = emulator.get(f"/accounts/api/organizations/{ACME}/hierarchy").json()
    assert (tree["name"], tree["environmentsCount"]) == ("Acme Corp", 3)
    assert emulator.get(apis_path()).json() == {"total": 0, "assets": []}


@pytest.mark.parametrize(
    "seed",
    [
        "nonsense",
        "scale:",
        "scale:x",
        "scale:99999999",
        7,
        {},
        {"apis": [{}]},
        {"what": []},
        {"apis": 7},
        {"organizations": [{"id": 1, "name": "x"}]},
        {"organizations": [{"id": "a", "name": "x"}], "environments": [{"id": "e"}]},
        {"settings": {"fillDefaults": "yes"}},
    ],
)
def test_a_wrong_seed_is_refused_and_changes_nothing(emulator: Emulator, seed: object) -> None:
    before = emulator.state()
    answer = emulator.anonymous("POST", "/_emulator/reset", json={"seed": seed})
    assert answer.status_code == 400
    assert emulator.state() == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_emulator", 404),
        ("GET", "/_emulator/nothing", 404),
        ("GET", "/_emulator/reset", 405),
        ("DELETE", "/_emulator/requests", 405),
    ],
)
def test_unknown_controls_are_refused(
    emulator: Emulator, method: str, path: str, status: int
) -> None:
    assert emulator.anonymous(method, path).status_code == status


def test_salesforce_is_at_a_path_of_its_own(emulator: Emulator) -> None:
    assert emulator.anonymous("GET", "/salesforce/services/data").status_code == 200
    assert emulator.anonymous("GET", "/salesforce").status_code == 404
