"""The process: its first line, its seeds, its end."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import trustme

from tests.emulator.driver import PRODUCTION, Emulator, api_path, apis_path, running


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is killed on leaving, if it still runs."""
    command = [sys.executable, "-m", "reconciler.emulator", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ends_with(*arguments: str) -> tuple[int, str]:
    """Exit code and error text of a start that fails."""
    with started(*arguments) as process:
        _, text = process.communicate(timeout=30)
        return process.returncode, text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("busy", [True, False])
def test_a_signal_ends_it_quickly(number: int, busy: bool) -> None:
    with started("--port", "0") as process, requests.Session() as session:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if busy:
            session.get(f"{url}/_emulator/requests", timeout=10)
        process.send_signal(number)
        began = time.monotonic()
        _, text = process.communicate(timeout=30)
        assert (process.returncode, text) == (0, "")
        assert time.monotonic() - began < 5


def test_it_answers_once_the_url_is_printed() -> None:
    with running() as emulator:
        assert emulator.url.startswith("http://127.0.0.1:")
        assert emulator.get("/accounts/api/me").status_code == 200


def test_a_taken_port_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, text = ends_with("--port", str(taken.getsockname()[1]))
    assert code == 1
    assert text.startswith("emulator: ")
    assert "Traceback" not in text


@pytest.mark.parametrize(
    "arguments",
    [
        ("--seed", "missing.yaml"),
        ("--seed", "scale:many"),
        ("--port", "99999"),
        ("--tls-cert", "only.pem"),
    ],
)
def test_a_start_that_fails_says_why(arguments: tuple[str, ...]) -> None:
    code, text = ends_with("--port", "0", *arguments)
    assert code == 1
    assert text.startswith("emulator: ")
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("arguments", [("--latency-ms", "-1"), ("--port", "x"), ("--what",)])
def test_wrong_arguments_are_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert ends_with(*arguments)[0] == 2


def test_a_state_can_be_a_seed_file(emulator: Emulator, tmp_path: Path) -> None:
    emulator.delete(api_path(19001001))
    state = emulator.control("state")
    file = tmp_path / "seed.json"
    file.write_text(json.dumps(state))
    with running("--seed", str(file)) as other:
        assert other.control("state") == state


def test_a_seed_file_needs_little(tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text(
        "organizations: [{id: o, name: One}]\n"
        "environments: [{id: e, organizationId: o, name: Only, type: sandbox}]\n"
        "logins: [{kind: client, name: demo, secret: demo, id: u}]\n"
        "apis: [{id: 7, environmentId: e, groupId: o, assetId: first}]\n"
    )
    with running("--seed", str(file)) as emulator:
        page = emulator.get(apis_path("e", "o")).json()
        assert page["assets"][0]["apis"][0]["id"] == 7


@pytest.mark.parametrize("text", ["", "[]", "a: [", "organizations: []", "apis: [{id: 1}]"])
def test_a_wrong_seed_file_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text(text)
    code, message = ends_with("--port", "0", "--seed", str(file))
    assert code == 1
    assert message.startswith("emulator: ")
    assert "Traceback" not in message


def test_latency_is_added(emulator: Emulator) -> None:
    with running("--latency-ms", "40") as slow:
        began = time.monotonic()
        slow.anonymous("GET", "/accounts/api/me")
        assert time.monotonic() - began >= 0.04


def test_it_serves_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key, root = (str(tmp_path / name) for name in ("chain.pem", "key.pem", "root.pem"))
    Path(chain).write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(root)
    with running("--tls-cert", chain, "--tls-key", key) as emulator:
        assert emulator.url.startswith("https://127.0.0.1:")
        answer = requests.get(f"{emulator.url}/_emulator/requests", verify=root, timeout=10)
        assert answer.json()["total"] == 0


def test_a_scale_seed_is_half_and_half() -> None:
    with running("--seed", "scale:250") as emulator:
        page = emulator.get(apis_path(PRODUCTION) + "?limit=100&offset=200").json()
        assert (page["total"], len(page["assets"])) == (250, 50)
        assert page["assets"][-1]["assetId"] == "api-00250"
        kinds = [asset["apis"][0]["technology"] for asset in page["assets"]]
        assert kinds.count("mule4") == kinds.count("flexGateway") == 25
