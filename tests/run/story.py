"""One API with files, and runs of it that keep their journals: for resume and rollback."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

from reconciler.core.outcome import Outcome, exit_of
from reconciler.core.plan import Plan
from reconciler.core.redact import Redactor
from reconciler.errors import worst
from reconciler.run.apply import apply
from reconciler.run.context import Context
from reconciler.run.converge import compare
from reconciler.run.journal import Head, Journal
from reconciler.run.memory import SecretMemory
from reconciler.run.past import PastRun, find_run
from reconciler.run.resume import Rest, rest_of
from reconciler.run.rollback import Inverse, inverse_of
from reconciler.run.stages import Work
from reconciler.run.state import FolderStore
from tests.breaking import BEFORE
from tests.builders import REDACTOR
from tests.run.fake import FakeProvider, a_loaded_context, an_api_file

API = "production/orders.yaml"


class Killed(BaseException):
    """The process is over: nothing after it happens."""


@dataclass
class Story:
    """root: a folder of its own."""

    root: Path
    provider: FakeProvider
    environ: Mapping[str, str] = field(default_factory=dict)
    redactor: Redactor = REDACTOR

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.root / "state")

    def context(self, *entries: str, more: str = "", **changes: Any) -> Context:
        """The files hold these policies."""
        files = {API: an_api_file(*entries, more=more)}
        memory = SecretMemory(self.store, self.redactor)
        made = a_loaded_context(self.root, self.provider, files, self.environ)
        return replace(made, memory=memory, redactor=self.redactor, parallelism=1, **changes)

    def run(
        self, context: Context, run: str = "1", *, kill: int = 0, how: str = BEFORE
    ) -> list[Outcome]:
        """Plans and carries out, with a journal; killed at a write, from 1, before or after it."""
        compared = compare(context, notes=True)
        plan = compared.plan(context, "now")
        jobs = {job.address: job for job in compared.jobs}
        works = [Work(jobs[diff.desired.address], diff) for diff in compared.diffs if diff.steps]
        if not kill:
            return self._carry_out(context, run, plan, works)
        hook = "on_write" if how == BEFORE else "on_written"
        setattr(self.provider, hook, _killer(len(self.provider.writes) + kill))
        with suppress(Killed):
            self._carry_out(context, run, plan, works)
        setattr(self.provider, hook, lambda number: None)
        return []

    def carry_out(self, context: Context, made: Rest | Inverse, run: str) -> list[Outcome]:
        return self._carry_out(context, run, made.plan, made.cleared.works)

    def past(self, run: str = "1") -> PastRun:
        return find_run(self.store, run)

    def rest(self, context: Context, run: str = "1", *, skip: bool = False) -> Rest:
        return rest_of(self.past(run), context, skip_stale=skip, created_at="now")

    def inverse(self, context: Context, run: str = "1") -> Inverse:
        return inverse_of(self.past(run), context, "now")

    def _carry_out(
        self, context: Context, run: str, plan: Plan, works: Sequence[Work]
    ) -> list[Outcome]:
        diffs = [work.diff for work in works]
        head = Head(run, "apply", "now")
        journal = Journal(
            self.store, head, plan, diffs, redactor=self.redactor, clock=lambda: "now"
        )
        outcomes = list(apply(replace(context, account=journal), works, Event()))
        context.memory.close()
        journal.end(worst(exit_of(outcomes)), plan.counts)
        return outcomes


def _killer(at: int) -> Callable[[int], None]:
    def on_write(number: int) -> None:
        if number == at:
            raise Killed

    return on_write


def told(made: Rest | Inverse) -> list[str]:
    """Action and last part of the address of each change of a plan."""
    return [f"{c.action} {c.address.rpartition('/')[2]}" for c in made.plan.changes]


def left(made: Inverse) -> dict[str, str]:
    """What cannot be undone, by the last part of its address."""
    return {error.address.rpartition("/")[2]: error.message for error in made.plan.errors}
