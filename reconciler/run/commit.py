"""One log for many threads, which go on while a thread of its own writes to disk.

Lines that come while it writes share the next write. Whoever needs a line to last waits for it, as
late as it can.
"""

from __future__ import annotations

import threading

from reconciler.run.state import Log


class SharedLog:
    """Adds to a `Log` for any thread. After a failure nothing more is added."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._turn = threading.Condition()
        self._waiting: list[bytes] = []
        self._added = self._kept = 0
        # The number of the last line that is to survive a crash.
        self._wanted = 0
        self._failure: OSError | None = None
        self._is_closed = False
        self._thread: threading.Thread | None = None

    @property
    def failure(self) -> OSError | None:
        """Why nothing is added any more."""
        return self._failure

    def add(self, data: bytes, *, lasting: bool = True) -> int:
        """Adds whole lines, soon; their number, to wait for if they are to last."""
        with self._turn:
            self._waiting.append(data)
            self._added += 1
            if lasting:
                self._wanted = self._added
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
                self._thread.start()
            self._turn.notify_all()
            return self._added

    def wait(self, number: int) -> None:
        """Returns once these lines would survive a crash; raises OSError where they do not."""
        with self._turn:
            while self._kept < number and not self._failure:
                self._turn.wait()
            if self._failure:
                raise self._failure

    def append(self, data: bytes) -> None:
        """Adds whole lines and waits for them."""
        self.wait(self.add(data))

    def close(self) -> None:
        """Adds what waits; nothing more is added then."""
        with self._turn:
            self._is_closed = True
            self._turn.notify_all()
        if self._thread:
            self._thread.join()
        self._log.close()

    def _write_all(self) -> None:
        while True:
            with self._turn:
                while not self._waiting and not self._is_closed:
                    self._turn.wait()
                if not self._waiting or self._failure:
                    return
                batch, self._waiting = self._waiting, []
                upto, must_last = self._added, self._wanted > self._kept
            failure = self._write(b"".join(batch), must_last)
            with self._turn:
                self._failure = failure
                if must_last and not failure:
                    self._kept = upto
                self._turn.notify_all()

    def _write(self, data: bytes, must_last: bool) -> OSError | None:
        try:
            self._log.append(data, lasting=must_last)
        except OSError as error:
            return error
        return None
