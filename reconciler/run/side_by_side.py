"""One piece of work for each of many items, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from queue import SimpleQueue
from threading import Lock, Semaphore, Thread
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")

_WAITING = 2
"""So many answers for each thread may wait to be taken: a slow taker slows the work down."""


def side_by_side(
    work: Callable[[ItemT], AnswerT], items: Iterable[ItemT], parallelism: int
) -> Iterator[AnswerT]:
    """Answers as they come, with at most `parallelism` in work and few piled up.

    What `work` raises is raised here; nothing new is begun after it. Where the caller stops early,
    what is in work is not waited for.
    """
    source = iter(items)
    first = list(islice(source, max(parallelism, 1)))
    if not first:
        return
    crew = _Crew(work, chain(first, source), len(first))
    try:
        yield from crew.answers()
    except BaseException:
        # Somebody wants to stop: a service that does not answer is not waited for.
        crew.stop()
        raise
    crew.join()


class _Crew(Generic[ItemT, AnswerT]):
    """Threads that pull from one iterator: handing out each item from the middle, and waiting for
    the first of many futures, costs more than many an answer does."""

    def __init__(self, work: Callable[[ItemT], AnswerT], items: Iterator[ItemT], size: int) -> None:
        self._work = work
        self._items = items
        self._lock = Lock()
        self._room = Semaphore(size * _WAITING)
        self._is_over = False
        # An answer, a failure, or None of a thread that has ended.
        self._found: SimpleQueue[tuple[AnswerT] | BaseException | None] = SimpleQueue()
        self._threads = [Thread(target=self._run) for _ in range(size)]
        for thread in self._threads:
            thread.start()

    def answers(self) -> Iterator[AnswerT]:
        running = len(self._threads)
        while running:
            found = self._found.get()
            if found is None:
                running -= 1
            elif isinstance(found, BaseException):
                raise found
            else:
                self._room.release()
                yield found[0]

    def stop(self) -> None:
        """Begins nothing new."""
        with self._lock:
            self._is_over = True
        self._room.release(len(self._threads))

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        try:
            while (item := self._next()) is not None:
                self._found.put((self._work(item[0]),))
        except BaseException as error:
            self.stop()
            self._found.put(error)
        self._found.put(None)

    def _next(self) -> tuple[ItemT] | None:
        self._room.acquire()
        with self._lock:
            if self._is_over:
                return None
            for item in self._items:
                return (item,)
        return None
