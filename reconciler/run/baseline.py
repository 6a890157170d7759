"""`--baseline REV|DIR`: the same tree of files as it is elsewhere, for what guards the platform.

From git it is read out of the objects of a commit; nothing that the work tree or the repository's
configuration could bring along is run: no hook, no filter, no shell. What names a folder starts
with `.` or `/`: where a branch is meant, no folder of that name can take its place.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from reconciler.core.project import Project
from reconciler.errors import PolicyError, Problem, ReconcilerError, UsageError
from reconciler.files.load import Schemas, load
from reconciler.files.values import Resolver
from reconciler.files.yaml import Map, Place

_TIMEOUT_S = 120
_SUFFIXES = (b".yaml", b".yml")
# Documents that can guard; API documents cannot, and may be very many.
_GUARDING = (b"Project", b"Organization", b"Environment")
_SAFE = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "protocol.allow=never")


def load_baseline(
    name: str, tree: Path, schemas: Schemas, environ: Mapping[str, str], cwd: Path
) -> Project:
    """The project of a baseline. tree: the folder of policies that it is the baseline of.

    Raises UsageError where there is no such baseline, PolicyError where its files are wrong.
    """
    if name.startswith("-") or not name:
        raise UsageError(f"--baseline: {name!r} is neither a revision nor a folder")
    if _is_folder(name):
        return _load(cwd / Path(name).expanduser(), name, schemas, environ)
    with _checked_out(name, cwd / tree, environ) as folder:
        return _load(folder, f"{name}:{tree}", schemas, environ)


def _is_folder(name: str) -> bool:
    return name in (".", "..") or name.startswith(("/", "./", "../", "~"))


def _load(folder: Path, shown: str, schemas: Schemas, environ: Mapping[str, str]) -> Project:
    # Nothing is resolved: wherever a file of it points to, it is not followed.
    resolver = Resolver(environ, Path("/"), folder / ".reconciler", True)
    try:
        return load(folder, _Heads(schemas), resolver=resolver)
    except PolicyError as error:
        raise PolicyError(_told(problem, folder, shown) for problem in error.problems) from None


def _told(problem: Problem, folder: Path, shown: str) -> Problem:
    root = str(folder)
    file = problem.file.replace(root, shown.rstrip("/"), 1)
    message = problem.message.replace(f"{root}/", f"{shown.rstrip('/')}/")
    return replace(problem, file=file, message=f"the baseline is wrong: {message}")


class _Heads:
    """The checks of documents without those of policies' configurations: they guard nothing."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def check_document(self, document: Map, file: str) -> list[Problem]:
        return self._schemas.check_document(document, file)

    def document_warnings(self, document: Map, file: str) -> list[Problem]:
        return []

    def check_config(
        self,
        config: Map,
        group: str,
        name: str,
        *,
        file: str,
        at: Place,
        path: str,
        partial: bool,
        secrets_resolved: bool = False,
    ) -> tuple[list[Problem], list[Problem]]:
        return [], []


@contextmanager
def _checked_out(rev: str, tree: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """A folder with the documents of a commit that can guard; gone on leaving."""
    git = _Git(tree, environ)
    prefix = git.prefix()
    commit = git.commit(rev)
    with tempfile.TemporaryDirectory(prefix="reconciler-baseline-") as temporary:
        root = Path(temporary) / "policies"
        root.mkdir()
        listed = git.files(rev, commit, prefix)
        contents = git.contents(list(listed.values()))
        for path, content in zip(listed, contents, strict=True):
            if any(word in content for word in _GUARDING):
                _write(root, path, content)
        yield root


def _write(root: Path, name: bytes, content: bytes) -> None:
    path = root / os.fsdecode(name)
    if ".." in path.parts or not path.is_relative_to(root):
        raise ReconcilerError("the baseline holds a name that leads out of it")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


class _Git:
    """Reads objects of the repository around a folder."""

    def __init__(self, tree: Path, environ: Mapping[str, str]) -> None:
        self._tree = tree
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
            hint = "a folder as baseline is written ./FOLDER"
            raise UsageError(f"--baseline: {self._tree} is in no git work tree ({said}); {hint}")
        return os.fsdecode(done.stdout).rstrip("\n")

    def commit(self, rev: str) -> str:
        """The id of a commit; raises UsageError where there is none of that name."""
        wanted = f"{rev}^{{commit}}"
        done = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
        found = done.stdout.decode("ascii", "replace").split()
        if done.returncode or not found:
            raise UsageError(
                f"--baseline: git knows no revision {rev!r}: fetch it first (CI often fetches one "
                "commit only); a folder is written ./FOLDER"
            )
        return found[-1]

    def files(self, rev: str, commit: str, prefix: str) -> dict[bytes, str]:
        """The ids of all YAML files below the prefix, by their names."""
        done = self._run("ls-tree", "-r", "-z", "--full-tree", f"{commit}:{prefix}")
        if done.returncode:
            raise UsageError(f"--baseline: {rev} has no folder {prefix or '.'}")
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
                raise ReconcilerError(f"git cannot read the object {one} of the baseline")
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
            raise UsageError(
                "--baseline: there is no git here; give a folder, as ./FOLDER"
            ) from None
        except subprocess.TimeoutExpired:
            raise ReconcilerError(f"--baseline: git did not answer in {_TIMEOUT_S} s") from None


def _first_line(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip().partition("\n")[0]
