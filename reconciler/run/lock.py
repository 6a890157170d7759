"""One apply or rollback at a time for each place of state.

The lock is a small file that says who holds it, and that its holder renews. It is taken over only
when its owner is gone: on the same machine when the process no longer lives, from elsewhere when
it has not been renewed for a quarter of an hour, by the clocks of both.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

from reconciler.errors import ReconcilerError, Refusal
from reconciler.run.process import Process, is_gone, this_process
from reconciler.run.state import Store

NAME = "lock"
RENEWED_EACH_S = 60.0
GONE_AFTER_S = 15 * 60.0

# Whoever could not renew for so long counts itself out, well before others may take over.
_TRUSTED_S = 10 * 60.0
_SCHEMA_VERSION = 1
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Holder:
    """What the file says. token: tells two takings of one process apart."""

    process: Process
    run: str
    command: str
    since: datetime
    renewed: datetime
    token: str = field(repr=False)

    def data(self) -> bytes:
        """The file."""
        fields = asdict(self.process)
        times = {"since": _text(self.since), "renewedAt": _text(self.renewed)}
        rest = {"run": self.run, "command": self.command, "token": self.token}
        whole = {"schemaVersion": _SCHEMA_VERSION, **fields, **rest, **times}
        return json.dumps(whole, indent=2).encode() + b"\n"


def _ticks() -> float:
    """Seconds that never go back, and that go on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lock:
    """The lock of a store, to be held by `with`; whoever holds it asks `lost` before each write.

    Entering raises Refusal where somebody else holds it, ReconcilerError where the store cannot
    be used. clock gives UTC; ticks, seconds that never go back.
    """

    def __init__(
        self,
        store: Store,
        *,
        run: str,
        command: str,
        process: Process | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        ticks: Callable[[], float] = _ticks,
        each_s: float = RENEWED_EACH_S,
    ) -> None:
        self._store, self._clock, self._ticks, self._each_s = store, clock, ticks, each_s
        now = clock()
        process = process or this_process()
        self._mine = Holder(process, run, command, now, now, secrets.token_hex(8))
        self._held = b""
        self._lost = ""
        self._renewed = ticks()
        self._change = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lock", daemon=True)

    def __enter__(self) -> Lock:
        try:
            self._take()
        except OSError as error:
            raise unusable(self._store, error) from error
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        with self._change:
            held, self._held = self._held, b""
        if held and not self._lost:
            try:
                self._store.swap(NAME, held, b"")
            except OSError:
                return  # it is taken over from a process that is gone

    @property
    def lost(self) -> str:
        """Why it is no longer held, or nothing."""
        if not self._lost and self._ticks() - self._renewed > _TRUSTED_S:
            # The machine slept, or the store did not answer.
            self.renew()
            if not self._lost and self._ticks() - self._renewed > _TRUSTED_S:
                self._lost = f"{self._store}/{NAME} could not be renewed for 10 minutes"
        return self._lost

    def renew(self) -> None:
        """Says that the holder is still there, or finds that it no longer holds."""
        with self._change:
            if not self._held:
                return
            renewed = replace(self._mine, renewed=self._clock()).data()
            begun = self._ticks()
            try:
                is_ours = self._store.swap(NAME, self._held, renewed)
            except OSError:
                return
            if is_ours:
                self._held, self._renewed = renewed, begun
            else:
                self._lost = f"{self._store}/{NAME} was taken by somebody else"

    def _keep(self) -> None:
        while not self._over.wait(self._each_s):
            self.renew()

    def _take(self) -> None:
        wanted = self._mine.data()
        for _ in range(_ATTEMPTS):
            found = self._store.read(NAME)
            if found is None:
                is_taken = self._store.create(NAME, wanted)
            else:
                if found.strip():
                    self._refuse_living(found)
                is_taken = self._store.swap(NAME, found, wanted)
            if is_taken:
                self._held, self._renewed = wanted, self._ticks()
                return
        raise Refusal(f"several runs want {self._store}/{NAME} at once; try again in a moment")

    def _refuse_living(self, found: bytes) -> None:
        try:
            holder = _read(found)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Refusal(
                f"{self._store}/{NAME} is no lock that this version can read: if no other run is "
                "at work, delete it"
            ) from None
        gone = is_gone(holder.process, self._mine.process)
        silent_s = (self._clock() - holder.renewed).total_seconds()
        if gone or (gone is None and silent_s >= GONE_AFTER_S):
            return
        raise Refusal(_held_by(holder, self._clock(), self._store, elsewhere=gone is None))


def unusable(store: Store, error: OSError) -> ReconcilerError:
    """What to say where state cannot be written, so that nothing may be sent."""
    reason = error.strerror or str(error) or type(error).__name__
    return ReconcilerError(
        f"cannot write to {store}: {reason}; nothing was sent. A run that changes something keeps "
        "a journal: name a place that can be written with --state-dir"
    )


def _held_by(holder: Holder, now: datetime, store: Store, *, elsewhere: bool) -> str:
    who = holder.process
    age = _age(now - holder.since)
    text = (
        f"another run is at work: {holder.command} {holder.run} of {who.user} on {who.host} "
        f"(process {who.pid}, for {age}); wait until it is done"
    )
    if not elsewhere:
        return f"{text}, or stop that process: its lock is then free at once"
    silent = _age(now - holder.renewed)
    free = _age(timedelta(seconds=GONE_AFTER_S))
    return (
        f"{text}. It was last heard of {silent} ago; after {free} of silence it counts as gone. "
        f"If you know that it is gone, delete {store}/{NAME}"
    )


def _age(time_: timedelta) -> str:
    seconds = max(int(time_.total_seconds()), 0)
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _text(time_: datetime) -> str:
    return time_.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _read(data: bytes) -> Holder:
    """Raises ValueError, KeyError or TypeError for anything else."""
    found: Mapping[str, Any] = json.loads(data)
    if found["schemaVersion"] != _SCHEMA_VERSION:
        raise ValueError("another version")
    names = ("user", "host", "machine", "started")
    user, host, machine, started = (str(found[name]) for name in names)
    return Holder(
        Process(user, host, machine, int(found["pid"]), started),
        str(found["run"]),
        str(found["command"]),
        _time(found["since"]),
        _time(found["renewedAt"]),
        str(found["token"]),
    )


def _time(text: Any) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
