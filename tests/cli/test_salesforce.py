"""API Access Control end to end: the command in a real process against the emulated org."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import Emulator

UNIT = "acme-crm/uat/access"
ACCESS = "policies/acme-crm/uat/access.yaml"
ORGANIZATION = "policies/acme-crm/organization.yaml"
ALL_USERS, EXTERNAL_USERS = "limitAllUsersToAllowlistedApps", "limitExternalUsersToInstalledApps"
GUARD = "lock-out guard: "


def tamper(emulator: Emulator, resource: str, patch: Any, id: str | None = None) -> None:
    order = {"platform": "salesforce", "resource": resource, "patch": patch}
    emulator.tamper(**(order | ({"id": id} if id else {})), user="admin@acme.example")


def switches(emulator: Emulator) -> dict[str, bool]:
    found: dict[str, bool] = emulator.control("state")["salesforce"]["ConnectedAppSettings"]
    return found


def refused(cli: Cli, *arguments: str) -> list[str]:
    """What the guard says of a plan and, the same, of an apply; nothing is written."""
    planned = cli.run("plan", "--format", "json", *arguments)
    assert planned.code == 5, planned.out
    applied = cli.run("apply", "--yes", *arguments)
    assert applied.code == 5
    found = [text.removeprefix(GUARD) for text in planned.messages if text.startswith(GUARD)]
    assert found == sorted(found)
    return found


def test_the_sample_is_planned_applied_and_converged(crm: Cli, emulator: Emulator) -> None:
    done = crm.run("apply", "--yes", "--format", "json")
    assert done.code == 0, done.err
    assert list(done.outcomes().items()) == [
        (f"create {UNIT}/Billing Sync/permissionSet:Billing_Sync_Use", "applied"),
        (f"update {UNIT}/Billing Sync", "applied"),
        (f"update {UNIT}/{EXTERNAL_USERS}", "applied"),
        (f"update {UNIT}/{ALL_USERS}", "applied"),
    ]
    assert switches(emulator)["enableAdminApprovedAppsOnly"]
    again = crm.run("plan", "--detailed-exitcode", "--format", "json")
    assert (again.code, again.json["changes"]) == (0, [])
    assert again.json["summary"]["unchanged"] == 7


def test_a_saved_plan_is_applied_as_it_was_reviewed(crm: Cli) -> None:
    data = crm.plan()
    assert [change["kind"] for change in data["changes"]] == ["grant", "app", "setting", "setting"]
    assert {change["platform"] for change in data["changes"]} == {"salesforce"}
    assert crm.run("show", "plan.json").code == 0
    assert crm.run("apply", "plan.json").code == 0
    assert crm.run("apply", "plan.json").code == 6


def test_drift_in_grants_is_found_named_and_healed(crm: Cli, emulator: Emulator) -> None:
    assert crm.run("apply", "--yes").code == 0
    tamper(emulator, "SetupEntityAccess", {"App": "Billing Sync", "Profile": "Standard User"})
    tamper(emulator, "ConnectedAppSettings", {"enableAdminApprovedAppsOnlyForExternalUser": False})
    drift = crm.run("drift", "--format", "json")
    assert drift.code == 2
    assert [(one["address"], one["action"], one["cause"]) for one in drift.json["changes"]] == [
        (f"{UNIT}/{EXTERNAL_USERS}", "update", "live"),
        (f"{UNIT}/Billing Sync/profile:Standard User", "delete", "live"),
    ]
    assert crm.run("apply", "--yes").code == 0
    assert crm.run("drift").code == 0


def test_drift_writes_nothing(crm: Cli, emulator: Emulator) -> None:
    before = emulator.control("state")["salesforce"]["SetupAuditTrail"]
    assert crm.run("drift").code == 2
    assert emulator.control("state")["salesforce"]["SetupAuditTrail"] == before


def test_a_plan_of_the_sample_takes_twelve_calls(crm: Cli, emulator: Emulator) -> None:
    assert crm.run("apply", "--yes").code == 0
    before = len(emulator.logged())
    assert crm.run("plan").code == 0
    assert len(calls_of(emulator, before)) <= 12


def test_a_plan_that_narrows_takes_six_calls_more(crm: Cli, emulator: Emulator) -> None:
    assert crm.run("drift").code == 2
    drift = calls_of(emulator, 0)
    assert len(drift) <= 12
    assert crm.run("plan").code == 0
    # A drift and a plan read the same, and only a plan asks who would lose an app.
    assert len(calls_of(emulator, 0)) <= 2 * len(drift) + 6


def calls_of(emulator: Emulator, since: int) -> list[str]:
    """What was called after so many requests, logins left out."""
    return [one["path"] for one in emulator.logged()[since:] if "/oauth2/" not in one["path"]]


def test_a_change_since_the_plan_is_stale(crm: Cli, emulator: Emulator) -> None:
    crm.plan()
    tamper(emulator, "SetupEntityAccess", {"App": "Billing Sync", "Profile": "Standard User"})
    done = crm.run("apply", "plan.json")
    assert done.code == 6
    assert "Billing Sync/profile:Standard User: is new" in done.err


def test_a_failure_stops_the_unit(crm: Cli, emulator: Emulator) -> None:
    emulator.settings(silentSaveFailures=True)
    done = crm.run("apply", "--yes", "--format", "json")
    assert done.code == 7
    assert list(done.outcomes().values()) == ["applied", "failed", "skipped", "skipped"]
    assert "does not say why" in done.json["changes"][1]["reason"]
    assert not any(switches(emulator).values())
    emulator.settings(silentSaveFailures=False)
    assert crm.run("apply", "--yes").code == 0


def test_another_user_is_refused(crm: Cli) -> None:
    crm.edit(ACCESS, "reconciler@acme.example", "somebody@acme.example")
    (message,) = refused(crm)
    assert message == (
        "self.username is somebody@acme.example, and this login is reconciler@acme.example: sign "
        "in as somebody@acme.example, or correct self"
    )


def test_another_app_is_refused(crm: Cli) -> None:
    crm.edit(ACCESS, "self: {app: Access Reconciler", "self: {app: Billing Sync")
    assert refused(crm)[-1] == (
        "self.app is 'Billing Sync', and this login goes through 'Access Reconciler': sign in "
        "with the consumer key of 'Billing Sync', or correct self"
    )


def test_an_org_without_the_feature_is_refused(crm: Cli, emulator: Emulator) -> None:
    emulator.settings(aacActivated=False)
    messages = refused(crm)
    assert [message.split(":")[0] for message in messages] == [
        f"{ALL_USERS} cannot be switched on",
        f"{EXTERNAL_USERS} cannot be switched on",
    ]


def test_a_grant_that_nobody_holds_is_refused(crm: Cli) -> None:
    crm.edit(ORGANIZATION, "Access_Reconciler_Use", "Billing_Sync_Use")
    (unheld, taken) = refused(crm)
    assert unheld == (
        "before all users are limited to allowlisted apps: reconciler@acme.example does not reach "
        "the app 'Access Reconciler' of this tool: assign the permission set 'Billing_Sync_Use' to "
        "reconciler@acme.example"
    )
    assert taken.startswith("the plan takes the app of this tool away from its own user")


def test_an_assignment_that_ends_is_refused(crm: Cli, emulator: Emulator) -> None:
    rows = emulator.control("state")["salesforce"]["PermissionSetAssignment"]
    own = next(row for row in rows if row["PermissionSetId"] == "0PS5g000000RUseGAG")
    patch = {"ExpirationDate": "2027-01-31T00:00:00.000+0000"}
    tamper(emulator, "PermissionSetAssignment", patch, own["Id"])
    (message,) = refused(crm)
    assert message.endswith(
        "the assignment of the permission set 'Access_Reconciler_Use' to reconciler@acme.example "
        "ends on 2027-01-31: remove its end"
    )


def test_a_set_that_a_session_activates_is_refused(crm: Cli, emulator: Emulator) -> None:
    tamper(emulator, "PermissionSet", {"HasActivationRequired": True}, "Access_Reconciler_Use")
    # Without it nothing reaches the org through the app as it is.
    assert crm.run("plan").code == 4


def test_an_app_that_is_not_admin_approved_is_refused(crm: Cli, emulator: Emulator) -> None:
    patch = {"metadata": {"oauthConfig": {"isAdminApproved": False}}}
    tamper(emulator, "ConnectedApp", patch, "Access Reconciler")
    crm.edit(ORGANIZATION, "      adminApproved: true\n", "")
    (message,) = refused(crm)
    assert "the app 'Access Reconciler' of this tool must be admin-approved" in message


def test_nobody_to_repair_it_is_refused(crm: Cli, emulator: Emulator) -> None:
    tamper(emulator, "PermissionSet", {"PermissionsUseAnyApiClient": False}, "Break_Glass_API")
    (message,) = refused(crm)
    assert "nobody but this tool could get in if it were locked out" in message
    (more, message) = refused(crm, "--break-glass-ok")
    assert more.startswith("--break-glass-ok holds only where somebody may Use Any API Client")


def test_files_may_say_that_nobody_shall_repair_it(crm: Cli, emulator: Emulator) -> None:
    crm.edit(ACCESS, "useAnyApiClient: {permissionSets: [Break_Glass_API]}", "useAnyApiClient: {}")
    (message,) = refused(crm)
    assert message.startswith("the plan takes Use Any API Client from everybody")
    tamper(emulator, "PermissionSet", {"PermissionsUseAnyApiClient": False}, "Break_Glass_API")
    assert crm.run("plan").code == 0


def test_a_plan_that_takes_the_own_grant_is_refused(crm: Cli) -> None:
    crm.edit(ORGANIZATION, "{permissionSets: [Access_Reconciler_Use]}", "{}")
    messages = refused(crm)
    assert messages[-1] == (
        "the plan takes the app of this tool away from its own user: keep the permission set "
        "'Access_Reconciler_Use' in allow of 'Access Reconciler'"
    )
    assert refused(crm, "--break-glass-ok") == messages[-1:]


def test_breaking_glass_is_part_of_the_plan(crm: Cli, emulator: Emulator) -> None:
    rows = emulator.control("state")["salesforce"]["PermissionSetAssignment"]
    own = next(row for row in rows if row["PermissionSetId"] == "0PS5g000000RUseGAG")
    patch = {"ExpirationDate": "2099-01-31T00:00:00.000+0000"}
    tamper(emulator, "PermissionSetAssignment", patch, own["Id"])
    data = crm.plan("plan.json", "--break-glass-ok")
    assert data["apply"]["scope"]["breakGlassOk"] is True
    assert crm.run("apply", "plan.json").code == 0


def test_a_login_that_is_refused_since_the_plan_is_told(crm: Cli, emulator: Emulator) -> None:
    crm.plan()
    blocked = {"metadata": {"sessionPolicy": {"policyAction": "Block"}}}
    tamper(emulator, "ConnectedApp", blocked, "Access Reconciler")
    done = crm.run("apply", "plan.json")
    assert done.code == 5
    assert "cannot be compared now: " in done.err
    assert "an admin has blocked the app: Setup, Connected Apps OAuth Usage, Unblock" in done.err


def test_what_the_org_does_not_have_is_told_at_its_line(crm: Cli) -> None:
    crm.edit(ACCESS, "Billing_Sync_Use", "Billing_Sync_Us")
    crm.edit(ACCESS, "- name: Billing Sync", "- name: Biling Sync")
    done = crm.run("plan")
    assert done.code == 3
    assert (
        f"{crm.place(ACCESS, 'Biling Sync')}:5: Biling Sync: no connected app is named" in done.out
    )
    assert "did you mean 'Billing Sync'?" in done.out
    assert "there is no permission set 'Billing_Sync_Us' in this org" in done.out


def test_another_org_is_refused(crm: Cli) -> None:
    crm.edit("policies/acme-crm/uat/environment.yaml", "sandbox: true", "sandbox: false")
    done = crm.run("plan")
    assert done.code == 5
    assert "the org Acme Corp is a sandbox, and the files say none" in done.out
    crm.edit("policies/acme-crm/uat/environment.yaml", "00D5g000000AcmeEAC", "00D5g000000OthrEAC")


def test_a_protected_org_is_not_weakened(crm: Cli) -> None:
    assert crm.run("apply", "--yes").code == 0
    crm.edit(
        "policies/acme-crm/uat/environment.yaml", "sandbox: true", "sandbox: true\nprotected: true"
    )
    crm.edit(ACCESS, f"{ALL_USERS}: true", f"{ALL_USERS}: false")
    done = crm.run("plan")
    assert done.code == 5
    assert f"--allow-weakening={UNIT}/{ALL_USERS}" in done.out
    assert crm.run("apply", "--yes", f"--allow-weakening={UNIT}/{ALL_USERS}").code == 0


def test_explain_names_the_layer_of_each_value(crm: Cli) -> None:
    shown = crm.run("explain", UNIT).out
    assert "adminApproved  true" in shown
    assert f"organization defaults  {ORGANIZATION}:10" in shown
    live = crm.run("explain", "--live", UNIT)
    assert live.code == 0
    assert "live: false" in live.out
    assert "Warehouse Loader  live, in no file" in live.out


def test_doctor_looks_at_the_org(crm: Cli) -> None:
    done = crm.run("doctor")
    assert done.code == 0
    assert "user reconciler@acme.example" in done.out
    assert f"4 apps and 1 grants readable; {ALL_USERS} off, {EXTERNAL_USERS} off" in done.out


def test_no_credentials_are_told(crm: Cli) -> None:
    done = crm.run("plan", SALESFORCE_CLIENT_SECRET=None)
    assert done.code == 4
    assert "SALESFORCE_CLIENT_SECRET" in done.out


@pytest.mark.parametrize("url", ["https://evil.example", "http://acme.my.salesforce.com"])
def test_credentials_go_to_no_foreign_host(crm: Cli, url: str) -> None:
    done = crm.run("plan", SALESFORCE_INSTANCE_URL=url)
    assert done.code == 5
    assert "host" in done.out


def test_both_platforms_in_one_tree(crm: Cli, tmp_path: Path) -> None:
    more = {
        "policies/acme-crm/uat/orders.yaml": "apiVersion: reconciler/v1\nkind: ApiInstance\n"
        "api: {asset: orders-api}\n"
    }
    crm.write(more)
    done = crm.run("validate")
    assert done.code == 3
    assert "ApiInstance is for platform: anypoint" in done.err


def test_validate_online_asks_the_org_and_changes_nothing(crm: Cli, emulator: Emulator) -> None:
    assert crm.run("validate", "--online").code == 0
    assert not any(switches(emulator).values())
    tamper(emulator, "ConnectedApp", {"metadata": {"contactEmail": None}}, "Billing Sync")
    done = crm.run("validate", "--online")
    assert done.code == 1
    assert "the org would refuse it: " in done.err
    assert "contactEmail" in done.err


def test_drift_never_rehearses(crm: Cli, emulator: Emulator) -> None:
    crm.run("drift")
    crm.run("plan")
    assert not [one for one in emulator.logged() if "deployRequest" in one["path"]]
