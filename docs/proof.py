"""Writes the transcripts of docs/proof.md from real runs: `make docs`.

Each stands between `<!-- NAME -->` and `<!-- end -->`; the rest of the page is written by hand.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from reconciler.cli.demo_stage import Stage, emulator
from tests.cli import org_faults
from tests.cli.driver import Cli, crm_environment, crm_sample, environment
from tests.cli.faults import FAULTS, OPERATIONS, REFUSED, Cell, run_cell
from tests.emulator.driver import running

_PAGE = Path(__file__).parent / "proof.md"
_CREATE = re.compile(r"/apis/19001001/policies$")


def main() -> int:
    """Rewrites every transcript."""
    page = _PAGE.read_text("utf-8")
    for name, write in _PARTS.items():
        page = _replaced(page, name, write())
        print(f"docs/proof.md: {name}")
    _PAGE.write_text(page, "utf-8")
    return 0


def _replaced(page: str, name: str, text: str) -> str:
    head, begin, rest = page.partition(f"<!-- {name} -->\n")
    _, end, tail = rest.partition("<!-- end -->")
    return "".join((head, begin, text, end, tail))


def _demo() -> str:
    done = subprocess.run(
        [sys.executable, "-m", "reconciler.cli.demo"], capture_output=True, text=True, check=True
    )
    # The one figure that differs from run to run.
    return _fenced(re.sub(r", in \d+ s;", ";", done.stdout.strip()))


def _wire() -> str:
    with emulator() as url, tempfile.TemporaryDirectory() as state:
        _run(Stage(url, state), ["apply", "--yes", "--api", "orders"])
        bodies: list[Any] = _get(f"{url}/_emulator/bodies")
    sent = [item for item in bodies if item["method"] == "POST" and _CREATE.search(item["path"])]
    lines = [f"POST {item['path']}\n{_body(item)}" for item in sent]
    return _fenced("\n\n".join(lines))


def _body(item: Any) -> str:
    body = item["body"]
    return json.dumps(json.loads(body) if isinstance(body, str) else body)


def _counts() -> str:
    rows = ["| command | reads | writes | sign-in |", "| --- | ---: | ---: | ---: |"]
    with emulator() as url, tempfile.TemporaryDirectory() as state:
        stage = Stage(url, state)
        for arguments in _COUNTED:
            _get(f"{url}/_emulator/reset", {"seed": "demo"})
            _run(stage, arguments)
            log = _get(f"{url}/_emulator/requests")["log"]
            tokens = sum("oauth2/token" in item["path"] for item in log)
            reads = sum(item["method"] == "GET" for item in log)
            writes = len(log) - reads - tokens
            rows.append(f"| `{' '.join(arguments)}` | {reads} | {writes} | {tokens} |")
    return "\n".join(rows) + "\n"


_COUNTED: Sequence[Sequence[str]] = (
    ("plan", "--env", "sandbox"),
    ("plan", "--env", "production", "--api", "inventory"),
    ("plan", "--env", "production", "--api", "orders"),
    ("plan", "--env", "production", "--api", "orders-partners"),
    ("plan", "--org", "acme"),
    ("drift", "--org", "acme"),
    ("plan", "--org", "acme-crm"),
    ("apply", "--yes", "--org", "acme-crm"),
    ("apply", "--yes", "--env", "production", "--api", "inventory"),
    ("apply", "--yes", "--env", "sandbox"),
)


def _faults() -> str:
    """The fault matrix: exit code of the run under the fault, then of the one after it."""
    rows = [
        "| fault | " + " | ".join(OPERATIONS) + " |",
        "| --- |" + " :---: |" * len(OPERATIONS),
    ]
    with running() as emulated, tempfile.TemporaryDirectory() as folder:
        cli = Cli(Path(folder), environment(emulated))
        for fault in (REFUSED, *FAULTS):
            cells = [run_cell(cli, emulated, operation, fault) for operation in OPERATIONS]
            rows.append(f"| {fault} | " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(rows) + "\n"


def _org_faults() -> str:
    """The same of an org."""
    names = list(org_faults.OPERATIONS)
    rows = ["| fault | " + " | ".join(names) + " |", "| --- |" + " :---: |" * len(names)]
    with running() as emulated, tempfile.TemporaryDirectory() as folder:
        crm_sample(Path(folder))
        cli = Cli(Path(folder), crm_environment(emulated))
        for fault in org_faults.FAULTS:
            cells = [
                _org_cell(org_faults.run_cell(cli, emulated, name, fault))
                if (name, fault) in org_faults.CELLS
                else "-"
                for name in names
            ]
            rows.append(f"| {fault} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def _org_cell(cell: org_faults.Cell) -> str:
    is_well = cell.has_converged and cell.was_true and cell.keeps and not cell.doubled
    return f"{cell.first.code} → {cell.second.code}{'' if is_well else ' **wrong**'}"


def _cell(cell: Cell) -> str:
    is_well = cell.has_converged and cell.was_true and not cell.duplicates
    return f"{cell.first.code} → {cell.second.code}{'' if is_well else ' **wrong**'}"


def _guard() -> str:
    """What is refused before it could lock this tool, or anybody else, out."""
    rows = ["| tried | the plan says, and exits 5 |", "| --- | --- |"]
    for tried, files, tampers, flags in _REFUSED:
        with running() as emulated, tempfile.TemporaryDirectory() as folder:
            crm_sample(Path(folder))
            cli = Cli(Path(folder), crm_environment(emulated))
            for name, old, new in files:
                cli.edit(f"policies/acme-crm/{name}", old, new)
            for resource, id, patch in tampers:
                if resource == "settings":
                    emulated.settings(**patch)
                    continue
                order = {"platform": "salesforce", "resource": resource, "patch": patch, "id": id}
                emulated.tamper(**order)
            done = cli.run("plan", "--format", "json", *flags)
            assert done.code == 5, done.out
            words = done.messages[0].removeprefix("lock-out guard: ")
            rows.append(f"| {tried} | {words} |")
    return "\n".join(rows) + "\n"


_ACCESS, _ORGANIZATION = "uat/access.yaml", "organization.yaml"
_APP, _SETS = "ConnectedApp", "PermissionSet"
_RELAXED = {"metadata": {"oauthPolicy": {"ipRelaxation": "BYPASS", "refreshTokenPolicy": "zero"}}}
_SELF = {"metadata": {"oauthConfig": {"isAdminApproved": False}}}
_USER = ("reconciler@acme.example", "somebody@acme.example")
_REFUSED: Sequence[tuple[str, Sequence[Any], Sequence[Any], Sequence[str]]] = (
    ("`self` names another user", [(_ACCESS, *_USER)], [], []),
    ("Support has not activated it", [], [("settings", None, {"aacActivated": False})], []),
    (
        "the own app is granted to a set that its user does not hold",
        [(_ORGANIZATION, "Access_Reconciler_Use", "Billing_Sync_Use")],
        [],
        [],
    ),
    (
        "the own app's grant is dropped",
        [(_ORGANIZATION, "{permissionSets: [Access_Reconciler_Use]}", "{}")],
        [],
        [],
    ),
    (
        "the own app is not to be admin-approved",
        [(_ORGANIZATION, "      adminApproved: true\n", "")],
        [(_APP, "Access Reconciler", _SELF)],
        [],
    ),
    (
        "the own app is to check addresses",
        [
            (
                _ORGANIZATION,
                "adminApproved: true",
                "adminApproved: true\n      ipRelaxation: ENFORCE",
            )
        ],
        [(_APP, "Access Reconciler", _RELAXED)],
        [],
    ),
    (
        "nobody could repair it",
        [],
        [(_SETS, "Break_Glass_API", {"PermissionsUseAnyApiClient": False})],
        [],
    ),
    ("an app is in use (in 180 days)", [], [], ["--use-days", "180"]),
)


def _audit() -> str:
    with running() as emulated, tempfile.TemporaryDirectory() as folder:
        crm_sample(Path(folder))
        cli = Cli(Path(folder), crm_environment(emulated))
        due = ("reviewBy: 2027-02-01", "reviewBy: 2026-09-30")
        cli.edit("policies/acme-crm/uat/access.yaml", *due)
        done = cli.run("audit")
    assert done.code == 2, done.out
    return _fenced(f"$ reconciler audit\n{done.out.strip()}")


def _run(stage: Stage, arguments: Sequence[str]) -> None:
    command = [sys.executable, "-m", "reconciler", *arguments]
    subprocess.run(command, env=stage.environ, capture_output=True, check=False)


def _get(url: str, body: Any = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


def _fenced(text: str) -> str:
    return f"```\n{text}\n```\n"


_PARTS: dict[str, Callable[[], str]] = {
    "demo": _demo,
    "wire": _wire,
    "counts": _counts,
    "faults": _faults,
    "org faults": _org_faults,
    "guard": _guard,
    "audit": _audit,
}


if __name__ == "__main__":
    sys.exit(main())
