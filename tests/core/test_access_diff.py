from __future__ import annotations

import pytest

from reconciler.core.access import (
    ALL_USERS,
    EXTERNAL_CLIENT_APP,
    EXTERNAL_USERS,
    USE_ANY_API_CLIENT,
    DesiredAccess,
    Parent,
)
from reconciler.core.access_diff import diff_access
from reconciler.core.diff import Change, UnitDiff
from reconciler.core.plan import desired_digest, fingerprint, pin, stale_fields
from tests.org import (
    BREAK_GLASS,
    OWN_APP,
    OWN_SET,
    App,
    Org,
    a_bypass,
    a_grant,
    a_profile,
    a_set,
    a_switch,
    an_app,
    an_org,
    own,
    wanted,
)

BILLING = "Billing Sync"


def steps(desired: DesiredAccess, org: Org) -> list[str]:
    """`create grant Billing Sync/permissionSet:X weakens`, in order."""
    return [_shown(step.change) for step in compared(desired, org).steps]


def compared(desired: DesiredAccess, org: Org) -> UnitDiff:
    found = diff_access(desired, org.live())
    assert not found.problems
    return found


def problems(desired: DesiredAccess, org: Org) -> list[str]:
    found = diff_access(desired, org.live()).problems
    return [f"{one.path}: {one.message} ({one.hint})" for one in found]


def _shown(change: Change) -> str:
    name = change.address.removeprefix("acme-crm/uat/access/")
    return f"{change.action} {change.kind} {name} {change.effect}"


def test_everything_has_an_address_of_its_own() -> None:
    org = an_org(apps={OWN_APP: App(), "a/b:c": App()}, users={})
    changes = compared(
        wanted(
            a_switch(ALL_USERS, on=True),
            an_app("a/b:c", adminApproved=True),
            a_grant("a/b:c", OWN_SET),
            a_bypass(OWN_SET),
        ),
        org,
    ).steps
    assert sorted(step.change.address for step in changes) == [
        "acme-crm/uat/access/a%2Fb%3Ac",
        "acme-crm/uat/access/a%2Fb%3Ac/permissionSet:Access_Reconciler_Use",
        "acme-crm/uat/access/bypass:useAnyApiClient/permissionSet:Access_Reconciler_Use",
        "acme-crm/uat/access/bypass:useAnyApiClient/permissionSet:Break_Glass_API",
        "acme-crm/uat/access/limitAllUsersToAllowlistedApps",
    ]


def test_the_order_is_the_safe_one() -> None:
    org = an_org(
        apps={
            OWN_APP: App(),
            BILLING: App(),
            "Zeta": App(approved=True, ip="ENFORCE"),
        },
        grants={(OWN_APP, OWN_SET), (BILLING, a_set("Old"))},
        bypass={(USE_ANY_API_CLIENT, BREAK_GLASS), (USE_ANY_API_CLIENT, a_set("Too_Many"))},
        users={"u": [a_set("Billing_Use"), a_set("New_Glass")]},
    )
    desired = wanted(
        a_switch(ALL_USERS, on=True),
        a_switch(EXTERNAL_USERS, on=True),
        *own(),
        an_app(BILLING, adminApproved=True),
        a_grant(BILLING, a_set("Billing_Use")),
        an_app("Zeta", ipRelaxation="BYPASS"),
        a_bypass(BREAK_GLASS),
        a_bypass(a_set("New_Glass")),
    )
    assert steps(desired, org) == [
        "create grant Billing Sync/permissionSet:Billing_Use neutral",
        "update app Billing Sync strengthens",
        "update app Access Reconciler strengthens",
        "update setting limitExternalUsersToInstalledApps strengthens",
        "update setting limitAllUsersToAllowlistedApps strengthens",
        "delete grant Billing Sync/permissionSet:Old strengthens",
        "delete bypass bypass:useAnyApiClient/permissionSet:Too_Many strengthens",
        "update app Zeta weakens",
        "create bypass bypass:useAnyApiClient/permissionSet:New_Glass weakens",
    ]


def test_what_goes_off_goes_off_at_the_end_and_for_all_users_first() -> None:
    org = an_org(
        switches={ALL_USERS: True, EXTERNAL_USERS: True},
        apps={OWN_APP: App(approved=True), BILLING: App(approved=True)},
    )
    desired = wanted(
        a_switch(EXTERNAL_USERS, on=False),
        a_switch(ALL_USERS, on=False),
        an_app(BILLING, adminApproved=False),
    )
    assert steps(desired, org) == [
        "update setting limitAllUsersToAllowlistedApps weakens",
        "update setting limitExternalUsersToInstalledApps weakens",
        "update app Billing Sync weakens",
    ]


def test_an_app_that_is_narrowed_and_relaxed_at_once_is_narrowed_before_the_switch() -> None:
    org = an_org(apps={OWN_APP: App(approved=True), BILLING: App()})
    desired = wanted(
        a_switch(ALL_USERS, on=True), an_app(BILLING, adminApproved=True, ipRelaxation="BYPASS")
    )
    assert steps(desired, org) == [
        "update app Billing Sync weakens",
        "update setting limitAllUsersToAllowlistedApps strengthens",
    ]


def test_a_converged_org_needs_nothing() -> None:
    org = an_org(apps={OWN_APP: App(approved=True)})
    found = compared(wanted(*own(), a_bypass(BREAK_GLASS)), org)
    assert (found.steps, found.unmanaged, found.unchanged) == ((), (), 3)


def test_a_new_grant_weakens_where_the_app_is_limited_already() -> None:
    desired = wanted(*own(), an_app(BILLING), a_grant(BILLING, OWN_SET))
    for org in (
        an_org(apps={OWN_APP: App(approved=True), BILLING: App(approved=True)}),
        an_org(
            apps={OWN_APP: App(approved=True), BILLING: App()},
            switches={ALL_USERS: True, EXTERNAL_USERS: False},
        ),
    ):
        (step,) = compared(desired, org).steps
        assert step.change.effect == "weakens"
        assert step.change.why == "lets permission set 'Access_Reconciler_Use' use Billing Sync"


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        ("infinite", "zero", "strengthens"),
        ("zero", "infinite", "weakens"),
        ("specific_lifetime:30:DAYS", "specific_lifetime:1:MONTHS", "strengthens"),
        ("specific_lifetime:24:HOURS", "specific_lifetime:2:DAYS", "weakens"),
        ("specific_lifetime:24:HOURS", "specific_inactivity:1:HOURS", "weakens"),
        ("specific_inactivity:24:HOURS", "specific_lifetime:1:HOURS", "strengthens"),
        ("infinite", "specific_inactivity:9:MONTHS", "strengthens"),
    ],
)
def test_a_shorter_refresh_token_strengthens(before: str, after: str, effect: str) -> None:
    org = an_org(apps={OWN_APP: App(approved=True, refresh=before)})
    (step,) = compared(wanted(*own(), an_app(OWN_APP, refreshToken=after)), org).steps
    assert step.change.effect == effect


@pytest.mark.parametrize(("after", "effect"), [("ENFORCE", "strengthens"), ("BYPASS", "weakens")])
def test_relaxed_ip_ranges_weaken(after: str, effect: str) -> None:
    org = an_org(apps={OWN_APP: App(ip="BYPASS_2FACTOR")})
    (step,) = compared(wanted(an_app(OWN_APP, ipRelaxation=after)), org).steps
    assert step.change.effect == effect


def test_a_create_knows_what_the_service_needs() -> None:
    org = an_org(apps={OWN_APP: App(approved=True)}, users={"u": [a_profile("Sales")]})
    (step,) = compared(wanted(*own(), a_grant(OWN_APP, a_profile("Sales"))), org).steps
    assert step.desired is not None
    assert dict(step.desired.settings) == {
        "appId": "0H4-Access Reconciler",
        "parentId": "0PS-profile-Sales",
    }


def test_at_least_leaves_other_grants_alone() -> None:
    org = an_org(
        apps={OWN_APP: App(approved=True)}, grants={(OWN_APP, OWN_SET), (OWN_APP, a_set("More"))}
    )
    found = compared(wanted(*own(), exact=frozenset()), org)
    assert found.steps == ()
    assert [one.address.rpartition("/")[2] for one in found.unmanaged] == [
        "permissionSet:More",
        "permissionSet:Break_Glass_API",
    ]


def test_grants_without_allow_are_not_managed() -> None:
    org = an_org(apps={OWN_APP: App(approved=True)})
    found = compared(wanted(an_app(OWN_APP)), org)
    assert found.steps == ()
    assert [one.kind for one in found.unmanaged] == ["grant", "bypass"]


def unlisted(what: str) -> tuple[UnitDiff, list[str]]:
    org = an_org(
        apps={
            OWN_APP: App(approved=True),
            "Other": App(),
            "Stock": App(full_name=""),
            "Closed": App(approved=True),
        },
        grants={(OWN_APP, OWN_SET), ("Other", a_set("More"))},
    )
    desired = wanted(*own(), a_bypass(BREAK_GLASS), unlisted=what)
    found = compared(desired, org)
    return found, [_shown(step.change) for step in found.steps]


def test_unlisted_apps_are_reported() -> None:
    found, done = unlisted("report")
    assert done == []
    assert [one.address.split("/", 3)[3] for one in found.unmanaged] == [
        "Other",
        "Stock",
        "Closed",
        "Other/permissionSet:More",
    ]


def test_unlisted_apps_are_narrowed_where_an_api_can_do_it() -> None:
    found, done = unlisted("narrow")
    assert done == ["update app Other strengthens"]
    assert found.warnings == (
        "acme-crm/uat/access/Stock: every user may authorize it by himself, and only Setup > "
        "Connected Apps > Manage Connected Apps can change that",
    )


def test_unlisted_apps_lose_their_grants() -> None:
    assert unlisted("denyGrants")[1] == ["delete grant Other/permissionSet:More strengthens"]


def test_what_the_org_does_not_have_is_told() -> None:
    org = an_org(
        apps={OWN_APP: App(), "Fixed": App(full_name="")},
        parents={a_set("ns__Packed"): Parent("0PS-packed", is_managed=True)},
    )
    desired = wanted(
        *own(),
        an_app("Acces Reconciler", adminApproved=True),
        an_app("Payroll", kind=EXTERNAL_CLIENT_APP),
        an_app("Fixed", adminApproved=True),
        a_grant(OWN_APP, a_set("Acces_Reconciler_Use")),
        a_grant(OWN_APP, a_set("ns__Packed")),
        a_bypass(a_profile("Admin")),
    )
    assert problems(desired, org) == [
        "Acces Reconciler: no connected app is named 'Acces Reconciler' in this org (did you mean "
        "'Access Reconciler'?)",
        "Payroll: no external client app is named 'Payroll' in this org (make or install it "
        "first: Setup > External Client App Manager)",
        "Fixed: the policy of 'Fixed' cannot be changed by an API, nor seen as a whole (change it "
        "in Setup > Connected Apps > Manage Connected Apps, or leave it out)",
        "Access Reconciler/permissionSet:Acces_Reconciler_Use: there is no permission set "
        "'Acces_Reconciler_Use' in this org (did you mean 'Access_Reconciler_Use'?)",
        "Access Reconciler/permissionSet:ns__Packed: the permission set 'ns__Packed' belongs to a "
        "package, and takes no more apps or permissions (use a permission set of the org itself)",
        "bypass:useAnyApiClient/profile:Admin: there is no profile 'Admin' in this org (make the "
        "profile in the org first)",
    ]


def test_an_absent_switch_is_never_off() -> None:
    org = an_org(switches=None)
    found = compared(wanted(a_switch(ALL_USERS, on=False), a_switch(EXTERNAL_USERS, on=True)), org)
    assert (found.steps, found.unchanged) == ((), 0)
    assert found.warnings == (
        "acme-crm/uat/access/limitAllUsersToAllowlistedApps: Salesforce Support has not activated "
        "API Access Control in this org, so there is nothing to switch off",
    )


def test_a_grant_that_is_gone_is_seen_as_stale() -> None:
    org = an_org(apps={OWN_APP: App(approved=True)})
    desired = wanted(*own(), a_switch(ALL_USERS, on=True))
    planned = compared(desired, org)
    before = fingerprint(desired, org.live())
    org.grants.clear()
    assert fingerprint(desired, org.live()) != before
    assert stale_fields(pin(planned), desired, org.live()) == [
        "Access Reconciler/permissionSet:Access_Reconciler_Use: is gone"
    ]


def test_who_signs_in_is_part_of_what_is_desired() -> None:
    assert desired_digest(wanted(*own())) != desired_digest(wanted(*own(), self_user="x@y"))
