"""A run that broke off is finished: what was planned, what is left of it, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.model import Resource
from reconciler.core.outcome import APPLIED, SKIPPED
from reconciler.errors import Exit, Refusal, StalePlan
from tests.breaking import AFTER, BEFORE
from tests.builders import TARGET, a_live_policy
from tests.run.fake import FakeProvider, an_entry, names
from tests.run.story import Story, told

WANTED = (
    an_entry("beta", "{ips: [2.2.2.2]}"),
    an_entry("alpha", "{limit: 2}"),
    an_entry("gamma"),
)
PRUNED = "prune: true"


def a_story(root: Path) -> Story:
    live = [
        a_live_policy("alpha", config={"limit": 5}, id_=1, order=1),
        a_live_policy("beta", config={"ips": ["2.2.2.2"]}, id_=2, order=2),
        a_live_policy("old", id_=3, order=3),
    ]
    return Story(root, FakeProvider({TARGET: live}))


def changed(story: Story, type_: str, **changes: object) -> None:
    """Somebody changes a live policy."""
    unit = story.provider.units[TARGET]
    for place, item in enumerate(unit):
        if item.key.type == type_:
            unit[place] = replace(item, **changes)  # type: ignore[arg-type]


def configured(type_: str, **config: object) -> dict[str, object]:
    made = a_live_policy(type_, config=config)
    return {"settings": made.settings, "canonical": made.canonical}


@pytest.mark.parametrize("how", [BEFORE, AFTER])
@pytest.mark.parametrize("kill", [1, 2, 3, 4])
def test_a_run_killed_anywhere_is_finished_and_nothing_sent_twice(
    tmp_path: Path, kill: int, how: str
) -> None:
    story = a_story(tmp_path)
    context = story.context(*WANTED, more=PRUNED)
    story.run(context, kill=kill, how=how)
    assert len(story.provider.writes) == kill
    rest = story.rest(context)
    assert len(rest.plan.changes) == 4 - kill + (how == BEFORE)
    outcomes = story.carry_out(context, rest, "2")
    assert {item.outcome for item in outcomes} <= {APPLIED}
    assert len(story.provider.writes) == 4 + (how == BEFORE)
    assert names(story.provider) == ["beta", "alpha", "gamma"]
    assert story.rest(context).plan.changes == ()


def test_a_resumed_run_can_be_killed_and_resumed(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    context = story.context(*WANTED, more=PRUNED)
    story.run(context, kill=2)
    rest = story.rest(context)
    story.provider.faults = {3: BEFORE, 4: BEFORE, 5: BEFORE}
    story.carry_out(context, rest, "2")
    story.provider.faults = {}
    again = story.rest(context, "2")
    story.carry_out(context, again, "3")
    assert names(story.provider) == ["beta", "alpha", "gamma"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    story.run(story.context(*WANTED, more=PRUNED), kill=2)
    with pytest.raises(Refusal, match="the files say something else than when 1 began"):
        story.rest(story.context(*WANTED[:2], more=PRUNED))


def test_another_place_is_refused(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    context = story.context(*WANTED, more=PRUNED)
    story.run(context, kill=2)
    story.provider.host = "http://127.0.0.1:1"
    with pytest.raises(Refusal, match="at another place than in 1"):
        story.rest(context)


@pytest.mark.parametrize(
    ("type_", "change", "said"),
    [
        ("beta", configured("beta", ips=["6.6.6.6"]), "beta: config.ips was"),
        ("alpha", configured("alpha", limit=7), "alpha: config.limit was 5, is 7"),
        ("old", {"order": 0}, "the order is another"),
    ],
)
def test_what_somebody_else_changed_is_stale_and_named(
    tmp_path: Path, type_: str, change: dict[str, object], said: str
) -> None:
    story = a_story(tmp_path)
    context = story.context(*WANTED, more=PRUNED)
    story.run(context, kill=1)
    changed(story, type_, **change)
    with pytest.raises(StalePlan, match=said):
        story.rest(context)


def test_a_foreign_field_of_what_was_updated_is_stale(tmp_path: Path) -> None:
    """The update was sent; a version that no file gives was changed by somebody since."""
    live = [a_live_policy("alpha", config={"limit": 5}, id_=1, order=1)]
    story = Story(tmp_path, FakeProvider({TARGET: live}))
    entries = ("{policyRef: {name: alpha}, config: {limit: 2}}", an_entry("gamma"))
    context = story.context(*entries)
    story.run(context, kill=2, how=BEFORE)
    assert story.provider.writes == ["create gamma", "update alpha"]
    changed(story, "alpha", **configured("alpha", limit=2))
    item = story.provider.units[TARGET][0]
    newer = {"version": "9.9.9"}
    changed(
        story,
        "alpha",
        settings={**item.settings, **newer},
        canonical={**item.canonical, **newer},
    )
    with pytest.raises(StalePlan, match="alpha: version was"):
        story.rest(context)


def test_what_is_new_or_gone_is_stale(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    context = story.context(*WANTED, more=PRUNED)
    story.run(context, kill=1)
    story.provider.units[TARGET].append(a_live_policy("own", id_=50, order=9))
    with pytest.raises(StalePlan, match="own: is new"):
        story.rest(context)
    story.provider.units[TARGET] = story.provider.units[TARGET][1:-1]
    with pytest.raises(StalePlan, match="alpha: is gone"):
        story.rest(context)


def test_stale_units_can_be_left_out(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    context = story.context(*WANTED, more=PRUNED)
    story.run(context, kill=2)
    story.provider.units[TARGET].append(a_live_policy("own", id_=50, order=9))
    rest = story.rest(context, skip=True)
    assert (rest.plan.changes, rest.cleared.works) == ((), ())
    assert {(item.outcome, item.exit) for item in rest.cleared.skipped} == {(SKIPPED, Exit.PARTIAL)}
    assert len(rest.cleared.skipped) == 4


def test_what_the_run_had_not_planned_is_not_carried_out(tmp_path: Path) -> None:
    """A variable is another one since: its policy was not among the changes."""
    live = [a_live_policy("gamma", config={"key": "one"}, id_=1, order=1)]
    story = Story(tmp_path, FakeProvider({TARGET: live}), {"KEY": "one"})
    entries = (an_entry("gamma", "{key: '${env:KEY}'}"), an_entry("alpha"))
    story.run(story.context(*entries), kill=1)
    story.environ = {"KEY": "two"}
    with pytest.raises(StalePlan, match=r"gamma: update of config.key was not planned then"):
        story.rest(story.context(*entries))


def test_limits_hold_as_for_any_apply(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    context = story.context(*WANTED, more=PRUNED, max_deletes=1)
    story.run(context, kill=2)
    rest = story.rest(replace(context, max_deletes=0))
    assert [error.exit for error in rest.plan.errors] == [Exit.REFUSED]


def test_a_create_that_was_made_by_the_lost_call_is_not_sent_again(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    context = story.context(*WANTED, more=PRUNED)
    story.run(context, kill=1, how=AFTER)
    rest = story.rest(context)
    assert told(rest) == ["update alpha", "reorder orders", "delete old"] or told(rest) == [
        "reorder orders",
        "update alpha",
        "delete old",
    ]
    made: list[Resource] = [r for r in story.provider.units[TARGET] if r.key.type == "gamma"]
    assert len(made) == 1
