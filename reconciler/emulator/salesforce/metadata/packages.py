"""Zip files of components: what is in one, and how one is made."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.metadata.desk import Desk
from reconciler.emulator.salesforce.metadata.kinds import BY_DIRECTORY, KINDS, Kind
from reconciler.emulator.salesforce.metadata.shapes import in_order
from reconciler.emulator.salesforce.metadata.xml import (
    document,
    local,
    read_xml,
    text_of,
    texts_of,
)

_MOST_FILES = 10_000
_LARGEST = 64 * 1024 * 1024
_MADE = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Unit:
    """One file of a deployment; without a kind `problem` says why."""

    path: str
    full_name: str
    type_name: str
    content: bytes
    kind: Kind | None = None
    problem: str | None = None


def read_package(archive: bytes, *, single: bool) -> list[Unit]:
    """The components of a zip that its package.xml names."""
    files = _unzip(archive)
    root = "" if single else next((p[: -len("package.xml")] for p in files if _is_root(p)), "")
    manifest = files.get(root + "package.xml")
    if manifest is None:
        raise Failure("INVALID_PACKAGE", "No package.xml found")
    named = _members(manifest)
    units = []
    for path, content in files.items():
        if path.startswith(root) and path != root + "package.xml" and not path.endswith("/"):
            units.append(_unit(path[len(root) :], content, named))
    found = {(unit.kind.package_type, unit.full_name) for unit in units if unit.kind}
    return [*units, *_absent(named, found)]


def _is_root(path: str) -> bool:
    return path.count("/") == 1 and path.endswith("/package.xml")


def _unzip(archive: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as source:
            entries = source.infolist()
            if len(entries) > _MOST_FILES or sum(e.file_size for e in entries) > _LARGEST:
                raise Failure("LIMIT_EXCEEDED", "the zip file is too large")
            return {entry.filename: source.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Failure("INVALID_PACKAGE", f"invalid zip file: {error}") from None


def _members(manifest: bytes) -> dict[str, list[str]]:
    """Names by type, of a package.xml."""
    return {
        text_of(item, "name"): texts_of(item, "members")
        for item in read_xml(manifest)
        if local(item) == "types"
    }


def _unit(path: str, content: bytes, named: Mapping[str, Sequence[str]]) -> Unit:
    directory, _, file = path.partition("/")
    kind = BY_DIRECTORY.get(directory)
    name, _, suffix = file.rpartition(".")
    if kind is None or suffix != kind.suffix:
        return Unit(path, name or path, "", content, None, f"unknown file {path}")
    members = named.get(kind.package_type, ())
    if name not in members and "*" not in members:
        problem = "An object was found in the zip but not named in package.xml"
        return Unit(path, name, kind.name, content, None, problem)
    return Unit(path, name, kind.name, content, kind)


def _absent(named: Mapping[str, Sequence[str]], found: set[tuple[str, str]]) -> list[Unit]:
    units = []
    for kind, members in named.items():
        for name in members:
            if name != "*" and (kind, name) not in found:
                problem = f"An object '{name}' of type {kind} was named in package.xml, but was"
                problem += " not found in zipped directory"
                units.append(Unit("package.xml", name, kind, b"", None, problem))
    return units


def make_package(
    desk: Desk, wanted: Mapping[str, Sequence[str]], *, single: bool
) -> tuple[bytes, list[dict[str, Any]], list[dict[str, Any]]]:
    """A zip of the wanted components, what is in it, and what could not be found."""
    root = "" if single else "unpackaged/"
    files: dict[str, bytes] = {}
    properties: list[dict[str, Any]] = []
    messages: list[dict[str, Any]] = []
    names = {row["Id"]: row.get("Name", "") for row in desk.store.rows("User")}
    for type_name, members in wanted.items():
        kind = _asked_kind(desk, type_name)
        if kind is None:
            messages.append(_missing(f"Entity type '{type_name}' is unknown"))
            continue
        listed = {item.full_name: item for item in kind.listed(desk)}
        for name in listed if "*" in members else members:
            values = kind.read(desk, name)
            if values is None:
                messages.append(_missing(f"Entity of type '{type_name}' named '{name}' not found"))
                continue
            path = f"{root}{kind.directory}/{name}.{kind.suffix}"
            files[path] = document(kind.name, in_order(values, kind.shape))
            properties.append(listed[name].properties(kind.name, path, names))
    files[root + "package.xml"] = _manifest(desk, wanted)
    return _zip(files), properties, messages


def _asked_kind(desk: Desk, type_name: str) -> Kind | None:
    found = (k for k in KINDS.values() if k.package_type == type_name and k.since <= desk.version)
    return next(found, None)


def _missing(problem: str) -> dict[str, Any]:
    return {"fileName": "unpackaged/package.xml", "problem": problem}


def _manifest(desk: Desk, wanted: Mapping[str, Sequence[str]]) -> bytes:
    types = [{"members": list(members), "name": name} for name, members in wanted.items()]
    return document("Package", {"types": types, "version": f"{desk.version:.1f}"})


def _zip(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path, _MADE), content)
    return target.getvalue()
