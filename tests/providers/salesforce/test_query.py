"""Queries: pages, counts, and lists that are not whole."""

from __future__ import annotations

from typing import Any

import pytest
import responses

from reconciler.errors import BadAnswer, Incomplete
from tests.providers.salesforce.natives import (
    APP,
    DATA_URL,
    GRANT,
    HOST,
    QUERY_URL,
    an_error,
    query_of,
    rows,
    text_of,
)
from tests.providers.salesforce.scene import logged_in

NEXT = "/services/data/v64.0/query/01g5g00000ExampleAAA-{}"
SHAPES: list[Any] = [
    *(None, [], 7, {}, {"done": True}, {"done": 1, "totalSize": 0, "records": []}),
    *({"done": True, "totalSize": count, "records": []} for count in (None, "0", True, -1)),
    {"done": True, "totalSize": 1, "records": None},
    {"done": True, "totalSize": 1, "records": {}},
    {"done": True, "totalSize": 1, "records": [None]},
]


@responses.activate
def test_a_query_gives_its_rows() -> None:
    client = logged_in()
    responses.get(QUERY_URL, json=rows({"Id": APP}, {"Id": GRANT}))
    assert client.query("SELECT Id FROM X") == ({"Id": APP}, {"Id": GRANT})
    assert query_of() == {"q": "SELECT Id FROM X"}
    assert responses.calls[-1].request.headers["Authorization"] == f"Bearer {text_of()}"


@responses.activate
@pytest.mark.parametrize("prefix", ["", HOST])
def test_all_pages_come(prefix: str) -> None:
    client = logged_in()
    second, third = NEXT.format(2), NEXT.format(4)
    responses.get(QUERY_URL, json=rows(*[{"n": 1}] * 2, total=5, after=prefix + second))
    responses.get(f"{HOST}{second}", json=rows(*[{"n": 2}] * 2, total=5, after=prefix + third))
    responses.get(f"{HOST}{third}", json=rows({"n": 3}, total=5))
    assert [row["n"] for row in client.query("x")] == [1, 1, 2, 2, 3]


@responses.activate
@pytest.mark.parametrize(
    "after",
    [
        "https://evil.example/services/data/v64.0/query/01g-2",
        f"{HOST}.evil.example/services/data/v64.0/query/01g-2",
        "//evil.example/services/data/v64.0/query/01g-2",
        "@evil.example/services/data/v64.0/query/01g-2",
        "/services/data/v64.0/query/../../../x",
        "/services/data/v64.0/query/01g?x=1",
        "/services/data/v64.0/query/01g\n",
        "/services/oauth2/revoke",
        "",
        7,
    ],
)
def test_a_next_page_elsewhere_is_not_asked_for(after: Any) -> None:
    client = logged_in()
    responses.get(
        QUERY_URL, json={**rows({"n": 1}, total=2), "done": False, "nextRecordsUrl": after}
    )
    with pytest.raises(BadAnswer, match="not at this service"):
        client.query("x")
    assert len(responses.calls) == 2


@responses.activate
@pytest.mark.parametrize("total", [0, 2, 2500])
def test_a_list_of_another_length_than_counted_is_incomplete(total: int) -> None:
    client = logged_in()
    responses.get(QUERY_URL, json=rows({"n": 1}, total=total))
    with pytest.raises(Incomplete, match=f"1 rows came of {total}"):
        client.query("x")


@responses.activate
def test_pages_that_never_end_are_given_up() -> None:
    client = logged_in()
    responses.get(QUERY_URL, json=rows({"n": 1}, total=3, after=NEXT.format(1)))
    responses.get(f"{HOST}{NEXT.format(1)}", json=rows({"n": 1}, total=3, after=NEXT.format(1)))
    with pytest.raises(Incomplete, match="4 rows came of 3"):
        client.query("x")


@responses.activate
def test_an_empty_page_that_is_not_the_last_is_incomplete() -> None:
    client = logged_in()
    responses.get(QUERY_URL, json=rows({"n": 1}, total=3, after=NEXT.format(1)))
    responses.get(f"{HOST}{NEXT.format(1)}", json=rows(total=3, after=NEXT.format(1)))
    with pytest.raises(Incomplete, match="1 rows came of 3"):
        client.query("x")


@responses.activate
def test_a_stale_locator_is_incomplete() -> None:
    client = logged_in()
    responses.get(QUERY_URL, json=rows({"n": 1}, total=3, after=NEXT.format(1)))
    error = an_error("INVALID_QUERY_LOCATOR")
    responses.get(f"{HOST}{NEXT.format(1)}", status=400, json=error)
    with pytest.raises(Incomplete):
        client.query("x")


@responses.activate
@pytest.mark.parametrize("body", SHAPES)
def test_an_answer_of_another_shape_is_a_bad_answer(body: Any) -> None:
    client = logged_in()
    responses.get(QUERY_URL, json=body)
    with pytest.raises(BadAnswer):
        client.query("x")


@responses.activate
def test_half_an_answer_is_incomplete() -> None:
    client = logged_in()
    responses.get(QUERY_URL, body=b'{"totalSize": 1, "do', content_type="application/json")
    with pytest.raises(Incomplete):
        client.query("x")


@responses.activate
def test_a_count_has_no_rows() -> None:
    client = logged_in()
    responses.get(QUERY_URL, json=rows(total=2718))
    assert client.count("SELECT COUNT() FROM OauthToken") == 2718


@responses.activate
def test_tokens_in_rows_are_secrets() -> None:
    client = logged_in()
    responses.get(QUERY_URL, json=rows({"AppName": "A", "DeleteToken": "hunter2"}))
    (row,) = client.query("x")
    assert "hunter2" not in repr(row)
    assert row["DeleteToken"].reveal() == "hunter2"


@responses.activate
def test_tools_have_a_query_of_their_own() -> None:
    client = logged_in()
    after = NEXT.format(1).replace("query", "tooling/query")
    responses.get(f"{DATA_URL}/tooling/query", json=rows({"n": 1}, total=2, after=after))
    responses.get(f"{HOST}{after}", json=rows({"n": 2}, total=2))
    assert len(client.tooling_query("x")) == 2
