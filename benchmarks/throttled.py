"""Services that take so many calls a second, each in its way, and a run against one; no time passes
but in the simulation."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.cli.arguments import AUTO
from reconciler.transport.backoff import Backoff
from reconciler.transport.rate import Rate

Takes = Callable[[float], bool]
"""Whether the call that arrives then is taken."""


def fixed_window(limit: int, window_s: float, shift_s: float = 0.0) -> Takes:
    counted: dict[int, int] = {}

    def takes(now: float) -> bool:
        window = int((now + shift_s) // window_s)
        counted[window] = counted.get(window, 0) + 1
        return counted[window] <= limit

    return takes


def sliding_window(limit: int, window_s: float) -> Takes:
    taken: deque[float] = deque()

    def takes(now: float) -> bool:
        while taken and taken[0] <= now - window_s:
            taken.popleft()
        if len(taken) < limit:
            taken.append(now)
            return True
        return False

    return takes


def token_bucket(per_s: float, burst: float) -> Takes:
    level, last = burst, 0.0

    def takes(now: float) -> bool:
        nonlocal level, last
        level, last = min(burst, level + (now - last) * per_s), now
        if level < 1:
            return False
        level -= 1
        return True

    return takes


@dataclass
class Run:
    """What became of a run: its seconds, its refused calls, and those refused to the end."""

    seconds: float = 0.0
    refused: int = 0
    lost: int = 0
    most: int = 0
    rates: list[float] = field(default_factory=list)


def run(takes: Takes, calls: int, latency_s: float, seed: int = 0) -> Run:
    """So many calls by AUTO.calls callers, refused ones again as `Backoff` has it."""
    chance, backoff, rate = random.Random(seed), Backoff(), Rate()
    ready: deque[int] = deque([0] * calls)
    events: list[tuple[float, int, str, int, int]] = []
    now, in_flight, number, done = 0.0, 0, 0, Run()
    while ready or events:
        while ready and in_flight < AUTO.calls and rate.next_at <= now:
            rate = rate.reserved(now)
            number, in_flight = number + 1, in_flight + 1
            arrives = now + latency_s / 2
            heapq.heappush(events, (arrives, number, "arrives", ready.popleft(), rate.epoch))
        may_begin = ready and in_flight < AUTO.calls
        if may_begin and (not events or rate.next_at < events[0][0]):
            now = rate.next_at
            continue
        now, _, what, attempt, epoch = heapq.heappop(events)
        number += 1
        if what == "again":
            ready.append(attempt)
        elif what == "arrives":
            word = "taken" if takes(now) else "refused"
            back = now + latency_s * (0.25 + chance.random() / 2)
            heapq.heappush(events, (back, number, word, attempt, epoch))
        else:
            in_flight -= 1
            rate = rate.heard(200 if what == "taken" else 429, epoch, now)
            done.rates.append(rate.per_s)
            if what == "refused":
                done.refused += 1
                done.lost += attempt + 1 >= backoff.attempts
                wait_s = backoff.wait_s(attempt, None, chance.random())
                heapq.heappush(events, (now + wait_s, number, "again", attempt + 1, 0))
    done.seconds = now
    return done
