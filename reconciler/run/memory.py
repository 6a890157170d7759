"""Which secrets were last sent: the service does not return them, so this is all there is.

Only HMACs are kept, a line for each secret that was sent, in a file that is only added to: two
runs at once lose nothing, and of several lines for one secret the last one holds.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.core.fields import concrete_paths, dotted, holds_unknown, walk
from reconciler.core.model import LiveUnit, Resource, Target
from reconciler.core.redact import Redactor, reveal
from reconciler.run.commit import SharedLog
from reconciler.run.state import Store

_FILE = "secrets.jsonl"


class SecretMemory:
    """HMACs of what was last sent, by place and resource id. Without a store it forgets all.

    Entries made under another key are as good as forgotten: they cannot be compared.
    """

    def __init__(self, store: Store | None = None, redactor: Redactor | None = None) -> None:
        self._store = store
        self._redactor = redactor
        self._lock = threading.Lock()
        self._sent: dict[str, dict[str, dict[str, str]]] | None = None
        self._key_id = ""
        self._log: SharedLog | None = None

    @classmethod
    def holding(cls, sent: Mapping[Target, Mapping[str, Mapping[str, str]]]) -> SecretMemory:
        """What was sent to these units, and to no other; nothing is recorded."""
        made = cls()
        made._sent = {
            _place(target): {id_: dict(paths) for id_, paths in found.items()}
            for target, found in sent.items()
        }
        return made

    def recall(self, live: LiveUnit, desired: tuple[Resource, ...] = ()) -> LiveUnit:
        """The live unit with what is remembered of its resources.

        Nothing is looked up where `desired` holds no write-only secret.
        """
        if not any(resource.write_only for resource in desired):
            return live
        return replace(live, sent=self.sent(live.target))

    def sent(self, target: Target) -> Mapping[str, Mapping[str, str]]:
        """HMACs of what was last sent to a unit, by resource id and dotted path."""
        with self._lock:
            return self._loaded().get(_place(target), {})

    def record(self, target: Target, resource_id: str, desired: Resource) -> None:
        """Remembers the write-only secrets of a resource that was sent just now.

        Raises OSError where it cannot be written; the secret then counts as unknown.
        """
        if self._store is None or self._redactor is None or not desired.write_only:
            return
        with self._lock:
            held = self._loaded().setdefault(_place(target), {}).setdefault(resource_id, {})
            lines = []
            for path, value in _known(desired):
                held[path] = self._redactor.digest(value)
                entry = {
                    "place": _place(target),
                    "id": resource_id,
                    "path": path,
                    "hmac": held[path],
                    "key": self._key_id,
                }
                lines.append(json.dumps(entry) + "\n")
            self._log = log = self._log or SharedLog(self._store.log(_FILE))
        log.append("".join(lines).encode())

    def close(self) -> None:
        """Nothing more is recorded in this run."""
        with self._lock:
            log, self._log = self._log, None
        if log:
            log.close()

    def _loaded(self) -> dict[str, dict[str, dict[str, str]]]:
        if self._sent is None:
            self._sent = {}
            if self._redactor is not None and self._store is not None:
                self._key_id = self._redactor.key_id
                for entry in _entries(self._store):
                    self._take(entry)
        return self._sent

    def _take(self, entry: Mapping[str, Any]) -> None:
        texts = [entry.get(name) for name in ("place", "id", "path", "hmac", "key")]
        if all(isinstance(text, str) for text in texts) and texts[-1] == self._key_id:
            place, resource, path, digest = map(str, texts[:4])
            assert self._sent is not None
            self._sent.setdefault(place, {}).setdefault(resource, {})[path] = digest


def _place(target: Target) -> str:
    return "/".join((target.host, target.organization, target.environment, target.api))


def _known(desired: Resource) -> Iterator[tuple[str, Any]]:
    for pattern in sorted(desired.write_only):
        for path in concrete_paths(desired.canonical, pattern):
            value = walk(desired.canonical, path)
            if not holds_unknown(value):
                yield dotted(path), reveal(value)


def _entries(store: Store) -> Iterator[Mapping[str, Any]]:
    """The lines that can be read; a torn last line was never finished, and does not count."""
    try:
        text = (store.read(_FILE) or b"").decode("utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, Mapping):
            yield entry
