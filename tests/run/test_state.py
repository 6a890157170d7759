"""The folder that keeps state: whole files, one maker, lines that a torn one cannot swallow."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from reconciler.run.state import FolderStore


def test_a_file_is_made_by_one_alone(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "state")
    assert store.create("lock", b"one")
    assert not store.create("lock", b"two")
    assert store.read("lock") == b"one"


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "state")
    store.write("journal/a", b"1")
    store.create("journal/b", b"2")
    with closing(store.log("journal/c")) as log:
        log.append(b"3\n")
    assert list(store.names("journal")) == ["journal/a", "journal/b", "journal/c"]
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "state/journal").iterdir()}
    assert modes == {0o600}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_a_torn_line_swallows_no_other(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b'{"whole": 1}\n{"to')
    with closing(FolderStore(tmp_path).log("log")) as log:
        log.append(b"next\n")
        log.append(b"last\n")
    assert (tmp_path / "log").read_bytes() == b'{"whole": 1}\n{"to\nnext\nlast\n'


def test_what_is_gone_counts_as_deleted(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "state")
    store.delete("journal/none")
    assert store.read("journal/none") is None
    assert list(store.names("journal")) == []


def test_a_swap_needs_what_was_there_before(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert not store.swap("lock", b"one", b"two")
    store.write("lock", b"one")
    assert not store.swap("lock", b"other", b"two")
    assert store.swap("lock", b"one", b"two")
    assert store.read("lock") == b"two"
    assert store.swap("lock", b"two", b"")
    assert not store.read("lock")
    assert list(store.names("")) == []
