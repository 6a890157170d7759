"""The account of one run, written ahead: what is about to be sent is on disk before it is sent.

`journal/RUN.jsonl`, a record a line: `run` (what was planned), then for each call `write` before it
is sent and `answer` after it, for each change `outcome` once it is settled, and `end`. Only `run`
and `write` are waited for; what a crash takes of the rest is judged by what is live. A call is
announced before its unit is read, so that the disk and the service work at the same time.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler import __version__
from reconciler.core.diff import Step, UnitDiff
from reconciler.core.model import Resource
from reconciler.core.outcome import APPLIED, FAILED, SKIPPED, Outcome
from reconciler.core.plan import SCHEMA_VERSION, Plan, to_file
from reconciler.core.redact import Redactor
from reconciler.errors import Exit
from reconciler.run.commit import SharedLog
from reconciler.run.images import image_of, key_data
from reconciler.run.lock import unusable
from reconciler.run.state import Store

FOLDER = "journal"


@dataclass(frozen=True, slots=True)
class Head:
    """What a run is. policies: the tree of files, as given. resumes, undoes: an earlier run."""

    run: str
    command: str
    started_at: str
    policies: str = ""
    resumes: str = ""
    undoes: str = ""


def journal_name(run: str) -> str:
    """The file of a run's journal."""
    return f"{FOLDER}/{run}.jsonl"


class Journal:
    """The journal of a run that is at work; used by several threads.

    lost: why nothing may be sent any more, or nothing; asked before each write. clock gives the
    time as text. Opening raises ReconcilerError where the first record cannot be written.
    """

    def __init__(
        self,
        store: Store,
        head: Head,
        plan: Plan,
        diffs: Sequence[UnitDiff],
        *,
        redactor: Redactor,
        clock: Callable[[], str],
        lost: Callable[[], str] = lambda: "",
    ) -> None:
        self._run, self._redactor, self._clock, self._lost = head.run, redactor, clock, lost
        self._numbers = _numbers(plan, diffs)
        self._writes: dict[int, int] = {}
        self._lines: dict[int, int] = {}
        self._ids: dict[int, str] = {}
        self._count = 0
        self._counts = Counter[str]({APPLIED: 0, FAILED: 0, SKIPPED: 0})
        self._change = threading.Lock()
        self._halted = ""
        try:
            self._log = SharedLog(store.log(journal_name(head.run)))
            self._log.wait(self._add(_first(head, plan, diffs, self._numbers)))
        except OSError as error:
            raise unusable(store, error) from error

    @property
    def halted(self) -> str:
        """Why nothing more may be sent, or nothing."""
        if not self._halted and self._log.failure:
            self._fail(self._log.failure)
        return self._halted

    def announce(self, unit: UnitDiff, step: Step) -> None:
        """Writes down a call that is about to be made, without waiting for the disk; once."""
        if self.halted or id(step) in self._writes:
            return
        with self._change:
            self._count += 1
            number = self._writes[id(step)] = self._count
        self._lines[id(step)] = self._add(self._write_record(number, unit, step))

    def refusal(self, step: Step) -> str:
        """Waits until the announced call is on disk; why it may not be made, or nothing."""
        if id(step) in self._lines:
            try:
                self._log.wait(self._lines[id(step)])
            except OSError as error:
                self._fail(error)
        if not self._halted and (lost := self._lost()):
            self._halt(f"the lock is lost: {lost}")
        return self._halted

    def answered(self, step: Step, resource_id: str) -> None:
        """Notes that a call was answered with success, and the id of what it made or changed."""
        self._ids[id(step)] = resource_id
        self._note({"record": "answer", "write": self._writes[id(step)], "id": resource_id})

    def became(self, unit: UnitDiff, outcomes: Sequence[Outcome]) -> None:
        """Notes what became of all changes of a unit, in their order."""
        self._counts.update(item.outcome for item in outcomes)
        pairs = zip(unit.steps, outcomes, strict=True)
        self._note(*(self._outcome(step, outcome) for step, outcome in pairs))

    def left_out(self, outcomes: Sequence[Outcome]) -> None:
        """Notes changes of the plan of which nothing was tried."""
        self._counts.update(item.outcome for item in outcomes)
        self._note(*({"record": "outcome", "change": None, **_outcome(o)} for o in outcomes))

    def end(self, code: Exit, planned: Mapping[str, int]) -> str:
        """The last record, with the counts of the plan; says why not all is there, or nothing."""
        summary = {**planned, **self._counts}
        end = {"endedAt": self._clock(), "exit": int(code), "summary": summary}
        try:
            self._log.wait(self._add({"record": "end", **end}))
            self._log.close()
        except OSError as error:
            self._fail(error)
        return self._halted if self._log.failure else ""

    def _add(self, *records: Mapping[str, Any], lasting: bool = True) -> int:
        return self._log.add(b"".join(map(_line, records)), lasting=lasting)

    def _note(self, *records: Mapping[str, Any]) -> None:
        self._add(*records, lasting=False)

    def _fail(self, error: OSError) -> None:
        reason = error.strerror or str(error) or type(error).__name__
        self._halt(
            f"the journal cannot be written ({reason}), so nothing more is sent; "
            f"make room and finish with: reconciler apply --resume {self._run}"
        )

    def _halt(self, reason: str) -> None:
        with self._change:
            self._halted = self._halted or reason

    def _write_record(self, number: int, unit: UnitDiff, step: Step) -> dict[str, Any]:
        before, after = self._images(unit, step)
        record = {
            "record": "write",
            "write": number,
            "change": self._numbers.get(id(step)),
            "at": self._clock(),
            "unit": str(unit.desired.address),
            "target": _target(unit),
            "address": step.change.address,
            "action": str(step.change.action),
            "before": before,
            "after": after,
        }
        if step.sequence:
            record |= {"order": _order(unit), "sequence": list(step.sequence)}
        return record

    def _images(self, unit: UnitDiff, step: Step) -> list[dict[str, Any] | None]:
        resource = step.live or step.desired
        if resource is None:
            return [None, None]
        coordinates = _coordinates(resource)
        like = [item for item in unit.desired.resources if _coordinates(item) == coordinates]
        like += [step.live] if step.live else []
        sent = unit.live.sent.get(resource.id, {}) if step.live else {}
        images = [
            image_of(item, self._redactor, like=like, sent=sent if item.id else None)
            if item
            else None
            for item in (step.live, step.desired)
        ]
        return [image.data() if image else None for image in images]

    def _outcome(self, step: Step, outcome: Outcome) -> dict[str, Any]:
        record = {"record": "outcome", "change": self._numbers.get(id(step)), **_outcome(outcome)}
        if id(step) in self._ids:
            record["id"] = self._ids[id(step)]
        return record


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "address": outcome.change.address,
        "action": str(outcome.change.action),
        "outcome": outcome.outcome,
        "reason": outcome.reason,
        "exit": int(outcome.exit),
    }


def _first(
    head: Head, plan: Plan, diffs: Sequence[UnitDiff], numbers: Mapping[int, int]
) -> dict[str, Any]:
    resources: list[Any] = [None] * len(plan.changes)
    for diff in diffs:
        for step in diff.steps:
            resource = step.desired or step.live
            if resource and id(step) in numbers:
                held = step.live.id if step.live else ""
                resources[numbers[id(step)]] = {**key_data(resource.key), "id": held}
    return {
        "record": "run",
        "run": head.run,
        "command": head.command,
        "startedAt": head.started_at,
        "version": __version__,
        "policies": head.policies,
        "resumes": head.resumes or None,
        "undoes": head.undoes or None,
        "resources": resources,
        "plan": {**to_file(plan), "unmanaged": []},
    }


def _numbers(plan: Plan, diffs: Sequence[UnitDiff]) -> dict[int, int]:
    """The number, among the changes of the plan, of each step of the units, by its identity."""
    # A unit's changes stand together, in the order of its steps.
    first: dict[str, int] = {}
    for number, change in enumerate(plan.changes):
        first.setdefault("/".join(change.address.split("/")[:3]), number)
    return {
        id(step): first[str(diff.desired.address)] + place
        for diff in diffs
        for place, step in enumerate(diff.steps)
    }


def _coordinates(resource: Resource) -> tuple[str, str, str]:
    return resource.key.list, resource.key.group, resource.key.type


def _target(unit: UnitDiff) -> dict[str, str]:
    target = unit.desired.target
    return {
        "host": target.host,
        "organization": target.organization,
        "environment": target.environment,
        "api": target.api,
    }


def _order(unit: UnitDiff) -> list[str]:
    """Ids of what the service orders, first to last."""
    ordered = [each for each in unit.live.resources if each.order is not None]
    return [each.id for each in sorted(ordered, key=lambda each: each.order or 0)]


def _line(record: Mapping[str, Any]) -> bytes:
    whole = {"schemaVersion": SCHEMA_VERSION, **record}
    return json.dumps(whole, separators=(",", ":"), default=str).encode() + b"\n"
