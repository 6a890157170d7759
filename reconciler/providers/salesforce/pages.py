"""The pages of a query's answer, joined and counted (facts, section 4). Pure but for the calls
that come in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.core.redact import Secret
from reconciler.errors import BadAnswer, Incomplete

JSONObject = Mapping[str, Any]

_TOKENS = frozenset(["AccessToken", "DeleteToken", "RequestToken"])
_LOCATOR = re.compile(r"/services/data/v[0-9]{2,3}\.0/(?:tooling/)?query/([0-9A-Za-z_-]{1,80})")


def rows_from(
    first: Any, page: Callable[[str], Any], base_url: str, path: str
) -> tuple[JSONObject, ...]:
    """All rows of a query. page: the answer that a locator leads to.

    Raises Incomplete where fewer rows come than the service counted, and BadAnswer for a page that
    lies elsewhere: the token is for this host alone.
    """
    answer = _checked(first, path)
    total = _total(answer, path)
    rows = _records(answer, path)
    while not answer["done"]:
        locator = _locator(answer.get("nextRecordsUrl"), base_url, path)
        answer = _checked(page(locator), path)
        came = _records(answer, path)
        rows += came
        if not came or len(rows) > total:
            break
    if len(rows) != total:
        message = f"the list is not whole: {len(rows)} rows came of {total}"
        raise Incomplete(message, service="salesforce", method="GET", path=path)
    return tuple(rows)


def count_from(answer: Any, path: str) -> int:
    """What `SELECT COUNT()` gives: a total, and no rows."""
    return _total(_checked(answer, path), path)


def _checked(answer: Any, path: str) -> JSONObject:
    if not isinstance(answer, Mapping) or not isinstance(answer.get("done"), bool):
        raise _bad("the answer to a query has another shape", path)
    return answer


def _total(answer: JSONObject, path: str) -> int:
    total = answer.get("totalSize")
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        raise _bad("the answer to a query does not say how many rows there are", path)
    return total


def _records(answer: JSONObject, path: str) -> list[JSONObject]:
    records = answer.get("records")
    if not isinstance(records, list) or not all(isinstance(row, Mapping) for row in records):
        raise _bad("the answer to a query holds no rows", path)
    return [_guarded(row) for row in records]


def _guarded(row: JSONObject) -> JSONObject:
    """The row with tokens wrapped: whoever has one is the user."""
    if not _TOKENS & row.keys():
        return row
    return {key: Secret(value) if key in _TOKENS else value for key, value in row.items()}


def _locator(url: Any, base_url: str, path: str) -> str:
    text = url if isinstance(url, str) else ""
    found = _LOCATOR.fullmatch(text.removeprefix(base_url))
    if found is None:
        raise _bad("the next page of the list is not at this service", path)
    return found[1]


def _bad(message: str, path: str) -> BadAnswer:
    return BadAnswer(message, service="salesforce", method="GET", path=path)
