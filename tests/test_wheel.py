"""The wheel alone, in an environment of its own and far from the repository, does its work.

Building and installing needs the package index, so this is left to `make soak`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.measure import told

ROOT = Path(__file__).parents[1]
_SECONDS = 300

pytestmark = pytest.mark.soak


class Installed:
    """The commands of an environment that holds the wheel, run in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bin = folder / "venv" / "bin"
        self.work = folder / "work"
        self.work.mkdir()

    def run(self, *arguments: str, code: int = 0, login: Mapping[str, str] | None = None) -> str:
        """The output of a command of the environment."""
        done = subprocess.run(
            [str(self._bin / arguments[0]), *arguments[1:]],
            cwd=self.work,
            env=_environment(login or {}),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def emulator(self) -> Iterator[str]:
        """Its URL while it runs."""
        command = [str(self._bin / "reconciler"), "emulator", "--port", "0"]
        with told(command, cwd=self.work, environ=_environment({})) as url:
            yield url


def _environment(login: Mapping[str, str]) -> dict[str, str]:
    """That of a user without the repository: nothing of Python's own variables."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return {key: value for key, value in kept.items() if "ANYPOINT" not in key} | dict(login)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)],
        check=True,
        timeout=_SECONDS,
    )
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / "bin" / "python")
    subprocess.run(
        [python, *pip[1:], "install", f"{wheel}[emulator]"], check=True, timeout=_SECONDS
    )
    return Installed(folder)


def test_nothing_comes_from_the_repository(installed: Installed) -> None:
    shown = installed.run("python", "-c", "import reconciler; print(reconciler.__file__)")
    assert Path(shown.strip()).is_relative_to(installed.work.parent)


def test_files_are_written_checked_and_explained(installed: Installed) -> None:
    installed.run("reconciler", "-f", "first", "init", "--yes", "--organization", "Acme Corp")
    installed.run("reconciler", "-f", "first", "validate")
    shown = installed.run("reconciler", "describe", "ip-allowlist")
    assert "ips" in shown and "1.1.1" in shown


def test_the_emulator_is_exported_and_planned(installed: Installed) -> None:
    with installed.emulator() as url:
        login = {
            "ANYPOINT_HOST": url,
            "ANYPOINT_CLIENT_ID": "demo",
            "ANYPOINT_CLIENT_SECRET": "demo",
        }
        installed.run("reconciler", "export", "--to", "live", "--fold", login=login)
        plan = ("reconciler", "-f", "live", "plan", "--detailed-exitcode")
        installed.run(*plan, login=login)
        allowlist = next(
            path for path in installed.work.rglob("live/**/*.yaml") if "ips: [" in path.read_text()
        )
        text = allowlist.read_text("utf-8")
        allowlist.write_text(text.replace("ips: [", "ips: [192.0.2.1, ", 1), "utf-8")
        assert "192.0.2.1" in installed.run(*plan, code=2, login=login)
