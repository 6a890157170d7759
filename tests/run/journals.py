"""Journals of small runs, for the tests of what is read from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

from reconciler.core.outcome import Outcome, exit_of
from reconciler.core.plan import Plan, make_plan
from reconciler.errors import worst
from reconciler.run.apply import Work, apply
from reconciler.run.journal import Head, Journal
from reconciler.run.past import PastRun, find_run
from reconciler.run.state import FolderStore, Store
from tests.builders import REDACTOR
from tests.run.fake import FakeProvider, a_context

RUN = "20261123T120000000Z-abcdef"


def plan_of(*works: Work) -> Plan:
    diffs = [work.diff for work in works]
    return make_plan(diffs, errors=(), warnings=(), scope={}, created_at="now")


def a_journal(
    store: Store, *works: Work, lost: Callable[[], str] = lambda: "", run: str = RUN
) -> Journal:
    head = Head(run, "apply", "2026-11-23T12:00:00Z", "policies")
    diffs = [work.diff for work in works]
    clock = lambda: "2026-11-23T12:00:07Z"  # noqa: E731
    return Journal(store, head, plan_of(*works), diffs, redactor=REDACTOR, clock=clock, lost=lost)


def journaled(
    store: Store, provider: FakeProvider, *works: Work, ends: bool = True, stop: Event | None = None
) -> list[Outcome]:
    """Carries out the works, and keeps the journal of it."""
    journal = a_journal(store, *works)
    context = replace(a_context(provider), account=journal)
    outcomes = list(apply(context, works, stop or Event()))
    if ends:
        assert journal.end(worst(exit_of(outcomes)), plan_of(*works).counts) == ""
    return outcomes


def past(folder: Path) -> PastRun:
    return find_run(FolderStore(folder), RUN)
