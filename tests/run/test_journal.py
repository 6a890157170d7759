"""What is about to be sent is written down first, without any secret, or it is not sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import Resource
from reconciler.core.outcome import APPLIED, FAILED, SKIPPED, exit_of
from reconciler.core.plan import digest
from reconciler.core.redact import Secret
from reconciler.errors import Exit, ReconcilerError, UsageError, worst
from reconciler.run.apply import Work, apply
from reconciler.run.past import UNKNOWN, JournalError, PastRun, all_runs, find_run, read_run
from reconciler.run.state import FolderStore, Log
from tests.breaking import BEFORE
from tests.builders import TARGET, a_live_policy, a_policy, an_absent
from tests.run.fake import FakeProvider, a_context, a_work
from tests.run.journals import RUN, a_journal, journaled, past, plan_of


def everything() -> tuple[FakeProvider, Work]:
    """A unit that needs a create, an update, a reorder and a delete."""
    live = [
        a_live_policy("alpha", config={"limit": 1}, id_=1, order=1),
        a_live_policy("beta", id_=2, order=2),
        a_live_policy("old", id_=3, order=3),
    ]
    provider = FakeProvider({TARGET: live})
    desired = [a_policy("beta"), a_policy("alpha", config={"limit": 2}), a_policy("gamma")]
    return provider, a_work(provider, *desired, absent=[an_absent("old")])


def records(folder: Path) -> list[Any]:
    text = (folder / f"journal/{RUN}.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def of_kind(folder: Path, kind: str) -> list[Any]:
    return [record for record in records(folder) if record["record"] == kind]


def test_each_write_is_there_before_it_is_sent(tmp_path: Path) -> None:
    provider, work = everything()
    seen: list[int] = []
    provider.on_write = lambda number: seen.append(len(of_kind(tmp_path, "write")))
    journaled(FolderStore(tmp_path), provider, work)
    assert seen == [1, 2, 3, 4]


def test_records_say_all_of_it(tmp_path: Path) -> None:
    provider, work = everything()
    journaled(FolderStore(tmp_path), provider, work)
    assert {record["schemaVersion"] for record in records(tmp_path)} == {1}
    head, end = records(tmp_path)[0], records(tmp_path)[-1]
    assert (head["record"], head["run"], head["command"]) == ("run", RUN, "apply")
    assert (head["policies"], head["plan"]["digest"][:7]) == ("policies", "sha256:")
    assert end["summary"] == {**plan_of(work).counts, "applied": 4, "failed": 0, "skipped": 0}
    by_action = {record["action"]: record for record in of_kind(tmp_path, "write")}
    assert by_action["create"]["before"] is None
    assert by_action["update"]["before"]["settings"]["config"] == {"limit": 1}
    assert by_action["update"]["after"]["settings"]["config"] == {"limit": 2}
    assert by_action["update"]["before"]["id"] == "1"
    assert by_action["delete"]["after"] is None
    assert by_action["reorder"]["order"] == ["1", "2", "3"]
    assert by_action["create"]["target"] == {
        "host": TARGET.host,
        "organization": "org",
        "environment": "env",
        "api": "1",
    }


def test_it_is_for_its_owner_only(tmp_path: Path) -> None:
    provider, work = everything()
    journaled(FolderStore(tmp_path), provider, work)
    assert (tmp_path / f"journal/{RUN}.jsonl").stat().st_mode & 0o777 == 0o600


def test_what_was_written_is_read(tmp_path: Path) -> None:
    provider, work = everything()
    provider.faults = {2: BEFORE}
    outcomes = journaled(FolderStore(tmp_path), provider, work)
    found = past(tmp_path)
    assert [item.outcome for item in found.outcomes()] == [item.outcome for item in outcomes]
    assert (found.exit, found.word, found.ended_at) == (Exit.PARTIAL, "7", "2026-11-23T12:00:07Z")
    assert digest(found.plan) == digest(plan_of(work))
    (created,) = (write for write in found.writes if write.action == "create")
    assert created.made == "100"
    assert found.summary["create"] == 1


def test_a_run_that_was_killed_is_unfinished_and_what_was_on_its_way_unknown(
    tmp_path: Path,
) -> None:
    provider, work = everything()
    journal = a_journal(FolderStore(tmp_path), work)
    first, second, *_ = work.diff.steps
    for step in (first, second):
        journal.announce(work.diff, step)
        assert journal.refusal(step) == ""
        if step is first:
            journal.answered(step, "100")
    found = past(tmp_path)
    assert (found.exit, found.word) == (None, "unfinished")
    assert [item.outcome for item in found.outcomes()] == [UNKNOWN, UNKNOWN, SKIPPED, SKIPPED]
    assert "before the answer" in found.outcomes()[1].reason


def test_an_interrupted_run_is_called_so(tmp_path: Path) -> None:
    stop = Event()
    provider, work = everything()
    provider.on_write = lambda number: stop.set()
    journal = a_journal(FolderStore(tmp_path), work)
    outcomes = apply(replace(a_context(provider), account=journal), [work], stop)
    journal.end(worst(exit_of(outcomes)), {})
    assert past(tmp_path).word == "interrupted"


# Secrets


@pytest.mark.parametrize("returned", [True, False])
def test_no_secret_gets_into_it(tmp_path: Path, returned: bool) -> None:
    value = "hunter-of-snarks"
    old = {"user": "a"} | ({"password": Secret(value)} if returned else {})
    live = a_live_policy("login", config=old, write_only=["config.password"])
    provider = FakeProvider({TARGET: [live]})
    password = Secret("rotated-snarks", "${env:PASSWORD}")
    desired = a_policy(
        "login", config={"user": "b", "password": password}, write_only=["config.password"]
    )
    journaled(FolderStore(tmp_path), provider, a_work(provider, desired))
    text = (tmp_path / f"journal/{RUN}.jsonl").read_text("utf-8")
    assert "snarks" not in text
    (write,) = past(tmp_path).writes
    assert write.before and write.after
    assert write.before.settings["config"].get("password", "(secret)") == "(secret)"
    assert write.after.settings["config"]["password"] == "${env:PASSWORD}"
    assert set(write.before.digests) == ({"config.password"} if returned else set())


def test_a_plain_value_that_the_files_hold_as_a_reference_is_hidden(tmp_path: Path) -> None:
    provider = FakeProvider({TARGET: [a_live_policy("gamma", config={"url": "https://snark"})]})
    desired = a_policy(
        "gamma", config={"url": Secret("other", "${env:URL}")}, secrets=["config.url"]
    )
    journaled(FolderStore(tmp_path), provider, a_work(provider, desired))
    (write,) = past(tmp_path).writes
    assert write.before and write.before.settings["config"] == {"url": "(secret)"}
    assert "snark" not in "".join(map(json.dumps, of_kind(tmp_path, "write")))


# Failures


class Failing(FolderStore):
    """A folder whose logs take this many appends that must last, and then none."""

    def __init__(self, folder: Path, appends: int) -> None:
        super().__init__(folder)
        self.left = appends

    def log(self, name: str) -> Log:
        return _Failing(super().log(name), self)


class _Failing:
    def __init__(self, inner: Log, store: Failing) -> None:
        self.inner, self.store = inner, store

    def append(self, data: bytes, *, lasting: bool = True) -> None:
        self.store.left -= lasting
        if self.store.left < 0:
            raise OSError(28, "No space left on device")
        self.inner.append(data, lasting=lasting)

    def close(self) -> None:
        self.inner.close()


def test_a_journal_that_cannot_be_begun_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    _, work = everything()
    with pytest.raises(ReconcilerError, match="No space left.*nothing was sent.*--state-dir"):
        a_journal(Failing(tmp_path, 0), work)


def test_a_full_disk_in_the_middle_sends_nothing_more(tmp_path: Path) -> None:
    provider, work = everything()
    journal = a_journal(Failing(tmp_path, 3), work)
    outcomes = apply(replace(a_context(provider), account=journal), [work], Event())
    assert [item.outcome for item in outcomes] == [APPLIED, APPLIED, SKIPPED, SKIPPED]
    assert all("No space left" in item.reason for item in outcomes[2:])
    assert f"--resume {RUN}" in outcomes[2].reason
    assert worst(exit_of(outcomes)) is Exit.PARTIAL
    assert provider.writes == ["create gamma", "update alpha"]
    assert "No space left" in journal.end(Exit.PARTIAL, {})
    assert past(tmp_path).exit is None


def test_units_after_a_failure_are_not_even_read(tmp_path: Path) -> None:
    provider, work = everything()
    journal = a_journal(Failing(tmp_path, 1), work)
    context = replace(a_context(provider), account=journal)
    journal.announce(work.diff, work.diff.steps[0])
    assert "No space left" in journal.refusal(work.diff.steps[0])
    apply(context, [work], Event())
    assert (provider.writes, provider.fetches) == ([], 0)


def test_a_lost_lock_sends_nothing_more(tmp_path: Path) -> None:
    provider, work = everything()
    lost: list[str] = []
    journal = a_journal(FolderStore(tmp_path), work, lost=lambda: "".join(lost))
    provider.on_write = lambda number: lost.append("somebody took it")
    outcomes = apply(replace(a_context(provider), account=journal), [work], Event())
    assert [item.outcome for item in outcomes] == [APPLIED, SKIPPED, SKIPPED, SKIPPED]
    assert "the lock is lost: somebody took it" in outcomes[1].reason
    assert journal.end(Exit.PARTIAL, {}) == ""
    assert past(tmp_path).exit is Exit.PARTIAL


class Appending(FakeProvider):
    """A service that puts every new policy last, whatever place is asked for."""

    def create(self, target: Any, desired: Resource, *, order: Any, duplicate: bool) -> Resource:
        return super().create(target, desired, order=None, duplicate=duplicate)


def test_putting_in_order_is_written_down_too(tmp_path: Path) -> None:
    provider = Appending({TARGET: [a_live_policy("alpha")]})
    work = a_work(provider, a_policy("beta"), a_policy("alpha"))
    journaled(FolderStore(tmp_path), provider, work)
    last = past(tmp_path).writes[-1]
    assert (last.action, last.change, last.is_answered) == ("reorder", None, True)


# Reading


def data(tmp_path: Path) -> bytes:
    provider, work = everything()
    journaled(FolderStore(tmp_path), provider, work)
    return (tmp_path / f"journal/{RUN}.jsonl").read_bytes()


def read(journal: bytes) -> PastRun:
    return read_run(RUN, journal, ".reconciler")


def test_any_beginning_of_a_journal_is_read_or_empty(tmp_path: Path) -> None:
    whole = data(tmp_path)
    head = whole.index(b"\n") + 1
    for length in range(0, len(whole), 7):
        if length < head - 1:
            with pytest.raises(JournalError, match="no record is whole"):
                read(whole[:length])
        else:
            assert len(read(whole[:length]).plan.changes) == 4


def test_a_torn_line_does_not_swallow_the_next(tmp_path: Path) -> None:
    lines = data(tmp_path).splitlines()
    torn = b"\n".join([*lines[:2], lines[2][:40], *lines[2:]]) + b"\n"
    assert read(torn) == read(b"\n".join(lines) + b"\n")


def test_zeros_that_a_crash_left_are_no_record(tmp_path: Path) -> None:
    whole = data(tmp_path)
    assert read(whole + b"\0" * 4096) == read(whole)


def test_records_that_stand_there_twice_count_once(tmp_path: Path) -> None:
    whole = data(tmp_path)
    assert read(whole + whole) == read(whole)


def edited(whole: bytes, change: Callable[[list[Any]], Any]) -> bytes:
    made = [json.loads(line) for line in whole.splitlines()]
    change(made)
    return b"".join(json.dumps(record).encode() + b"\n" for record in made)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r[1].update(schemaVersion=2), "line 2: schemaVersion 2 is not one"),
        (lambda r: r[1].update(record="prophecy"), "line 2: unknown record 'prophecy'"),
        (lambda r: r.pop(0), "line 1: a journal begins with the record of its run"),
        (lambda r: r[0].update(run="other"), "the journal of another run, 'other'"),
        (lambda r: r[0].update(plan=[]), "line 1: its plan cannot be read"),
        (lambda r: r[0].update(resources=[]), "its plan does not fit its resources"),
        (lambda r: r[1].update(change=99), "a change that was not planned"),
        (lambda r: r[1].update(action="destroy"), r"line 2: damaged \(ValueError\)"),
        (lambda r: r[1].pop("target"), r"line 2: damaged \(KeyError\)"),
        (lambda r: r[1].update(unit="acme/../../etc"), "line 2"),
        (lambda r: r[-1].update(exit=99), "damaged"),
        (lambda r: r[-2].update(outcome="splendid"), "there is no outcome 'splendid'"),
        (lambda r: r.append([1]), "this is no record of a journal"),
    ],
)
def test_what_is_no_journal_is_said_with_its_line(
    tmp_path: Path, change: Callable[[list[Any]], Any], message: str
) -> None:
    with pytest.raises(JournalError, match=message):
        read(edited(data(tmp_path), change))


@pytest.mark.parametrize(
    "hostile",
    [
        b"garbage\n",
        b"\xff\xfe\n",
        b"{}\n",
        b"[" * 100_000 + b"\n",
        b'{"schemaVersion":1,"record":"run","run":' + b"9" * 5000 + b"}\n",
        b'{"schemaVersion":' + b"[" * 100_000 + b"\n",
        b"null\n",
    ],
)
def test_garbage_is_an_error(hostile: bytes) -> None:
    with pytest.raises(JournalError):
        read(hostile)


@given(st.data())
def test_a_journal_with_any_value_replaced_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject
) -> None:
    whole = data(tmp_path_factory.mktemp("state"))
    made = [json.loads(line) for line in whole.splitlines()]
    holder: Any = draw.draw(st.sampled_from(made))
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            break
        key = draw.draw(st.sampled_from(keys))
        if isinstance(holder[key], dict | list) and draw.draw(st.booleans()):
            holder = holder[key]
            continue
        holder[key] = draw.draw(
            st.none() | st.booleans() | st.integers() | st.text() | st.just([]) | st.just({})
        )
        break
    try:
        found = read(b"".join(json.dumps(record).encode() + b"\n" for record in made))
    except JournalError:
        return
    assert found.summary


@pytest.mark.parametrize("name", ["../secrets", "/etc/passwd", "a/b", "", ".", "none", "x" * 500])
def test_a_run_that_is_none_is_wrong_usage(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="there is no run"):
        find_run(FolderStore(tmp_path), name)


def test_the_last_run_is_the_newest(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    with pytest.raises(UsageError, match="no run has been recorded"):
        find_run(store, "last")
    for name in ("20261123T12-b", "20261123T13-a"):
        _, work = everything()
        a_journal(store, work, run=name)
    (tmp_path / "journal/notes.txt").write_text("not a journal")
    (tmp_path / "journal/broken.jsonl").write_text("garbage\n")
    assert find_run(store, "20261123T12-b").run == "20261123T12-b"
    broken, *others = all_runs(store, 2)
    assert isinstance(broken, JournalError)
    assert [each.run for each in others if isinstance(each, PastRun)] == [
        "20261123T13-a",
        "20261123T12-b",
    ]


def test_a_run_that_ended_before_its_first_record_counts_for_nothing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    _, work = everything()
    a_journal(store, work, run="20261123T12-a")
    (tmp_path / "journal/20261123T13-b.jsonl").write_bytes(b'{"schemaVersion":1,"rec')
    (tmp_path / "journal/20261123T14-c.jsonl").write_bytes(b"")
    assert find_run(store, "last").run == "20261123T12-a"
    assert len(all_runs(store, 1)) == 1
    with pytest.raises(JournalError, match="ended before it sent anything"):
        find_run(store, "20261123T14-c")


def test_a_failed_change_says_why(tmp_path: Path) -> None:
    provider, work = everything()
    provider.faults = {2: BEFORE}
    journaled(FolderStore(tmp_path), provider, work)
    update = past(tmp_path).outcomes()[1]
    assert (update.outcome, "connection broke" in update.reason) == (FAILED, True)
