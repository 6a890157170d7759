"""Deployments and retrievals: asked for now, carried out when their time has come."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.gate import Caller
from reconciler.emulator.salesforce.metadata.desk import Desk
from reconciler.emulator.salesforce.metadata.kinds import save
from reconciler.emulator.salesforce.metadata.packages import Unit, read_package
from reconciler.emulator.salesforce.metadata.shapes import read_component
from reconciler.emulator.salesforce.metadata.xml import read_xml
from reconciler.emulator.salesforce.store import Store

_MOST_JOBS = 200


@dataclass(slots=True)
class Deployment:
    """One deployment; `due` is when it is carried out, in seconds since 1970."""

    id: str
    caller: Caller
    version: float
    archive: bytes
    options: Mapping[str, bool]
    due: float
    created: str
    status: str = "Pending"
    error: str | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return self.status not in ("Pending", "InProgress")

    @property
    def failures(self) -> list[dict[str, Any]]:
        return [message for message in self.messages if not message["success"]]


def submit(desk: Desk, archive: bytes, options: Mapping[str, bool]) -> Deployment:
    """A new deployment. Without a delay it is carried out at once, and the answer hides that."""
    store = desk.store
    due = store.clock() + store.settings.deploySeconds
    key = store.ids.next("DeployRequest")
    job = Deployment(key, desk.caller, desk.version, archive, options, due, store.now())
    store.jobs[key] = job
    if len(store.jobs) > _MOST_JOBS:
        del store.jobs[next(iter(store.jobs))]
    return job


def settle(store: Store) -> None:
    """Carries out what is due."""
    for job in list(store.jobs.values()):
        if isinstance(job, Deployment) and not job.is_done and job.due <= store.clock():
            _carry_out(store, job)


def cancel(job: Deployment) -> None:
    if not job.is_done:
        job.status = "Canceled"


def find(store: Store, key: str) -> Deployment:
    job = next((j for j in store.jobs.values() if getattr(j, "id", "")[:15] == key[:15]), None)
    if not isinstance(job, Deployment):
        raise Failure("INVALID_CROSS_REFERENCE_KEY", f"no deployment {key[:40]}", status=404)
    return job


def _carry_out(store: Store, job: Deployment) -> None:
    """All or nothing, where the options say so; a check changes nothing either way."""
    before = store.snapshot()
    desk = Desk(store, job.caller, job.version)
    try:
        units = read_package(job.archive, single=job.options["singlePackage"])
    except Failure as failure:
        job.status, job.error = "Failed", failure.message
        job.messages = [_message(Unit("package.xml", "", "", b""), failure, is_new=False)]
        return
    job.messages = [_deploy(desk, unit) for unit in units]
    failed, worked = bool(job.failures), len(job.messages) > len(job.failures)
    partly = worked and not job.options["rollbackOnError"]
    job.status = "Succeeded" if not failed else "SucceededPartial" if partly else "Failed"
    if job.options["checkOnly"] or job.status == "Failed":
        store.restore(before)


def _deploy(desk: Desk, unit: Unit) -> dict[str, Any]:
    try:
        if unit.kind is None:
            raise Failure("INVALID_TYPE", unit.problem or "Unknown type in package")
        element = read_xml(unit.content)
        values = read_component(element, unit.kind.shape)
        is_new = save(desk, unit.kind, unit.full_name, values, upsert=True)
        return _message(unit, None, is_new=is_new)
    except Failure as failure:
        return _message(unit, failure, is_new=False)


def _message(unit: Unit, failure: Failure | None, *, is_new: bool) -> dict[str, Any]:
    message: dict[str, Any] = {
        "changed": failure is None,
        "componentType": unit.type_name,
        "created": is_new,
        "deleted": False,
        "fileName": unit.path,
        "fullName": unit.full_name,
        "success": failure is None,
    }
    if failure:
        message |= {"problem": failure.message, "problemType": "Error"}
        message |= {"lineNumber": 1, "columnNumber": 1}
    return message


def decode_archive(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise Failure("soapenv:Client", f"ZipFile is not base64: {error}") from None


def report(job: Deployment, *, details: bool) -> dict[str, Any]:
    """DeployResult in the order of the WSDL."""
    shown = job if job.is_done else None
    worked = [m for m in job.messages if m["success"]]
    deployed = 0 if job.status == "Failed" else len(worked)
    found: dict[str, Any] = {
        "checkOnly": job.options["checkOnly"],
        "createdBy": job.caller.user_id,
        "createdByName": job.caller.user_id,
        "createdDate": _zulu(job.created),
        "details": None,
        "done": job.is_done,
        "errorMessage": job.error,
        "id": job.id,
        "ignoreWarnings": job.options["ignoreWarnings"],
        "numberComponentErrors": len(job.failures) if shown else 0,
        "numberComponentsDeployed": deployed if shown else 0,
        "numberComponentsTotal": len(job.messages) if shown else 0,
        "numberTestErrors": 0,
        "numberTestsCompleted": 0,
        "numberTestsTotal": 0,
        "rollbackOnError": job.options["rollbackOnError"],
        "runTestsEnabled": False,
        "status": job.status,
        "success": job.status in ("Succeeded", "SucceededPartial"),
    }
    if details:
        when = {"createdDate": _zulu(job.created)}
        dated = [dict(sorted({**m, **when}.items())) for m in job.messages]
        found["details"] = {
            "componentFailures": [m for m in dated if not m["success"]],
            "componentSuccesses": [m for m in dated if m["success"]],
        }
    return {name: value for name, value in found.items() if value is not None}


def _zulu(text: str) -> str:
    return text.removesuffix("+0000") + "Z"
