"""A clock for the tests: time passes only while somebody sleeps."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from reconciler.transport import Timing

NOW = 1_800_000_000.0


@dataclass
class Clock:
    """slept: every wait, in order. share: what `random` gives."""

    now: float = NOW
    share: float = 1.0
    slept: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds

    @property
    def timing(self) -> Timing:
        return Timing(self, self, self.sleep, lambda: self.share)
