"""`rollback` and `apply --resume` of a run on an org."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.cli.crm import (
    ACCESS,
    ALL_USERS,
    BILLING,
    EXTERNAL_USERS,
    ORGANIZATION,
    OWN,
    UNIT,
    access,
    gets_in,
    held,
    unused,
    watched,
)
from tests.cli.driver import Cli, Done
from tests.cli.test_salesforce import tamper
from tests.emulator.driver import Emulator

_APP = f"{{name: {BILLING}, adminApproved: true, allow: {{permissionSets: [Billing_Sync_Use]}}}}"
_MORE = (
    f"settings: {{{ALL_USERS}: true, {EXTERNAL_USERS}: true}}\n"
    "bypass: {useAnyApiClient: {permissionSets: [Break_Glass_API, Partner_Sync_Use]}}\n"
)
_SURPLUS = {"SetupEntityAccess": [{"App": BILLING, "Profile": "Standard User"}]}


def applied(crm: Cli, emulator: Emulator, more: str = _MORE) -> None:
    """A run that grants, narrows, switches on, takes away and gives a bypass."""
    unused(emulator, **_SURPLUS)
    access(crm, _APP, more=more)
    assert crm.run("apply", "--yes").code == 0


def undo(crm: Cli, *arguments: str) -> Done:
    return crm.run("rollback", "last", "--yes", "--format", "json", *arguments)


def test_a_run_is_undone_in_the_order_that_keeps_access(crm: Cli, emulator: Emulator) -> None:
    unused(emulator, **_SURPLUS)
    before = held(emulator)
    applied(crm, emulator)
    assert held(emulator) != before
    with watched(emulator):
        done = undo(crm)
    assert (done.code, done.json["errors"]) == (0, [])
    assert list(done.outcomes()) == [
        f"create {UNIT}/{BILLING}/profile:Standard User",
        f"update {UNIT}/{ALL_USERS}",
        f"update {UNIT}/{EXTERNAL_USERS}",
        f"update {UNIT}/{BILLING}",
        f"delete {UNIT}/{BILLING}/permissionSet:Billing_Sync_Use",
        f"delete {UNIT}/bypass:useAnyApiClient/permissionSet:Partner_Sync_Use",
    ]
    assert held(emulator) == before
    again = crm.run("rollback", done.json["run"], "--yes")
    assert again.code == 0, again
    assert crm.run("plan", "--detailed-exitcode").code == 0


def test_nothing_is_left_to_undo_twice(crm: Cli, emulator: Emulator) -> None:
    applied(crm, emulator)
    run = crm.run("history", "--format", "json").json["runs"][0]["run"]
    assert undo(crm).code == 0
    again = crm.run("rollback", run, "--yes")
    assert (again.code, "nothing is to be undone" in again.err) == (0, True)


def test_a_rollback_weakens_a_protected_org_only_if_that_is_said(
    crm: Cli, emulator: Emulator
) -> None:
    applied(crm, emulator)
    crm.edit(
        "policies/acme-crm/uat/environment.yaml", "sandbox: true", "sandbox: true\nprotected: true"
    )
    done = undo(crm)
    assert done.code == 5
    assert "--allow-weakening" in done.messages[0]
    assert held(emulator).switches["enableAdminApprovedAppsOnly"]
    assert undo(crm, "--allow-weakening").code == 0


def test_what_this_tool_gets_in_with_stays_and_is_named(crm: Cli, emulator: Emulator) -> None:
    unused(emulator)
    patch = {"metadata": {"oauthConfig": {"isAdminApproved": False}}}
    tamper(emulator, "ConnectedApp", patch, OWN)
    access(crm, f"{{name: {BILLING}}}")
    crm.edit(
        ORGANIZATION, "[Access_Reconciler_Use]", "[Access_Reconciler_Use, Access_Reconciler_Admin]"
    )
    assert crm.run("apply", "--yes").code == 0
    done = undo(crm)
    assert done.code == 7
    assert {error["address"]: error["message"] for error in done.json["errors"]} == {
        f"{UNIT}/{OWN}": (
            "cannot be put back: its pre-authorization stays, with which this tool signs in"
        ),
        f"{UNIT}/{OWN}/permissionSet:Access_Reconciler_Admin": (
            "cannot be deleted: this tool gets in with it"
        ),
    }
    assert gets_in(emulator)


def test_what_others_changed_since_is_left_and_named(crm: Cli, emulator: Emulator) -> None:
    applied(crm, emulator)
    patch = {"metadata": {"oauthConfig": {"isAdminApproved": False}}}
    tamper(emulator, "ConnectedApp", patch, BILLING)
    tamper(emulator, "SetupEntityAccess", {"App": BILLING, "Profile": "API Integration"})
    before = held(emulator)
    done = undo(crm)
    assert done.code == 0, done
    after = held(emulator)
    assert (BILLING, "API Integration") in after.grants
    assert after.apps == before.apps


def test_a_run_that_is_not_of_these_files_is_named(crm: Cli, emulator: Emulator) -> None:
    applied(crm, emulator)
    (crm.folder / ACCESS).unlink()
    done = undo(crm)
    assert done.code == 7, done
    assert all("signs in to the org" in message for message in done.messages)
    assert held(emulator).switches["enableAdminApprovedAppsOnly"]


def test_a_failed_run_is_resumed_after_it(crm: Cli, emulator: Emulator) -> None:
    unused(emulator, **_SURPLUS)
    access(crm, _APP, more=_MORE)
    fault: Any = {"status": 400, "body": "no"}
    emulator.fail(fault, path="Soap", body='updateMetadata>.*"(\\w+:)?ConnectedAppSettings"')
    first = crm.run("apply", "--yes", "--format", "json")
    assert first.code == 7
    assert crm.run("history").code == 0
    emulator.faults()
    done = crm.run("apply", "--resume", "last", "--yes", "--format", "json")
    assert done.code == 0, done
    assert set(done.outcomes().values()) == {"applied"}
    assert crm.run("plan", "--detailed-exitcode").code == 0


def test_what_somebody_changed_meanwhile_is_not_resumed(crm: Cli, emulator: Emulator) -> None:
    unused(emulator, **_SURPLUS)
    access(crm, _APP, more=_MORE)
    emulator.fail({"status": 400, "body": "no"}, method="POST", path="SetupEntityAccess")
    assert crm.run("apply", "--yes").code == 7
    emulator.faults()
    tamper(emulator, "SetupEntityAccess", {"App": BILLING, "Profile": "API Integration"})
    done = crm.run("apply", "--resume", "last", "--yes")
    assert done.code == 6, done
    assert "API Integration" in done.err


def test_two_grants_to_sets_are_told_apart_in_what_is_left(crm: Cli, emulator: Emulator) -> None:
    unused(emulator)
    sets = "Billing_Sync_Use, Partner_Sync_Use"
    access(crm, f"{{name: {BILLING}, adminApproved: true, allow: {{permissionSets: [{sets}]}}}}")
    emulator.fail({"drop": "before"}, path="Soap", body='updateMetadata>.*"(\\w+:)?ConnectedApp"')
    assert crm.run("apply", "--yes").code in (1, 7)
    emulator.faults()
    done = crm.run("apply", "--resume", "last", "--yes")
    assert done.code == 0, done
    assert replace(held(emulator), apps={}).grants[BILLING, "Partner_Sync_Use"] == 1
