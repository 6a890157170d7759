"""One log for many threads: those that wait at the same time share one write to disk."""

from __future__ import annotations

import threading

from reconciler.run.state import Log


class SharedLog:
    """A `Log` that any thread adds to. After a failure nothing more is added.

    Whoever finds nobody writing writes for all that wait; what is not `lasting` is taken along.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._turn = threading.Condition()
        self._waiting: list[bytes] = []
        self._is_busy = False
        self._added = self._written = 0
        # The number of the last line that must last, and of the last one that does.
        self._wanted = self._kept = 0
        self._failure: OSError | None = None

    @property
    def failure(self) -> OSError | None:
        """Why nothing is added any more."""
        return self._failure

    def append(self, data: bytes, *, lasting: bool = True) -> None:
        """Adds whole lines; raises OSError for the failure of any thread before it."""
        with self._turn:
            if self._failure:
                raise self._failure
            self._waiting.append(data)
            self._added += 1
            mine = self._added
            if lasting:
                self._wanted = mine
            while (self._kept if lasting else self._written) < mine:
                if self._failure:
                    raise self._failure
                if not self._is_busy:
                    self._write()
                elif lasting:
                    self._turn.wait()
                else:
                    return

    def close(self) -> None:
        self._log.close()

    def _write(self) -> None:
        """Writes what waits, and what comes meanwhile that nobody waits for."""
        self._is_busy = True
        try:
            while self._waiting and not self._failure:
                self._write_batch()
                if self._wanted > self._kept:
                    break  # one of those who wait goes on
        finally:
            self._is_busy = False
            self._turn.notify_all()

    def _write_batch(self) -> None:
        batch, self._waiting = self._waiting, []
        upto, must_last = self._added, self._wanted > self._kept
        self._turn.release()
        failure = None
        try:
            self._log.append(b"".join(batch), lasting=must_last)
        except OSError as error:
            failure = error
        finally:
            self._turn.acquire()
        if failure:
            self._failure = failure
            return
        self._written = upto
        if must_last:
            self._kept = upto
            self._turn.notify_all()
