"""The folder of policies to documents, each with its place in the tree.

Only regular files inside the tree are read. Hidden names, and folders without YAML, are ignored.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import Problem
from reconciler.files.yaml import MAX_FILE_BYTES, Document, parse

_SUFFIXES = (".yaml", ".yml")
_DEEPEST = 2
_OTHER_FILE = b"${file:"
_HEADS = ("organization.yaml", "environment.yaml")


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A file that was read. `file` is its name as the user would type it.

    folders: the folders between the root and the file, outermost first. broken: some of it could
    not be read, so what it lacks is not known.
    """

    file: str
    folders: tuple[str, ...]
    stem: str
    documents: tuple[Document, ...] = ()
    broken: bool = False

    def without_documents(self) -> PolicyFile:
        return PolicyFile(self.file, self.folders, self.stem, (), self.broken)


def read_files(root: Path, problems: list[Problem]) -> Iterator[PolicyFile]:
    """All policy files below `root`, by path with heads first, one by one, so that nobody has to
    hold them all; what stood in the way is added to `problems`."""
    try:
        real_root = root.resolve(strict=True)
        is_folder = root.is_dir()
    except (OSError, RuntimeError):
        hint = "name the folder with -f, or make one with: reconciler init"
        problems.append(Problem(str(root), message="there is no such folder", hint=hint))
        return
    if not is_folder:
        problems.append(Problem(str(root), message="this is not a folder"))
        return
    is_empty = True
    for path, folders, is_link in _walk(root, problems):
        is_empty = False
        yield _read(path, folders, real_root if is_link else None, problems)
    if is_empty and not problems:
        hint = "write one, or start with: reconciler init"
        problems.append(Problem(str(root), message="there is no policy file in here", hint=hint))


def policy_paths(root: Path) -> Iterator[Path]:
    """All policy files below a folder that are files themselves, by path."""
    yield from (path for path, _, is_link in _walk(root, []) if not is_link)


def tree_digest(root: Path) -> str | None:
    """A digest of everything that `read_files` would read, and where it stands; None where
    something stands in the way, or more than these files decides what is right: a link, or a
    reference to another file."""
    made = hashlib.blake2b(digest_size=32)
    problems: list[Problem] = []
    is_empty = True
    for path, folders, is_link in _walk(root, problems):
        is_empty = False
        data = _bytes(path, str(path), None) if not is_link else None
        if not isinstance(data, bytes) or len(folders) > _DEEPEST or _OTHER_FILE in data:
            return None
        name = os.fsencode(path)
        made.update(b"%d:%d:" % (len(name), len(data)) + name + data)
    return None if problems or is_empty else made.hexdigest()


def _walk(root: Path, problems: list[Problem]) -> Iterator[tuple[Path, tuple[str, ...], bool]]:
    """Each file with its folders, and whether it is a link; no link to a folder is followed."""
    waiting: list[tuple[Path, tuple[str, ...]]] = [(root, ())]
    while waiting:
        folder, folders = waiting.pop()
        below: list[tuple[Path, tuple[str, ...]]] = []
        for entry in _entries(folder, problems):
            path = folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                below.append((path, (*folders, entry.name)))
            elif entry.is_symlink() and path.is_dir():
                problems.append(_refused(path, "a link to a folder", "move the folder in here"))
            elif entry.name.endswith(_SUFFIXES):
                yield path, folders, entry.is_symlink()
            elif entry.name.lower().endswith(_SUFFIXES):
                problems.append(_refused(path, "a suffix in capitals", "rename it to .yaml"))
        waiting.extend(reversed(below))


def _entries(folder: Path, problems: list[Problem]) -> list[os.DirEntry[str]]:
    """The entries of a folder that may count, sorted by name but for the usual names of what says
    whose folder it is: that is needed first."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: (entry.name not in _HEADS, entry.name))
    except OSError as error:
        problems.append(Problem(shown(folder), message=f"cannot be read: {error.strerror}"))
        return []
    kept = [entry for entry in entries if not entry.name.startswith(".")]
    for entry in kept:
        fault = _name_fault(entry.name)
        if fault:
            problems.append(_refused(folder / entry.name, fault, "rename it"))
    return [entry for entry in kept if not _name_fault(entry.name)]


def _name_fault(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        return "a name that is not UTF-8"
    return "" if name.isprintable() else "a name with control characters"


def _refused(path: Path, what: str, hint: str) -> Problem:
    return Problem(shown(path), message=f"{what} is not accepted here", hint=hint)


def shown(path: Path) -> str:
    """The path as text that a terminal and a JSON file can hold."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _read(
    path: Path, folders: tuple[str, ...], linked_below: Path | None, problems: list[Problem]
) -> PolicyFile:
    file = shown(path)
    if len(folders) > _DEEPEST:
        hint = "the tree has two levels: organization/environment/file.yaml"
        problems.append(Problem(file, message="this file lies too deep", hint=hint))
        return PolicyFile(file, folders, path.stem, broken=True)
    data = _bytes(path, file, linked_below)
    if isinstance(data, Problem):
        problems.append(data)
        return PolicyFile(file, folders, path.stem, broken=True)
    documents, found = parse(data, file)
    problems.extend(found)
    return PolicyFile(file, folders, path.stem, tuple(documents), bool(found))


def _bytes(path: Path, file: str, linked_below: Path | None) -> bytes | Problem:
    """The content, or why it is not read. A file is checked after it was opened, so that it
    cannot be swapped in between; opening never waits for the other end of a pipe.

    linked_below: of a link, the folder that it must not lead out of.
    """
    real = path
    if linked_below is not None:
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return Problem(file, message="this link leads nowhere", hint="remove it")
        if not real.is_relative_to(linked_below):
            hint = "copy the file here"
            return Problem(file, message="this link leads out of the tree", hint=hint)
    try:
        return read_regular(real)
    except _NotRegular:
        return Problem(file, message="this is not a regular file", hint="remove it")
    except _TooLarge as error:
        hint = "split it: 1 MiB per file at most"
        return Problem(file, message=f"the file has {error.size:,} bytes", hint=hint)
    except OSError as error:
        return Problem(file, message=f"cannot be read: {error.strerror}")


class _NotRegular(OSError):
    pass


class _TooLarge(OSError):
    def __init__(self, size: int) -> None:
        super().__init__(f"{size:,} bytes, of {MAX_FILE_BYTES:,} at most")
        self.size = size


def read_regular(path: Path) -> bytes:
    """The bytes of a regular file of 1 MiB at most; OSError for anything else.

    `path` is resolved already: a link in its last place is refused.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    with open(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _NotRegular("not a regular file")
        if status.st_size > MAX_FILE_BYTES:
            raise _TooLarge(status.st_size)
        data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise _TooLarge(len(data))
    return data
