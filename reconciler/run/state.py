"""Where lasting state lives: small named files, in a folder or somewhere else.

    secret-key            the key of secrets' digests
    secrets.jsonl         which secrets were last sent
    journal/RUN.jsonl     what each run did
    lock                  who applies just now; empty or absent: nobody
    converged/ORG/ENV.json  what the last converged run left there

Names are relative, with `/` between their parts. Whatever fails is an OSError.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol


class Log(Protocol):
    """A file that is only added to."""

    def append(self, data: bytes, *, lasting: bool = True) -> None:
        """Adds whole lines, by one thread at a time.

        Returns, if `lasting`, once they would survive a crash of the machine; else they may wait
        for the next that must.
        """

    def close(self) -> None:
        """Nothing more is added; called again it does nothing."""


class Store(Protocol):
    """A place for state. Each write is there whole or not at all, for its owner only."""

    def read(self, name: str) -> bytes | None:
        """What the file holds, or None where there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Replaces the file."""

    def create(self, name: str, data: bytes) -> bool:
        """Makes the file; False, and nothing done, where somebody else has made it."""

    def swap(self, name: str, old: bytes, new: bytes) -> bool:
        """Replaces the file if it still holds `old`; False where it does not.

        Of several at once with the same `old` one wins. An empty `new` may leave no file.
        """

    def delete(self, name: str) -> None:
        """Deletes the file; one that is gone counts as deleted."""

    def names(self, folder: str) -> Iterator[str]:
        """The names of all files below a folder, sorted."""

    def log(self, name: str) -> Log:
        """The file, made where it is not there, to be added to."""


class FolderStore:
    """A `Store` in a folder, which is made at the first write."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return str(self._folder)

    def read(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        write_atomically(self._made(name), data)

    def create(self, name: str, data: bytes) -> bool:
        path = self._made(name)
        part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
        try:
            write_atomically(part, data)
            # A link is made or refused as one step, and never replaces.
            os.link(part, path)
        except FileExistsError:
            return False
        finally:
            part.unlink(missing_ok=True)
        return True

    def swap(self, name: str, old: bytes, new: bytes) -> bool:
        path = self._made(name)
        with _guarded(path.with_name(f".{path.name}.guard")):
            if self.read(name) != old:
                return False
            if new:
                write_atomically(path, new)
            else:
                path.unlink()
        return True

    def delete(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def names(self, folder: str) -> Iterator[str]:
        found = sorted((self._folder / folder).rglob("*"))
        for path in found:
            if path.is_file() and not path.name.endswith((".part", ".guard")):
                yield path.relative_to(self._folder).as_posix()

    def log(self, name: str) -> Log:
        return _FileLog(self._made(name))

    def _made(self, name: str) -> Path:
        path = self._folder / name
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # One by one: the mode is only that of the last of several that are made.
        for folder in reversed(path.relative_to(self._folder).parents[:-1]):
            (self._folder / folder).mkdir(exist_ok=True, mode=0o700)
        return path


class _FileLog:
    def __init__(self, path: Path) -> None:
        is_new = not path.exists()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        if is_new:
            _keep_name(path)
        # A torn line of a killed run must not swallow ours.
        size = os.fstat(self._descriptor).st_size
        self._is_torn = bool(size) and os.pread(self._descriptor, 1, size - 1) != b"\n"

    def append(self, data: bytes, *, lasting: bool = True) -> None:
        data = b"\n" + data if self._is_torn else data
        # Until it is all there, half of a line may be.
        self._is_torn = True
        while data:
            data = data[os.write(self._descriptor, data) :]
        self._is_torn = False
        if lasting:
            _sync(self._descriptor)

    def close(self) -> None:
        with suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = -1


# Enough to read the data back; macOS has only the other.
_sync = getattr(os, "fdatasync", os.fsync)


def _keep_name(path: Path) -> None:
    """Has the name of a new file survive a crash, as its data does."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _guarded(path: Path) -> Iterator[None]:
    """Alone, among all processes that ask for the same file, while it lasts."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """The whole file or none of it, by default readable by its owner only."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
