"""Failures on demand, seen from the client."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.emulator.bodies import a_policy
from tests.emulator.driver import Emulator, api_path

ME = "/accounts/api/me"
POLICIES = api_path(19001001) + "/policies"


def test_a_status_is_answered_so_often(emulator: Emulator) -> None:
    emulator.get(ME)
    emulator.fail({"status": 503}, times=2)
    answers = [emulator.get(ME) for _ in range(3)]
    assert [a.status_code for a in answers] == [503, 503, 200]
    assert answers[0].content == b""
    assert [e["status"] for e in emulator.logged()[-3:]] == [503, 503, 200]


def test_a_status_does_not_act(emulator: Emulator) -> None:
    emulator.fail({"status": 500}, method="POST", path="/policies")
    assert emulator.post(POLICIES, a_policy()).status_code == 500
    assert len(emulator.policies(19001001)) == 2


def test_headers_and_body_are_sent(emulator: Emulator) -> None:
    headers = {"Retry-After": "1", "X-RateLimit-Reset": "1767607200", "Content-Length": "7"}
    emulator.fail({"status": 429, "headers": headers, "body": {"message": "slow down"}}, path=ME)
    answer = emulator.get(ME)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1"
    assert answer.json() == {"message": "slow down"}
    emulator.fail({"status": 502, "body": "<html>", "headers": {"Content-Type": "text/html"}})
    answer = emulator.get(ME)
    assert (answer.text, answer.headers["Content-Type"]) == ("<html>", "text/html")


def test_a_fault_lasts_until_it_is_replaced(emulator: Emulator) -> None:
    emulator.fail({"status": 503}, path=ME)
    assert {emulator.get(ME).status_code for _ in range(5)} == {503}
    emulator.faults()
    assert emulator.get(ME).status_code == 200


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({"method": "GET"}, True),
        ({"method": "get"}, True),
        ({"method": "POST"}, False),
        ({"path": r"policies\?fullInfo=false$"}, True),
        ({"path": r"/19001001/"}, True),
        ({"path": r"^/accounts"}, False),
        ({"method": "*", "path": "."}, True),
    ],
)
def test_a_fault_matches_method_path_and_query(
    emulator: Emulator, match: dict[str, str], hit: bool
) -> None:
    emulator.get(ME)
    emulator.faults({"match": match, "fault": {"status": 503}})
    assert (emulator.get(POLICIES + "?fullInfo=false").status_code == 503) is hit


def test_a_fault_matches_the_body(emulator: Emulator) -> None:
    emulator.fail({"status": 418, "body": "no"}, path="/accounts/login", body="demo.*demo")
    right, wrong = ({"username": name, "password": "demo"} for name in ("demo", "other"))
    assert emulator.anonymous("POST", "/accounts/login", json=wrong).status_code == 401
    assert emulator.anonymous("POST", "/accounts/login", json=right).status_code == 418


def test_the_first_rule_that_fits_is_taken(emulator: Emulator) -> None:
    emulator.get(ME)
    emulator.faults(
        {"match": {"path": "policies"}, "times": 1, "fault": {"status": 503}},
        {"match": {}, "times": 1, "fault": {"status": 429}},
    )
    assert [emulator.get(p).status_code for p in (ME, POLICIES, POLICIES)] == [429, 503, 200]


def test_a_drop_before_does_nothing(emulator: Emulator) -> None:
    emulator.fail({"drop": "before"}, times=1, method="POST", path="policies")
    with pytest.raises(requests.ConnectionError):
        emulator.post(POLICIES, a_policy())
    assert len(emulator.policies(19001001)) == 2
    assert {"method": "POST", "path": POLICIES, "status": 0} in emulator.logged()


def test_a_drop_after_has_acted(emulator: Emulator) -> None:
    emulator.fail({"drop": "after"}, times=1, method="POST", path="policies")
    with pytest.raises(requests.ConnectionError):
        emulator.post(POLICIES, a_policy())
    assert len(emulator.policies(19001001)) == 3
    assert {"method": "POST", "path": POLICIES, "status": 0} in emulator.logged()


def test_a_truncated_answer_ends_early(emulator: Emulator) -> None:
    emulator.fail({"truncate": 10}, times=1, path="policies")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        emulator.get(POLICIES)
    assert emulator.get(POLICIES).status_code == 200


def test_an_answer_shorter_than_the_cut_is_whole(emulator: Emulator) -> None:
    emulator.fail({"truncate": 1_000_000})
    assert emulator.get(POLICIES).json()["policies"]


def test_a_delay_holds_the_answer_back(emulator: Emulator) -> None:
    emulator.get(ME)
    emulator.fail({"delayMs": 60}, times=1)
    began = time.monotonic()
    assert emulator.get(ME).status_code == 200
    assert time.monotonic() - began >= 0.06


def test_a_delay_goes_with_a_status(emulator: Emulator) -> None:
    emulator.fail({"delayMs": 1, "status": 504}, path=ME)
    assert emulator.get(ME).status_code == 504


def test_controls_have_no_faults(emulator: Emulator) -> None:
    emulator.fail({"drop": "before"})
    assert emulator.control("requests")["total"] == 0


def test_signing_in_can_fail(emulator: Emulator) -> None:
    emulator.fail({"status": 418, "body": {"target": "composer"}}, path="/accounts/login")
    body = {"username": "demo", "password": "demo"}
    assert emulator.anonymous("POST", "/accounts/login", json=body).status_code == 418


@pytest.mark.parametrize(
    "rules",
    [
        {},
        [7],
        [{}],
        [{"fault": {}}],
        [{"fault": {"headers": {}}}],
        [{"fault": {"status": "503"}}],
        [{"fault": {"status": 99}}],
        [{"fault": {"status": 600}}],
        [{"fault": {"status": True}}],
        [{"fault": {"drop": "sometimes"}}],
        [{"fault": {"drop": 7}}],
        [{"fault": {"delayMs": -1}}],
        [{"fault": {"delayMs": 10**9}}],
        [{"fault": {"truncate": 1.5}}],
        [{"fault": {"status": 503, "headers": []}}],
        [{"fault": {"status": 503, "headers": {"a b": "c"}}}],
        [{"fault": {"status": 503, "headers": {"a": "b\r\nc: d"}}}],
        [{"fault": {"status": 503}, "times": "3"}],
        [{"fault": {"status": 503}, "match": {"path": "("}}],
        [{"fault": {"status": 503}, "match": {"path": 7}}],
        [{"fault": {"status": 503}, "match": {"body": "("}}],
        [{"fault": {"status": 503}, "match": {"method": 7}}],
        [{"fault": {"status": 503}, "match": {"verb": "GET"}}],
        [{"fault": {"status": 503}, "time": 3}],
    ],
)
def test_a_wrong_rule_is_refused_and_changes_nothing(emulator: Emulator, rules: Any) -> None:
    emulator.fail({"status": 503}, path=ME)
    answer = emulator.anonymous("POST", "/_emulator/faults", json=rules)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("faults")
    assert emulator.get(ME).status_code == 503
