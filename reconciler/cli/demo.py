"""`make demo`: the whole story against the emulator, as somebody would type it.

Every step is the real command in a process of its own; only the tampering goes straight to the
emulator, as a person in the console would. Nothing is left running.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

_VARIABLES = {
    "ANYPOINT_CLIENT_ID": "demo",
    "ANYPOINT_CLIENT_SECRET": "demo",
    "PARTNER_JWT_KEY": "demo-partner-jwt-key-0123456789abcdef",
    "ORDERS_BACKEND_PASSWORD": "demo-backend-password",
    "SANDBOX_BASIC_PASSWORD": "demo-sandbox-password",
}


class _Failed(Exception):
    """A step did not end as it should."""


def main() -> int:
    """Runs the demo; 0 where every step ended as it should."""
    started = time.monotonic()
    try:
        with emulator() as url, tempfile.TemporaryDirectory() as state:
            _story(Stage(url, state))
    except _Failed as failure:
        print(f"\ndemo: {failure}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - started
    print(f"\n{_bold('That was it')}, in {seconds:.0f} s; nothing is left running.")
    print("Next: look at policies/, or start the emulator yourself: reconciler emulator")
    return 0


def _story(stage: Stage) -> None:
    stage.say("1. The files in policies/ are checked, offline.")
    stage.run("validate")
    stage.say("2. What is live is compared with them.")
    stage.run("plan", expect=2, flags=("--detailed-exitcode",))
    stage.say("3. The platform is made to match; each API is read back.")
    stage.run("apply", flags=("--yes",), quiet_plan=True)
    stage.say("4. A second plan finds nothing to do.")
    stage.run("plan", expect=0, flags=("--detailed-exitcode",))
    stage.say("5. Somebody opens an allowlist to the world, in the console.")
    stage.tamper()
    stage.say("6. The nightly drift check finds it, and exits 2.")
    stage.run("drift", expect=2)
    stage.say("7. Apply heals it.")
    stage.run("apply", flags=("--yes",), quiet_plan=True)
    stage.say("8. And there is no drift.")
    stage.run("drift")


class Stage:
    """Where the demo plays: one emulator and one state folder."""

    def __init__(self, url: str, state: str) -> None:
        self._url = url
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RECONCILER_", "ANYPOINT_"))
        }
        place = {"ANYPOINT_HOST": url, "RECONCILER_STATE_DIR": state}
        self.environ = {**kept, **_VARIABLES, **place}

    def say(self, text: str) -> None:
        print(f"\n{_bold(text)}", flush=True)

    def run(
        self, verb: str, *, flags: Sequence[str] = (), expect: int = 0, quiet_plan: bool = False
    ) -> None:
        """One command; raises _Failed where it exits otherwise than expected."""
        command = " ".join(["reconciler", verb, *flags])
        print(_dim(f"$ {command}"), flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", verb, *flags],
            env=self.environ,
            check=False,
            stdout=subprocess.PIPE if quiet_plan else None,
            text=True,
        )
        if quiet_plan:
            # The plan was shown a moment ago: only what became of it is new.
            print(done.stdout[done.stdout.rfind("\nPlan:") + 1 :], end="", flush=True)
        if done.returncode != expect:
            raise _Failed(f"`{command}` gave exit code {done.returncode}, not {expect}")

    def tamper(self) -> None:
        """Puts 0.0.0.0/0 on the allowlist of the orders API, as a console user."""
        state = _call(f"{self._url}/_emulator/state")
        api, policy = _find_allowlist(state, 19001001)
        patch = {
            "configurationData": {
                "ipExpression": "#[attributes.headers['x-forwarded-for']]",
                "ips": ["0.0.0.0/0"],
            }
        }
        body = {"apiId": api, "policyId": policy, "patch": patch, "user": "console-user"}
        _call(f"{self._url}/_emulator/tamper", body)
        print(_dim("console-user: ip-allowlist of orders-api:internal, ips = [0.0.0.0/0]"))


def _find_allowlist(state: Any, api: int) -> tuple[int, int]:
    for instance in state["anypoint"]["apis"]:
        for policy in instance["policies"]:
            if instance["id"] == api and policy["assetId"] == "ip-allowlist":
                return api, int(policy["id"])
    raise _Failed("the emulator holds no allowlist on the orders API")


def _call(url: str, body: Mapping[str, Any] | None = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


@contextmanager
def emulator() -> Iterator[str]:
    """The emulator on a free port, stopped at the end whatever happens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "emulator", "--port", "0", "--seed", "demo"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url.startswith("http"):
            raise _Failed("the emulator did not start")
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() else text


def _dim(text: str) -> str:
    return f"\x1b[2m{text}\x1b[0m" if sys.stdout.isatty() else text


if __name__ == "__main__":
    sys.exit(main())
