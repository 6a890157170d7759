"""A plan: what would change, ready to be shown, saved, compared and digested. Pure.

A plan is a value without bodies and without secrets. To apply one, the files are loaded again
and give the bodies; the plan only says what was reviewed. Plans of the same input are
byte-identical but for `createdAt`, which the digest leaves out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.diff import Action, Change, FieldChange, UnitDiff, Unmanaged
from reconciler.core.effect import Effect
from reconciler.core.fields import redact_at
from reconciler.core.model import (
    DesiredUnit,
    LiveUnit,
    Resource,
    Source,
    Target,
    UnitAddress,
)
from reconciler.core.outage import Outage
from reconciler.core.redact import Redactor, Secret
from reconciler.errors import Exit, Problem

SCHEMA_VERSION = 1

_BLIND = Redactor(lambda: b"")
_HIDDEN = "(secret)"


@dataclass(frozen=True, slots=True)
class PlanError:
    """Something that could not be planned; `exit` is the code it asks for."""

    message: str
    exit: Exit
    address: str = ""
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """What `apply` checks of one touched unit: which it is, what was wanted, what was live.

    desired, fingerprint: `sha256:…`. live: the resources as shown values, secrets hidden.
    """

    address: str
    target: Target
    desired: str
    fingerprint: str
    live: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of a unit that was compared, whether or not it needs anything; no secrets.

    desired: `sha256:…` of what is wanted. held: how many resources that is. pin: where something
    is to be done. known: what a converged run remembers of it, where that was asked for.
    """

    address: UnitAddress
    desired: str
    held: int
    unchanged: int
    pin: Pin | None = None
    known: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes in the order of their addresses; within a unit in the order of applying.

    scope: the filters and flags that it was made with. desired: digest of everything wanted in
    that scope, changed or not. outages: what it takes from its users, as it was when the plan was
    made; no part of the digest, because use changes all the time.
    """

    changes: tuple[Change, ...]
    unmanaged: tuple[Unmanaged, ...] = ()
    unchanged: int = 0
    errors: tuple[PlanError, ...] = ()
    warnings: tuple[str, ...] = ()
    scope: Mapping[str, Any] = field(default_factory=dict)
    desired: str = ""
    pins: tuple[Pin, ...] = ()
    created_at: str = ""
    outages: tuple[Outage, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """`summary` of the JSON form."""
        actions = [change.action for change in self.changes]
        return {
            **{str(action): actions.count(action) for action in Action},
            "unchanged": self.unchanged,
            "unmanaged": len(self.unmanaged),
        }


def make_plan(
    diffs: Iterable[UnitDiff],
    *,
    errors: Sequence[PlanError],
    warnings: Sequence[str],
    scope: Mapping[str, Any],
    created_at: str,
    outages: Sequence[Outage] = (),
    records: Iterable[Record] = (),
) -> Plan:
    """The plan of all units, in the order of their addresses, whatever order they come in.

    records: of units that were compared; those of which there is nothing to say need no diff."""
    ordered = sorted(diffs, key=lambda diff: diff.desired.address)
    units = recorded(ordered, records)
    found = [error for diff in ordered for error in _problems(diff)]
    return Plan(
        tuple(step.change for diff in ordered for step in diff.steps),
        tuple(item for diff in ordered for item in diff.unmanaged),
        sum(unit.unchanged for unit in units),
        (*sorted(errors, key=lambda e: (e.address, e.message)), *found),
        (*warnings, *(text for diff in ordered for text in diff.warnings), *_unseen(ordered)),
        scope,
        _digest_of_all(unit.desired for unit in units),
        tuple(unit.pin for unit in units if unit.pin),
        created_at,
        tuple(outages),
    )


def _unseen(diffs: Sequence[UnitDiff]) -> list[str]:
    """One line for all secrets that nobody can compare: thousands would say no more."""
    unseen = [text for diff in diffs for text in diff.incomparable]
    if not unseen:
        return []
    secrets = "1 secret" if len(unseen) == 1 else f"{len(unseen)} secrets"
    return [f"{secrets} not compared: the service does not return them (first: {unseen[0]})"]


def _problems(diff: UnitDiff) -> list[PlanError]:
    address = str(diff.desired.address)
    return [PlanError(problem.message, Exit.INVALID, address, problem) for problem in diff.problems]


def recorded(diffs: Iterable[UnitDiff], records: Iterable[Record]) -> list[Record]:
    """The records, and one of each diff that has none yet, in the order of their addresses."""
    kept = {one.address: one for one in records}
    for diff in diffs:
        if diff.desired.address not in kept:
            kept[diff.desired.address] = record(diff)
    return [kept[address] for address in sorted(kept)]


def record(diff: UnitDiff, known: Mapping[str, Any] | None = None) -> Record:
    """What is kept of a unit once it was compared."""
    return Record(
        diff.desired.address,
        desired_digest(diff.desired),
        len(diff.desired.resources),
        diff.unchanged,
        pin(diff) if diff.steps else None,
        known,
    )


def pin(diff: UnitDiff) -> Pin:
    """The pin of one unit."""
    live = live_data(diff.live, _secrets(diff.desired.resources))
    return Pin(
        str(diff.desired.address),
        diff.desired.target,
        desired_digest(diff.desired),
        _sha256(live),
        live,
    )


def fingerprint(desired: DesiredUnit, live: LiveUnit) -> str:
    """`sha256:…` over everything that the service holds of the unit, secrets left out."""
    return _sha256(live_data(live, _secrets(desired.resources)))


def _secrets(resources: Iterable[Resource]) -> frozenset[str]:
    return frozenset(path for resource in resources for path in resource.secrets)


def live_data(live: LiveUnit, secrets: frozenset[str]) -> dict[str, Any]:
    """The live resources by id, as plain values with every secret hidden."""
    return {
        f"{resource.key.segment}@{resource.id}": {
            **hidden(resource.canonical, secrets | resource.secrets),
            "order": resource.order,
        }
        for resource in live.resources
    }


def desired_digest(desired: DesiredUnit) -> str:
    """`sha256:…` over what is wanted of a unit: references by name, never by value."""
    lists = sorted(desired.managed)
    resources = [
        [resource.key.list, resource.key.group, resource.key.segment, _referenced(resource)]
        for resource in desired.resources
    ]
    absent = [[item.list, item.group, item.type, item.name] for item in desired.absent]
    terms = [dict(desired.terms)] if desired.terms else []
    return _sha256([str(desired.address), lists, resources, absent, desired.prune, *terms])


def digest_of_desired(units: Iterable[DesiredUnit]) -> str:
    """`sha256:…` over what is wanted of all units, in the order of their addresses."""
    return _digest_of_all(desired_digest(one) for one in sorted(units, key=lambda u: u.address))


def _digest_of_all(digests: Iterable[str]) -> str:
    return _sha256(list(digests))


def _referenced(resource: Resource) -> Any:
    return _plain(resource.canonical)


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reference or _HIDDEN
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def hidden(value: Mapping[str, Any], secrets: frozenset[str]) -> dict[str, Any]:
    """Settings with every secret in them shown as its reference, or as no more than that."""
    shown = {key: redact_at(item, (key,), secrets, _BLIND) for key, item in value.items()}
    return {key: _blank(item) for key, item in shown.items()}


def _blank(value: Any) -> Any:
    """Digests made with no key would tell what is hidden: they are left out."""
    if isinstance(value, str) and value.startswith("(secret sha256:"):
        return _HIDDEN
    if isinstance(value, Mapping):
        return {key: _blank(item) for key, item in value.items()}
    return [_blank(item) for item in value] if isinstance(value, list) else value


def _sha256(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def to_data(plan: Plan, command: str = "plan") -> dict[str, Any]:
    """The JSON form of the contract, digest included."""
    data: dict[str, Any] = {
        "schemaVersion": SCHEMA_VERSION,
        "command": command,
        "digest": "",
        "createdAt": plan.created_at,
        "summary": plan.counts,
        "changes": [change_data(change) for change in plan.changes],
        "unmanaged": _unmanaged_data(plan),
        "errors": [error_data(error) for error in plan.errors],
        "warnings": list(plan.warnings),
    }
    data["digest"] = digest(plan)
    if plan.outages:
        data["outage"] = [outage_data(one) for one in plan.outages]
    return data


def to_file(plan: Plan) -> dict[str, Any]:
    """The JSON form plus what `apply` needs, for a plan file."""
    return {**to_data(plan), "apply": _apply_data(plan)}


def digest(plan: Plan) -> str:
    """`sha256:…` over the whole plan but for `createdAt` and `outage`."""
    return _sha256(
        {
            "changes": [change_data(change) for change in plan.changes],
            "summary": plan.counts,
            "unmanaged": _unmanaged_data(plan),
            "errors": [error_data(error) for error in plan.errors],
            "warnings": list(plan.warnings),
            "apply": _apply_data(plan),
        }
    )


def _unmanaged_data(plan: Plan) -> list[dict[str, str]]:
    return [
        {"address": item.address, "platform": item.platform, "kind": item.kind}
        for item in plan.unmanaged
    ]


def _apply_data(plan: Plan) -> dict[str, Any]:
    return {
        "scope": dict(plan.scope),
        "desired": plan.desired,
        "units": [
            {
                "address": item.address,
                "target": {
                    "host": item.target.host,
                    "organization": item.target.organization,
                    "environment": item.target.environment,
                    "api": item.target.api,
                },
                "desired": item.desired,
                "fingerprint": item.fingerprint,
                "live": item.live,
            }
            for item in plan.pins
        ],
    }


def change_data(change: Change) -> dict[str, Any]:
    """One element of `changes`."""
    data: dict[str, Any] = {
        "address": change.address,
        "platform": change.platform,
        "kind": change.kind,
        "action": str(change.action),
        "effect": str(change.effect),
        "fields": [
            {"path": item.path, "live": item.live, "desired": item.desired}
            for item in change.fields
        ],
    }
    if change.why:
        data["effectReason"] = change.why
    if change.source:
        data["source"] = {"file": change.source.file, "line": change.source.line}
    return data


def outage_data(outage: Outage) -> dict[str, Any]:
    """One element of `outage`; where use cannot be seen, `unseen` says what of it."""
    data: dict[str, Any] = {
        "address": outage.address,
        "app": outage.app or None,
        "installed": outage.is_installed,
        "users": list(outage.users),
        "count": outage.count,
        "lastUsed": outage.last or None,
        "accepted": outage.is_accepted,
    }
    return {**data, "unseen": outage.unseen} if outage.unseen else data


def error_data(error: PlanError) -> dict[str, Any]:
    """One element of `errors`: a message, and the place where it has one."""
    data: dict[str, Any] = {"message": error.message, "exit": int(error.exit)}
    if error.address:
        data["address"] = error.address
    if error.problem:
        data.update(problem_data(error.problem))
    return data


def problem_data(problem: Problem) -> dict[str, Any]:
    """A problem of the files as JSON; without what is not known."""
    data = {
        "message": problem.message,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "hint": problem.hint,
    }
    return {key: value for key, value in data.items() if value}


class PlanFileError(ValueError):
    """A plan file that cannot be read; the message says what is wrong."""


def from_file(data: Any) -> tuple[Plan, str]:
    """The plan in a file's data and the digest that the file claims; raises PlanFileError."""
    if not isinstance(data, Mapping) or data.get("command") != "plan" or "apply" not in data:
        raise PlanFileError("it is no plan file: make one with `reconciler plan -o FILE`")
    if data.get("schemaVersion") != SCHEMA_VERSION:
        raise PlanFileError(f"schemaVersion must be {SCHEMA_VERSION}")
    try:
        plan, claimed = _plan_from(data), str(data["digest"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PlanFileError(f"the plan is damaged near {error}") from None
    # The digest is over what the changes come to: a file that says otherwise claims another.
    return plan, claimed if plan.counts == data["summary"] else ""


def _plan_from(data: Mapping[str, Any]) -> Plan:
    apply = data["apply"]
    return Plan(
        tuple(_change_from(item) for item in data["changes"]),
        tuple(_unmanaged_from(item) for item in data["unmanaged"]),
        int(data["summary"]["unchanged"]),
        tuple(_error_from(item) for item in data["errors"]),
        tuple(map(str, data["warnings"])),
        dict(apply["scope"]),
        str(apply["desired"]),
        tuple(_pin_from(item) for item in apply["units"]),
        str(data["createdAt"]),
        tuple(_outage_from(item) for item in data.get("outage", ())),
    )


def _unmanaged_from(data: Mapping[str, Any]) -> Unmanaged:
    return Unmanaged(str(data["address"]), str(data["platform"]), str(data["kind"]))


def _change_from(data: Mapping[str, Any]) -> Change:
    source = data.get("source")
    return Change(
        str(data["address"]),
        str(data["platform"]),
        str(data["kind"]),
        Action(data["action"]),
        tuple(FieldChange(str(f["path"]), f["live"], f["desired"]) for f in data["fields"]),
        Source(str(source["file"]), int(source["line"])) if source else None,
        Effect(data["effect"]),
        str(data.get("effectReason", "")),
    )


def _error_from(data: Mapping[str, Any]) -> PlanError:
    problem = None
    if "file" in data:
        names = ("file", "line", "column", "path", "message", "hint")
        problem = Problem(**{name: data[name] for name in names if name in data})
    return PlanError(
        str(data["message"]), Exit(data["exit"]), str(data.get("address", "")), problem
    )


def _outage_from(data: Mapping[str, Any]) -> Outage:
    return Outage(
        str(data["address"]),
        str(data["app"] or ""),
        tuple(map(str, data["users"])),
        int(data["count"]),
        str(data["lastUsed"] or ""),
        bool(data["installed"]),
        bool(data["accepted"]),
        str(data.get("unseen", "")),
    )


def _pin_from(data: Mapping[str, Any]) -> Pin:
    target = data["target"]
    return Pin(
        str(data["address"]),
        Target(target["host"], target["organization"], target["environment"], target["api"]),
        str(data["desired"]),
        str(data["fingerprint"]),
        dict(data["live"]),
    )


def stale_fields(pinned: Pin, desired: DesiredUnit, live: LiveUnit) -> list[str]:
    """Which fields moved since the pin was made, in words: `cors: config.ttl was 1, is 2`."""
    now = live_data(live, _secrets(desired.resources))
    lines = []
    for name in sorted({*pinned.live, *now}):
        before, after = pinned.live.get(name), now.get(name)
        if before == after:
            continue
        shown = name.rsplit("@", 1)[0]
        if before is None or after is None:
            lines.append(f"{shown}: {'is new' if before is None else 'is gone'}")
        else:
            lines.extend(f"{shown}: {text}" for text in _moved("", before, after))
    return lines


def _moved(path: str, before: Any, after: Any) -> list[str]:
    return [
        f"{where} was {json.dumps(was)}, is {json.dumps(now)}"
        for where, was, now in moved_values(before, after, path)
    ]


def moved_values(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path, old and new value of what differs; a list is one value."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                below = f"{path}.{key}".lstrip(".")
                yield from moved_values(before.get(key), after.get(key), below)
    else:
        yield path, before, after
