"""One rate budget per host, shared by all calls of a run to it.

Concurrency is halved when the host throttles and raised slowly when it does not (additive increase,
multiplicative decrease, as TCP does); a moment that the host asked to be left alone until holds for
every caller, not only for the one that was told. Where the rate of a host is to be found (`rate`),
it rules instead of the concurrency, and callers take turns.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlsplit

from reconciler.transport.rate import Allowance, Rate
from reconciler.transport.timing import Timing

THROTTLED = frozenset([429, 503])
RAISE_AFTER = 20
SPREAD_S = 1.0

Host = tuple[str, int]
"""A host and its port."""

_LOOK_S = 1.0
_NAP_S = 0.1


@dataclass(frozen=True, slots=True)
class Pace:
    """How many calls may be in flight, from 1 to `maximum`. Pure.

    run: answers in a row that were no throttling. epoch: how often it was lowered; calls that began
    before the last time say nothing new, so that one burst of refusals halves once. quiet_until:
    no call begins before, by the clock of the budget.
    """

    maximum: int
    limit: int
    run: int = 0
    epoch: int = 0
    quiet_until: float = -math.inf

    def heard(self, status: int, epoch: int) -> Pace:
        """The pace after an answer to a call that began in `epoch`; 0 is no answer."""
        if epoch != self.epoch:
            return self
        if status in THROTTLED:
            return replace(self, limit=max(1, self.limit // 2), run=0, epoch=self.epoch + 1)
        if status == 0 or status >= 500 or self.limit == self.maximum:
            return self
        if self.run + 1 < RAISE_AFTER:
            return replace(self, run=self.run + 1)
        return replace(self, limit=self.limit + 1, run=0)

    def quiet(self, until: float) -> Pace:
        """The pace with a pause until then, or the longer one that holds already."""
        return replace(self, quiet_until=max(self.quiet_until, until))


class Budget:
    """The pace of one host, for all threads. No lock is held while anybody sleeps.

    on_throttled: told of each throttling that is news, with the seconds that the host asked for.
    """

    def __init__(
        self,
        maximum: int,
        timing: Timing,
        rate: Rate | None = None,
        on_throttled: Callable[[float | None], None] | None = None,
    ) -> None:
        self._timing = timing
        self._on_throttled = on_throttled
        self._pace = Pace(maximum, maximum)
        self._rate = rate
        self._turn = threading.Lock()
        self._in_flight = 0
        self._freed = threading.Condition()

    @property
    def limit(self) -> int:
        """How many calls may be in flight now."""
        return self._pace.limit

    @property
    def finds_rate(self) -> bool:
        """Whether it wants to hear what is left of the host's window."""
        return self._rate is not None

    def __str__(self) -> str:
        """How fast calls go, and why, for people."""
        rate = self._rate
        if rate is None:
            return f"{self.limit} at a time"
        if rate.told_per_s < rate.per_s:
            return f"{rate.told_per_s:.3g} calls/s, as the service told"
        refused = f", {rate.refused_per_s:.3g} were refused" if rate.refused_per_s else ""
        return f"{rate.per_s:.3g} calls/s{refused}"

    def enter(self, allow: Callable[[float], None]) -> int:
        """Waits until a call may begin; the ticket to `leave` with.

        `allow` is asked before each wait, with its seconds (0 where only others are waited for),
        and raises where that is too long.
        """
        while True:
            wait_s = self._quiet_s()
            allow(wait_s)
            if wait_s > 0:
                self._timing.sleep(wait_s)
                continue
            if self._rate is not None and not self._comes_up(allow):
                continue
            ticket = self._claim()
            if ticket is not None:
                return ticket

    def leave(
        self,
        ticket: int,
        status: int,
        quiet_s: float | None = None,
        told: Allowance | None = None,
    ) -> None:
        """The call is over. quiet_s: how long the host asked to be left alone. told: what is left
        of its window."""
        with self._freed:
            self._in_flight -= 1
            is_news = status in THROTTLED and ticket == self._epoch
            self._hear(status, ticket, quiet_s, told)
            self._freed.notify_all()
        if is_news and self._on_throttled:
            self._on_throttled(quiet_s)

    def tell(self, quiet_s: float | None) -> None:
        """Another process that shares the host was throttled: as if it had been this one."""
        with self._freed:
            self._hear(429, self._epoch, quiet_s)
            self._freed.notify_all()

    @property
    def _epoch(self) -> int:
        return self._rate.epoch if self._rate else self._pace.epoch

    def _hear(
        self, status: int, epoch: int, quiet_s: float | None, told: Allowance | None = None
    ) -> None:
        now = self._timing.clock()
        if self._rate is None:
            self._pace = self._pace.heard(status, epoch)
        else:
            self._rate = self._rate.heard(status, epoch, now, told)
        if quiet_s is not None:
            self._pace = self._pace.quiet(now + quiet_s)

    def _quiet_s(self) -> float:
        """Seconds to sleep before a call may begin, spread so that not all come back at once."""
        left_s = self._pace.quiet_until - self._timing.clock()
        return left_s + SPREAD_S * self._timing.random() if left_s > 0 else 0.0

    def _claim(self) -> int | None:
        """A ticket, or None where after a short wait there is none."""
        with self._freed:
            if self._in_flight >= self._pace.limit:
                self._freed.wait(_LOOK_S)
            if self._in_flight >= self._pace.limit or self._quiet_s() > 0:
                return None
            self._in_flight += 1
            return self._epoch

    def _comes_up(self, allow: Callable[[float], None]) -> bool:
        """Waits in line for the moment of the next call. One waits for it and the others for that
        one, so that whatever is heard meanwhile counts for all. False: ask again."""
        if not self._turn.acquire(timeout=_LOOK_S):
            return False
        try:
            while True:
                with self._freed:
                    now, rate = self._timing.clock(), self._rate
                    assert rate is not None
                    if rate.next_at <= now:
                        self._rate = rate.reserved(now)
                        return True
                if self._quiet_s() > 0:
                    return False
                allow(0.0)
                self._timing.sleep(min(rate.next_at - now, _NAP_S))
        finally:
            self._turn.release()


class Budgets:
    """The budgets of a run, one per host; `maximum` calls side by side to each.

    finds_rate: how many a second a host takes is found while calling. on_throttled: told of each
    throttling, with the host and its port and the seconds that it asked for.
    """

    def __init__(
        self,
        maximum: int,
        timing: Timing,
        *,
        finds_rate: bool = False,
        on_throttled: Callable[[Host, float | None], None] | None = None,
    ) -> None:
        self._finds_rate = finds_rate
        self._on_throttled = on_throttled
        self._maximum = maximum
        self._timing = timing
        self._lock = threading.Lock()
        self._by_host: dict[Host, Budget] = {}

    def of(self, base_url: str) -> Budget:
        """The budget of the URL's host and port, the same for all who ask."""
        parts = urlsplit(base_url)
        host = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        with self._lock:
            if host not in self._by_host:
                self._by_host[host] = self._made(host)
            return self._by_host[host]

    def _made(self, host: Host) -> Budget:
        rate = Rate() if self._finds_rate else None
        told = partial(self._on_throttled, host) if self._on_throttled else None
        return Budget(self._maximum, self._timing, rate, told)

    def tell(self, host: Host, quiet_s: float | None) -> None:
        """Another process that shares the host was throttled by it."""
        with self._lock:
            budget = self._by_host.get(host)
        if budget:
            budget.tell(quiet_s)

    def __str__(self) -> str:
        """How fast calls go to each host, and why, for people."""
        with self._lock:
            return "; ".join(dict.fromkeys(map(str, self._by_host.values())))
