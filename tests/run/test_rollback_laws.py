"""Apply, then rollback, gives back what was before, for whatever has no secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from threading import Event
from typing import Any

from hypothesis import assume, given

from reconciler.core.catalogue import canonical_config
from reconciler.core.outcome import APPLIED, Outcome
from reconciler.errors import Exit
from reconciler.run.apply import apply
from reconciler.run.journal import Head, Journal
from reconciler.run.past import find_run
from reconciler.run.rollback import inverse_of
from reconciler.run.stages import Work
from reconciler.run.state import FolderStore
from tests.emulator.driver import Emulator
from tests.providers.suite import SHIPPED
from tests.run import scene
from tests.run.scene import Scene
from tests.run.worlds import SECRETS, World, worlds

NAMED = ("secret", "label")
"""What a rollback cannot bring back says why in words that hold one of these."""


@given(world=worlds())
def test_apply_then_rollback_gives_the_state_before(
    emulator_process: Emulator, world: World
) -> None:
    with scene.staged(emulator_process, world.seed, world.documents, SECRETS) as on:
        before = emulator_process.state()
        store = FolderStore(on.context.layering.resolver.cwd / "state")
        planned = on.plan()
        assume(planned.changes and not planned.errors)
        outcomes = journaled(on, store, "1")
        assert {item.outcome for item in outcomes} == {APPLIED}
        inverse = inverse_of(find_run(store, "1"), replace(on.context, max_deletes=99), "now")
        left = {error.address: error.message for error in inverse.plan.errors}
        assert all(error.exit is Exit.PARTIAL for error in inverse.plan.errors)
        assert all(any(word in text for word in NAMED) for text in left.values()), left
        outcomes = list(apply(on.context, inverse.cleared.works, Event()))
        assert [item for item in outcomes if item.outcome != APPLIED] == []
        after = emulator_process.state()
        lost = {address.partition(":")[0].rpartition("/")[2] for address in left}
        assert bare(after, lost) == bare(before, lost)
        again = inverse_of(find_run(store, "1"), replace(on.context, max_deletes=99), "now")
        assert [change for change in again.plan.changes if not lost] == []


def journaled(on: Scene, store: FolderStore, run: str) -> list[Outcome]:
    """Plans and carries out, with a journal."""
    compared = on.compare()
    plan = compared.plan(on.context, "now")
    jobs = {job.address: job for job in compared.jobs}
    diffs = sorted((d for d in compared.diffs if d.steps), key=lambda diff: diff.desired.address)
    works = [Work(jobs[diff.desired.address], diff) for diff in diffs]
    head = Head(run, "apply", "now")
    journal = Journal(store, head, plan, diffs, redactor=on.context.redactor, clock=lambda: "now")
    outcomes = list(apply(replace(on.context, account=journal), works, Event()))
    assert journal.end(Exit.OK, plan.counts) == ""
    return outcomes


def bare(state: Mapping[str, Any], lost: set[str]) -> Any:
    """What counts of a state: no ids, no numbers, no secrets, nothing of lost types."""
    shows_all = not state["settings"].get("nullOrderWhenDisabled")
    apis = {api["id"]: _api(api, lost, shows_all) for api in state["apis"]}
    automated = [_policy(item) for item in state["automatedPolicies"]]
    return apis, sorted(item for item in automated if not any(name in item for name in lost))


def _api(api: Mapping[str, Any], lost: set[str], shows_all: bool) -> Any:
    kept = [item for item in api["policies"] if item["assetId"] not in lost]
    # Nobody sees where a policy stands that is switched off and shown without an order.
    ordered = [item for item in kept if item["order"] is not None and not item["upstreamIds"]]
    ordered = [item for item in ordered if shows_all or not item["disabled"]]
    ordered.sort(key=lambda item: item["order"])
    others = [item for item in kept if item not in ordered]
    names = ("name", "status", "autoApprove", "limits", "description")
    tiers = sorted(_text({name: tier[name] or None for name in names}) for tier in api["tiers"])
    return list(map(_policy, ordered)), sorted(map(_policy, others)), tiers


def _policy(policy: Mapping[str, Any]) -> str:
    rest = ("assetId", "assetVersion", "label", "pointcutData", "disabled", "ruleOfApplication")
    shown = {name: policy.get(name) or None for name in rest}
    # The service writes out defaults in what it stores anew.
    known = SHIPPED.get(policy["groupId"], policy["assetId"])
    config = canonical_config(policy["configurationData"], known)
    config.pop("password", None)
    return _text([shown, config, sorted(policy.get("upstreamIds") or ())])


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
