"""Files read in a process of their own, and told of as they are read.

To read and check files keeps one processor busy, and so does to read many answers: of a large
estate the files are read beside (`early`). What comes over is what is kept of a document anyway,
packed, each run of bytes and each key once.
"""

from __future__ import annotations

import gc
import io
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from reconciler.core.model import ResourceKey
from reconciler.core.project import ApiDocument, Organization, Project
from reconciler.errors import PolicyError
from reconciler.files.load import Schemas, Watcher, load
from reconciler.files.values import Resolver

_BATCH = 50
_MANY = 500
"""Fewer files are read in less time than it takes to begin a process."""

_SHARED = (bytes, ResourceKey)


def can_be_aside(root: Path) -> bool:
    """Whether it serves to read the files beside, and can be done here: to fork is safe only where
    nothing else runs in this process."""
    is_able = hasattr(os, "fork") and (os.cpu_count() or 1) > 1
    return is_able and threading.active_count() == 1 and _has_many(root)


def _has_many(root: Path) -> bool:
    count = 0
    for _, _, names in os.walk(root):
        count += len(names)
        if count >= _MANY:
            return True
    return False


def load_aside(root: Path, schemas: Schemas, *, resolver: Resolver, watcher: Watcher) -> Project:
    """As `files.load`, and raising as it does."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_read, args=(ours, theirs, root, schemas, resolver), daemon=True)
    child.start()
    theirs.close()
    try:
        found = _Receiver(ours, watcher).receive()
    finally:
        child.kill()
        child.join()
        ours.close()
    if isinstance(found, PolicyError):
        raise found
    # It died of something that is no matter of the files: what that is shows here.
    return found or load(root, schemas, resolver=resolver)


def _read(
    ours: Connection, theirs: Connection, root: Path, schemas: Schemas, resolver: Resolver
) -> None:
    """In the other process, which ends with the one that began it."""
    ours.close()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)
    gc.disable()
    teller = _Teller(theirs)
    try:
        found: Project | PolicyError = load(root, schemas, resolver=resolver, watcher=teller)
    except PolicyError as error:
        found = error
    teller.end(found)


class _Out(pickle.Pickler):
    """Names what was sent before by its number."""

    def __init__(self, stream: io.BytesIO, numbers: dict[Any, int], told: dict[int, int]) -> None:
        super().__init__(stream, protocol=5)
        self._numbers, self._told = numbers, told
        self.new: list[Any] = []

    def persistent_id(self, value: Any) -> tuple[str, int] | None:
        if type(value) is ApiDocument and id(value) in self._told:
            return "document", self._told[id(value)]
        if type(value) not in _SHARED:
            return None
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self._numbers)
            self.new.append(value)
        return "shared", number


class _Teller:
    """Sends what is read, in batches."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers: dict[Any, int] = {}
        self._told: dict[int, int] = {}
        self._batch: list[tuple[Sequence[str], ApiDocument]] = []
        self._kept: list[ApiDocument] = []

    def head(self, organization: Organization) -> None:
        self._send("head", organization)

    def api(self, folders: Sequence[str], document: ApiDocument) -> None:
        self._batch.append((folders, document))
        if len(self._batch) == _BATCH:
            self._flush()

    def end(self, found: Project | PolicyError) -> None:
        self._flush()
        if isinstance(found, PolicyError):
            self._send("problems", found.problems)
        else:
            self._send("project", found)

    def _flush(self) -> None:
        self._send("documents", self._batch)
        for _, document in self._batch:
            # One that is kept cannot give its identity to another one.
            self._told[id(document)] = len(self._kept)
            self._kept.append(document)
        self._batch = []

    def _send(self, kind: str, value: Any) -> None:
        stream = io.BytesIO()
        out = _Out(stream, self._numbers, self._told)
        out.dump(value)
        self._connection.send((kind, out.new, stream.getvalue()))


class _In(pickle.Unpickler):
    def __init__(self, data: bytes, tables: dict[str, list[Any]]) -> None:
        super().__init__(io.BytesIO(data))
        self._tables = tables

    def persistent_load(self, name: tuple[str, int]) -> Any:
        return self._tables[name[0]][name[1]]


class _Receiver:
    """Takes what our own child sends, and nobody else's."""

    def __init__(self, connection: Connection, watcher: Watcher) -> None:
        self._connection = connection
        self._watcher = watcher
        self._tables: dict[str, list[Any]] = {"shared": [], "document": []}

    def receive(self) -> Project | PolicyError | None:
        """The project or what is wrong; None where the other process died."""
        while True:
            try:
                kind, new, data = self._connection.recv()
            except EOFError:
                return None
            self._tables["shared"].extend(new)
            value = _In(data, self._tables).load()
            if kind == "head":
                self._watcher.head(value)
            elif kind == "documents":
                for folders, document in value:
                    self._tables["document"].append(document)
                    self._watcher.api(folders, document)
            else:
                return PolicyError(value) if kind == "problems" else value
