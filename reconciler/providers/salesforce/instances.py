"""Transports to the hosts where an org is, and what they tell of its budget of calls."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping

from reconciler.transport import Transport

_USAGE = re.compile(r"api-usage=([0-9]{1,12})/([0-9]{1,12})\b")


class Instances:
    """The transport to each `instance_url` that a login named; mostly there is one, which is also
    where the login is made."""

    def __init__(self, base: Transport, connect: Callable[[str], Transport]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._transports = {base.base_url: base}
        self._budget: Mapping[str, str] = {}
        self.base_url = base.base_url

    @property
    def budget(self) -> Mapping[str, str]:
        """`limit` and `remaining` of the org's calls in 24 hours, as last told."""
        return self._budget

    def of(self, url: str) -> Transport:
        """The transport to an instance whose host has been checked."""
        with self._lock:
            if url not in self._transports:
                self._transports[url] = self._connect(url)
            return self._transports[url]

    def note(self, headers: Mapping[str, str]) -> None:
        """Keeps what an answer says in `Sforce-Limit-Info` (facts, section 4)."""
        if found := _USAGE.search(headers.get("Sforce-Limit-Info", "")):
            used, limit = int(found[1]), int(found[2])
            self._budget = {"limit": str(limit), "remaining": str(max(0, limit - used))}

    def close(self) -> None:
        for transport in self._transports.values():
            transport.close()
