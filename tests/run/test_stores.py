"""What every store does, whatever holds it: the suite for folders and for buckets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.errors import Refusal, UsageError
from reconciler.run.lock import Lock
from reconciler.run.s3 import S3Store
from reconciler.run.state import FolderStore, Store
from tests import s3


@pytest.fixture(params=["folder", "s3"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    if request.param == "folder":
        yield FolderStore(tmp_path / "state")
        return
    url = request.getfixturevalue("s3_server")
    for name, value in s3.variables(url).items():
        monkeypatch.setenv(name, value)
    with closing(S3Store(f"s3://{s3.BUCKET}/team/state")) as made:
        yield made


def logged(store: Store, name: str, *lines: bytes) -> None:
    with closing(store.log(name)) as log:
        for line in lines:
            log.append(line)


def test_what_is_written_is_read(store: Store) -> None:
    assert store.read("converged/acme/production.json") is None
    store.write("converged/acme/production.json", b"one")
    store.write("converged/acme/production.json", b"two")
    assert store.read("converged/acme/production.json") == b"two"


def test_a_file_is_made_by_one_alone(store: Store) -> None:
    assert store.create("secret-key", b"one")
    assert not store.create("secret-key", b"two")
    assert store.read("secret-key") == b"one"


def test_a_swap_needs_what_was_there_before(store: Store) -> None:
    assert not store.swap("lock", b"one", b"two")
    store.write("lock", b"one")
    assert not store.swap("lock", b"other", b"two")
    assert store.swap("lock", b"one", b"two")
    assert store.read("lock") == b"two"
    assert store.swap("lock", b"two", b"")
    assert not store.read("lock")


def test_of_many_that_swap_at_once_one_wins(store: Store) -> None:
    store.write("lock", b"old")
    start = threading.Barrier(6)
    won: list[int] = []

    def swap(number: int) -> None:
        start.wait()
        if store.swap("lock", b"old", b"new %d" % number):
            won.append(number)

    threads = [threading.Thread(target=swap, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.read("lock") == b"new %d" % won[0]


def test_what_is_gone_counts_as_deleted(store: Store) -> None:
    store.delete("journal/none.jsonl")
    store.write("a", b"1")
    store.delete("a")
    assert store.read("a") is None
    assert list(store.names("journal")) == []


def test_names_are_those_below_a_folder_sorted(store: Store) -> None:
    for name in ("journal/b.jsonl", "journal/a.jsonl", "other/c", "journals"):
        store.write(name, b"1")
    assert list(store.names("journal")) == ["journal/a.jsonl", "journal/b.jsonl"]


def test_a_log_is_added_to(store: Store) -> None:
    logged(store, "journal/a.jsonl", b"1\n", b"2\n")
    logged(store, "journal/a.jsonl", b"3\n")
    assert store.read("journal/a.jsonl") == b"1\n2\n3\n"
    assert list(store.names("journal")) == ["journal/a.jsonl"]


def test_a_log_that_was_not_closed_is_read_and_added_to(store: Store) -> None:
    log = store.log("journal/a.jsonl")
    log.append(b"1\n", lasting=False)
    log.append(b"2\n")
    assert store.read("journal/a.jsonl") == b"1\n2\n"
    assert list(store.names("journal")) == ["journal/a.jsonl"]
    logged(store, "journal/a.jsonl", b"3\n")
    assert store.read("journal/a.jsonl") == b"1\n2\n3\n"


def test_what_need_not_last_is_there_in_the_end(store: Store) -> None:
    with closing(store.log("secrets.jsonl")) as log:
        log.append(b"1\n", lasting=False)
    assert store.read("secrets.jsonl") == b"1\n"
    store.delete("secrets.jsonl")
    assert store.read("secrets.jsonl") is None


def test_one_run_at_a_time(store: Store) -> None:
    two = Lock(store, run="two", command="apply")
    with Lock(store, run="one", command="apply"), pytest.raises(Refusal, match="apply one of"):
        two.__enter__()
    with Lock(store, run="three", command="rollback") as lock:
        lock.renew()
        assert lock.lost == ""


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///prefix", "s3://bucket?x=1", "s3://key:secret@bucket/a"]
)
def test_a_url_without_a_bucket_is_wrong_usage(url: str) -> None:
    with pytest.raises(UsageError, match="s3://BUCKET/PREFIX"):
        S3Store(url)
