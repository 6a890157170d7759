"""Who changed it: only what a row of the setup trail tells, and never anybody else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.access import ALL_USERS, EXTERNAL_USERS
from reconciler.core.access_diff import diff_access
from reconciler.core.access_trail import authors
from reconciler.core.diff import ChangedBy, UnitDiff
from reconciler.core.trail import MOST, TrailEntry
from tests.org import (
    BREAK_GLASS,
    OWN_USER,
    App,
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

ADA, BOB = "ada@acme.example", "bob@acme.example"
USE = a_set("Billing_Sync_Use")
BILLING, SYNC = "Billing", "Billing Sync"


def a_row(text: str, at: str = "12", user: str = ADA, action: str = "", **more: str) -> TrailEntry:
    more = {"section": "Connected Apps", **more}
    return TrailEntry(f"2026-11-{at}T09:12:00Z", user, action, text, **more)


def a_difference() -> UnitDiff:
    """A grant too many, a grant that is missing, an app and a switch that somebody opened."""
    org = an_org(
        apps={
            "Access Reconciler": App(True, full_name="Own"),
            BILLING: App(True, full_name="Bill"),
            SYNC: App(full_name="Sync_App"),
        },
        grants={("Access Reconciler", a_set("Access_Reconciler_Use")), (SYNC, a_profile("Sales"))},
    )
    org.users["x"] = [USE]
    files = (an_app(SYNC, adminApproved=True), a_grant(SYNC, USE), an_app(BILLING))
    switches = (a_switch(ALL_USERS, on=True), a_switch(EXTERNAL_USERS, on=False))
    return diff_access(wanted(*own(), *files, *switches, a_bypass(BREAK_GLASS)), org.live())


def found(*rows: TrailEntry, own_since: str = "") -> dict[str, list[str]]:
    """By the last part of the address and the action, who is named with the day."""
    diff = a_difference()
    named = authors(diff, rows, own_since=own_since)
    return {
        f"{step.change.action} {step.change.address.split('/')[-1]}": [_shown(one) for one in by]
        for step, by in zip(diff.steps, named, strict=True)
        if by
    }


def _shown(one: ChangedBy) -> str:
    return f"{one.user.partition('@')[0]} {one.at[8:10]}"


SURPLUS, MISSING = "delete profile:Sales", "create permissionSet:Billing_Sync_Use"
POLICY, SWITCH = f"update {SYNC}", f"update {ALL_USERS}"


def test_the_newest_row_that_names_app_and_holder_made_the_grant() -> None:
    rows = (
        a_row("Created access of Sales to app Billing Sync", "13"),
        a_row("Created access of Sales to app Billing Sync", "12", BOB),
    )
    assert found(*rows) == {SURPLUS: ["ada 13"]}


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("Deleted access of Billing_Sync_Use to app Billing Sync", {MISSING: ["ada 12"]}),
        ("Deleted access of Sales to app Billing Sync", {}),
        ("Created access of Billing_Sync_Use to app Billing Sync", {}),
        ("Created access of Sales to app Billing", {}),
        ("Changed access of Sales to app Billing Sync", {SURPLUS: ["ada 12"]}),
        ("Updated connected app Sync_App", dict.fromkeys((SURPLUS, MISSING, POLICY), ["ada 12"])),
        ("Created connected app Billing_Sync", dict.fromkeys((SURPLUS, POLICY), ["ada 12"])),
        ("Deleted connected app Billing Sync", {MISSING: ["ada 12"]}),
        ("Updated connected app Billing", {}),
        ("Changed permission set Billing_Sync_Use", {}),
        ("Created permission set assignment Billing_Sync_Use for x", {}),
        ("limitAllUsersToAllowlistedApps set to false", {SWITCH: ["ada 12"]}),
        ("limitExternalUsersToInstalledApps set to false", {}),
        ("Changed ConnectedAppSettings", {SWITCH: ["ada 12"]}),
        ("Created role Sales Manager", {}),
        ("", {}),
    ],
)
def test_a_row_is_told_of_what_it_names_alone(text: str, who: dict[str, list[str]]) -> None:
    assert found(a_row(text)) == who


def test_a_role_that_is_called_like_an_app_is_none() -> None:
    row = a_row("Created role Billing Sync", section="Manage Users", action="createdrole")
    assert found(row) == {}


def test_where_several_could_be_it_all_are_named_newest_first() -> None:
    rows = [
        a_row("Updated connected app Billing_Sync", str(11 + n), f"u{n % 5}@x") for n in range(9)
    ]
    assert found(*rows)[POLICY] == ["u3 19", "u2 18", "u1 17"]
    assert len(found(*rows)[POLICY]) == MOST


def test_a_row_that_names_everything_is_better_than_one_that_does_not() -> None:
    rows = (
        a_row("Updated connected app Billing_Sync", "15", BOB),
        a_row("Created access of Sales to app Billing Sync", "12"),
    )
    assert found(*rows)[SURPLUS] == ["ada 12"]


def test_what_this_tool_did_is_its_own_where_that_is_news() -> None:
    row = a_row("limitAllUsersToAllowlistedApps set to false", "12", OWN_USER.upper())
    diff = a_difference()
    assert found(row) == {}
    assert found(row, own_since="2026-11-13T00:00:00Z") == {}
    (by,) = (one for one in authors(diff, [row], own_since="2026-11-11T00:00:00Z") if one)
    assert by[0].is_own


def test_what_this_tool_overruled_is_told_of_nobody() -> None:
    rows = (
        a_row("limitAllUsersToAllowlistedApps set to true", "13", OWN_USER),
        a_row("limitAllUsersToAllowlistedApps set to false", "12"),
    )
    assert found(*rows) == {}


def test_somebody_who_acted_as_another_is_told() -> None:
    row = a_row("limitAllUsersToAllowlistedApps set to false", delegate="support@x")
    (by,) = (one for one in authors(a_difference(), [row]) if one)
    assert (by[0].user, by[0].delegate) == (ADA, "support@x")


WORDS = st.sampled_from(
    ["Created", "Deleted", "Updated", "access", "of", "Sales", "Billing", "Sync", "Use", "_", "to"]
)


@given(st.lists(st.lists(WORDS, max_size=8).map(" ".join), max_size=8))
def test_nobody_is_named_who_has_no_row(texts: list[str]) -> None:
    rows = [a_row(text, str(10 + n), f"u{n}@x") for n, text in enumerate(texts)]
    told = authors(a_difference(), rows)
    assert all(
        any(one.what == row.text and one.user == row.user for row in rows)
        for by in told
        for one in by
    )
    assert authors(a_difference(), [*rows[::-1]]) == told
    unrelated = [replace(row, text="Changed the weather") for row in rows]
    assert not any(authors(a_difference(), unrelated))
