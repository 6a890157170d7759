"""How many calls a second a host takes, found while calling. Pure: every moment comes in.

Calls are spread, one every `1 / per_s` seconds: a limit counts calls in a time, so that fewer side
by side would still meet it in bursts. The rate grows by 70 % each second until the first refusal;
from then on it rises slowly (additive increase) and falls at once to what was just taken
(multiplicative decrease). After a refusal single calls feel, at growing distances, whether there
is room again: until a window is over all others would be refused for nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

START_PER_S = 40.0

_GROWTH = math.log(1.7)
_MEMORY_S = 0.5
_FEEL_S = 0.25
_LONGEST_FEEL_S = 8.0
# Parts of the rate that are added each second: near to where it was refused, and far from there.
_NEAR, _FAR = 0.01, 0.15
# Time that was not used is not made up for, but for the jitter of a busy machine.
_LATE_S = 0.02


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a service tells of its window: calls in all and left, and seconds until the next."""

    limit: float
    remaining: float
    left_s: float

    @property
    def per_s(self) -> float:
        """What is left, spread over the window once half of it is spent; before that there is
        no reason to be slow."""
        if self.remaining > self.limit / 2 or self.left_s <= 0:
            return math.inf
        return max(self.remaining, 0.5) / self.left_s


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate of one host.

    told_per_s: what its headers allow. refused_per_s: the rate at the last refusal, 0 before the
    first. epoch: how often it fell; calls that began before say nothing new. feeling: refusals of
    those that felt for room, or None where there is room. next_at: when the next call may begin.
    taken_per_s, heard_at: what was taken of late, up to then.
    """

    per_s: float = START_PER_S
    told_per_s: float = math.inf
    refused_per_s: float = 0.0
    epoch: int = 0
    feeling: int | None = None
    next_at: float = -math.inf
    taken_per_s: float = 0.0
    heard_at: float = -math.inf

    @property
    def spacing_s(self) -> float:
        """Seconds between two calls."""
        if self.feeling is not None:
            return min(_LONGEST_FEEL_S, _FEEL_S * float(2**self.feeling))
        return 1.0 / min(self.per_s, self.told_per_s)

    def reserved(self, now: float) -> Rate:
        """The rate once a call has begun, as `next_at` allowed."""
        return replace(self, next_at=max(self.next_at, now - _LATE_S) + self.spacing_s)

    def heard(self, status: int, epoch: int, now: float, told: Allowance | None = None) -> Rate:
        """The rate after an answer to a call that began in `epoch`; 0 is no answer."""
        here = replace(self, told_per_s=told.per_s) if told else self
        if status in (429, 503):
            return here._refused(epoch, now)
        return here._taken(epoch, now) if 0 < status < 500 else here

    def _refused(self, epoch: int, now: float) -> Rate:
        if epoch != self.epoch:
            return self
        if self.feeling is not None:
            felt = replace(self, feeling=self.feeling + 1, epoch=self.epoch + 1)
            return replace(felt, next_at=now + felt.spacing_s)
        taken_per_s = 0.95 * self._remembered(now)
        fallen = replace(
            self,
            per_s=max(1.0, self.per_s / 2, min(taken_per_s, 0.9 * self.per_s)),
            refused_per_s=self.per_s,
            epoch=self.epoch + 1,
            feeling=0,
        )
        return replace(fallen, next_at=now + fallen.spacing_s)

    def _taken(self, epoch: int, now: float) -> Rate:
        heard = replace(self, taken_per_s=self._remembered(now) + 1 / _MEMORY_S, heard_at=now)
        if epoch != self.epoch:
            return heard
        if self.feeling is not None:
            # Its own epoch, so that those who wait for their turn to feel go on at once.
            return replace(heard, feeling=None, epoch=self.epoch + 1, next_at=now)
        return replace(heard, per_s=self.per_s + self._step())

    def _step(self) -> float:
        """What one good answer adds: as many come in a second as the rate says."""
        if not self.refused_per_s:
            return _GROWTH
        is_near = 0.8 * self.refused_per_s < self.per_s < 1.3 * self.refused_per_s
        return _NEAR if is_near else _FAR

    def _remembered(self, now: float) -> float:
        if self.heard_at == -math.inf:
            return 0.0
        return self.taken_per_s * math.exp((self.heard_at - now) / _MEMORY_S)
