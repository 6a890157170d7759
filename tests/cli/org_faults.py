"""The fault matrix of Salesforce: each write to an org under each fault, by the real command."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.cli.crm import ALL_USERS, BILLING, access, doubled, gets_in, held, unused
from tests.cli.driver import Cli, Done
from tests.emulator.driver import Emulator

_SOAP, _REST, _MANY = r"/services/Soap/m/", r"/data/v[0-9.]+/sobjects/", r"/composite/sobjects"
_UPDATE = "updateMetadata"


@dataclass(frozen=True, slots=True)
class Operation:
    """A change of an org. match: of the call that makes it. app, more: what the files say."""

    match: Mapping[str, str]
    app: str
    more: str = ""
    seed: Mapping[str, Any] | None = None

    @property
    def is_soap(self) -> bool:
        return self.match["path"] == _SOAP

    @property
    def is_many(self) -> bool:
        """Whether one call makes several changes."""
        return self.match["path"] == _MANY


def _rest(method: str, sobject: str) -> dict[str, str]:
    return {"method": method, "path": f"{_REST}{sobject}"}


def _soap(kind: str) -> dict[str, str]:
    return {"method": "POST", "path": _SOAP, "body": rf'{_UPDATE}>\s*<[^>]*"(\w+:)?{kind}"'}


_GIVEN = f"{{name: {BILLING}, allow: {{permissionSets: [Billing_Sync_Use]}}}}"
_BYPASS = "bypass: {useAnyApiClient: {permissionSets: [Break_Glass_API, Billing_Sync_Use]}}\n"
OPERATIONS: Mapping[str, Operation] = {
    "grant": Operation(_rest("POST", "SetupEntityAccess"), _GIVEN),
    "grants": Operation(
        {"method": "POST", "path": _MANY}, _GIVEN.replace("_Use]", "_Use, Partner_Sync_Use]")
    ),
    "take away": Operation(
        _rest("DELETE", "SetupEntityAccess"),
        f"{{name: {BILLING}, allow: {{}}}}",
        seed={"SetupEntityAccess": [{"App": BILLING, "Profile": "Standard User"}]},
    ),
    "app": Operation(_soap("ConnectedApp"), f"{{name: {BILLING}, refreshToken: zero}}"),
    "switch": Operation(
        _soap("ConnectedAppSettings"), f"{{name: {BILLING}}}", f"settings: {{{ALL_USERS}: true}}\n"
    ),
    "bypass": Operation(_rest("PATCH", "PermissionSet"), f"{{name: {BILLING}}}", _BYPASS),
}

_XML = {"content-type": "text/xml; charset=utf-8"}
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
    'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns="http://soap.sforce.com/2006/04/metadata"><soapenv:Body>{}</soapenv:Body>'
    "</soapenv:Envelope>"
)


def _told(status: int, code: str, message: str, *, is_soap: bool) -> dict[str, Any]:
    """A refusal in words of the service: a list of errors, or a fault."""
    if not is_soap:
        return {"status": status, "body": [{"message": message, "errorCode": code}]}
    fault = (
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode>"
        f"<faultstring>{code}: {message}</faultstring></soapenv:Fault>"
    )
    return {"status": 500, "headers": _XML, "body": _ENVELOPE.format(fault)}


def _unsaved(error: str) -> dict[str, Any]:
    result = f"<result>{error}<fullName>x</fullName><success>false</success></result>"
    body = _ENVELOPE.format(f"<{_UPDATE}Response>{result}</{_UPDATE}Response>")
    return {"status": 200, "headers": _XML, "body": body}


_LOCKED = "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"
_LOCKED_ITEM = {"statusCode": _LOCKED[0], "message": _LOCKED[1], "fields": []}
_LOCKED_ITEMS = {"status": 200, "body": [{"success": False, "errors": [_LOCKED_ITEM]}] * 2}
_HTML = {
    "status": 200,
    "headers": {"content-type": "text/html"},
    "body": "<html><body>Log in</body></html>",
}
SLOW = "slow beyond the time-out"
_LATEST_S = 10
_PLAIN: Mapping[str, tuple[Mapping[str, Any], int | None]] = {
    "reset before": ({"drop": "before"}, 1),
    "reset before, always": ({"drop": "before"}, None),
    "lost answer after acting": ({"drop": "after"}, 1),
    "429": ({"status": 429}, 1),
    "503": ({"status": 503}, 1),
    "503, always": ({"status": 503}, None),
    "500": ({"status": 500}, 1),
    "500, always": ({"status": 500}, None),
    "half a body": ({"truncate": 7}, 1),
    "HTML": (_HTML, 1),
    "HTML, always": (_HTML, None),
    SLOW: ({"delayMs": 2500}, 1),
}
_WORDED: Mapping[str, tuple[tuple[int, str, str], int | None]] = {
    "401 once": ((401, "INVALID_SESSION_ID", "Session expired or invalid"), 1),
    "401 for ever": ((401, "INVALID_SESSION_ID", "Session expired or invalid"), None),
    "403 of the quota": ((403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), None),
    "locked row": ((400, *_LOCKED), 1),
    "locked row, always": ((400, *_LOCKED), None),
}
_UNSAVED = "success=false, no errors"
FAULTS = (*_PLAIN, *_WORDED, _UNSAVED)


def fault_of(operation: Operation, fault: str) -> tuple[Mapping[str, Any], int | None] | None:
    """The fault and how often it strikes, None for always; None where it cannot be."""
    if fault in _PLAIN:
        return _PLAIN[fault]
    if fault == _UNSAVED:
        return (_unsaved(""), 1) if operation.is_soap else None
    if operation.is_many and fault.startswith("locked"):
        return _LOCKED_ITEMS, _WORDED[fault][1]
    (status, code, message), times = _WORDED[fault]
    if operation.is_soap and code == _LOCKED[0]:
        words = f"<message>{message}</message><statusCode>{code}</statusCode>"
        return _unsaved(f"<errors>{words}</errors>"), times
    return _told(status, code, message, is_soap=operation.is_soap), times


CELLS = tuple(
    (name, fault)
    for fault in FAULTS
    for name, operation in OPERATIONS.items()
    if fault_of(operation, fault)
)
FEW = tuple(
    (name, fault)
    for place, fault in enumerate(FAULTS)
    for name in (list(OPERATIONS)[place % 6], list(OPERATIONS)[(place + 3) % 6])
    if (name, fault) in CELLS
)
"""Each fault with two operations, so that each operation is there with several."""

_FAIL = {
    "reset before, always": 1,
    "503, always": 1,
    "500, always": 1,
    "HTML, always": 1,
    "401 for ever": 4,
    "403 of the quota": 1,
    "locked row, always": 1,
    _UNSAVED: 1,
}


_ONE_BY_ONE = ("503, always", "locked row, always")
"""What strikes a call of many is no matter where each goes alone after it."""


def expected_exit(name: str, fault: str) -> int:
    """What the first run must exit with: it looks after what was lost, and sends once more."""
    if OPERATIONS[name].is_many and fault in _ONE_BY_ONE:
        return 0
    return _FAIL.get(fault, 0)


@dataclass(frozen=True, slots=True)
class Cell:
    """What came of one operation under one fault; `second` is the run after the fault. keeps:
    whether this tool got in after either."""

    first: Done
    second: Done
    doubled: Sequence[tuple[str, str]]
    has_converged: bool
    was_true: bool
    keeps: bool


def run_cell(cli: Cli, emulator: Emulator, name: str, fault: str) -> Cell:
    """Applies under the fault, then once more without it."""
    operation = OPERATIONS[name]
    unused(emulator, **(operation.seed or {}))
    shutil.rmtree(cli.folder / ".reconciler", ignore_errors=True)
    access(cli, operation.app, more=operation.more)
    found = fault_of(operation, fault)
    assert found
    arguments = ("--timeout", "1", "apply", "--yes", "--format", "json")
    emulator.fail(found[0], times=found[1], **operation.match)
    first = cli.run(*arguments)
    emulator.faults()
    is_there, keeps = _is_as_wanted(emulator, name), gets_in(emulator)
    second = cli.run(*arguments)
    if fault == SLOW:
        _await_late_call(emulator, operation)
    (outcome,) = set(first.outcomes().values())
    return Cell(
        first,
        second,
        doubled(emulator),
        _is_as_wanted(emulator, name),
        (outcome == "applied") == is_there and _journal_agrees(cli, first),
        keeps and gets_in(emulator),
    )


def _await_late_call(emulator: Emulator, operation: Operation) -> None:
    """Until the call that nobody waited for has been carried out too, after all others."""
    end = time.monotonic() + _LATEST_S
    while time.monotonic() < end:
        log = emulator.control("bodies") if operation.is_soap else emulator.logged()
        calls = [
            entry
            for entry in log
            if entry["method"] == operation.match["method"]
            and re.search(operation.match["path"], entry["path"])
            and re.search(operation.match.get("body", ""), str(entry.get("body", "")))
        ]
        if len(calls) > 1:
            return
        time.sleep(0.1)
    raise AssertionError("the late call never came")


def _is_as_wanted(emulator: Emulator, name: str) -> bool:
    org = held(emulator)
    found: dict[str, bool] = {
        "grant": (BILLING, "Billing_Sync_Use") in org.grants,
        "grants": {holder for app, holder in org.grants if app == BILLING}
        == {"Billing_Sync_Use", "Partner_Sync_Use"},
        "take away": (BILLING, "Standard User") not in org.grants,
        "app": org.apps[BILLING][1].get("refreshTokenPolicy") == "zero",
        "switch": org.switches["enableAdminApprovedAppsOnly"],
        "bypass": "Billing_Sync_Use" in org.bypass,
    }
    return found[name]


def _journal_agrees(cli: Cli, first: Done) -> bool:
    """Whether the journal says what the run said."""
    path = cli.folder / ".reconciler" / "journal" / f"{first.json['run']}.jsonl"
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    of = {kind: [r for r in records if r["record"] == kind] for kind in ("outcome", "end")}
    told = {f"{each['action']} {each['address']}": each["outcome"] for each in of["outcome"]}
    return told == first.outcomes() and of["end"][-1]["exit"] == first.code
