"""Trees of files that were found good before: `validate` need not look at the same ones again.

A file below the user's cache folder, named by a digest of everything that decides: the content and
the place of each file, the custom schemas, the program itself, and what it was asked. Only what was
found without errors is kept, with its warnings. The folder must be the user's own: a tree of files,
which may be somebody else's pull request, cannot say of itself that it is good.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import reconciler
from reconciler.files.shipped import schema_folder
from reconciler.files.tree import tree_digest
from reconciler.run.state import write_atomically

_KEPT = 100


@dataclass(frozen=True, slots=True)
class Good:
    """What there was to say of a tree without errors."""

    documents: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownGood:
    """Whether this very tree was found good; `path` is where that is written."""

    path: Path

    @classmethod
    def of(
        cls, root: Path, schemas: Path, environ: Mapping[str, str], asked: Any
    ) -> KnownGood | None:
        """None where that cannot be told. asked: whatever else decides, as plain values."""
        folder = _folder(environ)
        found = tree_digest(root) if folder else None
        if folder is None or found is None:
            return None
        decides = [found, asked, sorted(_program()), sorted(_stats(schemas)), sys.version]
        text = json.dumps(decides, default=str)
        return cls(folder / hashlib.blake2b(text.encode(), digest_size=32).hexdigest())

    def recall(self) -> Good | None:
        """What was kept, or None."""
        try:
            data = json.loads(self.path.read_bytes())
            good = Good(int(data["documents"]), tuple(map(str, data["warnings"])))
        except (OSError, ValueError, TypeError, KeyError):
            return None
        with suppress(OSError):
            os.utime(self.path)
        return good

    def keep(self, good: Good) -> None:
        """Keeps it, and of all that is kept the newest; what cannot be written is done without."""
        data = {"documents": good.documents, "warnings": good.warnings}
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomically(self.path, json.dumps(data).encode())
            kept = sorted(self.path.parent.iterdir(), key=lambda path: path.stat().st_mtime)
            for path in kept[:-_KEPT]:
                path.unlink()


def _folder(environ: Mapping[str, str]) -> Path | None:
    """`reconciler/validated` in the user's cache folder; None where others could write there."""
    home = environ.get("HOME", "")
    base = environ.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
    if not base or not Path(base).is_absolute():
        return None
    folder = Path(base) / "reconciler" / "validated"
    with suppress(FileNotFoundError):
        found = folder.lstat()
        is_own = found.st_uid == os.geteuid() and not found.st_mode & 0o022
        return folder if stat.S_ISDIR(found.st_mode) and is_own else None
    return folder


def _program() -> Iterator[tuple[str, int, int]]:
    yield reconciler.__version__, 0, 0
    for folder in (Path(reconciler.__file__).parent, Path(str(schema_folder()))):
        yield from _stats(folder)


def _stats(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Name, size and moment of change of each file below."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            path = os.path.join(place, name)
            with suppress(OSError):
                found = os.stat(path)
                yield path, found.st_size, found.st_mtime_ns
