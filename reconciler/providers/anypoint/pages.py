"""A paged list to all of its items, or to an error where they are not all of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

from reconciler.errors import BadAnswer, Incomplete
from reconciler.providers.anypoint.shapes import JSONObject, count, objects

MadeT = TypeVar("MadeT")


@dataclass(frozen=True, slots=True)
class Page(Generic[MadeT]):
    """What was made of the items of a page, and how many it says there are in all."""

    made: list[MadeT]
    total: int | None


Ask = Callable[[int], Page[MadeT]]
"""Gives the page that starts at an offset."""


def page_of(
    answer: JSONObject, items: str, path: str, made: Callable[[JSONObject], MadeT]
) -> Page[MadeT]:
    """A page as soon as it came: as it comes it takes many times the room."""
    came = objects(answer.get(items), f"{path} {items}")
    return Page([made(item) for item in came], count(answer.get("total")))


_AT_ONCE = 32
"""Pages asked for side by side; what is sent at once is bounded by the budget of the host."""

_MOST = 10_000
"""Pages that a list may be believed to have."""


class Ahead(Generic[MadeT]):
    """Asks for the pages after the first one at once, before they are asked for.

    The first page tells how many there are and how long each is, which the service may cap. Where
    a later one is not as long, the pages after it start elsewhere and are asked for one by one.
    """

    def __init__(self, ask: Ask[MadeT]) -> None:
        self._ask = ask
        self._coming: dict[int, Future[Page[MadeT]]] = {}
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
            # What is on its way is over before the list is; only who interrupts does not wait.
            is_patient = kind is None or issubclass(kind, Exception)
            self._pool.shutdown(wait=is_patient, cancel_futures=True)

    def __call__(self, offset: int) -> Page[MadeT]:
        coming = self._coming.pop(offset, None)
        page = coming.result() if coming else self._ask(offset)
        if offset == 0:
            self._look_ahead(page)
        return page

    def _look_ahead(self, first: Page[MadeT]) -> None:
        if not first.made or first.total is None:
            return
        offsets = range(len(first.made), first.total, len(first.made))
        if 1 < len(offsets) <= _MOST:
            self._pool = ThreadPoolExecutor(min(len(offsets), _AT_ONCE))
            self._coming = {each: self._pool.submit(self._ask, each) for each in offsets}


def read_pages(ask: Ask[MadeT], items: str, limit: int, path: str) -> list[MadeT] | None:
    """What was made of all items; None where the total moved between two pages.

    Pages are counted by what came, not by what was asked for: a service may cap the limit.
    Raises Incomplete for a list that ends before its total.
    """
    found: list[MadeT] = []
    total: int | None = None
    while True:
        page = ask(len(found))
        came, now = page.made, page.total
        if total is not None and now is not None and now != total:
            return None
        total = now if total is None else total
        if came and came == found[-len(came) :]:
            raise BadAnswer("the same page came again and again", method="GET", path=path)
        found += came
        is_last = len(came) < limit if total is None else len(found) >= total
        if is_last or not came:
            break
    if total is not None and len(found) < total:
        message = f"the list is not whole: {len(found)} {items} came of {total}"
        raise Incomplete(message, method="GET", path=path)
    return found
