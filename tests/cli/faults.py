"""The fault matrix: each operation under each fault, by the real command in a real process.

What must hold is told from what the server stores, without any code of ours.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.cli.cut import cut_before
from tests.cli.driver import Cli, Done
from tests.emulator.driver import MULESOFT, Emulator
from tests.providers.suite import one_api

_POLICIES = r"/apis/1/policies"


@dataclass(frozen=True, slots=True)
class Operation:
    """A change of one API. method, path: of the call that makes it. document: what is wanted."""

    method: str
    path: str
    document: str


def _api(*entries: str, more: str = "") -> str:
    lines = "".join(f"  - {entry}\n" for entry in entries)
    head = "apiVersion: reconciler/v1\nkind: ApiInstance\napi: {id: 1}\n"
    return f"{head}policies:\n{lines}{more}"


_REMOVAL = "{policyRef: {name: header-removal}, config: {outboundHeaders: [server]}}"
_CACHING = "{policyRef: {name: http-caching}, config: {ttl: 60}}"
_ALLOWLIST = "{policyRef: {name: ip-allowlist, version: 1.1.1}, config: {ips: [1.1.1.1]}}"


def _limit(each: int) -> str:
    quota = f"{{maximumRequests: {each}, timePeriodInMilliseconds: 1000}}"
    return f"{{policyRef: {{name: rate-limiting}}, config: {{rateLimits: [{quota}]}}}}"


_ABSENT = "absent: [{policy: http-caching, reason: stale prices}]\n"
OPERATIONS: Mapping[str, Operation] = {
    "create": Operation("POST", rf"{_POLICIES}$", _api(_REMOVAL, _limit(9), _CACHING, _ALLOWLIST)),
    "update": Operation("PATCH", rf"{_POLICIES}/2$", _api(_REMOVAL, _limit(5), _CACHING)),
    "delete": Operation("DELETE", rf"{_POLICIES}/3$", _api(_REMOVAL, _limit(9), more=_ABSENT)),
    "reorder": Operation("PATCH", rf"{_POLICIES}$", _api(_limit(9), _REMOVAL, _CACHING)),
}

_SLOW = "slow beyond the time-out"
_LATEST_S = 10
_HTML = {
    "status": 200,
    "headers": {"content-type": "text/html"},
    "body": "<html><body>Log in</body></html>",
}
FAULTS: Mapping[str, tuple[Mapping[str, Any], int | None]] = {
    "reset before": ({"drop": "before"}, 1),
    "reset before, always": ({"drop": "before"}, None),
    "lost answer after acting": ({"drop": "after"}, 1),
    "429": ({"status": 429}, 1),
    "429, Retry-After": ({"status": 429, "headers": {"Retry-After": "1"}}, 1),
    "429, always": ({"status": 429}, None),
    "503": ({"status": 503}, 1),
    "503, always": ({"status": 503}, None),
    "500": ({"status": 500}, 1),
    "500, always": ({"status": 500}, None),
    "half a body": ({"truncate": 7}, 1),
    "HTML": (_HTML, 1),
    "HTML, always": (_HTML, None),
    _SLOW: ({"delayMs": 2500}, 1),
    "401 once": ({"status": 401}, 1),
    "401 for ever": ({"status": 401}, None),
    "409": ({"status": 409, "body": {"name": "ConflictError", "message": "conflict"}}, 1),
}
"""The fault and how often it strikes; None for every call of the operation."""

_RECORDS = ("write", "outcome", "end")
REFUSED = "connection refused"
"""Not a fault of the emulator: nobody listens any more."""

# A create is looked for and sent again; the other calls are repeated, but for what no repeat helps.
_SETTLED_AT_ONCE = frozenset(
    (
        "reset before",
        "lost answer after acting",
        "429",
        "429, Retry-After",
        "503",
        "half a body",
        _SLOW,
        "401 once",
    )
)
_SETTLED_FOR_CREATES = frozenset(("500", "HTML"))


def expected_exit(operation: str, fault: str) -> int:
    """What the first run must exit with."""
    if fault == "401 for ever":
        return 4
    is_create = operation == "create" and fault in _SETTLED_FOR_CREATES
    return 0 if fault in _SETTLED_AT_ONCE or is_create else 1


@dataclass(frozen=True, slots=True)
class Cell:
    """What came of one operation under one fault; `second` is the run after the fault."""

    first: Done
    second: Done
    duplicates: Sequence[str]
    has_converged: bool
    was_true: bool


def _policy(number: int, name: str, version: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": number,
        "groupId": MULESOFT,
        "assetId": name,
        "assetVersion": version,
        "configurationData": config,
        "order": number,
    }


def seed() -> dict[str, Any]:
    """One API with three policies in order."""
    quota = {"maximumRequests": 9, "timePeriodInMilliseconds": 1000}
    return one_api(
        policies=[
            _policy(1, "header-removal", "1.1.2", {"outboundHeaders": ["server"]}),
            _policy(2, "rate-limiting", "1.4.0", {"rateLimits": [quota]}),
            _policy(3, "http-caching", "1.1.1", {"ttl": 60}),
        ]
    )


def run_cell(cli: Cli, emulator: Emulator, operation: str, fault: str) -> Cell:
    """Applies under the fault, then once more without it."""
    chosen = OPERATIONS[operation]
    emulator.reset(seed())
    shutil.rmtree(cli.folder / ".reconciler", ignore_errors=True)
    head = "apiVersion: reconciler/v1\nkind: "
    cli.write(
        {
            "policies/acme/organization.yaml": f"{head}Organization\norganization: Acme Corp\n",
            "policies/acme/production/environment.yaml": (
                f"{head}Environment\nenvironment: Production\n"
            ),
            "policies/acme/production/orders.yaml": chosen.document,
        }
    )
    arguments = ("--timeout", "1", "apply", "--yes", "--format", "json")
    with _struck(cli, emulator, chosen, fault) as host:
        cli.environ["ANYPOINT_HOST"] = host
        first = cli.run(*arguments)
    cli.environ["ANYPOINT_HOST"] = emulator.url
    after_first = _stored(emulator)
    second = cli.run(*arguments)
    if fault == _SLOW:
        _await_late_call(emulator, chosen)
    held = _stored(emulator)
    counts = Counter(policy["assetId"] for policy in held)
    return Cell(
        first,
        second,
        [name for name, count in counts.items() if count > 1],
        _is_as_wanted(operation, held),
        _told_the_truth(operation, first, after_first) and _journal_agrees(cli, first),
    )


@contextlib.contextmanager
def _struck(cli: Cli, emulator: Emulator, chosen: Operation, fault: str) -> Iterator[str]:
    """The address to call while the fault lasts."""
    if fault == REFUSED:
        with cut_before(emulator.url, chosen.method, chosen.path) as url:
            yield url
        return
    effect, times = FAULTS[fault]
    emulator.fail(effect, times=times, method=chosen.method, path=chosen.path)
    try:
        yield emulator.url
    finally:
        emulator.faults()


def _await_late_call(emulator: Emulator, chosen: Operation) -> None:
    """Until the call that nobody waited for has been carried out too, after all others."""
    end = time.monotonic() + _LATEST_S
    while time.monotonic() < end:
        calls = [
            entry
            for entry in emulator.logged()
            if entry["method"] == chosen.method and re.search(chosen.path, entry["path"])
        ]
        if len(calls) > 1:
            return
        time.sleep(0.1)
    raise AssertionError("the late call never came")


def _stored(emulator: Emulator) -> list[dict[str, Any]]:
    held: list[dict[str, Any]] = emulator.stored(1)["policies"]
    return sorted(held, key=lambda policy: policy["order"])


def _is_as_wanted(operation: str, held: Sequence[Mapping[str, Any]]) -> bool:
    names = [policy["assetId"] for policy in held]
    rate = next(policy for policy in held if policy["assetId"] == "rate-limiting")
    each = rate["configurationData"]["rateLimits"][0]["maximumRequests"]
    first = ["header-removal", "rate-limiting", "http-caching"]
    return {
        "create": (names, each) == ([*first, "ip-allowlist"], 9),
        "update": (names, each) == (first, 5),
        "delete": (names, each) == (first[:2], 9),
        "reorder": (names, each) == ([first[1], first[0], first[2]], 9),
    }[operation]


def _journal_agrees(cli: Cli, first: Done) -> bool:
    """Whether the journal says what the run said, and no call was made that it does not hold."""
    path = cli.folder / ".reconciler" / "journal" / f"{first.json['run']}.jsonl"
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    of = {kind: [each for each in records if each["record"] == kind] for kind in _RECORDS}
    told = {f"{each['action']} {each['address']}": each["outcome"] for each in of["outcome"]}
    is_ended = of["end"][-1]["exit"] == first.code
    return told == first.outcomes() and is_ended and len(of["write"]) >= 1


def _told_the_truth(operation: str, first: Done, held: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the outcome is what the server held after the run."""
    (outcome,) = first.outcomes().values()
    return (outcome == "applied") == _is_as_wanted(operation, held)
