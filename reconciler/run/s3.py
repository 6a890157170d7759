"""Lasting state in a bucket, for machines that forget their disk: `s3://bucket/prefix`.

The only user of s3fs, an extra; imported only where such a place is named. A bucket has no file
that can be added to: each flush of a log is a small object beside it, `NAME.parts/N`, and they are
put together when the log is closed. The whole says which parts it holds, so that a crash in between
doubles nothing. A lock needs a service that knows conditional writes, as S3 does.
"""

from __future__ import annotations

import errno
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from fsspec.asyn import sync
from s3fs import S3FileSystem

from reconciler.errors import UsageError
from reconciler.run.state import Log

SCHEME = "s3://"

_CONNECT_S, _READ_S, _CALL_S = 5, 15, 40
_ATTEMPTS = 3
_PARTS = ".parts/"
_LOGS = ".jsonl"
_MERGED = "merged"
_IS_TAKEN = frozenset(("PreconditionFailed", "ConditionalRequestConflict", "412", "409"))
_IS_NONE = frozenset(("NoSuchKey", "404"))

Object = tuple[bytes, str, str]
"""Content, ETag, and the last part that it holds."""


class S3Store:
    """A `Store` in a bucket. Credentials, region and endpoint come from the environment, as for
    any tool (AWS_*); each call ends in bounded time. Raises UsageError for a URL without bucket.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if not parts.netloc or parts.query or parts.fragment or "@" in parts.netloc:
            raise UsageError(f"{url} is no place for state: write s3://BUCKET/PREFIX")
        self._bucket = parts.netloc
        self._prefix = f"{parts.path.strip('/')}/".lstrip("/")
        self._url = f"{SCHEME}{self._bucket}/{self._prefix}".rstrip("/")
        timeouts = {"connect_timeout": _CONNECT_S, "read_timeout": _READ_S}
        self._fs = S3FileSystem(
            config_kwargs={**timeouts, "retries": {"max_attempts": _ATTEMPTS - 1}},
            skip_instance_cache=True,
            use_listings_cache=False,
        )
        self._fs.retries = _ATTEMPTS

    def __str__(self) -> str:
        return self._url

    def close(self) -> None:
        """Closes the connections."""
        client = self._fs._s3
        if client is not None:
            sync(self._fs.loop, client.close, timeout=_CONNECT_S)

    def read(self, name: str) -> bytes | None:
        found = self._get(name)
        data, merged = (found[0], found[2]) if found else (b"", "")
        # Parts of a lock or a key there are none: that need not be asked.
        parts = self._parts(name, merged) if name.endswith(_LOGS) else []
        if not found and not parts:
            return None
        return data + b"".join(self._get(part, b"")[0] for part in parts)

    def write(self, name: str, data: bytes) -> None:
        self._put(name, data)

    def create(self, name: str, data: bytes) -> bool:
        if self._put(name, data, IfNoneMatch="*"):
            return True
        # The answer to our own call may have been lost, and the call sent again.
        return self._holds(name, data)

    def swap(self, name: str, old: bytes, new: bytes) -> bool:
        found = self._get(name)
        if found is None or found[0] != old:
            return found is not None and old != new and found[0] == new
        return self._put(name, new, IfMatch=found[1]) or self._holds(name, new)

    def delete(self, name: str) -> None:
        parts = self._parts(name, "") if name.endswith(_LOGS) else []
        for each in (*parts, name):
            self._call("delete_object", Key=self._prefix + each)

    def names(self, folder: str) -> Iterator[str]:
        below = f"{folder}/" if folder else ""
        yield from sorted({name.partition(_PARTS)[0] for name in self._listed(below)})

    def log(self, name: str) -> Log:
        return _PartLog(self, name)

    def first_part(self, name: str) -> int:
        """The number of the next series of parts of a log."""
        found = self._get(name)
        last = max([found[2] if found else "", *self._parts(name, "")])
        return int(last.rpartition("/")[2].partition("-")[0] or 0) + 1

    def put_together(self, name: str) -> None:
        """Makes one object of a log and its parts."""
        merged = (self._get(name) or (b"", "", ""))[2]
        parts = self._parts(name, merged)
        data = self.read(name)
        if parts and data is not None:
            self._put(name, data, Metadata={_MERGED: parts[-1].rpartition("/")[2]})
        for part in self._parts(name, ""):
            self._call("delete_object", Key=self._prefix + part)

    def _holds(self, name: str, data: bytes) -> bool:
        found = self._get(name)
        return found is not None and found[0] == data

    def _parts(self, name: str, merged: str) -> list[str]:
        """Names of the parts that come after `merged`, in order."""
        return [
            part for part in self._listed(f"{name}{_PARTS}") if part.rpartition("/")[2] > merged
        ]

    def _listed(self, below: str) -> list[str]:
        names: list[str] = []
        more: dict[str, str] = {}
        while True:
            found = self._call("list_objects_v2", Prefix=self._prefix + below, **more)
            names += [item["Key"].removeprefix(self._prefix) for item in found.get("Contents", ())]
            if not found.get("IsTruncated"):
                return sorted(names)
            more = {"ContinuationToken": found["NextContinuationToken"]}

    def _put(self, name: str, data: bytes, **conditions: Any) -> bool:
        """Whether it was written; False where a condition does not hold."""
        try:
            self._call("put_object", Key=self._prefix + name, Body=data, **conditions)
        except _Other:
            return False
        return True

    def _get(self, name: str, default: bytes | None = None) -> Any:
        """An `Object`; without one, None, or the default as one."""
        try:
            return self._run(self._content(self._prefix + name), name)
        except _Missing:
            return None if default is None else (default, "", "")

    async def _content(self, key: str) -> Object:
        answer = await self._fs._call_s3("get_object", Bucket=self._bucket, Key=key)
        async with answer["Body"] as body:
            data = await body.read()
        return data, answer["ETag"], answer.get("Metadata", {}).get(_MERGED, "")

    def _call(self, method: str, **arguments: Any) -> Any:
        name = str(arguments.get("Key", "")).removeprefix(self._prefix)
        call = self._fs._call_s3(method, Bucket=self._bucket, **arguments)
        return self._run(call, name)

    def _run(self, call: Coroutine[Any, Any, Any], name: str) -> Any:
        try:
            return sync(self._fs.loop, lambda: call, timeout=_CALL_S)
        except (OSError, BotoCoreError, ValueError) as error:
            raise self._failure(error, name) from None

    def _failure(self, error: Exception, name: str) -> OSError:
        """The failure in our own words, with a number and a text."""
        cause = error if isinstance(error, ClientError) else error.__cause__
        code = cause.response["Error"].get("Code", "") if isinstance(cause, ClientError) else ""
        if code in _IS_NONE:
            return _Missing(errno.ENOENT, "there is no such object")
        if code in _IS_TAKEN:
            return _Other(errno.EEXIST, "somebody else was there first")
        what = f"{self._url}/{name}".rstrip("/")
        return OSError(*_reason(error, code, self._bucket), what)


class _Missing(OSError):
    """There is no such object."""


class _Other(OSError):
    """The object is not what a conditional write asked for."""


def _reason(error: Exception, code: str, bucket: str) -> tuple[int, str]:
    if code == "NoSuchBucket":
        return errno.ENOENT, f"there is no bucket {bucket}"
    if isinstance(error, PermissionError):
        return errno.EACCES, f"S3 refuses it ({code}): check AWS_* and the policy of the bucket"
    if isinstance(error, NoCredentialsError):
        return errno.EACCES, "there are no AWS credentials: set AWS_ACCESS_KEY_ID and the like"
    if isinstance(error, TimeoutError):
        return errno.ETIMEDOUT, "S3 does not answer in time"
    if code:
        return errno.EIO, f"S3 answers {code}"
    if isinstance(error, BotoCoreError):
        return errno.EIO, f"S3 cannot be reached ({type(error).__name__})"
    return errno.EIO, f"S3 cannot be used ({type(error).__name__})"


class _PartLog:
    """A log of which each flush is an object of its own."""

    def __init__(self, store: S3Store, name: str) -> None:
        self._store, self._name = store, name
        self._series, self._count = store.first_part(name), 0
        self._waiting: list[bytes] = []

    def append(self, data: bytes, *, lasting: bool = True) -> None:
        self._waiting.append(data)
        if lasting:
            self._flush()

    def close(self) -> None:
        with suppress(OSError):  # parts are as good to read
            if self._waiting:
                self._flush()
            self._store.put_together(self._name)

    def _flush(self) -> None:
        name = f"{self._name}{_PARTS}{self._series:06d}-{self._count + 1:08d}"
        if not self._store.create(name, b"".join(self._waiting)):
            raise OSError(errno.EEXIST, "another run writes the same journal", str(self._store))
        self._waiting.clear()
        self._count += 1
