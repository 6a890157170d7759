"""The zip of a deployment, there and back."""

from __future__ import annotations

import io
import zipfile

import pytest

from reconciler.providers.salesforce import archive
from reconciler.providers.salesforce.archive import BadArchive
from reconciler.providers.salesforce.nodes import BadXml, Node, leaf

SETTINGS = Node(
    "metadata",
    type="ConnectedAppSettings",
    children=(leaf("fullName", "ConnectedApp"), leaf("enableAdminApprovedAppsOnly", True)),
)
PATH = "settings/ConnectedApp.settings"
MANIFEST = archive.manifest({"Settings": ["ConnectedApp"]}, "64.0")


def test_a_component_is_a_file_and_back() -> None:
    content = archive.document(SETTINGS)
    assert content.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<ConnectedAppSettings xmlns="http://soap.sforce.com/2006/04/metadata">'
        "<enableAdminApprovedAppsOnly>true</enableAdminApprovedAppsOnly></ConnectedAppSettings>"
    )
    found = archive.component_from(content, "ConnectedAppSettings", "ConnectedApp")
    assert (found.type, found.children) == (SETTINGS.type, SETTINGS.children)


def test_the_manifest_names_the_members() -> None:
    assert MANIFEST.decode().endswith(
        "<types><members>ConnectedApp</members><name>Settings</name></types>"
        "<version>64.0</version></Package>"
    )


def test_a_file_of_another_type_is_refused() -> None:
    with pytest.raises(BadXml, match="not ConnectedApp"):
        archive.component_from(archive.document(SETTINGS), "ConnectedApp", "x")


def test_equal_files_give_equal_bytes() -> None:
    files = {PATH: archive.document(SETTINGS)}
    packed = archive.packed(files, MANIFEST)
    assert packed == archive.packed(dict(files), MANIFEST)
    assert archive.unpacked(packed) == {"package.xml": MANIFEST, **files}


@pytest.mark.parametrize("data", [b"", b"PK", b"<html>", archive.packed({}, MANIFEST)[:-30]])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(BadArchive, match="no whole zip"):
        archive.unpacked(data)


def test_a_zip_with_a_broken_file_is_refused() -> None:
    packed = bytearray(archive.packed({}, MANIFEST))
    packed[60] ^= 0xFF
    with pytest.raises(BadArchive):
        archive.unpacked(bytes(packed))


def test_a_zip_that_swells_is_refused() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", bytes(archive.MAX_BYTES + 1))
    with pytest.raises(BadArchive, match="larger than any"):
        archive.unpacked(made.getvalue())


def test_a_zip_that_hides_its_size_is_refused() -> None:
    """The size that an entry says is what is counted, so no more than that may come."""
    content = bytes(100_000)
    packed = archive.packed({"a": content}, b"")
    said = len(content).to_bytes(4, "little")
    assert packed.count(said) == 2
    with pytest.raises(BadArchive):
        archive.unpacked(packed.replace(said, (10).to_bytes(4, "little")))
