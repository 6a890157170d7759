from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.access import (
    ALL_USERS,
    EXTERNAL_USERS,
    USE_ANY_API_CLIENT,
    Assignment,
    DesiredAccess,
    Identity,
    LiveAccess,
    Parent,
)
from reconciler.core.access_diff import diff_access
from reconciler.core.diff import Step
from reconciler.core.lockout import is_delicate, missing_steps, refusals_of
from reconciler.core.model import Resource
from tests.org import (
    BREAK_GLASS,
    OWN_APP,
    OWN_SET,
    OWN_USER,
    App,
    Org,
    a_bypass,
    a_grant,
    a_set,
    a_switch,
    an_app,
    an_org,
    own,
    wanted,
)

LIMIT = a_switch(ALL_USERS, on=True)
BEFORE = "before all users are limited to allowlisted apps"


def steps_of(desired: DesiredAccess, live: LiveAccess) -> Sequence[Step]:
    return diff_access(desired, live).steps


def missing(org: Org, *resources: Resource, **changes: Any) -> list[str]:
    """What the guard says of the plan for a desired state, with some live facts changed."""
    desired = wanted(*resources, **{k: changes.pop(k) for k in ("granted",) if k in changes})
    live = replace(org.live(), **changes)
    return [one.message for one in missing_steps(desired, live, steps_of(desired, live))]


def test_a_plan_that_keeps_the_tool_in_is_let_pass() -> None:
    assert missing(an_org(), LIMIT, *own()) == []


def test_a_plan_that_makes_the_grant_itself_is_let_pass() -> None:
    assert missing(an_org(grants=set()), LIMIT, *own()) == []


def test_the_token_must_be_who_the_files_say() -> None:
    (message,) = missing(an_org(own_user="somebody@acme.example.uat"), *own())[:1]
    assert message == (
        f"self.username is {OWN_USER}, and this login is somebody@acme.example.uat: sign in as "
        f"{OWN_USER}, or correct self"
    )
    (message,) = missing(an_org(own_app="Data Loader"), *own())
    assert message.startswith("self.app is 'Access Reconciler', and this login goes through 'Data")


def test_a_username_is_the_same_in_any_case() -> None:
    identity = Identity("005", OWN_USER.upper(), OWN_APP)
    assert missing(an_org(), *own(), identity=identity) == []


def test_the_feature_must_be_activated() -> None:
    (message,) = missing(an_org(switches=None), LIMIT, *own())
    assert message.startswith(
        "limitAllUsersToAllowlistedApps cannot be switched on: Salesforce Support has not activated"
    )


def test_the_own_app_must_be_there() -> None:
    org = an_org(apps={"Other": App()}, grants=set())
    assert missing(org, LIMIT) == [
        f"{BEFORE}: the app 'Access Reconciler' of this tool is not in this org; install it in "
        "Setup > Connected Apps OAuth Usage > Install"
    ]


def test_the_own_app_must_be_admin_approved() -> None:
    (message,) = missing(an_org(), LIMIT, *own(approved=None))
    assert message == (
        f"{BEFORE}: the app 'Access Reconciler' of this tool must be admin-approved; write "
        "adminApproved: true for it in apps"
    )


def test_the_own_app_must_be_granted() -> None:
    (message,) = missing(an_org(grants=set()), LIMIT, an_app(OWN_APP, adminApproved=True))
    assert message == (
        f"{BEFORE}: nobody is granted the app 'Access Reconciler' of this tool; name a permission "
        f"set of {OWN_USER} in its allow:"
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"assignments": ()},
            f"assign the permission set 'Access_Reconciler_Use' to {OWN_USER}",
        ),
        (
            {"assignments": (Assignment("0PS-own", "2027-01-31T00:00:00.000+0000"),)},
            f"the assignment of the permission set 'Access_Reconciler_Use' to {OWN_USER} ends on "
            "2027-01-31: remove its end",
        ),
        (
            {"assignments": (Assignment("0PS-own", is_active=False),)},
            f"the assignment of the permission set 'Access_Reconciler_Use' to {OWN_USER} is not "
            "active: renew it",
        ),
        (
            {
                "assignments": (Assignment("0PS-own"),),
                "parents": {OWN_SET: Parent("0PS-own", is_session_based=True)},
            },
            "the permission set 'Access_Reconciler_Use' counts only once it is activated in a "
            "session: use another one",
        ),
    ],
)
def test_the_user_must_hold_the_grant_for_good(changes: dict[str, Any], why: str) -> None:
    org = an_org(parents={OWN_SET: Parent("0PS-own")})
    assert missing(org, LIMIT, *own(), **changes) == [
        f"{BEFORE}: {OWN_USER} does not reach the app 'Access Reconciler' of this tool: {why}"
    ]


def test_a_login_through_an_unseen_app_proves_nothing() -> None:
    (message,) = missing(an_org(own_app=""), LIMIT, *own())
    assert message.startswith(f"{BEFORE}: it cannot be seen that this login goes through 'Access")


@pytest.mark.parametrize(
    ("action", "said"),
    [("Block", "is blocked; unblock it"), ("RaiseSessionLevel", "asks for a high-assurance")],
)
def test_the_own_app_must_admit_an_integration(action: str, said: str) -> None:
    (message,) = missing(an_org(apps={OWN_APP: App(action=action)}), LIMIT, *own())
    assert said in message


def test_somebody_must_be_able_to_repair_it() -> None:
    org = an_org(bypass=set())
    (message,) = missing(org, LIMIT, *own())
    assert message.startswith(f"{BEFORE}: nobody but this tool could get in if it were locked out")
    (message,) = missing(an_org(), LIMIT, *own(), rescuers=None)
    assert message.startswith(f"{BEFORE}: it cannot be seen who may Use Any API Client")


def test_files_may_say_that_nobody_shall_be_able_to() -> None:
    desired = replace(wanted(LIMIT, *own()), bypassed=frozenset((USE_ANY_API_CLIENT,)))
    live = an_org(bypass=set()).live()
    assert missing_steps(desired, live, steps_of(desired, live)) == ()


def test_the_own_grant_is_never_taken_away() -> None:
    org = an_org(grants={(OWN_APP, OWN_SET), (OWN_APP, a_set("Other"))})
    org.users[OWN_USER].append(a_set("Other"))
    assert missing(org, an_app(OWN_APP), a_grant(OWN_APP, a_set("Other"))) == [
        "the plan takes the app of this tool away from its own user: keep the permission set "
        "'Access_Reconciler_Use' in allow of 'Access Reconciler'"
    ]


def test_a_grant_of_the_own_app_to_others_may_go() -> None:
    org = an_org(grants={(OWN_APP, OWN_SET), (OWN_APP, a_set("Other"))})
    assert missing(org, *own(approved=None)) == []


def test_the_own_app_stays_pre_authorized() -> None:
    (message,) = missing(an_org(apps={OWN_APP: App(approved=True)}), *own(approved=False))
    assert message.startswith("the plan takes the pre-authorization of 'Access Reconciler' away")


def test_the_last_way_in_stays_in_the_run_that_limits_all_users() -> None:
    org = an_org()
    org.users["other@acme.example.uat"] = [a_set("New_Glass")]
    (message,) = missing(org, LIMIT, *own(), a_bypass(a_set("New_Glass")))
    assert message.startswith(
        "the plan takes Use Any API Client from everybody (permission set 'Break_Glass_API') and "
        "limits all users in one run"
    )


def test_narrowing_the_own_app_asks_for_its_grant_too() -> None:
    (message,) = missing(an_org(grants=set()), an_app(OWN_APP, adminApproved=True))
    assert message.startswith("before the app of this tool is narrowed: nobody is granted the app")


def test_losing_the_own_bypass_asks_for_the_grant() -> None:
    org = an_org(grants=set(), switches={ALL_USERS: True, EXTERNAL_USERS: False})
    org.bypass.add((USE_ANY_API_CLIENT, OWN_SET))
    found = missing(org, an_app(OWN_APP, adminApproved=True), a_bypass(BREAK_GLASS))
    assert len(found) == 1
    assert "nobody is granted the app 'Access Reconciler'" in found[0]


def test_lifting_the_limit_asks_for_the_own_pre_authorization() -> None:
    org = an_org(switches={ALL_USERS: True, EXTERNAL_USERS: False})
    lifted = a_switch(ALL_USERS, on=False)
    (message,) = missing(org, lifted, *own(approved=None))
    assert message.startswith("the plan lifts the limit for all users, and then 'Access Reconcil")
    assert missing(org, lifted, *own()) == []


def test_an_outsider_needs_an_installed_app_before_outsiders_are_limited() -> None:
    identity = Identity("005", OWN_USER, OWN_APP, is_external=True)
    org = an_org(apps={"Other": App()}, grants=set())
    (message,) = missing(org, a_switch(EXTERNAL_USERS, on=True), identity=identity)
    assert "'Access Reconciler' of this tool is not in this org" in message


def test_just_before_the_switch_only_what_is_live_counts() -> None:
    desired = wanted(LIMIT, *own())
    live = an_org(grants=set()).live()
    switch = [step for step in steps_of(desired, live) if step.change.kind == "setting"]
    messages = [one.message for one in missing_steps(desired, live, switch)]
    assert len(messages) == 2
    assert "must be admin-approved" in messages[0]
    assert "nobody is granted" in messages[1]


def test_breaking_glass_lets_pass_what_somebody_can_repair() -> None:
    desired = wanted(LIMIT, *own(approved=None))
    live = an_org().live()
    found = missing_steps(desired, live, steps_of(desired, live))
    assert refusals_of(found, ("admin",), break_glass_ok=True) == ()
    assert len(refusals_of(found, ("admin",), break_glass_ok=False)) == 1


def test_breaking_glass_needs_somebody_who_can() -> None:
    desired = wanted(LIMIT, *own(approved=None))
    live = an_org(bypass=set()).live()
    found = missing_steps(desired, live, steps_of(desired, live))
    assert refusals_of(found, (), break_glass_ok=True)[-1] == (
        "--break-glass-ok holds only where somebody may Use Any API Client, and nobody may"
    )


def test_breaking_glass_never_lets_the_own_grant_go() -> None:
    desired = wanted(an_app(OWN_APP), granted={OWN_APP})
    live = an_org().live()
    found = missing_steps(desired, live, steps_of(desired, live))
    assert len(refusals_of(found, ("admin",), break_glass_ok=True)) == 1


def test_access_is_to_be_proved_after_the_own_app_and_the_switches() -> None:
    org = an_org(apps={OWN_APP: App(), "Billing": App()})
    desired = wanted(LIMIT, *own(), an_app("Billing", adminApproved=True))
    delicate = [step for step in steps_of(desired, org.live()) if is_delicate(desired, step)]
    assert [step.change.kind for step in delicate] == ["app", "setting"]


def test_a_grant_that_goes_must_not_be_the_one_that_counts() -> None:
    """What the user holds may come to him in a way that cannot be seen here."""
    others = a_set("Others")
    org = an_org(apps={OWN_APP: App(approved=True)}, grants={(OWN_APP, others)})
    ours = (an_app(OWN_APP, adminApproved=True), a_grant(OWN_APP, BREAK_GLASS))
    (message,) = missing(org, *ours)
    assert message.startswith("before somebody loses the app of this tool: ")
    assert message.endswith(f"assign the permission set 'Break_Glass_API' to {OWN_USER}")


def test_a_grant_of_an_app_that_everybody_may_authorize_may_go() -> None:
    org = an_org(grants={(OWN_APP, OWN_SET), (OWN_APP, a_set("Others"))})
    assert missing(org, an_app(OWN_APP), a_grant(OWN_APP, OWN_SET)) == []


def test_the_addresses_of_this_tool_are_not_checked_blindly() -> None:
    org = an_org(apps={OWN_APP: App(approved=True, ip="BYPASS")})
    ours = (an_app(OWN_APP, adminApproved=True, ipRelaxation="ENFORCE"), a_grant(OWN_APP, OWN_SET))
    (message,) = missing(org, *ours)
    assert message.startswith(f"the plan has '{OWN_APP}' check the addresses")
    assert missing(an_org(apps={OWN_APP: App(approved=True, ip="ENFORCE")}), *ours) == []
    relaxed = (an_app(OWN_APP, ipRelaxation="BYPASS"), a_grant(OWN_APP, OWN_SET))
    assert missing(an_org(apps={OWN_APP: App(approved=True)}), *relaxed) == []
