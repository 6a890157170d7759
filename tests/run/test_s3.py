"""The bucket's own ways: logs put together, crashes in between, and failures in our words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from reconciler.run.s3 import S3Store
from tests import s3


@pytest.fixture
def store(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    for name, value in s3.variables(s3_server).items():
        monkeypatch.setenv(name, value)
    with closing(S3Store(f"s3://{s3.BUCKET}/state")) as made:
        yield made


def keys(store: S3Store) -> list[str]:
    return store._listed("")


def test_a_closed_log_is_one_object(store: S3Store) -> None:
    with closing(store.log("a.jsonl")) as log:
        log.append(b"1\n")
        log.append(b"2\n")
        assert keys(store) == ["a.jsonl.parts/000001-00000001", "a.jsonl.parts/000001-00000002"]
    assert keys(store) == ["a.jsonl"]


def test_a_crash_while_a_log_is_put_together_doubles_nothing(
    store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = S3Store._call

    def crashing(self: S3Store, method: str, **arguments: Any) -> Any:
        if method == "delete_object":
            raise OSError(5, "killed")
        return call(self, method, **arguments)

    monkeypatch.setattr(S3Store, "_call", crashing)
    with closing(store.log("a.jsonl")) as log:
        log.append(b"1\n")
        log.append(b"2\n")
    assert len(keys(store)) == 3
    assert store.read("a.jsonl") == b"1\n2\n"
    monkeypatch.setattr(S3Store, "_call", call)
    with closing(store.log("a.jsonl")) as log:
        log.append(b"3\n")
    assert (keys(store), store.read("a.jsonl")) == (["a.jsonl"], b"1\n2\n3\n")


def test_two_that_write_one_log_do_not_replace_each_other(store: S3Store) -> None:
    one, two = store.log("a.jsonl"), store.log("a.jsonl")
    one.append(b"1\n")
    with pytest.raises(OSError, match="another run writes"):
        two.append(b"2\n")
    assert store.read("a.jsonl") == b"1\n"


def test_a_lost_answer_to_our_own_write_is_no_defeat(
    store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = S3Store._put

    def twice(self: S3Store, name: str, data: bytes, **conditions: Any) -> bool:
        put(self, name, data, **conditions)
        return put(self, name, data, **conditions)

    monkeypatch.setattr(S3Store, "_put", twice)
    assert store.create("lock", b"mine")
    assert store.swap("lock", b"mine", b"mine again")


def test_many_objects_are_listed_in_pages(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    call = S3Store._call

    def paged(self: S3Store, method: str, **arguments: Any) -> Any:
        return call(self, method, **arguments, **({"MaxKeys": 2} if "Prefix" in arguments else {}))

    monkeypatch.setattr(S3Store, "_call", paged)
    names = [f"journal/{number}.jsonl" for number in range(5)]
    for name in names:
        store.write(name, b"x")
    assert list(store.names("journal")) == names


def test_a_bucket_that_is_not_there_is_named(store: S3Store) -> None:
    with closing(S3Store("s3://other/state")) as other:
        for act in (lambda: other.read("lock"), lambda: other.create("lock", b"x")):
            with pytest.raises(OSError, match="there is no bucket other") as raised:
                act()
            assert raised.value.strerror


def test_no_credentials_are_named(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.variables(s3_server).items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with (
        closing(S3Store(f"s3://{s3.BUCKET}/state")) as store,
        pytest.raises(OSError, match="there are no AWS credentials"),
    ):
        store.read("lock")


def test_nobody_there_is_said_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.variables("http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    begun = time.monotonic()
    with (
        closing(S3Store(f"s3://{s3.BUCKET}/state")) as store,
        pytest.raises(OSError, match="S3 cannot be reached"),
    ):
        store.read("lock")
    assert time.monotonic() - begun < 30
