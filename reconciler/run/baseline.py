"""`--baseline REV|DIR`: the same tree of files as it is elsewhere, for what guards the platform.

What names a folder starts with `.` or `/`: where a branch is meant, no folder of that name can take
its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reconciler.core.project import Project
from reconciler.errors import PolicyError, Problem, UsageError
from reconciler.files.load import Schemas, load
from reconciler.files.values import Resolver
from reconciler.files.yaml import Map, Place
from reconciler.run.revision import checked_out

# Documents that can guard; API documents cannot, and may be very many.
_GUARDING = (b"Project", b"Organization", b"Environment")

_BASELINE = "the baseline"


def load_baseline(
    name: str, tree: Path, schemas: Schemas, environ: Mapping[str, str], cwd: Path
) -> Project:
    """The project of a baseline. tree: the folder of policies that it is the baseline of.

    Raises UsageError where there is no such baseline, PolicyError where its files are wrong.
    """
    if name.startswith("-") or not name:
        raise UsageError(f"--baseline: {name!r} is neither a revision nor a folder")
    if _is_folder(name):
        return _load(cwd / Path(name).expanduser(), name, schemas, environ, _BASELINE)
    with checked_out(name, cwd / tree, environ, "--baseline", _can_guard) as folder:
        return _load(folder, f"{name}:{tree}", schemas, environ, _BASELINE)


def load_revision(
    rev: str, tree: Path, schemas: Schemas, environ: Mapping[str, str], cwd: Path
) -> Project:
    """The whole project as a revision has it; configurations of policies are not checked. Raises
    UsageError where there is no such revision, PolicyError where its files are wrong."""
    with checked_out(rev, cwd / tree, environ, "--changed-since") as folder:
        return _load(folder, f"{rev}:{tree}", schemas, environ, "the older revision")


def _can_guard(content: bytes) -> bool:
    return any(word in content for word in _GUARDING)


def _is_folder(name: str) -> bool:
    return name in (".", "..") or name.startswith(("/", "./", "../", "~"))


def _load(
    folder: Path, shown: str, schemas: Schemas, environ: Mapping[str, str], what: str
) -> Project:
    # Nothing is resolved: wherever a file of it points to, it is not followed.
    resolver = Resolver(environ, Path("/"), folder / ".reconciler", True)
    try:
        return load(folder, _Heads(schemas), resolver=resolver)
    except PolicyError as error:
        raise PolicyError(
            _told(problem, folder, shown, what) for problem in error.problems
        ) from None


def _told(problem: Problem, folder: Path, shown: str, what: str) -> Problem:
    root = str(folder)
    file = problem.file.replace(root, shown.rstrip("/"), 1)
    message = problem.message.replace(f"{root}/", f"{shown.rstrip('/')}/")
    return replace(problem, file=file, message=f"{what} is wrong: {message}")


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
