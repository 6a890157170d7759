"""The inverse of a run: as it was before, others left alone, and what cannot be is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.model import Resource
from reconciler.core.outcome import APPLIED
from reconciler.core.redact import Redactor
from reconciler.errors import Exit, Refusal
from reconciler.run.context import Context
from tests.breaking import AFTER, BEFORE
from tests.builders import TARGET, a_live_policy
from tests.run.fake import FakeProvider, an_entry, names
from tests.run.story import Story, left, told

WANTED = (
    an_entry("beta", "{ips: [2.2.2.2]}"),
    an_entry("alpha", "{limit: 2}"),
    an_entry("gamma"),
)
PRUNED = "prune: true"
LOGIN = an_entry("login", "{user: b, password: '${env:PASSWORD}'}")


def a_story(root: Path) -> Story:
    live = [
        a_live_policy("alpha", config={"limit": 5}, id_=1, order=1),
        a_live_policy("beta", config={"ips": ["2.2.2.2"]}, id_=2, order=2),
        a_live_policy("old", id_=3, order=3),
    ]
    return Story(root, FakeProvider({TARGET: live}))


def applied(story: Story, *entries: str, **more: Any) -> Context:
    """The context of a run that was carried out."""
    context = story.context(*entries, more=PRUNED, **more)
    assert {item.outcome for item in story.run(context)} == {APPLIED}
    return context


def shown(story: Story) -> list[tuple[str, Any]]:
    """Segment and configuration of what is live, in order."""
    unit = sorted(story.provider.units[TARGET], key=lambda item: item.order or 0)
    return [(item.key.segment, item.canonical.get("config")) for item in unit]


def edit(story: Story, type_: str, **changes: Any) -> None:
    unit = story.provider.units[TARGET]
    unit[:] = [replace(item, **changes) if item.key.type == type_ else item for item in unit]


def configured(type_: str, **config: Any) -> dict[str, Any]:
    made = a_live_policy(type_, config=config)
    return {"settings": made.settings, "canonical": made.canonical}


def test_all_is_as_it_was(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    before = shown(story)
    context = applied(story, *WANTED)
    inverse = story.inverse(context)
    assert left(inverse) == {}
    assert sorted(told(inverse)) == ["create old", "delete gamma", "reorder orders", "update alpha"]
    assert {item.outcome for item in story.carry_out(context, inverse, "2")} == {APPLIED}
    assert shown(story) == before
    assert told(story.inverse(context)) == []


def test_a_rollback_can_be_rolled_back(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    context = applied(story, *WANTED)
    wanted = shown(story)
    story.carry_out(context, story.inverse(context), "2")
    story.carry_out(context, story.inverse(context, "2"), "3")
    assert shown(story) == wanted


@pytest.mark.parametrize("how", [BEFORE, AFTER])
@pytest.mark.parametrize("kill", [1, 2, 3, 4])
def test_a_run_killed_anywhere_is_undone_by_what_is_live(
    tmp_path: Path, kill: int, how: str
) -> None:
    story = a_story(tmp_path)
    before = shown(story)
    context = story.context(*WANTED, more=PRUNED)
    story.run(context, kill=kill, how=how)
    inverse = story.inverse(context)
    assert left(inverse) == {}
    story.carry_out(context, inverse, "2")
    assert shown(story) == before


def test_a_rollback_that_broke_off_is_finished_by_the_next(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    before = shown(story)
    context = applied(story, *WANTED)
    story.provider.faults = {6: BEFORE, 7: BEFORE, 8: BEFORE}
    story.carry_out(context, story.inverse(context), "2")
    story.provider.faults = {}
    story.carry_out(context, story.inverse(context), "3")
    assert shown(story) == before


def test_what_others_changed_or_added_since_is_left_alone_and_named(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    context = applied(story, *WANTED)
    edit(story, "alpha", **configured("alpha", limit=9))
    edit(story, "gamma", **configured("gamma", mine=True))
    story.provider.units[TARGET].append(a_live_policy("own", id_=900, order=50))
    inverse = story.inverse(context)
    assert left(inverse) == {
        "alpha": "cannot be put back: it was changed since: config.limit",
        "gamma": "cannot be deleted: it was changed since: config.mine",
    }
    assert {error.exit for error in inverse.plan.errors} == {Exit.PARTIAL}
    story.carry_out(context, inverse, "2")
    assert ("alpha", {"limit": 9}) in shown(story)
    assert ("gamma", {"mine": True}) in shown(story)
    assert {"own", "old"} <= set(names(story.provider))


def test_another_of_the_same_content_is_not_taken_for_ours(tmp_path: Path) -> None:
    """Ours was deleted by somebody, who made one just like it."""
    story = a_story(tmp_path)
    context = applied(story, *WANTED)
    edit(story, "gamma", id="777")
    assert "delete gamma" not in told(story.inverse(context))


def test_what_is_gone_by_now_needs_no_delete_and_cannot_be_put_back(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    context = applied(story, *WANTED)
    unit = story.provider.units[TARGET]
    unit[:] = [item for item in unit if item.key.type == "beta"]
    inverse = story.inverse(context)
    assert left(inverse) == {"alpha": "cannot be put back: it is gone"}
    assert told(inverse) == ["create old"]


@pytest.mark.parametrize(("config", "is_named"), [({}, False), ({"other": 1}, True)])
def test_what_somebody_made_again_is_not_made_twice(
    tmp_path: Path, config: dict[str, Any], is_named: bool
) -> None:
    story = a_story(tmp_path)
    context = applied(story, *WANTED)
    story.provider.units[TARGET].append(a_live_policy("old", config=config, id_=900, order=50))
    inverse = story.inverse(context)
    assert "create old" not in told(inverse)
    wanted = {"old": "cannot be created again: there is another one by now"}
    assert left(inverse) == (wanted if is_named else {})


def test_an_order_that_somebody_set_since_is_left(tmp_path: Path) -> None:
    live = [
        a_live_policy(name, id_=place, order=place)
        for place, name in enumerate(("alpha", "beta", "gamma"), 1)
    ]
    story = Story(tmp_path, FakeProvider({TARGET: live}))
    context = applied(story, *(an_entry(name) for name in ("gamma", "beta", "alpha")))
    assert told(story.inverse(context)) == ["reorder orders"]
    edit(story, "alpha", order=0)
    inverse = story.inverse(context)
    assert told(inverse) == []
    assert left(inverse) == {"orders": "cannot be put back: the order was changed since"}


def test_a_tier_that_is_in_use_by_now_is_left(tmp_path: Path) -> None:
    story = Story(tmp_path, FakeProvider({TARGET: []}))
    tiers = "tiers: [{name: Gold, limits: [{maximumRequests: 1, timePeriodInMilliseconds: 1000}]}]"
    context = story.context(more=tiers)
    story.run(context)
    unit = story.provider.units[TARGET]
    unit[:] = [replace(item, applications=2) for item in unit]
    assert "applications have contracts" in left(story.inverse(context))["tier:Gold"]


def test_deletes_are_limited_as_in_any_plan(tmp_path: Path) -> None:
    story = Story(tmp_path, FakeProvider({TARGET: []}))
    context = applied(story, *WANTED)
    inverse = story.inverse(replace(context, max_deletes=2))
    assert [error.exit for error in inverse.plan.errors] == [Exit.REFUSED]
    assert "--max-deletes 3" in inverse.plan.errors[0].message


def test_an_api_that_no_file_names_any_more_is_undone_where_it_was(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    before = shown(story)
    context = applied(story, *WANTED)
    elsewhere = replace(context, project=_without_apis(context))
    story.carry_out(elsewhere, story.inverse(elsewhere), "2")
    assert shown(story) == before


def _without_apis(context: Context) -> Any:
    (organization,) = context.project.organizations
    (environment,) = organization.environments
    empty = replace(organization, environments=(replace(environment, apis=()),))
    return replace(context.project, organizations=(empty,))


def test_without_its_organization_nothing_is_undone(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    context = applied(story, *WANTED)
    gone = replace(context, project=replace(context.project, organizations=()))
    inverse = story.inverse(gone)
    assert told(inverse) == []
    assert "no longer have its organization" in left(inverse)["alpha"]


def test_another_host_is_refused(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    context = applied(story, *WANTED)
    story.provider.host = "http://127.0.0.1:1"
    with pytest.raises(Refusal, match=r"the run was on https://anypoint.*127\.0\.0\.1"):
        story.inverse(context)


# Secrets that the service does not return


def a_login(user: str = "a") -> Resource:
    return a_live_policy(
        "login", config={"user": user}, write_only=["config.password"], id_=1, order=1
    )


def a_login_story(root: Path, *, is_remembered: bool) -> tuple[Story, Context]:
    """The files change the user of a login; the password stays the same, known or not."""
    story = Story(root, FakeProvider({TARGET: [a_login()]}), {"PASSWORD": "snark"})
    context = story.context(LOGIN)
    if is_remembered:
        (desired,) = (step.desired for step in _steps(context))
        assert desired
        context.memory.record(TARGET, "1", desired)
    return story, applied(story, LOGIN)


def _steps(context: Context) -> Any:
    from reconciler.run.converge import compare

    return compare(context).diffs[0].steps


def test_a_secret_that_is_the_one_the_files_refer_to_is_sent_again(tmp_path: Path) -> None:
    story, context = a_login_story(tmp_path, is_remembered=True)
    inverse = story.inverse(context)
    assert (told(inverse), left(inverse)) == (["update login"], {})
    (work,) = inverse.cleared.works
    (step,) = work.diff.steps
    assert step.desired and step.desired.settings["config"]["password"].reveal() == "snark"
    story.carry_out(context, inverse, "2")
    assert shown(story) == [("login", {"user": "a"})]


def test_a_secret_that_nobody_knew_cannot_be_brought_back(tmp_path: Path) -> None:
    story, context = a_login_story(tmp_path, is_remembered=False)
    inverse = story.inverse(context)
    assert told(inverse) == []
    assert "may have held a secret config.password that nobody knows" in left(inverse)["login"]


def test_a_rotated_secret_is_named_unless_the_files_refer_to_the_old_one(tmp_path: Path) -> None:
    story, _ = a_login_story(tmp_path, is_remembered=True)
    story.environ = {"PASSWORD": "boojum"}
    context = story.context(LOGIN)
    story.run(context, "2")
    inverse = story.inverse(context, "2")
    assert "was not the one that the files refer to now" in left(inverse)["login"]
    story.environ = {"PASSWORD": "snark"}
    back = story.inverse(story.context(LOGIN), "2")
    assert (told(back), left(back)) == (["update login"], {})


def test_switching_off_is_undone_without_any_secret(tmp_path: Path) -> None:
    story = Story(tmp_path, FakeProvider({TARGET: [a_login("b")]}), {"PASSWORD": "snark"})
    off = an_entry("login", "{user: b, password: '${env:PASSWORD}'}", ", disabled: true")
    context = applied(story, off)
    inverse = story.inverse(context)
    assert (told(inverse), left(inverse)) == (["update login"], {})
    (work,) = inverse.cleared.works
    assert [item.path for item in work.diff.steps[0].change.fields] == ["disabled"]


def test_a_deleted_login_cannot_be_made_again(tmp_path: Path) -> None:
    story = Story(tmp_path, FakeProvider({TARGET: [a_login()]}))
    context = applied(story, an_entry("alpha"))
    inverse = story.inverse(context)
    assert told(inverse) == ["delete alpha"]
    assert "cannot be created again: it may have held a secret" in left(inverse)["login"]


def test_with_another_key_no_secret_is_recognized(tmp_path: Path) -> None:
    story, _ = a_login_story(tmp_path, is_remembered=True)
    story.redactor = Redactor(lambda: b"another key")
    inverse = story.inverse(story.context(LOGIN))
    assert "login" in left(inverse)
