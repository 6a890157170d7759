"""The provider against the emulated org: what is read, written, read back and refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.core.access import (
    ALL_USERS,
    APPROVE_UNINSTALLED,
    EXTERNAL_CLIENT_APP,
    EXTERNAL_USERS,
    NARROW,
    USE_ANY_API_CLIENT,
    DesiredAccess,
    LiveAccess,
)
from reconciler.core.access_diff import diff_access
from reconciler.core.lockout import WAY_OUT, missing_steps
from reconciler.core.model import Resource, Source, Target
from reconciler.core.project import Org
from reconciler.core.redact import Secret
from reconciler.errors import BadAnswer, CannotSee, LockedOut, ProviderError, Refusal
from reconciler.providers.base import AccessPlatform, Provider
from reconciler.providers.salesforce.auth import Credentials
from reconciler.providers.salesforce.provider import SalesforceProvider, connect
from reconciler.transport import Bounds, Timing
from tests.emulator.driver import Emulator
from tests.org import (
    BREAK_GLASS,
    OWN_APP,
    OWN_SET,
    a_bypass,
    a_grant,
    a_profile,
    a_set,
    a_switch,
    an_app,
    wanted,
)
from tests.transport.clock import Clock

ID = "00D5g000000AcmeEAC"
USERNAME = "reconciler@acme.example"
BILLING, PARTNER = "Billing Sync", "Partner Sync"
USE = a_set("Billing_Sync_Use")


def a_provider(
    emulator: Emulator, *, is_sandbox: bool = True, org_id: str = ID, clock: Clock | None = None
) -> SalesforceProvider:
    clock = clock or Clock()
    org = Org("", org_id, is_sandbox, "64.0", Source(""))
    timing = Timing(clock, Timing().epoch, clock.sleep, lambda: 0.5)
    credentials = Credentials("demo", secret=Secret("demo"))
    url = f"{emulator.url}/salesforce"
    return connect(org, url, credentials, bounds=Bounds(timing=timing))


@pytest.fixture
def provider(emulator: Emulator) -> Iterator[SalesforceProvider]:
    made = a_provider(emulator)
    yield made
    made.close()


def target_of(provider: SalesforceProvider) -> Target:
    return Target(provider.host, ID, "sandbox")


def asked(*resources: Resource, **changes: Any) -> DesiredAccess:
    return wanted(an_app(OWN_APP), *resources, self_user=USERNAME, **changes)


def read(provider: SalesforceProvider, desired: DesiredAccess | None = None) -> LiveAccess:
    return provider.fetch_access(target_of(provider), desired or asked())


def converge(provider: SalesforceProvider, desired: DesiredAccess) -> LiveAccess:
    """Carries out all that is to do, as a run would, and reads again."""
    found = diff_access(desired, read(provider, desired))
    assert not found.problems
    target = target_of(provider)
    for step in found.steps:
        match step.live, step.desired:
            case None, Resource() as ours:
                provider.create(target, ours, order=None, duplicate=False)
            case Resource() as theirs, Resource() as ours:
                paths = frozenset(field.path for field in step.change.fields)
                provider.update(target, theirs, ours, paths=paths)
            case Resource() as theirs, None:
                provider.delete(target, theirs)
    live = read(provider, desired)
    assert diff_access(desired, live).steps == ()
    return live


def tamper(emulator: Emulator, resource: str, patch: Any, id: str | None = None) -> None:
    order = {"platform": "salesforce", "resource": resource, "patch": patch}
    emulator.tamper(**(order | ({"id": id} if id else {})))


def stored(emulator: Emulator, table: str, label: str) -> Any:
    rows = emulator.control("state")["salesforce"][table]
    return next(row for row in rows if label in (row.get("MasterLabel"), _label(row)))


def _label(row: Any) -> Any:
    return row.get("metadata", {}).get("label")


def test_it_is_a_provider_that_controls_access(provider: SalesforceProvider) -> None:
    made: Provider = provider
    assert isinstance(made, AccessPlatform)
    assert provider.caller() == {"name": USERNAME, "kind": "user", "organization": ID}
    (org,) = provider.organizations()
    assert (org.id, org.name) == (ID, "Acme Corp")
    (kind,) = provider.environments(org.id)
    assert kind.type == "sandbox"
    assert int(provider.budget()["remaining"]) > 0


def test_an_org_is_read_as_a_whole(provider: SalesforceProvider) -> None:
    live = read(provider, asked(a_grant(BILLING, USE)))
    assert [str(one.key.segment) for one in live.resources] == [
        ALL_USERS,
        EXTERNAL_USERS,
        OWN_APP,
        BILLING,
        PARTNER,
        "Warehouse Loader",
        "Access Reconciler/permissionSet:Access_Reconciler_Use",
        "bypass:useAnyApiClient/permissionSet:Break_Glass_API",
    ]
    assert (live.identity.username, live.identity.app) == (USERNAME, OWN_APP)
    assert not live.identity.is_external
    assert live.rescuers == ("admin@acme.example",)
    assert {USE, OWN_SET, BREAK_GLASS} <= live.parents.keys()
    assert live.parents[OWN_SET].id in {one.parent for one in live.assignments}


def test_the_policy_of_an_app_is_read_where_the_files_name_it(provider: SalesforceProvider) -> None:
    billing = read(provider, asked(an_app(BILLING))).app("connectedApp", BILLING)
    assert billing is not None
    assert dict(billing.canonical) == {
        "adminApproved": False,
        "ipRelaxation": "ENFORCE",
        "refreshToken": "specific_lifetime:30:DAYS",
    }
    unnamed = read(provider).app("connectedApp", BILLING)
    assert unnamed is not None
    assert dict(unnamed.canonical) == {"adminApproved": False}


def test_another_org_than_the_files_name_is_refused(emulator: Emulator) -> None:
    with pytest.raises(Refusal, match="is a sandbox, and the files say none"):
        a_provider(emulator, is_sandbox=False).organizations()
    with pytest.raises(Refusal, match="the login is to the org 00D5g000000AcmeEAC"):
        a_provider(emulator, org_id="00D5g000000Othr").organizations()


def test_an_org_without_the_feature_has_no_switches(
    provider: SalesforceProvider, emulator: Emulator
) -> None:
    emulator.settings(aacActivated=False)
    live = read(provider)
    assert not live.is_activated
    assert (live.of("settings"), live.of("bypass"), live.rescuers) == ((), (), ())


@pytest.mark.parametrize("right", ["ViewSetup", "CustomizeApplication"])
def test_missing_rights_are_never_read_as_none(
    provider: SalesforceProvider, emulator: Emulator, right: str
) -> None:
    patch = {f"Permissions{right}": False}
    tamper(emulator, "PermissionSet", patch, "Access_Reconciler_Admin")
    with pytest.raises(CannotSee):
        read(provider)


def test_external_client_apps_that_cannot_be_seen_are_warned_of(
    provider: SalesforceProvider, emulator: Emulator
) -> None:
    patch = {"PermissionsExternalClientAppAdmin": False}
    tamper(emulator, "PermissionSet", patch, "Access_Reconciler_Admin")
    live = read(provider)
    assert not live.sees_external
    assert "external client apps cannot be seen" in live.warnings[0]
    found = diff_access(asked(an_app(PARTNER, kind=EXTERNAL_CLIENT_APP)), live)
    assert "cannot see external client apps" in found.problems[0].message


def test_everything_converges(provider: SalesforceProvider) -> None:
    desired = asked(
        a_switch(ALL_USERS, on=True),
        a_switch(EXTERNAL_USERS, on=True),
        a_grant(OWN_APP, OWN_SET),
        an_app(BILLING, adminApproved=True, refreshToken="zero", ipRelaxation="BYPASS"),
        a_grant(BILLING, USE),
        a_grant(BILLING, a_profile("API Integration")),
        an_app(
            PARTNER,
            kind=EXTERNAL_CLIENT_APP,
            adminApproved=True,
            refreshToken="specific_inactivity:7:DAYS",
        ),
        a_grant(PARTNER, a_set("Partner_Sync_Use"), kind=EXTERNAL_CLIENT_APP),
        a_bypass(BREAK_GLASS),
        a_bypass(a_profile("System Administrator")),
    )
    live = converge(provider, desired)
    assert live.switch(ALL_USERS) and live.switch(EXTERNAL_USERS)


def test_everything_goes_back(provider: SalesforceProvider) -> None:
    converge(
        provider,
        asked(
            an_app(BILLING, adminApproved=True),
            a_grant(BILLING, USE),
            an_app(PARTNER, kind=EXTERNAL_CLIENT_APP, adminApproved=True, refreshToken="zero"),
            a_bypass(a_profile("System Administrator")),
        ),
    )
    loose = asked(
        an_app(BILLING, adminApproved=False),
        an_app(
            PARTNER,
            kind=EXTERNAL_CLIENT_APP,
            adminApproved=False,
            refreshToken="specific_lifetime:365:DAYS",
        ),
        a_bypass(BREAK_GLASS),
        granted={BILLING},
    )
    live = converge(provider, loose)
    assert [one.key.type for one in live.of("grants")] == [OWN_APP]


def test_unlisted_apps_are_narrowed(provider: SalesforceProvider) -> None:
    live = converge(provider, asked(unlisted=NARROW))
    open_ = [one.key.type for one in live.of("apps") if not one.canonical["adminApproved"]]
    # What its publisher packaged is changed in Setup.
    assert open_ in ([], ["Warehouse Loader"])


def test_a_change_of_an_app_keeps_its_key_and_its_grants(
    provider: SalesforceProvider, emulator: Emulator
) -> None:
    emulator.settings(connectedAppListsCleared=True)
    converge(provider, asked(an_app(BILLING), a_grant(BILLING, USE)))
    converge(provider, asked(an_app(BILLING, adminApproved=True), a_grant(BILLING, USE)))
    assert stored(emulator, "ConnectedApp", BILLING)["consumerKey"] == "billing-sync"


@pytest.mark.parametrize("is_cleared", [False, True])
def test_an_app_is_opened_again_with_its_grants(
    provider: SalesforceProvider, emulator: Emulator, is_cleared: bool
) -> None:
    emulator.settings(connectedAppListsCleared=is_cleared)
    grant = a_grant(BILLING, USE)
    converge(provider, asked(an_app(BILLING, adminApproved=True), grant))
    live = converge(provider, asked(an_app(BILLING, adminApproved=False), grant))
    assert any(one.key == grant.key for one in live.resources)
    converge(provider, asked(an_app(BILLING, refreshToken="zero"), grant))


def test_a_grant_is_made_once(provider: SalesforceProvider) -> None:
    desired = asked(an_app(BILLING), a_grant(BILLING, USE))
    (step,) = diff_access(desired, read(provider, desired)).steps
    assert step.desired is not None
    target = target_of(provider)
    first, second = (
        provider.create(target, step.desired, order=None, duplicate=False) for _ in range(2)
    )
    assert first.id == second.id
    assert provider.holds(target, "grants", first.id)
    provider.delete(target, first)
    provider.delete(target, first)
    assert not provider.holds(target, "grants", first.id)


def test_what_the_org_does_not_take_is_an_error(
    provider: SalesforceProvider, emulator: Emulator
) -> None:
    emulator.settings(silentSaveFailures=True)
    with pytest.raises(ProviderError, match="not saved: not taken, and the service does not say"):
        converge(provider, asked(a_switch(EXTERNAL_USERS, on=True)))


def test_a_success_that_changed_nothing_is_an_error(
    provider: SalesforceProvider, emulator: Emulator
) -> None:
    desired = asked(a_switch(EXTERNAL_USERS, on=True))
    live = read(provider, desired)
    emulator.settings(aacActivated=False, inactiveSwitchWrites="ignore")
    (step,) = diff_access(desired, live).steps
    assert step.live and step.desired
    with pytest.raises(BadAnswer, match="the org took the call and not the change"):
        provider.update(target_of(provider), step.live, step.desired, paths=frozenset(("enabled",)))


def test_holders_of_a_hidden_permission_cannot_be_seen(
    provider: SalesforceProvider, emulator: Emulator
) -> None:
    desired = asked(a_bypass(a_profile("System Administrator"), APPROVE_UNINSTALLED))
    live = read(provider, desired)
    assert live.unread == {APPROVE_UNINSTALLED}
    emulator.settings(approveUninstalledInSoql=True)
    live = read(provider, desired)
    assert live.unread == frozenset()
    assert diff_access(desired, live).steps == ()


def test_a_new_token_proves_that_the_login_is_in(
    provider: SalesforceProvider, emulator: Emulator
) -> None:
    before = len(emulator.logged())
    provider.prove_access(target_of(provider))
    paths = [one["path"].rpartition("/")[2] for one in emulator.logged()[before:]]
    assert paths[-3:] == ["token", "limits", "query"]


def test_a_lock_out_is_waited_for_and_told_with_the_way_out(emulator: Emulator) -> None:
    clock = Clock()
    provider = a_provider(emulator, clock=clock)
    read(provider)
    rows = emulator.control("state")["salesforce"]["SetupEntityAccess"]
    tamper(emulator, "SetupEntityAccess", {"delete": True}, rows[0]["Id"])
    began = clock()
    with pytest.raises(LockedOut) as caught:
        provider.prove_access(target_of(provider))
    assert str(caught.value).endswith(WAY_OUT) or WAY_OUT in str(caught.value)
    assert "the app admits only users that an admin has approved" in str(caught.value)
    assert 500 < clock() - began <= 600


def test_a_change_that_has_not_spread_is_no_lock_out(emulator: Emulator) -> None:
    clock = Clock()
    provider = a_provider(emulator, clock=clock)
    read(provider)
    fault = {"status": 400, "body": {"error": "invalid_client_id", "error_description": "x"}}
    emulator.fail(fault, times=2, path="/oauth2/token")
    provider.prove_access(target_of(provider))


def test_reading_writes_nothing(emulator: Emulator) -> None:
    org = Org("", ID, True, "64.0", Source(""))
    credentials = Credentials("demo", secret=Secret("demo"))
    url = f"{emulator.url}/salesforce"
    provider = connect(org, url, credentials, read_only=True)
    live = read(provider)
    own = live.of("grants")[0]
    for write in (
        lambda: provider.delete(target_of(provider), own),
        lambda: provider.create(target_of(provider), own, order=None, duplicate=False),
    ):
        with pytest.raises(Exception, match="(?i)read"):
            write()
    assert USE_ANY_API_CLIENT in {one.key.type for one in live.of("bypass")}


def in_a_group(emulator: Emulator, **more: Any) -> None:
    """The tool's own user holds Access_Reconciler_Use by a group alone."""
    rows = emulator.control("state")
    state = rows["salesforce"]
    group = {"Id": "0PG5g0000000001", "DeveloperName": "G"}
    whole = {"Id": "0PS5g0000000001", "Name": "G", "Label": "G", "Type": "Group", **more}
    state["PermissionSetGroup"] = [group]
    state["PermissionSet"].append({**whole, "PermissionSetGroupId": group["Id"]})
    own = next(one["Id"] for one in state["PermissionSet"] if one["Name"] == OWN_SET.name)
    state["PermissionSetGroupComponent"] = [
        {"PermissionSetGroupId": group["Id"], "PermissionSetId": own}
    ]
    for row in state["PermissionSetAssignment"]:
        if row["PermissionSetId"] == own:
            row |= {"PermissionSetId": whole["Id"], "PermissionSetGroupId": group["Id"]}
    emulator.reset({"salesforce": state})


def test_of_a_group_the_members_are_held(emulator: Emulator, provider: SalesforceProvider) -> None:
    in_a_group(emulator)
    desired = asked(a_switch(ALL_USERS, on=True), a_grant(OWN_APP, OWN_SET))
    live = read(provider, desired)
    assert live.parents[OWN_SET].id in {one.parent for one in live.assignments}
    assert missing_steps(desired, live, diff_access(desired, live).steps) == ()
    gone = asked(an_app(OWN_APP), granted=[OWN_APP])
    (final, *_) = missing_steps(gone, live, diff_access(gone, live).steps)
    assert final.message.startswith("the plan takes the app of this tool away from its own user")


def test_what_a_group_has_of_its_members_is_no_grant(
    emulator: Emulator, provider: SalesforceProvider
) -> None:
    in_a_group(emulator, userPermissions=["UseAnyApiClient"])
    app = next(one for one in read(provider).resources if one.key.type == OWN_APP)
    row = {"ParentId": "0PS5g0000000001", "SetupEntityId": app.id}
    tamper(emulator, "SetupEntityAccess", row)
    live = read(provider)
    assert "G" not in {one.key.name for one in live.resources}
