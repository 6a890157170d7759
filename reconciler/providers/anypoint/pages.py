"""A paged list to all of its items, or to an error where they are not all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

from reconciler.errors import BadAnswer, Incomplete
from reconciler.providers.anypoint.shapes import JSONObject, count, objects

MadeT = TypeVar("MadeT")

Page = Callable[[int], JSONObject]
"""The answer for the page that starts at an offset."""

_AT_ONCE = 32
"""Pages asked for side by side; what is sent at once is bounded by the budget of the host."""

_MOST = 10_000
"""Pages that a list may be believed to have."""


class Ahead:
    """A `Page` that asks for the pages after the first one at once, before they are asked for.

    The first page tells how many there are and how long each is, which the service may cap. Where
    a later one is not as long, the pages after it start elsewhere and are asked for one by one.
    """

    def __init__(self, page: Page, items: str) -> None:
        self._page = page
        self._items = items
        self._coming: dict[int, Future[JSONObject]] = {}
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._pool:
            self._pool.shutdown(wait=kind is None, cancel_futures=True)

    def __call__(self, offset: int) -> JSONObject:
        coming = self._coming.pop(offset, None)
        answer = coming.result() if coming else self._page(offset)
        if offset == 0:
            self._look_ahead(answer)
        return answer

    def _look_ahead(self, answer: Mapping[str, Any]) -> None:
        came, total = answer.get(self._items), count(answer.get("total"))
        if not isinstance(came, list) or not came or total is None:
            return
        offsets = range(len(came), total, len(came))
        if 1 < len(offsets) <= _MOST:
            self._pool = ThreadPoolExecutor(min(len(offsets), _AT_ONCE))
            self._coming = {each: self._pool.submit(self._page, each) for each in offsets}


def read_pages(
    page: Page, items: str, limit: int, path: str, made: Callable[[JSONObject], MadeT]
) -> list[MadeT] | None:
    """What is made of each item; None where the total moved between two pages.

    Pages are counted by what came, not by what was asked for: a service may cap the limit.
    Raises Incomplete for a list that ends before its total.
    """
    found: list[MadeT] = []
    last: list[JSONObject] = []
    total: int | None = None
    while True:
        answer = page(len(found))
        came = objects(answer.get(items), f"{path} {items}")
        now = count(answer.get("total"))
        if total is not None and now is not None and now != total:
            return None
        total = now if total is None else total
        if came and came == last[-len(came) :]:
            raise BadAnswer("the same page came again and again", method="GET", path=path)
        found += map(made, came)
        last = came
        is_last = len(came) < limit if total is None else len(found) >= total
        if is_last or not came:
            break
    if total is not None and len(found) < total:
        message = f"the list is not whole: {len(found)} {items} came of {total}"
        raise Incomplete(message, method="GET", path=path)
    return found
