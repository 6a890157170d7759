"""Laws of a plan for an org: it converges, twice is once, and nobody who keeps his access is
without it in between, this tool first of all."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from reconciler.core.access import (
    ALL_USERS,
    EXTERNAL_USERS,
    USE_ANY_API_CLIENT,
    DesiredAccess,
    Parent,
)
from reconciler.core.access_diff import diff_access
from reconciler.core.lockout import missing_steps
from reconciler.core.model import GRANTS, Resource
from tests.org import (
    OWN_APP,
    OWN_USER,
    App,
    Org,
    a_bypass,
    a_grant,
    a_set,
    a_switch,
    an_app,
    wanted,
)

pytestmark = pytest.mark.law
APPS = (OWN_APP, "Billing Sync", "Data Loader")
HOLDERS = tuple(a_set(f"Set_{letter}") for letter in "ABC")
USERS = (OWN_USER, "admin@acme.example", "billing@acme.example")
_ROWS = st.sets(st.tuples(st.sampled_from(APPS), st.sampled_from(HOLDERS)), max_size=5)
_BYPASS = st.sets(st.tuples(st.just(USE_ANY_API_CLIENT), st.sampled_from(HOLDERS)), max_size=2)


@st.composite
def orgs(draw: st.DrawFn) -> Org:
    app = st.builds(App, approved=st.booleans(), ip=st.sampled_from(("ENFORCE", "BYPASS")))
    switches = st.fixed_dictionaries({ALL_USERS: st.booleans(), EXTERNAL_USERS: st.booleans()})
    held = st.lists(st.sampled_from(HOLDERS), unique=True, max_size=3)
    return Org(
        switches=draw(switches),
        apps={name: draw(app) for name in APPS},
        parents={holder: Parent(f"0PS-{holder.kind}-{holder.name}") for holder in HOLDERS},
        grants=draw(_ROWS),
        bypass=draw(_BYPASS),
        users={user: draw(held) for user in USERS},
        consented=draw(st.sets(st.tuples(st.sampled_from(USERS), st.sampled_from(APPS)))),
    )


@st.composite
def files(draw: st.DrawFn) -> DesiredAccess:
    """What sound files may say: this tool's app is among the apps, and no app that is left to
    every user is granted to anybody."""
    resources: list[Resource] = []
    resources += [
        a_switch(name, on=draw(st.booleans()))
        for name in (ALL_USERS, EXTERNAL_USERS)
        if draw(st.booleans())
    ]
    granted = set()
    for name in (OWN_APP, *draw(st.sets(st.sampled_from(APPS[1:])))):
        policy: dict[str, Any] = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "adminApproved": st.booleans(),
                    "ipRelaxation": st.sampled_from(("ENFORCE", "BYPASS")),
                },
            )
        )
        resources.append(an_app(name, **policy))
        if draw(st.booleans()):
            granted.add(name)
            may = () if policy.get("adminApproved") is False else HOLDERS
            holders = draw(st.sets(st.sampled_from(may))) if may else set()
            resources += [a_grant(name, holder) for holder in sorted(holders)]
    found = wanted(*resources, granted=granted)
    if draw(st.booleans()):
        extra = [a_bypass(holder) for holder in draw(st.sets(st.sampled_from(HOLDERS)))]
        found = replace(
            found,
            resources=(*found.resources, *extra),
            bypassed=frozenset((USE_ANY_API_CLIENT,)),
        )
    is_exact = draw(st.booleans())
    unlisted = draw(st.sampled_from(("report", "narrow", "denyGrants")))
    return replace(found, exact=found.granted if is_exact else frozenset(), unlisted=unlisted)


def stages(org: Org, desired: DesiredAccess) -> list[Org]:
    """The org before and after each step."""
    found = [deepcopy(org)]
    for step in diff_access(desired, org.live()).steps:
        org.do(step)
        found.append(deepcopy(org))
    return found


@given(orgs(), files())
def test_a_second_plan_is_empty(org: Org, desired: DesiredAccess) -> None:
    stages(org, desired)
    assert diff_access(desired, org.live()).steps == ()


@given(orgs(), files(), st.data())
def test_a_run_that_stops_anywhere_is_taken_up_again(
    org: Org, desired: DesiredAccess, data: st.DataObject
) -> None:
    whole = stages(deepcopy(org), desired)
    left = diff_access(desired, org.live()).steps
    for step in left[: data.draw(st.integers(0, len(left)))]:
        org.do(step)
    assert stages(org, desired)[-1] == whole[-1]


@given(orgs(), files())
def test_no_plan_that_passes_the_guard_locks_this_tool_out(
    org: Org, desired: DesiredAccess
) -> None:
    assume(org.reaches(OWN_USER, OWN_APP))
    live = org.live()
    steps = diff_access(desired, live).steps
    is_refused = bool(missing_steps(desired, live, steps))
    event(f"refused: {is_refused}, steps: {bool(steps)}")
    assume(not is_refused)
    for stage in stages(org, desired):
        assert stage.reaches(OWN_USER, OWN_APP)


@given(orgs(), files())
def test_no_declared_app_loses_access_that_it_keeps(org: Org, desired: DesiredAccess) -> None:
    declared = {
        (one.key.type, a_set(one.key.name)) for one in desired.resources if one.key.list == GRANTS
    }
    before, *between, after = [*stages(org, desired), org]
    for user in USERS:
        for app in APPS:
            keeps = any((app, holder) in declared for holder in org.users[user])
            if keeps and before.reaches(user, app) and after.reaches(user, app):
                assert all(stage.reaches(user, app) for stage in between)


@given(orgs(), files())
def test_nobody_is_shut_out_on_the_way_back(org: Org, desired: DesiredAccess) -> None:
    found = stages(org, replace(desired, goes_back=True))
    before, after = found[0], found[-1]
    for user in USERS:
        for app in APPS:
            if before.reaches(user, app) and after.reaches(user, app):
                assert all(stage.reaches(user, app) for stage in found)


@given(orgs(), files())
def test_the_switch_for_all_users_goes_on_after_everything_that_it_needs(
    org: Org, desired: DesiredAccess
) -> None:
    steps = diff_access(desired, org.live()).steps
    kinds = [(step.change.kind, str(step.change.action)) for step in steps]
    switch = next(
        (
            place
            for place, step in enumerate(steps)
            if step.desired and step.desired.key.type == ALL_USERS
            if step.desired.canonical["enabled"]
        ),
        None,
    )
    assume(switch is not None)
    assert ("grant", "create") not in kinds[switch:]
    assert ("grant", "delete") not in kinds[:switch]
    assert ("bypass", "delete") not in kinds[:switch]
