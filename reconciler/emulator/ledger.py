"""What was asked since the last reset, for tests that count calls."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from reconciler.emulator.wire import Request

_NEWEST = 10_000
_NEWEST_BODIES = 200


class Ledger:
    """Counts every request and keeps the newest; memory is bounded."""

    def __init__(self) -> None:
        self._methods: Counter[str] = Counter()
        self._log: deque[tuple[str, str, int]] = deque(maxlen=_NEWEST)
        self._bodies: deque[tuple[Request, int]] = deque(maxlen=_NEWEST_BODIES)

    def record(self, request: Request, status: int) -> None:
        """Notes an answered request; status 0 stands for a connection that was dropped."""
        self._methods[request.method] += 1
        self._log.append((request.method, request.path, status))
        if request.body:
            self._bodies.append((request, status))

    def clear(self) -> None:
        self._methods.clear()
        self._log.clear()
        self._bodies.clear()

    def summary(self) -> dict[str, Any]:
        log = [{"method": m, "path": path, "status": status} for m, path, status in self._log]
        methods = dict(sorted(self._methods.items()))
        return {"total": self._methods.total(), "byMethod": methods, "log": log}

    def bodies(self) -> list[dict[str, Any]]:
        """The newest requests that had a body, oldest first, with their queries."""
        return [
            {
                "method": request.method,
                "path": request.path,
                "query": dict(request.query),
                "status": status,
                "body": _readable(request),
            }
            for request, status in self._bodies
        ]


def _readable(request: Request) -> Any:
    try:
        return request.json()
    except (ValueError, RecursionError):
        return request.body.decode("utf-8", "replace")
