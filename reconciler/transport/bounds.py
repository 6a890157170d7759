"""What bounds the calls of a run."""

from __future__ import annotations

import math
from collections.abc import Callable

from reconciler.transport.budget import Budgets, Host
from reconciler.transport.deadline import Deadline
from reconciler.transport.timing import Timing


class Bounds:
    """Shared by all transports of a run; its time begins when this is made.

    timeout_s: for an answer to begin; a whole one may take twice as long. max_time_s: for the whole
    run. calls: side by side to one host at most. finds_rate: how many a second each host takes is
    found while calling. on_throttled: as of `Budgets`.
    """

    def __init__(
        self,
        timeout_s: float = 30.0,
        max_time_s: float = math.inf,
        calls: int = 8,
        timing: Timing | None = None,
        *,
        finds_rate: bool = False,
        on_throttled: Callable[[Host, float | None], None] | None = None,
    ) -> None:
        self.timeout_s = timeout_s
        self.timing = timing or Timing()
        self.deadline = Deadline(max_time_s, self.timing.clock)
        self.budgets = Budgets(calls, self.timing, finds_rate=finds_rate, on_throttled=on_throttled)
