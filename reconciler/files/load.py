"""`policies/` to a `Project`: every file read, checked and typed, or every problem at once."""

from __future__ import annotations

import gc
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from reconciler.core.model import AUTOMATED, ENVIRONMENT_UNIT, TIERS, Source
from reconciler.core.project import (
    ApiDocument,
    Entry,
    Environment,
    GroupDocument,
    Organization,
    Project,
)
from reconciler.core.redact import is_secret_key
from reconciler.errors import PolicyError, Problem
from reconciler.files import documents
from reconciler.files.access import check_doubles
from reconciler.files.hosts import base_url
from reconciler.files.names import selector_name
from reconciler.files.pack import Packer
from reconciler.files.placement import (
    API_KINDS,
    LATER_KINDS,
    Placed,
    check_placement,
    light,
    place_documents,
)
from reconciler.files.platforms import access_of, check_platforms, org_of
from reconciler.files.requires import check_requires
from reconciler.files.tree import PolicyFile, read_files
from reconciler.files.values import Resolver, has_reference, strings
from reconciler.files.yaml import Map, Place

_IN_CONFIG = re.compile(r"(defaults\.)?\w+\[\d+\]\.config\b")
_MOST = 2_000
_FREE_TEXT = ("description", "reason")


class Schemas(Protocol):
    """What loading asks of the schemas."""

    def check_document(self, document: Map, file: str) -> list[Problem]:
        """What is wrong with a document, its `config`s left out."""

    def document_warnings(self, document: Map, file: str) -> list[Problem]:
        """What is odd in a document and may be right."""

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
        """Errors and warnings of a policy's `config`; partial: as the part of one layer."""


class Watcher(Protocol):
    """Told of what was read, as it is read; the rest of the files may still be wrong."""

    def head(self, organization: Organization) -> None:
        """An organization with one of its environments, without documents."""

    def api(self, folders: Sequence[str], document: ApiDocument) -> None:
        """A sound document of an API, in its folders; after the head of these."""


@dataclass(slots=True)
class _Findings:
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def load(
    root: Path, schemas: Schemas, *, resolver: Resolver, watcher: Watcher | None = None
) -> Project:
    """The checked project below `root`; raises PolicyError with all problems of all files.

    References are checked and not resolved.
    """
    with _no_collecting():
        return _load(root, schemas, resolver, _Heads(watcher) if watcher else None)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Nothing that loading makes holds itself, and looking through a growing heap for what does
    takes as long as reading it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Heads:
    """Tells a watcher of the heads of an environment's folder before its first API."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._heads: dict[tuple[str, ...], Placed] = {}
        self._told: set[tuple[str, ...]] = set()

    def saw(self, item: Placed) -> None:
        """A sound document."""
        if item.kind in ("Organization", "Environment"):
            self._heads[item.folders] = item
        elif item.api is not None and len(item.folders) == 2:
            if item.folders not in self._told:
                self._told.add(item.folders)
                self._tell(item.folders)
            self._watcher.api(item.folders, item.api)

    def _tell(self, folders: tuple[str, ...]) -> None:
        outer, inner = self._heads.get(folders[:1]), self._heads.get(folders)
        if outer and inner and outer.kind == "Organization" and inner.kind == "Environment":
            environment = documents.environment(inner.document, folders[1], inner.file, (), ())
            found = documents.organization(outer.document, folders[0], outer.file, [environment])
            self._watcher.head(found)


def _load(root: Path, schemas: Schemas, resolver: Resolver, heads: _Heads | None) -> Project:
    findings, packer = _Findings(), Packer()
    files: list[PolicyFile] = []
    placed: list[Placed] = []
    sound: list[Placed] = []
    for source in read_files(root, findings.problems):
        files.append(source.without_documents())
        own, found = place_documents([source])
        findings.problems += found
        for item in own:
            is_sound = _check(item, schemas, resolver, findings)
            kept = _kept(item, packer, is_sound=is_sound)
            placed.append(kept)
            if is_sound:
                sound.append(kept)
                if heads:
                    heads.saw(kept)
    findings.problems += (*check_placement(files, placed), *check_platforms(placed))
    organizations = _organizations(sound, findings)
    findings.problems += check_requires(organizations, {item.folders for item in placed})
    if findings.problems:
        raise PolicyError(_readable(findings.problems, str(root)))
    warnings = tuple(str(warning) for warning in _readable(findings.warnings, str(root)))
    return Project(str(root), organizations, warnings, _max_deletes(sound))


def _kept(item: Placed, packer: Packer, *, is_sound: bool) -> Placed:
    """What is kept of a document: of an ApiInstance, of which there may be very many, no more than
    its typed form, packed."""
    if item.kind != "ApiInstance":
        return item
    if not is_sound:
        return light(item, None)
    document, source = item.document, item.source
    return light(item, documents.api_document(document, source.stem, source.file, packer))


def _readable(found: Iterable[Problem], root: str) -> list[Problem]:
    """All of them, sorted; of more than anybody reads, which one wide file can cause, the first."""
    ordered = sorted(set(found))
    left = len(ordered) - _MOST
    if left <= 0:
        return ordered
    return [*ordered[:_MOST], Problem(root, message=f"and {left:,} more", hint="these first")]


def _max_deletes(sound: Iterable[Placed]) -> int | None:
    for item in sound:
        limits = item.document.get("limits") if item.kind == "Project" else None
        if isinstance(limits, Map) and "maxDeletes" in limits:
            return int(limits["maxDeletes"])
    return None


def _check(item: Placed, schemas: Schemas, resolver: Resolver, findings: _Findings) -> bool:
    """Checks one document by itself; whether it is sound enough to be typed."""
    later = _later(item)
    if later:
        findings.problems.append(later)
        return False
    faults = schemas.check_document(item.document, item.file)
    if not faults and item.kind == "Organization":
        faults += _check_host(item)
    if not faults:
        findings.warnings += schemas.document_warnings(item.document, item.file)
    findings.problems += faults
    unknown = tuple(fault.path for fault in faults if fault.path)
    findings.problems += _check_references(item, resolver, unknown)
    _check_configs(item, schemas, findings)
    _check_auth(item, findings)
    return not faults


def _later(item: Placed) -> Problem | None:
    if item.kind in LATER_KINDS:
        message = f"kind: {item.kind} is not supported by this version yet"
        return item.problem(message, "keep it out of the tree until it is", path="kind")
    return None


def _check_host(item: Placed) -> Iterator[Problem]:
    if item.document.get("host") is None:
        return
    try:
        base_url(item.document["host"])
    except ValueError as error:
        yield item.problem(str(error), "write host: https://HOST", path="host")


def _check_references(
    item: Placed, resolver: Resolver, faulty: tuple[str, ...]
) -> Iterator[Problem]:
    """Problems with references; what stands below a path that is faulty itself is left out."""
    for text, path, at in strings(item.document, "", (1, 1)):
        if "${" not in text:
            continue
        if _IN_CONFIG.match(path):
            yield from resolver.check(text, item.file, at, path)
        elif path.rpartition(".")[2] in _FREE_TEXT or path.startswith(faulty):
            continue
        elif path.startswith("auth."):
            yield from resolver.check(text, item.file, at, path, auth=True)
        elif "${env:" in text or "${file:" in text:
            message = "a reference is resolved in config: and auth: only"
            yield Problem(item.file, *at, path, message, "write the value out")


def _check_configs(item: Placed, schemas: Schemas, findings: _Findings) -> None:
    for listed, path, items in documents.declared_lists(item.document):
        for index, entry in enumerate(items):
            named = _named(entry) if listed != TIERS else None
            if named is None:
                continue
            at = entry.value_at["config"]
            errors, warnings = schemas.check_config(
                entry["config"],
                *named,
                file=item.file,
                at=at,
                path=f"{path}[{index}].config",
                partial=True,
            )
            findings.problems += errors
            findings.warnings += warnings


def _named(entry: Any) -> tuple[str, str] | None:
    """Group and name of a policy entry with a `config` that can be checked."""
    if not isinstance(entry, Map) or not isinstance(entry.get("config"), Map):
        return None
    reference = entry.get("policyRef")
    if not isinstance(reference, Map) or not isinstance(reference.get("name"), str):
        return None
    return documents.group_of(reference), reference["name"]


def _check_auth(item: Placed, findings: _Findings) -> None:
    auth = item.document.get("auth")
    if item.kind not in ("Organization", "Environment") or not isinstance(auth, Map):
        return
    for key, value in auth.items():
        if (
            key != "privateKeyFile"
            and is_secret_key(key)
            and isinstance(value, str)
            and not has_reference(value)
        ):
            message = "a secret stands here as plain text"
            hint = "write ${env:NAME} or ${file:PATH}"
            at = auth.value_at[key]
            findings.warnings.append(Problem(item.file, *at, f"auth.{key}", message, hint))


def _organizations(sound: Sequence[Placed], findings: _Findings) -> tuple[Organization, ...]:
    """Types what is sound. What a misplaced or missing document would hold is left out."""
    by_folder: dict[tuple[str, ...], list[Placed]] = defaultdict(list)
    for item in sound:
        by_folder[item.folders].append(item)
    found: list[Organization] = []
    for item in sound:
        if item.kind == "Organization" and len(item.folders) == 1:
            environments = _environments(item.folders, by_folder, findings)
            found.append(
                documents.organization(item.document, item.folders[0], item.file, environments)
            )
            _check_doubles(found[-1].layer.lists.values(), findings)
            if found[-1].access is not None:
                findings.problems += check_doubles(found[-1].access, item.file)
    findings.problems += _twice(
        found, lambda one: (one.host, one.organization), "this organization has a folder already"
    )
    return tuple(found)


def _environments(
    folders: tuple[str, ...], by_folder: dict[tuple[str, ...], list[Placed]], findings: _Findings
) -> list[Environment]:
    found: list[Environment] = []
    for below in sorted(by_folder):
        if len(below) != 2 or below[:1] != folders:
            continue
        apis, groups = _apis([item for item in by_folder[below] if item.kind in API_KINDS])
        _check_apis(apis, groups, findings)
        for item in by_folder[below]:
            if item.kind == "Environment":
                head = documents.environment(item.document, below[1], item.file, apis, groups)
                org = org_of(item.document, item.file)
                access = access_of(by_folder[below]) if org else None
                found.append(replace(head, org=org, access=access))
                if access:
                    findings.problems += check_doubles(access.body, access.source.file)
                _check_doubles(found[-1].layer.lists.values(), findings)
                _check_doubles([found[-1].automated or ()], findings)
    findings.problems += _twice(
        found,
        lambda one: one.org.id[:15] if one.org else one.environment,
        "this environment has a folder already",
    )
    return found


def _apis(placed: Sequence[Placed]) -> tuple[list[ApiDocument], list[GroupDocument]]:
    in_file = Counter(item.file for item in placed)
    apis: list[ApiDocument] = []
    groups: list[GroupDocument] = []
    for item in placed:
        stem = item.source.stem
        if item.kind == "ApiGroup":
            count = sum(group.source.file == item.file for group in groups)
            name = f"{stem}#{count + 1}" if count else stem
            groups.append(documents.group_document(item.document, name, item.file))
        else:
            assert item.api is not None
            api = item.api
            if in_file[item.file] > 1:
                api = replace(api, name=selector_name(api.selector))
            apis.append(api)
    return apis, groups


def _check_apis(
    apis: Sequence[ApiDocument], groups: Sequence[GroupDocument], findings: _Findings
) -> None:
    for layer in [*(api.layer for api in apis), *(group.layer for group in groups)]:
        _check_doubles(layer.lists.values(), findings)
    for api in apis:
        if api.name == ENVIRONMENT_UNIT:
            message = f"the name {ENVIRONMENT_UNIT} is taken by the environment itself"
            findings.problems.append(_problem(api.source, message, "rename the file"))
    same_api = "this API is described already"
    findings.problems += _twice(apis, lambda one: one.selector, same_api)
    findings.problems += _twice(apis, lambda one: one.name, "the name of this API is taken")
    findings.problems += _twice(groups, lambda one: one.name, "the name of this group is taken")


def _check_doubles(lists: Iterable[Sequence[Entry]], findings: _Findings) -> None:
    for entries in lists:
        first: dict[Any, Entry] = {}
        for entry in entries:
            if entry.key in first:
                line = first[entry.key].source.line
                message = f"{entry.key.segment} stands here twice, first on line {line}"
                is_automated = entry.key.list == AUTOMATED
                hint = f"tell them apart by {'technologies' if is_automated else 'name'}:"
                source, path = entry.source, entry.key.segment
                findings.problems.append(
                    Problem(source.file, source.line, source.column, path, message, hint)
                )
            first.setdefault(entry.key, entry)


class _Sourced(Protocol):
    @property
    def source(self) -> Source: ...


def _twice(items: Iterable[Any], identity: Callable[[Any], Any], message: str) -> list[Problem]:
    """A problem for each item whose identity an earlier one has, naming that one's place."""
    first: dict[Any, _Sourced] = {}
    problems: list[Problem] = []
    for item in items:
        earlier = first.setdefault(identity(item), item)
        if earlier is not item:
            place = f"{earlier.source.file}:{earlier.source.line}"
            problems.append(_problem(item.source, f"{message}: {place}", "remove one of them"))
    return problems


def _problem(source: Source, message: str, hint: str) -> Problem:
    return Problem(source.file, source.line, source.column, message=message, hint=hint)
