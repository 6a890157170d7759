"""Who is cut off by a plan: those who used an app, reach it before, and do not after."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given

from reconciler.core.access import (
    ALL_USERS,
    APPROVE_UNINSTALLED,
    EXTERNAL_CLIENT_APP,
    EXTERNAL_USERS,
    NARROW,
    USE_ANY_API_CLIENT,
    DesiredAccess,
    Parent,
)
from reconciler.core.access_diff import diff_access
from reconciler.core.outage import (
    Outage,
    is_accepted,
    narrows,
    outages,
    refused_outages,
    sets_in_question,
)
from reconciler.core.use import Use
from tests.core.test_access_laws import APPS, USERS, files, orgs
from tests.org import (
    ADDRESS,
    BREAK_GLASS,
    OWN_APP,
    OWN_USER,
    App,
    Org,
    a_bypass,
    a_grant,
    a_set,
    a_switch,
    an_app,
    an_org,
    wanted,
)

SYNC, USERS_OF_SYNC = "Billing Sync", a_set("Billing_Sync_Use")
ANN, BOB = "ann@acme.example", "bob@acme.example"
LIMIT = a_switch(ALL_USERS, on=True)


def a_use(app: str = SYNC, user: str = ANN, **changes: Any) -> Use:
    values: dict[str, Any] = {"count": 3, "last": "2026-11-20T09:12:44Z", "user_id": user}
    return Use(app, user, **(values | changes))


def an_org_in_use(**changes: Any) -> Org:
    """Ann and Bob use an app that every user may authorize; Ann holds a set for it."""
    org = an_org(apps={OWN_APP: App(approved=True), SYNC: App()}, **changes)
    org.users[ANN] = [USERS_OF_SYNC]
    org.users[BOB] = []
    return org


def found(org: Org, desired: DesiredAccess, *uses: Use) -> tuple[Outage, ...]:
    """The outages of a plan, with the holders that it asks for and no others."""
    live = org.live()
    steps = diff_access(desired, live).steps
    asked = sets_in_question(live, steps, uses)
    ids = {parent.id: holder for holder, parent in live.parents.items()}
    holders = {one: [u for u, held in org.users.items() if ids[one] in held] for one in asked}
    return outages(desired, live, steps, uses, holders)


def test_an_app_that_is_narrowed_is_taken_from_those_without_a_grant() -> None:
    desired = wanted(an_app(SYNC, adminApproved=True), a_grant(SYNC, USERS_OF_SYNC))
    uses = a_use(user=ANN), a_use(user=BOB), a_use(user=BOB)
    (one,) = found(an_org_in_use(), desired, *uses)
    assert one == Outage(f"{ADDRESS}/{SYNC}", SYNC, (BOB,), 3, "2026-11-20T09:12:44Z")


def test_the_users_of_an_app_are_added_up() -> None:
    uses = a_use(user=ANN), a_use(user=BOB, count=4, last="2026-11-21T00:00:00Z")
    (one,) = found(an_org_in_use(), wanted(LIMIT), *uses)
    assert (one.users, one.count, one.last) == ((ANN, BOB), 7, "2026-11-21T00:00:00Z")


def test_the_limit_takes_every_app_without_a_grant() -> None:
    (one,) = found(an_org_in_use(), wanted(LIMIT), a_use())
    assert one.address == f"{ADDRESS}/{ALL_USERS}"


def test_the_limit_takes_an_app_that_is_not_installed() -> None:
    (one,) = found(an_org_in_use(), wanted(LIMIT), a_use("Data Tool"))
    assert (one.app, one.is_installed) == ("Data Tool", False)


def test_who_may_use_any_api_client_keeps_every_app() -> None:
    org = an_org_in_use()
    org.users[ANN] = [BREAK_GLASS]
    assert found(org, wanted(LIMIT), a_use("Data Tool"), a_use()) == ()


def test_the_limit_for_outsiders_takes_what_is_not_installed_from_them() -> None:
    desired = wanted(a_switch(EXTERNAL_USERS, on=True))
    uses = (
        a_use("Data Tool", is_external=True),
        a_use("Data Tool", BOB),
        a_use(is_external=True),
    )
    (one,) = found(an_org_in_use(), desired, *uses)
    assert (one.app, one.users) == ("Data Tool", (ANN,))


def test_a_grant_that_goes_takes_the_app_from_its_holders() -> None:
    org = an_org_in_use(grants={(SYNC, USERS_OF_SYNC)})
    org.apps[SYNC] = App(approved=True)
    (one,) = found(org, wanted(an_app(SYNC), granted={SYNC}), a_use(), a_use(user=BOB))
    assert one.address == f"{ADDRESS}/{SYNC}/permissionSet:Billing_Sync_Use"
    assert one.users == (ANN,)


def test_a_grant_of_an_open_app_takes_nothing_when_it_goes() -> None:
    org = an_org_in_use(grants={(SYNC, USERS_OF_SYNC)})
    assert found(org, wanted(an_app(SYNC), granted={SYNC}), a_use()) == ()


def test_a_bypass_that_goes_takes_closed_apps_from_its_holders() -> None:
    org = an_org_in_use(bypass={(USE_ANY_API_CLIENT, USERS_OF_SYNC)})
    org.apps[SYNC] = App(approved=True)
    desired = wanted(bypassed=frozenset({USE_ANY_API_CLIENT}))
    (one,) = found(org, desired, a_use())
    assert one.address == f"{ADDRESS}/bypass:useAnyApiClient/permissionSet:Billing_Sync_Use"


def test_apps_in_no_file_are_looked_at_where_they_are_narrowed() -> None:
    (one,) = found(an_org_in_use(), wanted(an_app(OWN_APP), unlisted=NARROW), a_use())
    assert one.address == f"{ADDRESS}/{SYNC}"


def test_what_a_later_step_opens_is_nobodys_loss() -> None:
    desired = wanted(LIMIT, a_bypass(USERS_OF_SYNC), a_bypass(BREAK_GLASS))
    org = an_org_in_use(grants={(OWN_APP, USERS_OF_SYNC)})
    assert found(org, desired, a_use()) == ()


def test_who_cannot_log_in_and_who_was_out_before_lose_nothing() -> None:
    org = an_org_in_use()
    org.apps["Closed"] = App(approved=True)
    org.apps["Blocked"] = App(action="Block")
    uses = a_use(is_active=False), a_use("Closed"), a_use("Blocked")
    assert found(org, wanted(LIMIT), *uses) == ()


def test_the_tools_own_use_of_its_app_is_another_guards_matter() -> None:
    org = an_org_in_use(grants=set())
    org.apps[OWN_APP] = App()
    (one,) = found(org, wanted(LIMIT), a_use(OWN_APP, OWN_USER.upper()), a_use(OWN_APP))
    assert one.users == (ANN,)


def test_external_client_apps_are_in_doubt_only_while_the_limit_goes_on() -> None:
    org = an_org_in_use()
    org.apps["Partner"] = App(kind=EXTERNAL_CLIENT_APP)
    assert [one.app for one in found(org, wanted(LIMIT), a_use("Partner"))] == ["Partner"]
    org.switches = {ALL_USERS: True, EXTERNAL_USERS: False}
    desired = wanted(an_app(SYNC, adminApproved=True))
    assert found(org, desired, a_use("Partner")) == ()


def test_of_two_apps_with_one_name_the_id_tells_which() -> None:
    org = an_org_in_use()
    live = org.live()
    (sync,) = (one for one in live.of("apps") if one.key.type == SYNC)
    twin = replace(sync, id="0H4-twin", canonical={"adminApproved": True})
    live = replace(live, resources=(*live.resources, twin))
    steps = diff_access(wanted(LIMIT), live).steps
    by_id = outages(wanted(LIMIT), live, steps, [a_use(app_id=sync.id)], {})
    assert [one.app for one in by_id] == [SYNC]
    assert outages(wanted(LIMIT), live, steps, [a_use(app_id=twin.id)], {}) == ()


@pytest.mark.parametrize(
    ("desired", "is_narrower"),
    [
        (wanted(LIMIT), True),
        (wanted(an_app(SYNC, adminApproved=True)), True),
        (wanted(an_app(SYNC), granted={SYNC}), True),
        (wanted(bypassed=frozenset({USE_ANY_API_CLIENT})), True),
        (wanted(an_app(SYNC, ipRelaxation="BYPASS")), False),
        (wanted(an_app(OWN_APP, adminApproved=False)), False),
        (wanted(an_app(SYNC), a_grant(SYNC, a_set("Other")), exact=frozenset()), False),
        (wanted(), False),
    ],
)
def test_what_narrows(desired: DesiredAccess, is_narrower: bool) -> None:
    org = an_org_in_use(grants={(SYNC, USERS_OF_SYNC)})
    org.parents[a_set("Other")] = Parent("0PS-other")
    steps = diff_access(desired, org.live()).steps
    assert narrows(steps) is is_narrower


def test_holders_of_what_is_not_used_are_not_asked_for() -> None:
    org = an_org_in_use(grants={(SYNC, USERS_OF_SYNC), (OWN_APP, a_set("Own"))})
    live = org.live()
    steps = diff_access(wanted(LIMIT), live).steps
    asked = sets_in_question(live, steps, [a_use()])
    assert asked == {live.parents[USERS_OF_SYNC].id, live.parents[BREAK_GLASS].id}


@pytest.mark.parametrize(
    ("app", "globs", "expected"),
    [
        (SYNC, ["*"], True),
        (SYNC, ["Billing*"], True),
        (SYNC, ["billing*"], False),
        ("App [EU]", ["App [EU]"], True),
        (SYNC, [], False),
        # What cannot be seen has no name: only who accepts everything accepts it.
        ("", ["*"], True),
        ("", ["**", "Billing*"], False),
    ],
)
def test_what_is_accepted(app: str, globs: list[str], expected: bool) -> None:
    assert is_accepted(app, globs) is expected


def test_a_refusal_says_what_to_type() -> None:
    told = [
        Outage("a/b/c/x", SYNC, (ANN,)),
        Outage("a/b/c/y", "Data Tool", (ANN,), is_installed=False),
        Outage("a/b/c", "", unseen="the logins of other users (give X)"),
        Outage("a/b/c/z", "Fine", is_accepted=True),
    ]
    assert list(refused_outages(told, 30)) == [
        (
            "a/b/c/x",
            "it takes 'Billing Sync' from users who used it in the last 30 days: grant it to a "
            "permission set or profile of theirs (allow: in apps); if that is meant, say "
            "'--accept-outage=Billing Sync'",
        ),
        (
            "a/b/c/y",
            "it takes 'Data Tool' from users who used it in the last 30 days: install it (Setup > "
            "Connected Apps OAuth Usage > Install) and declare it; if that is meant, say "
            "'--accept-outage=Data Tool'",
        ),
        (
            "a/b/c",
            "it cannot be seen whether this takes an app from somebody who uses it: the logins of "
            "other users (give X) cannot be read; if you know, say --accept-outage",
        ),
    ]


@pytest.mark.law
@given(orgs(), files())
def test_exactly_those_who_lose_an_app_that_they_use_are_listed(
    org: Org, desired: DesiredAccess
) -> None:
    before = deepcopy(org)
    # Whoever uses an app has authorized it once.
    org.consented = {(user, app) for user in USERS for app in APPS}
    uses = [a_use(app, user) for user in USERS for app in APPS if org.reaches(user, app)]
    listed = {(user, one.app) for one in found(org, desired, *uses) for user in one.users}
    for step in diff_access(desired, org.live()).steps:
        org.do(step)
    lost = {(one.user, one.app) for one in uses if not org.reaches(one.user, one.app)}
    event(f"somebody loses: {bool(lost)}")
    assert listed == lost - {(OWN_USER, OWN_APP)}, before


@pytest.mark.law
@given(orgs(), files())
def test_nobody_loses_anything_by_what_narrows_nothing(org: Org, desired: DesiredAccess) -> None:
    org.consented = {(user, app) for user in USERS for app in APPS}
    uses = [a_use(app, user) for user in USERS for app in APPS if org.reaches(user, app)]
    steps = diff_access(desired, org.live()).steps
    if not narrows(steps):
        assert found(org, desired, *uses) == ()


def test_permission_to_approve_uninstalled_apps_is_no_bypass_of_use() -> None:
    org = an_org_in_use(bypass={(APPROVE_UNINSTALLED, USERS_OF_SYNC)})
    desired = wanted(bypassed=frozenset({APPROVE_UNINSTALLED}))
    assert found(org, desired, a_use("Data Tool")) == ()
