"""The review of an org: what is found, what is not, and never more than can be seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from reconciler.core.access import ALL_USERS, PROFILE, Holder
from reconciler.core.audit import OVERDUE, Evidence, Finding, Review, Said, review
from reconciler.core.model import Source
from reconciler.core.use import Usage, Use
from tests.org import OWN_APP, OWN_SET, App, Org, a_set, an_org, wanted

TODAY = date(2026, 11, 24)
WHOLE = Said("platform", "applies the files", "2027-01-31", Source("access.yaml", 9, 5))
BILLING, TOOL = "Billing Sync", "Data Tool"
USE = a_set("Billing_Sync_Use")
RECENT = "2026-11-20T09:12:44Z"


def used(app: str, last: str = RECENT, user: str = "a@acme.example", **more: Any) -> Use:
    return Use(app, user, 3, last, app_id=more.pop("app_id", f"0H4-{app}"), **more)


def evidence(org: Org, *uses: Use, **changes: Any) -> Evidence:
    live = org.live()
    holders = {live.parents[holder].id: frozenset({"u1"}) for holder in live.parents}
    found = Evidence(
        wanted(),
        live,
        {OWN_APP: WHOLE, BILLING: WHOLE},
        Usage(90, "2026-08-26T00:00:00Z", uses),
        holders,
        7,
        TODAY,
    )
    return replace(found, **changes)


def an_estate(**changes: Any) -> Org:
    apps = {OWN_APP: App(approved=True), BILLING: App(approved=True)}
    grants = {(OWN_APP, OWN_SET), (BILLING, USE)}
    return an_org(**({"apps": apps, "grants": grants} | changes))


def codes(found: Review, subject: str) -> list[str]:
    return [one.code for one in found.findings if one.subject == subject]


def of(found: Review, code: str) -> Finding:
    (one,) = (one for one in found.findings if one.code == code)
    return one


def test_a_sound_app_is_listed_and_nothing_is_found() -> None:
    found = review(evidence(an_estate(), used(OWN_APP), used(BILLING)))
    assert [app.name for app in found.apps] == [OWN_APP, BILLING]
    assert [codes(found, app.name) for app in found.apps] == [[], []]
    billing = found.apps[1]
    assert (billing.users, billing.used_by, billing.uses, billing.last_used) == (1, 1, 3, RECENT)
    assert [(one.holder, one.users) for one in billing.grants] == [(USE, 1)]


@pytest.mark.parametrize(
    ("day", "is_due"), [("2026-11-23", True), ("2026-11-24", False), ("", False)]
)
def test_a_review_is_overdue_the_day_after(day: str, is_due: bool) -> None:
    said = {OWN_APP: WHOLE, BILLING: replace(WHOLE, review_by=day)}
    found = review(evidence(an_estate(), used(OWN_APP), used(BILLING), said=said))
    assert bool(found.of(OVERDUE)) is is_due
    if is_due:
        one = of(found, "review-overdue")
        assert (one.subject, one.source) == (BILLING, WHOLE.source)
        assert one.message == "its review was due on 2026-11-23 (platform)"


def test_an_app_that_everybody_may_authorize_is_found_until_all_are_limited() -> None:
    apps = {OWN_APP: App(approved=True), BILLING: App()}
    org = an_estate(apps=apps)
    assert "self-authorize" in codes(review(evidence(org, used(BILLING))), BILLING)
    org.switches = {ALL_USERS: True}
    assert "self-authorize" not in codes(review(evidence(org, used(BILLING))), BILLING)


@pytest.mark.parametrize("last", ["", "2026-08-25T23:59:59Z"])
def test_an_app_that_nobody_used_is_found(last: str) -> None:
    uses = [used(OWN_APP), *([used(BILLING, last)] if last else [])]
    assert codes(review(evidence(an_estate(), *uses)), BILLING) == ["unused"]


def test_use_that_cannot_be_seen_is_not_taken_for_none() -> None:
    usage = Usage(90, "2026-08-26T00:00:00Z", (), ("the tokens of other users",))
    found = review(evidence(an_estate(), usage=usage))
    assert codes(found, BILLING) == []
    assert of(found, "cannot-see").message == "cannot see the tokens of other users"


def test_holders_that_cannot_be_seen_are_not_counted() -> None:
    found = review(evidence(an_estate(), used(OWN_APP), used(BILLING), holders=None))
    assert [(app.users, app.grants[0].users) for app in found.apps] == [(None, None)] * 2
    assert "reaches-nobody" not in codes(found, BILLING)
    assert "who holds which" in of(found, "cannot-see").message


def test_an_app_that_is_used_and_not_installed_is_found() -> None:
    found = review(evidence(an_estate(), used(OWN_APP), used(BILLING), used(TOOL, app_id="")))
    (tool,) = (app for app in found.apps if app.name == TOOL)
    assert (tool.is_installed, tool.used_by) == (False, 1)
    assert codes(found, TOOL) == ["used-not-installed"]


def test_an_app_of_the_files_that_is_not_there_is_found() -> None:
    said = {OWN_APP: WHOLE, BILLING: WHOLE, "Gone": WHOLE}
    found = review(evidence(an_estate(), used(OWN_APP), used(BILLING), said=said))
    assert codes(found, "Gone") == ["missing"]


def grants_to(profiles: Iterable[str]) -> set[tuple[str, Holder]]:
    return {(OWN_APP, OWN_SET), *((BILLING, Holder(PROFILE, name)) for name in profiles)}


def test_grants_to_administrators_and_to_all_profiles_are_found() -> None:
    org = an_estate(grants=grants_to(["System Administrator"]))
    found = review(evidence(org, used(OWN_APP), used(BILLING)))
    assert codes(found, BILLING) == ["granted-to-administrators"]
    org = an_estate(grants=grants_to(["A", "B"]))
    found = review(evidence(org, used(OWN_APP), used(BILLING), profiles=2))
    assert codes(found, BILLING) == ["granted-to-all-profiles"]


def test_what_the_files_do_not_say_is_a_note() -> None:
    said = {OWN_APP: WHOLE, BILLING: Said(owner="billing")}
    found = review(evidence(an_estate(), used(OWN_APP), used(BILLING), said=said))
    assert of(found, "undocumented").message == "the files give no reason, reviewBy"
    said.pop(BILLING)
    found = review(evidence(an_estate(), used(OWN_APP), used(BILLING), said=said))
    assert codes(found, BILLING) == ["unlisted"]


def test_who_gets_around_the_limits_is_named() -> None:
    found = review(evidence(an_estate(), used(OWN_APP), used(BILLING)))
    one = of(found, "bypass")
    assert (one.severity, one.subject) == ("note", "permission set 'Break_Glass_API'")
    assert one.message == "has Use Any API Client, with 1 active user"


def test_the_worst_comes_first() -> None:
    said = {OWN_APP: replace(WHOLE, review_by="2020-01-01")}
    found = review(evidence(an_estate(), used(TOOL, app_id=""), said=said))
    kinds = [one.severity for one in found.findings]
    assert kinds == sorted(kinds, key=("overdue", "warning", "note").index)
