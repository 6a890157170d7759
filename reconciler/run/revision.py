"""The tree of files as a git revision has it.

It is read out of the objects of a commit; nothing that the work tree or the repository's
configuration could bring along is run: no hook, no filter, no shell.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from reconciler.errors import ReconcilerError, UsageError

_TIMEOUT_S = 120
_SUFFIXES = (b".yaml", b".yml")
_SAFE = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "protocol.allow=never")

_HINTS = {"--baseline": "; a folder is written ./FOLDER", "--changed-since": ""}


@contextmanager
def checked_out(
    rev: str,
    tree: Path,
    environ: Mapping[str, str],
    flag: str,
    wants: Callable[[bytes], bool] = lambda content: True,
) -> Iterator[Path]:
    """A folder with the files of a commit below `tree`, those whose content is wanted; gone on
    leaving. flag: the one that named the revision, for messages. Raises UsageError."""
    if rev.startswith("-") or not rev:
        raise UsageError(f"{flag}: {rev!r} is no revision")
    git = _Git(tree, environ, flag)
    prefix = git.prefix()
    commit = git.commit(rev)
    with tempfile.TemporaryDirectory(prefix="reconciler-") as temporary:
        root = Path(temporary) / "policies"
        root.mkdir()
        listed = git.files(rev, commit, prefix)
        contents = git.contents(list(listed.values()))
        for path, content in zip(listed, contents, strict=True):
            if wants(content):
                _write(root, path, content)
        yield root


def _write(root: Path, name: bytes, content: bytes) -> None:
    path = root / os.fsdecode(name)
    if ".." in path.parts or not path.is_relative_to(root):
        raise ReconcilerError("the revision holds a name that leads out of it")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


class _Git:
    """Reads objects of the repository around a folder."""

    def __init__(self, tree: Path, environ: Mapping[str, str], flag: str) -> None:
        self._tree, self._flag = tree, flag
        # GIT_DIR and the like would name another repository than the one around the files.
        kept = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
        self._environ = {
            **kept,
            **{name: value for name, value in environ.items() if name.startswith("GIT_CONFIG")},
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "LC_ALL": "C",
        }

    def prefix(self) -> str:
        """The tree's folder in its repository, `policies/`; raises UsageError outside of one."""
        done = self._run("rev-parse", "--show-prefix")
        if done.returncode:
            said = _first_line(done.stderr)
            raise UsageError(
                f"{self._flag}: {self._tree} is in no git work tree ({said}){_HINTS[self._flag]}"
            )
        return os.fsdecode(done.stdout).rstrip("\n")

    def commit(self, rev: str) -> str:
        """The id of a commit; raises UsageError where there is none of that name."""
        wanted = f"{rev}^{{commit}}"
        done = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
        found = done.stdout.decode("ascii", "replace").split()
        if done.returncode or not found:
            raise UsageError(
                f"{self._flag}: git knows no revision {rev!r}: fetch it first (CI often fetches "
                f"one commit only){_HINTS[self._flag]}"
            )
        return found[-1]

    def files(self, rev: str, commit: str, prefix: str) -> dict[bytes, str]:
        """The ids of all YAML files below the prefix, by their names."""
        done = self._run("ls-tree", "-r", "-z", "--full-tree", f"{commit}:{prefix}")
        if done.returncode:
            raise UsageError(f"{self._flag}: {rev} has no folder {prefix or '.'}")
        entries = (entry.partition(b"\t") for entry in done.stdout.split(b"\0") if entry)
        return {
            name: head.split()[2].decode("ascii")
            for head, _, name in entries
            if name.endswith(_SUFFIXES) and head.startswith(b"100")
        }

    def contents(self, ids: Sequence[str]) -> Iterator[bytes]:
        """The content of each object, in the order asked for."""
        done = self._run("cat-file", "--batch", given="".join(f"{one}\n" for one in ids).encode())
        rest = memoryview(done.stdout)
        for one in ids:
            head, _, _ = bytes(rest[:200]).partition(b"\n")
            words = head.split()
            if len(words) != 3 or words[1] != b"blob":
                raise ReconcilerError(f"git cannot read the object {one} of the revision")
            start, size = len(head) + 1, int(words[2])
            yield bytes(rest[start : start + size])
            rest = rest[start + size + 1 :]

    def _run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        safe = [part for one in _SAFE for part in ("-c", one)]
        command = ["git", "--no-pager", *safe, "-C", str(self._tree), *arguments]
        try:
            return subprocess.run(
                command,
                input=given,
                capture_output=True,
                env=self._environ,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except FileNotFoundError:
            raise UsageError(f"{self._flag}: there is no git here{_HINTS[self._flag]}") from None
        except subprocess.TimeoutExpired:
            raise ReconcilerError(f"{self._flag}: git did not answer in {_TIMEOUT_S} s") from None


def _first_line(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip().partition("\n")[0]
