"""How long a run may take, all its calls and waits together."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

GRACE_S = 20.0


class Deadline:
    """The moment after which a run starts no call; shared by all its threads.

    `seconds` count from when it is made; infinite means that there is none.
    """

    def __init__(
        self, seconds: float = math.inf, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._at = clock() + seconds
        self._own = threading.local()

    @property
    def is_over(self) -> bool:
        """Whether the run's time is up, grace or not."""
        return self._clock() >= self._at

    def left_s(self) -> float:
        """Seconds left to this thread; 0 or less where none are."""
        until: float = max(self._at, getattr(self._own, "until", -math.inf))
        return until - self._clock()

    @contextmanager
    def grace(self, seconds: float = GRACE_S) -> Iterator[None]:
        """While it lasts this thread may go on for `seconds` from now, whatever the hour: for
        looking at what a write has done."""
        before = getattr(self._own, "until", -math.inf)
        self._own.until = self._clock() + seconds
        try:
            yield
        finally:
            self._own.until = before

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time that somebody takes to answer does not count."""
        began = self._clock()
        try:
            yield
        finally:
            self._at += self._clock() - began

    def __str__(self) -> str:
        return f"--max-time {self.seconds:g}"
