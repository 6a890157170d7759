"""The audit log: who did what, both ways of paging, and the vocabulary."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.bodies import a_policy
from tests.emulator.driver import ACME, PRODUCTION, Emulator, api_path

LOG = f"/audit/v2/organizations/{ACME}"
POLICIES = api_path(19001001) + "/policies"
EVER = {"startDate": "2020-01-01T00:00:00Z"}


def entries(emulator: Emulator, **body: Any) -> Any:
    answer = emulator.post(LOG + "/query", {**EVER, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def three_changes(emulator: Emulator) -> int:
    """Creates, changes and deletes a policy; gives its id."""
    policy_id: int = emulator.post(POLICIES, a_policy()).json()["id"]
    emulator.patch(f"{POLICIES}/{policy_id}", {"disabled": True})
    emulator.delete(f"{POLICIES}/{policy_id}")
    return policy_id


def test_a_fresh_seed_has_no_entries(emulator: Emulator) -> None:
    assert entries(emulator) == []


def test_writes_are_noted_oldest_first(emulator: Emulator) -> None:
    policy_id = three_changes(emulator)
    found = entries(emulator)
    assert [e["action"] for e in found] == ["create", "modify", "delete"]
    assert found[0]["clientId"] == "demo" and found[0]["userName"] is None
    assert found[0]["objects"] == [
        {
            "objectType": "policy",
            "objectId": str(policy_id),
            "objectName": "ip-allowlist",
            "parentId": "19001001",
            "parentType": "api",
            "environmentId": PRODUCTION,
        }
    ]
    assert found[1]["payload"] == {"properties": ["disabled"]}
    assert [e["action"] for e in entries(emulator, ascending=False)][0] == "delete"


def test_a_refused_write_is_not_noted(emulator: Emulator) -> None:
    emulator.post(POLICIES, a_policy(version="9.9.9"))
    assert entries(emulator) == []


def test_somebody_else_is_named(emulator: Emulator) -> None:
    emulator.tamper(apiId=19001001, patch=a_policy(), user="alice")
    (entry,) = entries(emulator)
    assert (entry["userName"], entry["clientId"]) == ("alice", None)
    assert entries(emulator, userIds=[entry["userId"]]) == [entry]


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({"actions": ["create", "delete"]}, 2),
        ({"objectTypes": ["policy"]}, 3),
        ({"objectTypes": ["api"]}, 0),
        ({"parentIds": ["19001001"]}, 3),
        ({"environmentIds": ["elsewhere"]}, 0),
        ({"platforms": ["API Manager"]}, 3),
        ({"userIds": ["nobody"]}, 0),
        ({"failed": True}, 0),
        ({"failed": False}, 3),
        ({"startDate": 4102444800000}, 0),
        ({"endDate": "2020-06-01"}, 0),
        ({"limit": 2}, 2),
        ({"limit": 2, "offset": 2}, 1),
    ],
)
def test_filters_are_joined(emulator: Emulator, body: dict[str, Any], count: int) -> None:
    three_changes(emulator)
    assert len(entries(emulator, **body)) == count


def test_cursor_pages_end_with_an_empty_one(emulator: Emulator) -> None:
    three_changes(emulator)
    path, actions, cursor = LOG + "/query?cursorPagination=true", [], None
    for _ in range(3):
        page = emulator.post(path, {**EVER, "limit": 2, "cursor": cursor}).json()
        actions += [e["action"] for e in page["data"]]
        cursor = page.get("cursor")
    assert actions == ["create", "modify", "delete"]
    assert (page["data"], cursor) == ([], None)


def test_the_total_is_told_on_request(emulator: Emulator) -> None:
    three_changes(emulator)
    answer = emulator.post(LOG + "/query?doIncludeTotal=true", {**EVER, "limit": 1})
    assert answer.json()["total"] == 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"startDate": "yesterday"},
        {**EVER, "limit": 0},
        {**EVER, "limit": 201},
        {**EVER, "offset": -1},
        {**EVER, "actions": "create"},
        [],
    ],
)
def test_a_wrong_query_is_refused(emulator: Emulator, body: object) -> None:
    assert emulator.post(LOG + "/query", body).status_code == 400


@pytest.mark.parametrize("cursor", ["x", "!!!", "YWZ0ZXI6eA==", 7])
def test_a_wrong_cursor_is_refused(emulator: Emulator, cursor: object) -> None:
    path = LOG + "/query?cursorPagination=true"
    assert emulator.post(path, {**EVER, "cursor": cursor}).status_code == 400


@pytest.mark.parametrize(
    ("path", "name"),
    [("platforms", "API Manager"), ("objectTypes", "policy"), ("actions", "delete")],
)
def test_the_vocabulary_is_listed(emulator: Emulator, path: str, name: str) -> None:
    found = emulator.get(f"{LOG}/{path}").json()
    assert name in [entry["name"] for entry in found["data"]]
    assert found["total"] == len(found["data"])
