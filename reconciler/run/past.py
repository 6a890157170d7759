"""Past runs, read back from their journals. Whatever a file holds, it is read or refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.core.diff import Action
from reconciler.core.model import ResourceKey, Target, UnitAddress
from reconciler.core.outcome import APPLIED, FAILED, SKIPPED
from reconciler.core.plan import SCHEMA_VERSION, Plan, PlanFileError, from_file
from reconciler.errors import Exit, ReconcilerError, UsageError
from reconciler.run.images import Image, image_from, key_from
from reconciler.run.journal import FOLDER, journal_name
from reconciler.run.state import Store

MAX_BYTES = 512 * 1024 * 1024
LAST = "last"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# How every record begins: what is cut off within or after it was never finished.
_BEGINNING = b'{"schemaVersion":'


class JournalError(ReconcilerError):
    """A journal that cannot be read; the message says which, where and why."""


class Unbegun(JournalError):
    """A run that ended before its first record was whole: it has sent nothing."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A change of the plan by what it was about. id: of the live resource, empty for a create."""

    key: ResourceKey
    id: str


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a change; the words of `core.outcome`."""

    outcome: str
    reason: str = ""
    exit: Exit = Exit.OK


@dataclass(frozen=True, slots=True)
class Write:
    """A call that was about to be sent. change: its number in the plan, or None.

    made: the id in the answer; empty where none came. is_answered: a success came back.
    order, sequence: of a reorder, ids before and as asked for, with tokens for what is new.
    """

    number: int
    change: int | None
    unit: UnitAddress
    target: Target
    address: str
    action: str
    before: Image | None
    after: Image | None
    order: tuple[str, ...] = ()
    sequence: tuple[str, ...] = ()
    made: str = ""
    is_answered: bool = False


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run. exit: None where it never came to its end. became: by number of the change."""

    run: str
    command: str
    started_at: str
    version: str
    policies: str
    plan: Plan
    planned: tuple[Planned | None, ...]
    resumes: str = ""
    undoes: str = ""
    writes: tuple[Write, ...] = ()
    became: Mapping[int, Became] = field(default_factory=dict)
    exit: Exit | None = None
    ended_at: str = ""

    @property
    def word(self) -> str:
        """How it ended: an exit code, `interrupted`, or `unfinished`."""
        if self.exit is None:
            return "unfinished"
        return "interrupted" if self.exit is Exit.INTERRUPTED else str(int(self.exit))

    def outcomes(self) -> list[Became]:
        """What became of each planned change; `unknown` where it was sent and no more is known."""
        last = {write.change: write for write in self.writes}
        return [
            self.became.get(number) or _unsettled(last.get(number))
            for number in range(len(self.plan.changes))
        ]

    @property
    def summary(self) -> dict[str, int]:
        """Planned changes by action, and what became of them."""
        words = [item.outcome for item in self.outcomes()]
        planned = {name: self.plan.counts[name] for name in _ACTIONS}
        return planned | {word: words.count(word) for word in _WORDS}


def _unsettled(sent: Write | None) -> Became:
    if sent is None:
        return Became(SKIPPED, "the run ended before it was sent")
    if sent.is_answered:
        return Became(UNKNOWN, "it was answered, and the run ended before it was read back")
    return Became(UNKNOWN, "it was sent, and the run ended before the answer")


UNKNOWN = "unknown"
_ACTIONS = ("create", "update", "delete", "reorder")
_WORDS = (APPLIED, FAILED, SKIPPED, UNKNOWN)


def run_names(store: Store) -> list[str]:
    """The runs that have a journal, oldest first."""
    names = (name.removeprefix(f"{FOLDER}/") for name in store.names(FOLDER))
    return [
        name.removesuffix(".jsonl")
        for name in names
        if name.endswith(".jsonl") and _NAME.fullmatch(name.removesuffix(".jsonl"))
    ]


def find_run(store: Store, asked: str) -> PastRun:
    """The run of this name, or the `last` one; UsageError where there is none."""
    try:
        names = reversed(run_names(store)) if asked == LAST else [asked]
        for name in names:
            data = store.read(journal_name(name)) if _NAME.fullmatch(name) else None
            if data is None:
                continue
            try:
                return read_run(name, data, str(store))
            except Unbegun:
                if asked != LAST:
                    raise
    except OSError as error:
        raise _unreadable(store, error) from error
    what = "no run has been recorded" if asked == LAST else f"there is no run {asked!r}"
    raise UsageError(f"{what} in {store}; `reconciler history` lists them (see --state-dir)")


def read_run(name: str, data: bytes, place: str) -> PastRun:
    """The run in the data of its journal; raises JournalError."""
    where = f"{place}/{journal_name(name)}"
    if len(data) > MAX_BYTES:
        raise JournalError(f"{where}: too large for a journal")
    reading = _Reading()
    for number, line in _lines(data):
        try:
            record = _record(line)
            if record is not None:
                reading.take(record)
        except _Wrong as wrong:
            raise JournalError(f"{where}, line {number}: {wrong}") from None
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            kind = type(error).__name__
            raise JournalError(f"{where}, line {number}: damaged ({kind})") from None
    past = reading.run()
    if past is None:
        raise Unbegun(f"{where}: no record is whole: the run ended before it sent anything")
    if past.run != name:
        raise JournalError(f"{where}: it is the journal of another run, {past.run!r}")
    return past


class _Wrong(Exception):
    pass


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that are whole, with their numbers from 1.

    One cut off at the end was never finished; so was one that is cut off before another. A crash
    of the machine may leave zeros.
    """
    for number, line in enumerate(data.split(b"\n"), 1):
        line = line.strip(b"\0 \r")
        if line:
            yield number, line


def _record(line: bytes) -> Mapping[str, Any] | None:
    """The record of a line; None for a torn one."""
    try:
        record = json.loads(line)
    except ValueError:
        if line.startswith(_BEGINNING) or _BEGINNING.startswith(line):
            return None
        raise _Wrong("this is no record of a journal") from None
    if not isinstance(record, Mapping) or "schemaVersion" not in record:
        raise _Wrong("this is no record of a journal")
    if record["schemaVersion"] != SCHEMA_VERSION:
        raise _Wrong(
            f"schemaVersion {record['schemaVersion']!r} is not one that this version can read; "
            "use the version of reconciler that wrote it, or a newer one"
        )
    return record


def _first(record: Mapping[str, Any]) -> PastRun:
    try:
        plan, _ = from_file(record["plan"])
    except PlanFileError as error:
        raise _Wrong(f"its plan cannot be read: {error}") from None
    planned = tuple(_planned(item) for item in record["resources"])
    if len(planned) != len(plan.changes):
        raise _Wrong("its plan does not fit its resources")
    return PastRun(
        str(record["run"]),
        str(record["command"]),
        str(record["startedAt"]),
        str(record["version"]),
        str(record["policies"]),
        plan,
        planned,
        str(record["resumes"] or ""),
        str(record["undoes"] or ""),
    )


def _planned(data: Any) -> Planned | None:
    return None if data is None else Planned(key_from(data), str(data["id"]))


@dataclass(slots=True)
class _Reading:
    """What the records so far say; each of them may stand there twice."""

    head: PastRun | None = None
    writes: dict[int, Write] = field(default_factory=dict)
    became: dict[int, Became] = field(default_factory=dict)
    end: tuple[Exit, str] | None = None

    def take(self, record: Mapping[str, Any]) -> None:
        kind = record.get("record")
        if kind == "run":
            self.head = self.head or _first(record)
        elif self.head is None:
            raise _Wrong("a journal begins with the record of its run")
        elif kind == "write":
            write = _write(record, len(self.head.planned))
            self.writes.setdefault(write.number, write)
        elif kind == "answer":
            number = int(record["write"])
            answered = replace(self.writes[number], made=str(record["id"]), is_answered=True)
            self.writes[number] = answered
        elif kind == "outcome":
            if record["change"] is not None:
                self.became[int(record["change"])] = _became(record)
        elif kind == "end":
            self.end = Exit(record["exit"]), str(record["endedAt"])
        else:
            raise _Wrong(f"unknown record {kind!r}: a newer version may have written it")

    def run(self) -> PastRun | None:
        if self.head is None:
            return None
        writes = tuple(self.writes[number] for number in sorted(self.writes))
        code, ended_at = self.end or (None, "")
        return replace(self.head, writes=writes, became=self.became, exit=code, ended_at=ended_at)


def _write(record: Mapping[str, Any], changes: int) -> Write:
    target = record["target"]
    organization, environment, unit = str(record["unit"]).split("/")
    change = record["change"]
    if change is not None and not 0 <= int(change) < changes:
        raise _Wrong("it tells of a change that was not planned")
    return Write(
        int(record["write"]),
        None if change is None else int(change),
        UnitAddress(organization, environment, unit),
        Target(*(str(target[name]) for name in ("host", "organization", "environment", "api"))),
        str(record["address"]),
        str(Action(record["action"])),
        image_from(record["before"]),
        image_from(record["after"]),
        tuple(map(str, record.get("order", ()))),
        tuple(map(str, record.get("sequence", ()))),
    )


def _became(record: Mapping[str, Any]) -> Became:
    word = str(record["outcome"])
    if word not in (APPLIED, FAILED, SKIPPED):
        raise _Wrong(f"there is no outcome {word!r}")
    return Became(word, str(record["reason"]), Exit(record["exit"]))


def all_runs(store: Store, parallelism: int) -> list[PastRun | JournalError]:
    """All runs, newest first; a journal that cannot be read stands there as its error."""
    try:
        names = run_names(store)
    except OSError as error:
        raise _unreadable(store, error) from error
    with ThreadPoolExecutor(max(parallelism, 1)) as pool:
        found = list(pool.map(lambda name: _run_or_error(store, name), reversed(names)))
    return [item for item in found if item is not None]


def _run_or_error(store: Store, name: str) -> PastRun | JournalError | None:
    """None for what was never begun, or was deleted meanwhile."""
    try:
        return find_run(store, name)
    except (Unbegun, UsageError):
        return None
    except JournalError as error:
        return error


def _unreadable(store: Store, error: OSError) -> JournalError:
    reason = error.strerror or str(error)
    return JournalError(f"the journals in {store} cannot be read: {reason}")
