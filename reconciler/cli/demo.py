"""`make demo`: the whole story against the emulator, as somebody would type it.

Every step is the real command in a process of its own; only the tampering goes straight to the
emulator, as a person in the console would. Nothing is left running.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from reconciler.cli.demo_stage import Failed, Stage, emulator

_TREE = Path("policies")
_ANYPOINT, _SALESFORCE = ("--org", "acme"), ("--org", "acme-crm")
_ORGANIZATION = "acme-crm/organization.yaml"
_OWN_SET, _OTHER_SET = "Access_Reconciler_Use", "Billing_Sync_Use"


def main() -> int:
    """Runs the demo; 0 where every step ended as it should."""
    started = time.monotonic()
    try:
        with emulator() as url, tempfile.TemporaryDirectory() as folder:
            stage = Stage(url, f"{folder}/state")
            _anypoint(stage)
            _salesforce(stage, Path(folder) / "branch")
    except Failed as failure:
        print(f"\ndemo: {failure}", file=sys.stderr)
        return 1
    stage.say(f"That was it, in {time.monotonic() - started:.0f} s; nothing is left running.")
    print("Next: look at policies/, or start the emulator yourself: reconciler emulator")
    return 0


def _anypoint(stage: Stage) -> None:
    stage.title("Anypoint: the policies of every API")
    stage.say("1. The files in policies/ are checked, offline.")
    stage.run("validate")
    stage.say("2. What is live is compared with them.")
    stage.run("plan", *_ANYPOINT, "--detailed-exitcode", expect=2)
    stage.say("3. The platform is made to match; each API is read back.")
    stage.run("apply", *_ANYPOINT, "--yes", since="Plan:")
    stage.say("4. A second plan finds nothing to do.")
    stage.run("plan", *_ANYPOINT, "--detailed-exitcode")
    stage.say("5. Somebody opens an allowlist to the world, in the console.")
    open_allowlist(stage)
    stage.say("6. The nightly drift check finds it, and exits 2.")
    stage.run("drift", *_ANYPOINT, expect=2)
    stage.say("7. Apply heals it.")
    stage.run("apply", *_ANYPOINT, "--yes", since="Plan:")
    stage.say("8. And there is no drift.")
    stage.run("drift", *_ANYPOINT)


def _salesforce(stage: Stage, branch: Path) -> None:
    stage.title("Salesforce: who may call the APIs of an org")
    stage.say("9. In this org any user may let any app in. The files say who may.")
    stage.run("plan", *_SALESFORCE, "--detailed-exitcode", expect=2)
    stage.say("10. A branch takes this tool's own grant away: it would be locked out for good.")
    lock_out(branch)
    stage.note(f"{_ORGANIZATION}: {_OWN_SET} → {_OTHER_SET}")
    stage.run("plan", *_SALESFORCE, expect=5, since="Errors:", folder=branch)
    stage.say("11. The files as they are limit the org; the switch for all comes last.")
    stage.run("apply", *_SALESFORCE, "--yes", since="Plan:")
    stage.say("12. An admin lets every standard user use the billing app, in Setup.")
    grant_to_everybody(stage)
    stage.say("13. Drift finds the grant, and exits 2.")
    stage.run("drift", *_SALESFORCE, expect=2)
    stage.say("14. Apply takes it away.")
    stage.run("apply", *_SALESFORCE, "--yes", since="Plan:")
    stage.say("15. And nothing has drifted, on either platform.")
    stage.run("drift")


def open_allowlist(stage: Stage) -> None:
    """Puts 0.0.0.0/0 on the allowlist of the orders API, as a console user."""
    api, policy = _find_allowlist(stage, 19001001)
    configuration = {
        "ipExpression": "#[attributes.headers['x-forwarded-for']]",
        "ips": ["0.0.0.0/0"],
    }
    order = {
        "apiId": api,
        "policyId": policy,
        "patch": {"configurationData": configuration},
        "user": "console-user",
    }
    stage.tamper(order, "ip-allowlist of orders-api:internal, ips = [0.0.0.0/0]")


def _find_allowlist(stage: Stage, api: int) -> tuple[int, int]:
    for instance in stage.state()["anypoint"]["apis"]:
        for policy in instance["policies"]:
            if instance["id"] == api and policy["assetId"] == "ip-allowlist":
                return api, int(policy["id"])
    raise Failed("the emulator holds no allowlist on the orders API")


def lock_out(branch: Path) -> None:
    """A copy of the files in which the app of this tool is granted to others than its user."""
    shutil.copytree(_TREE, branch / _TREE)
    file = branch / _TREE / _ORGANIZATION
    text = file.read_text("utf-8")
    if _OWN_SET not in text:
        raise Failed(f"{_TREE / _ORGANIZATION} grants nothing to {_OWN_SET}")
    file.write_text(text.replace(_OWN_SET, _OTHER_SET), "utf-8")


def grant_to_everybody(stage: Stage) -> None:
    """Adds the billing app to the profile of ordinary users, as an admin."""
    order = {
        "platform": "salesforce",
        "resource": "SetupEntityAccess",
        "patch": {"App": "Billing Sync", "Profile": "Standard User"},
        "user": "admin@acme.example",
    }
    stage.tamper(order, "app Billing Sync, + profile Standard User")


if __name__ == "__main__":
    sys.exit(main())
