"""Runs the real command in a process of its own, in a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.gate import Gate
from tests.emulator.driver import Emulator

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "PARTNER_JWT_KEY": "demo-partner-jwt-key-0123456789abcdef",
    "ORDERS_BACKEND_PASSWORD": "demo-backend-password",
    "SANDBOX_BASIC_PASSWORD": "demo-sandbox-password",
}
_TIMEOUT_S = 60

Answer = str | signal.Signals | Callable[[], str]


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def messages(self) -> list[str]:
        """The messages of the errors of a JSON answer."""
        return [error["message"] for error in self.json["errors"]]

    def outcomes(self) -> dict[str, str]:
        """Address and action of each change of an apply, with its outcome."""
        return {
            f"{change['action']} {change['address']}": change["outcome"]
            for change in self.json["changes"]
        }


class Cli:
    """The command in `folder`, with exactly the variables of `environ`."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        cache = folder.with_name(f"{folder.name}-cache")
        self.environ = {"XDG_CACHE_HOME": str(cache), **environ}

    def run(self, *arguments: str, **variables: str | None) -> Done:
        """Runs to the end, without a terminal; None unsets a variable."""
        done = subprocess.run(
            command(*arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            cwd=self.folder,
            env=self._with(variables),
            timeout=_TIMEOUT_S,
            check=False,
        )
        return checked(Done(arguments, done.returncode, done.stdout, done.stderr))

    @contextlib.contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """The running command; killed on leaving where it has not ended."""
        with subprocess.Popen(
            command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd=self.folder,
            env=self.environ,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def stopped(self, *arguments: str, gate: Gate, number: int, times: int = 1) -> Done:
        """Runs the command and sends it a signal while the gate holds a call; then lets it go.

        After a second signal the call is held for good.
        """
        with self.started(*arguments) as process:
            assert gate.arrived.wait(_TIMEOUT_S)
            for _ in range(times):
                process.send_signal(number)
                time.sleep(0.1)  # two signals at once would be one
            if times == 1:
                gate.open.set()
            out, err = process.communicate(timeout=_TIMEOUT_S)
            return checked(Done(arguments, process.returncode, out, err))

    def on_terminal(
        self,
        *arguments: str,
        answers: Sequence[Answer] = (),
        **variables: str | None,
    ) -> Done:
        """Runs on a terminal; each answer is typed once the last line waits for one.

        An answer that is a signal is sent, one that is a function is asked for.
        `out` is all that the terminal showed: both streams, and what was typed.
        """
        main, other = pty.openpty()
        process = subprocess.Popen(
            command(*arguments),
            stdin=other,
            stdout=other,
            stderr=other,
            cwd=self.folder,
            env=self._with({"TERM": "xterm", "COLUMNS": "120", **variables}),
            start_new_session=True,
        )
        os.close(other)
        try:
            shown = _converse(process, main, list(answers))
            code = process.wait(_TIMEOUT_S)
        finally:
            process.kill()
            process.wait()
            os.close(main)
        return checked(Done(arguments, code, shown.replace("\r\n", "\n"), ""))

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replaces text of a file that must be there."""
        path = self.folder / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    def place(self, name: str, text: str) -> str:
        """`file:line` of the first line that holds the text."""
        lines = (self.folder / name).read_text("utf-8").splitlines()
        return f"{name}:{next(n for n, line in enumerate(lines, 1) if text in line)}"

    def plan(self, name: str = "plan.json", *arguments: str) -> Any:
        """Saves a plan; its data."""
        done = self.run("plan", "-o", name, *arguments)
        assert done.code == 0, done.err
        return json.loads((self.folder / name).read_text("utf-8"))

    def _with(self, variables: Mapping[str, str | None]) -> dict[str, str]:
        both = {**self.environ, **variables}
        return {name: value for name, value in both.items() if value is not None}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "reconciler", *arguments]


def environment(emulator: Emulator) -> dict[str, str]:
    """What a user has set who works with the emulator."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
        **SECRETS,
        "ANYPOINT_HOST": emulator.url,
        "ANYPOINT_CLIENT_ID": "demo",
        "ANYPOINT_CLIENT_SECRET": "demo",
        "PYTHONPATH": str(ROOT),
    }


def sample(folder: Path) -> None:
    """Puts the sample tree there, as far as it is about Anypoint."""
    crm = shutil.ignore_patterns("acme-crm")
    shutil.copytree(ROOT / "policies", folder / "policies", ignore=crm)


def crm_sample(folder: Path) -> None:
    """Puts the part of the sample tree there that is about Salesforce."""
    shutil.copytree(ROOT / "policies" / "acme-crm", folder / "policies" / "acme-crm")


def crm_environment(emulator: Emulator) -> dict[str, str]:
    """What a user has set who works with the emulated org."""
    return {
        **environment(emulator),
        "SALESFORCE_INSTANCE_URL": f"{emulator.url}/salesforce",
        "SALESFORCE_CLIENT_ID": "demo",
        "SALESFORCE_CLIENT_SECRET": "demo",
    }


def checked(done: Done) -> Done:
    """What holds of every command: no traceback, no secret, nothing that is no known exit."""
    both = done.out + done.err
    assert "Traceback" not in both, both
    assert "internal error" not in both, both
    for secret in SECRETS.values():
        assert secret not in both
    assert done.code in (0, 1, 2, 3, 4, 5, 6, 7, 64, 130), done
    return done


def _answer(process: subprocess.Popen[bytes], main: int, answer: Answer) -> None:
    if isinstance(answer, signal.Signals):
        process.send_signal(answer)
    else:
        text = answer if isinstance(answer, str) else answer()
        os.write(main, text.encode() + b"\n")


def _converse(process: subprocess.Popen[bytes], main: int, answers: list[Answer]) -> str:
    """Everything shown until the other side closes; types an answer at each prompt."""
    shown = b""
    end = time.monotonic() + _TIMEOUT_S
    readable = select.poll()
    readable.register(main, select.POLLIN)
    while time.monotonic() < end:
        if not readable.poll(100):
            if answers and shown.rstrip(b" ").endswith(b":"):
                _answer(process, main, answers.pop(0))
                shown += b" "
            continue
        try:
            piece = os.read(main, 65536)
        except OSError:  # how Linux says that the other side has closed
            break
        if not piece:
            break
        shown += piece
    return shown.decode("utf-8")
