"""An apply to an org that is killed at any moment is finished by the next, never locked out."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cli.crm import (
    ALL_USERS,
    BILLING,
    EXTERNAL_USERS,
    OWN,
    access,
    doubled,
    held,
    unused,
    watched,
)
from tests.cli.driver import Cli
from tests.cli.gate import gate_before
from tests.emulator.driver import Emulator

_APPS = (
    f"{{name: {OWN}, ipRelaxation: BYPASS_2FACTOR}}",
    f"{{name: {BILLING}, adminApproved: true, allow: {{permissionSets: [Billing_Sync_Use]}}}}",
)
_MORE = (
    f"settings: {{{ALL_USERS}: true, {EXTERNAL_USERS}: true}}\n"
    "bypass: {useAnyApiClient: {permissionSets: [Break_Glass_API]}}\n"
)
_SEED: Mapping[str, Any] = {
    "SetupEntityAccess": [
        {"App": BILLING, "Profile": "Standard User"},
        {"App": OWN, "PermissionSet": "Partner_Sync_Use"},
    ]
}
WRITES = (
    ("POST", r"/sobjects/SetupEntityAccess"),
    ("POST", r"/services/Soap/m/"),
    ("DELETE", r"/composite/sobjects"),
)


def prepare(crm: Cli, emulator: Emulator, **settings: Any) -> None:
    """An org for which the files want a new grant, two other app policies, both switches and two
    grants less."""
    shutil.rmtree(crm.folder / ".reconciler", ignore_errors=True)
    unused(emulator, **_SEED)
    emulator.settings(**settings)
    access(crm, *_APPS, more=_MORE)


def apply_killed(crm: Cli, after_s: float) -> bool:
    """Kills an apply; whether it was still at work."""
    with crm.started("apply", "--yes") as process:
        time.sleep(after_s)
        is_at_work = process.poll() is None
        process.kill()
        process.communicate(timeout=60)
    return is_at_work


def finish(crm: Cli, emulator: Emulator, *, resumes: bool) -> None:
    """What is left is done, by the run that was killed or by a new one."""
    begun = crm.run("history", "--format", "json").json["runs"]
    again = ("--resume", "last") if resumes and begun else ()
    done = crm.run("apply", "--yes", *again)
    assert done.code == 0, done
    assert crm.run("plan", "--detailed-exitcode").code == 0
    check(emulator)


def check(emulator: Emulator) -> None:
    org = held(emulator)
    assert doubled(emulator) == []
    assert set(org.grants) == {(OWN, "Access_Reconciler_Use"), (BILLING, "Billing_Sync_Use")}
    assert org.switches["enableAdminApprovedAppsOnly"]
    assert org.apps[BILLING][0]


def kill_once(crm: Cli, emulator: Emulator, after_s: float, *, resumes: bool) -> bool:
    prepare(crm, emulator)
    with watched(emulator):
        is_at_work = apply_killed(crm, after_s)
        finish(crm, emulator, resumes=resumes)
    return is_at_work


@pytest.mark.parametrize("resumes", [True, False])
@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_run_killed_at_a_write_is_finished(
    crm: Cli, emulator: Emulator, method: str, path: str, resumes: bool
) -> None:
    prepare(crm, emulator)
    direct = crm.environ["SALESFORCE_INSTANCE_URL"]
    body = b"updateMetadata>" if "Soap" in path else b""
    with watched(emulator), gate_before(emulator.url, method, path, body) as gate:
        crm.environ["SALESFORCE_INSTANCE_URL"] = f"{gate.url}/salesforce"
        with crm.started("apply", "--yes") as process:
            assert gate.arrived.wait(60)
            process.kill()
            process.communicate(timeout=60)
        gate.open.set()
        time.sleep(0.2)  # what was on its way arrives after all
        if not resumes:
            crm.environ["SALESFORCE_INSTANCE_URL"] = direct
        finish(crm, emulator, resumes=resumes)


@pytest.mark.parametrize("after_s", [0.3, 0.35, 0.4])
def test_a_run_killed_at_a_moment_is_finished(crm: Cli, emulator: Emulator, after_s: float) -> None:
    kill_once(crm, emulator, after_s, resumes=after_s > 0.3)


def test_a_run_is_finished_where_the_org_forgets_lists(crm: Cli, emulator: Emulator) -> None:
    prepare(crm, emulator, connectedAppListsCleared=True)
    with watched(emulator):
        assert crm.run("apply", "--yes").code == 0
    check(emulator)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(4))
def test_a_hundred_killed_runs_are_finished(crm: Cli, emulator: Emulator, part: int) -> None:
    chance = random.Random(part)
    at_work = [
        kill_once(crm, emulator, chance.uniform(0.25, 0.55), resumes=chance.random() < 0.5)
        for _ in range(25)
    ]
    assert any(at_work)
