"""When use is asked for, and what becomes of it where nobody answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from reconciler.core.access import ALL_USERS, DesiredAccess
from reconciler.core.access_diff import diff_access
from reconciler.core.model import Target
from reconciler.core.outage import Outage
from reconciler.core.use import Usage, Use
from reconciler.errors import CannotSee, ProviderError, Unreachable
from reconciler.run.outage import outages_of
from tests.org import ADDRESS, OWN_APP, TARGET, App, a_switch, an_app, an_org, own, wanted
from tests.run.fake import a_context, a_job
from tests.run.test_access import OrgProvider

SYNC, ANN = "Billing Sync", "ann@acme.example"
LIMIT = wanted(a_switch(ALL_USERS, on=True), *own())


@dataclass
class UsedOrg(OrgProvider):
    """An org that tells of its use. asked: the days asked for, in turn; fails_*: what is raised."""

    usage: Usage = field(default_factory=lambda: Usage(30, "2026-10-24T00:00:00Z"))
    fails_use: ProviderError | None = None
    fails_holders: ProviderError | None = None
    asked: list[int] = field(default_factory=list)

    def fetch_use(self, target: Target, days: int, now: datetime) -> Usage:
        self.asked.append(days)
        if self.fails_use:
            raise self.fails_use
        return self.usage

    def count_profiles(self, target: Target) -> int:
        return 7

    def fetch_holders(
        self, target: Target, parents: Collection[str]
    ) -> Mapping[str, frozenset[str]]:
        if self.fails_holders:
            raise self.fails_holders
        return {}


def an_org_in_use(*unseen: str) -> UsedOrg:
    use = Use(SYNC, ANN, 3, "2026-11-20T00:00:00Z", ANN)
    old = Use("Old", ANN, 3, "2026-09-20T00:00:00Z", ANN)
    org = an_org(apps={OWN_APP: App(approved=True), SYNC: App()})
    return UsedOrg(org=org, usage=Usage(30, "2026-10-24T00:00:00Z", (use, old), unseen))


def found(
    provider: OrgProvider, desired: DesiredAccess = LIMIT, *accepted: str
) -> tuple[Outage, ...]:
    job = a_job(provider, TARGET, ADDRESS.unit)
    context = a_context(provider, accept_outage=accepted, use_days=14)
    return outages_of(context, job, diff_access(desired, provider.org.live()))


def test_use_of_late_is_held_against_the_plan() -> None:
    provider = an_org_in_use()
    (one,) = found(provider)
    assert (one.app, one.users, one.is_accepted) == (SYNC, (ANN,), False)
    assert provider.asked == [14]
    (one,) = found(provider, LIMIT, "Billing*")
    assert one.is_accepted


def test_nothing_is_asked_for_where_nothing_narrows() -> None:
    provider = an_org_in_use()
    assert found(provider, wanted(an_app(SYNC, ipRelaxation="BYPASS"))) == ()
    assert provider.asked == []


def test_what_cannot_be_seen_stands_beside_what_is() -> None:
    hidden, seen = found(an_org_in_use("the logins of others"))
    assert (hidden.address, hidden.unseen) == (str(ADDRESS), "the logins of others")
    assert seen.app == SYNC


@pytest.mark.parametrize(
    ("where", "error", "words"),
    [
        ("fails_use", Unreachable("nobody answers"), "which apps are in use (anypoint: nobody"),
        ("fails_holders", CannotSee("no"), "who holds which permission sets (give the login"),
        ("fails_holders", Unreachable("nobody answers"), "which apps are in use (anypoint: nob"),
    ],
)
def test_a_read_that_fails_is_never_no_use(where: str, error: ProviderError, words: str) -> None:
    provider = an_org_in_use()
    setattr(provider, where, error)
    (one,) = found(provider)
    assert one.unseen.startswith(words)
    assert not one.is_accepted


def test_a_platform_that_tells_of_no_use_is_not_believed_unused() -> None:
    (one,) = found(OrgProvider())
    assert one.unseen == "which apps are in use"
