"""Where time and chance come from; a test brings its own."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """clock: seconds that never jump, for durations. epoch: seconds since 1970, to read the dates
    of a service. random: evenly from 0 to 1."""

    clock: Callable[[], float] = time.monotonic
    epoch: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
