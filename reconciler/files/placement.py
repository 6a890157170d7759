"""Which kind of document may stand where in the tree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.project import ApiDocument
from reconciler.errors import Problem
from reconciler.files.tree import PolicyFile
from reconciler.files.yaml import Map

API_KINDS = ("ApiInstance", "ApiGroup")
ACCESS_KIND = "ApiAccess"
LATER_KINDS = ("Guardrail", "Exception", "PolicyTest")
_LEVELS = {
    "Project": 0,
    "Organization": 1,
    "Environment": 2,
    "ApiInstance": 2,
    "ApiGroup": 2,
    "ApiAccess": 2,
}
_WHERE = (
    "the root of the tree",
    "an organization's folder (ORGANIZATION/file.yaml)",
    "an environment's folder (ORGANIZATION/ENVIRONMENT/file.yaml)",
)
_HEAD = {1: ("Organization", "organization.yaml"), 2: ("Environment", "environment.yaml")}


@dataclass(frozen=True, slots=True)
class Placed:
    """A document and the file that it stands in. kind: `kind:` as written, or empty.

    api: of an ApiInstance that was found sound; of its document only the places are left then.
    """

    source: PolicyFile
    document: Map
    kind: str
    api: ApiDocument | None = None

    @property
    def file(self) -> str:
        return self.source.file

    @property
    def folders(self) -> tuple[str, ...]:
        return self.source.folders

    def problem(self, message: str, hint: str = "", *, path: str = "") -> Problem:
        """A problem at the document's start, or at one of its top-level values."""
        at = self.document.value_at.get(path, self.document.at)
        return Problem(self.file, *at, path, message, hint)


def light(item: Placed, api: ApiDocument | None) -> Placed:
    """An ApiInstance without its content, with what is still asked of it: where it stands."""
    places = Map(item.document.at)
    if "kind" in item.document.value_at:
        places.value_at["kind"] = item.document.value_at["kind"]
    return Placed(item.source.without_documents(), places, item.kind, api)


def place_documents(files: Iterable[PolicyFile]) -> tuple[list[Placed], list[Problem]]:
    """All documents that are mappings, and a problem for each that is not."""
    placed: list[Placed] = []
    problems: list[Problem] = []
    for source in files:
        for document in source.documents:
            if isinstance(document.value, Map):
                kind = document.value.get("kind")
                placed.append(Placed(source, document.value, kind if isinstance(kind, str) else ""))
            else:
                message = "a document is a mapping that starts with apiVersion: and kind:"
                problems.append(Problem(source.file, *document.at, message=message))
    return placed, problems


def check_placement(files: Sequence[PolicyFile], placed: Sequence[Placed]) -> list[Problem]:
    """Every document at its level, and exactly one document that names each folder."""
    problems = [problem for item in placed for problem in _misplaced(item)]
    problems += _surplus([item for item in placed if item.kind == "Project"], "the tree")
    by_folder: dict[tuple[str, ...], list[Placed]] = defaultdict(list)
    for item in placed:
        by_folder[item.folders].append(item)
    for folders in _folders(files):
        problems += _check_head(folders, by_folder[folders], files, placed)
    return problems


def _misplaced(item: Placed) -> Iterator[Problem]:
    level = _LEVELS.get(item.kind)
    if level is not None and level != len(item.folders):
        yield item.problem(f"{item.kind} belongs in {_WHERE[level]}", "move the file")


def _surplus(items: Sequence[Placed], where: str) -> Iterator[Problem]:
    for item in items[1:]:
        first = f"{items[0].file}:{items[0].document.at[0]}"
        yield item.problem(f"{where} has a document of kind {item.kind} already: {first}")


def _folders(files: Iterable[PolicyFile]) -> list[tuple[str, ...]]:
    """The organization and environment folders with YAML in them or below."""
    found = {source.folders[:level] for source in files for level in (1, 2)}
    return sorted(folders for folders in found if folders)


def _check_head(
    folders: tuple[str, ...],
    own: Sequence[Placed],
    files: Sequence[PolicyFile],
    placed: Sequence[Placed],
) -> Iterator[Problem]:
    kind, usual = _HEAD[len(folders)]
    heads = [item for item in own if item.kind == kind]
    yield from _surplus(heads, f"the folder {'/'.join(folders)}")
    if heads or not _needs_head(folders, files, placed):
        return
    first = next(source for source in files if source.folders[: len(folders)] == folders)
    depth = len(first.folders) - len(folders) + 1
    folder = first.file.rsplit("/", depth)[0]
    what = "organization" if kind == "Organization" else "environment"
    hint = f"add {folder}/{usual} with kind: {kind}"
    yield Problem(folder, message=f"the folder names no {what}", hint=hint)


def _needs_head(
    folders: tuple[str, ...], files: Sequence[PolicyFile], placed: Sequence[Placed]
) -> bool:
    """Whether the head of a folder is missed for sure: it is not, where a document that could
    not be read may be it, nor where only documents of later kinds stand."""
    level = len(folders)
    if any(source.broken and source.folders == folders for source in files):
        return False
    below = [item for item in placed if item.folders[:level] == folders]
    if any(item.kind not in _LEVELS for item in below if item.folders == folders):
        return any(item.kind in (*API_KINDS, ACCESS_KIND) for item in below)
    return any(item.kind in _LEVELS for item in below)
