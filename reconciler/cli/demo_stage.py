"""Where the demo plays: an emulator, a state folder, and the real command in processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_VARIABLES = {
    "ANYPOINT_CLIENT_ID": "demo",
    "ANYPOINT_CLIENT_SECRET": "demo",
    "SALESFORCE_CLIENT_ID": "demo",
    "SALESFORCE_CLIENT_SECRET": "demo",
    "PARTNER_JWT_KEY": "demo-partner-jwt-key-0123456789abcdef",
    "ORDERS_BACKEND_PASSWORD": "demo-backend-password",
    "SANDBOX_BASIC_PASSWORD": "demo-sandbox-password",
}
_OURS = ("RECONCILER_", "ANYPOINT_", "SALESFORCE_")


class Failed(Exception):
    """A step did not end as it should."""


class Stage:
    """One emulator and one state folder; what the caller has set for either platform is not
    heeded."""

    def __init__(self, url: str, state: str) -> None:
        self._url = url
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        place = {
            "ANYPOINT_HOST": url,
            "SALESFORCE_INSTANCE_URL": f"{url}/salesforce",
            "RECONCILER_STATE_DIR": state,
        }
        self.environ = {**kept, **_VARIABLES, **place}

    def title(self, text: str) -> None:
        """The head of an act."""
        print(f"\n{_bold(text)}\n{_dim('─' * len(text))}", flush=True)

    def say(self, text: str) -> None:
        print(f"\n{_bold(text)}", flush=True)

    def note(self, text: str) -> None:
        """What somebody else has done."""
        print(_dim(text), flush=True)

    def run(
        self,
        *words: str,
        expect: int = 0,
        since: str = "",
        folder: Path | None = None,
    ) -> None:
        """One command; raises Failed where it exits otherwise than expected.

        since: the last line that begins so is the first that is shown, where what comes before was
        shown a moment ago. folder: where it runs, if not here.
        """
        command = " ".join(["reconciler", *words])
        print(_dim(f"$ {command}"), flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", *words],
            env=self.environ,
            cwd=folder,
            check=False,
            stdout=subprocess.PIPE if since else None,
            text=True,
        )
        if since:
            print(done.stdout[done.stdout.rfind(f"\n{since}") + 1 :], end="", flush=True)
        if done.returncode != expect:
            raise Failed(f"`{command}` gave exit code {done.returncode}, not {expect}")

    def tamper(self, order: Mapping[str, Any], said: str) -> None:
        """Changes something as a person in the console would; `said` is shown for it."""
        _call(f"{self._url}/_emulator/tamper", order)
        self.note(f"{order['user']}: {said}")

    def state(self) -> Any:
        """All that the emulator holds."""
        return _call(f"{self._url}/_emulator/state")


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
            raise Failed("the emulator did not start")
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
