"""Apply, then rollback, of an org: as it was before, and this tool gets in all the while."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from threading import Event

from hypothesis import assume, event, given
from hypothesis import strategies as st

from reconciler.core.access import DesiredAccess
from reconciler.core.access_diff import diff_access
from reconciler.core.outcome import APPLIED
from reconciler.core.plan import make_plan
from reconciler.errors import Exit
from reconciler.run.access import refused_lockouts
from reconciler.run.apply import apply
from reconciler.run.journal import Head, Journal
from reconciler.run.past import Write, find_run
from reconciler.run.restore_access import UndoneAccess
from reconciler.run.state import FolderStore
from tests.breaking import AFTER, BEFORE
from tests.builders import REDACTOR
from tests.core.test_access_laws import files, orgs
from tests.org import OWN_APP, OWN_USER, Org
from tests.run.fake import a_context
from tests.run.test_access import OrgProvider, a_work

STAYS = ("gets in with it", "pre-authorization stays")


def journaled(provider: OrgProvider, desired: DesiredAccess) -> Sequence[Write]:
    """Carries it all out with a journal; what it wrote down."""
    with tempfile.TemporaryDirectory() as folder:
        store = FolderStore(Path(folder))
        work = a_work(provider, desired)
        plan = make_plan([work.diff], errors=(), warnings=(), scope={}, created_at="now")
        head = Head("1", "apply", "now")
        journal = Journal(store, head, plan, [work.diff], redactor=REDACTOR, clock=lambda: "now")
        apply(a_context(provider, account=journal), [work], Event())
        assert journal.end(Exit.OK, plan.counts) == ""
        return find_run(store, "1").writes


@given(orgs(), files(), st.data())
def test_apply_then_rollback_gives_the_org_before(
    org: Org, desired: DesiredAccess, data: st.DataObject
) -> None:
    assume(org.reaches(OWN_USER, OWN_APP))
    before = deepcopy(org)
    provider = OrgProvider(org=org)
    context = a_context(provider)
    diff = diff_access(desired, org.live())
    assume(diff.steps and not list(refused_lockouts(context, [diff])))
    numbers = st.integers(1, len(diff.steps))
    how = st.sampled_from((BEFORE, AFTER))
    provider.faults = data.draw(st.dictionaries(numbers, how, max_size=1))
    writes = journaled(provider, desired)
    provider.faults = {}
    undoing = UndoneAccess(desired, org.live())
    back = undoing.desired(writes)
    assert all(any(word in why for word in STAYS) for _, why in undoing.left), undoing.left
    steps = diff_access(back, org.live())
    assert steps.problems == ()
    event(f"left: {len(undoing.left)}, refused: {bool(list(refused_lockouts(context, [steps])))}")
    assume(not list(refused_lockouts(context, [steps])))
    provider.on_write = lambda number: _check(org)
    outcomes = apply(context, [a_work(provider, back)], Event())
    assert {one.outcome for one in outcomes} <= {APPLIED}
    assert org.reaches(OWN_USER, OWN_APP)
    if not undoing.left:
        assert org == replace(before)
    again = UndoneAccess(desired, org.live()).desired(writes)
    assert diff_access(again, org.live()).steps == ()


def _check(org: Org) -> None:
    assert org.reaches(OWN_USER, OWN_APP)
