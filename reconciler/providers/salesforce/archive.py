"""Files as the zip of a deployment, and back, within bounds (facts, section 5.3). Pure."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence

from reconciler.providers.salesforce.nodes import BadXml, Node, leaf, parsed, written
from reconciler.providers.salesforce.soap import NAMESPACE

MAX_FILES = 10_000
MAX_BYTES = 64 * 1024 * 1024

_MANIFEST = "package.xml"
# The same files give the same bytes; no zip has an earlier date.
_DATE = (1980, 1, 1, 0, 0, 0)


class BadArchive(ValueError):
    """What came is no archive that we read."""


def document(component: Node) -> bytes:
    """A component as the file that holds it; the name of the file stands for its `fullName`."""
    if not component.type:
        raise ValueError("a component needs its type")
    return _file(component.type, component.without("fullName").children)


def manifest(members: Mapping[str, Sequence[str]], version: str) -> bytes:
    """The `package.xml` of an archive; members: names by their type."""
    types = [
        Node("types", children=(*(leaf("members", name) for name in names), leaf("name", kind)))
        for kind, names in sorted(members.items())
    ]
    return _file("Package", (*types, leaf("version", version)))


def packed(files: Mapping[str, bytes], manifest: bytes) -> bytes:
    """The zip of these files, `package.xml` first; equal for equal files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ((_MANIFEST, manifest), *sorted(files.items())):
            archive.writestr(zipfile.ZipInfo(name, _DATE), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    """The files of a zip by their paths; raises BadArchive for one that is none, or is more than
    it seems. Nothing is written anywhere."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MAX_FILES or sum(entry.file_size for entry in entries) > MAX_BYTES:
                raise BadArchive("the archive is larger than any that a service sends")
            # An entry that holds more than it says is cut there, and its checksum fails.
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError):
        raise BadArchive("no whole zip archive") from None


def component_from(content: bytes, kind: str, name: str) -> Node:
    """The component that a file holds; raises BadXml for one of another type."""
    root = parsed(content)
    if root.name != kind:
        raise BadXml(f"it holds {root.name}, not {kind}")
    return Node("records", children=(leaf("fullName", name), *root.children), type=kind)


def _file(root: str, children: Sequence[Node]) -> bytes:
    inner = "".join(written(child) for child in children)
    text = f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{NAMESPACE}">{inner}</{root}>'
    return text.encode()
