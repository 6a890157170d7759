"""`requires:` of an environment: nothing is applied to it until another one has converged.

That it has is told by what the last converged run left in the state, or by the result of a drift
check that is given as a file. Both must be about what the files say now, and about the same host.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.core.content import content_digest
from reconciler.core.diff import UnitDiff
from reconciler.core.project import Environment, Organization, Requirement
from reconciler.errors import ReconcilerError
from reconciler.run.context import Context, Proof

_CLOCK_SKEW = timedelta(minutes=5)


def unmet(context: Context, diffs: Iterable[UnitDiff]) -> Iterator[tuple[str, str]]:
    """Address and message of each environment that would be changed and that may not be yet."""
    touched = {
        f"{diff.desired.address.organization}/{diff.desired.address.environment}"
        for diff in diffs
        if diff.steps
    }
    places = environments(context.project.organizations)
    for address, (_, environment) in places.items():
        for requirement in environment.requires if address in touched else ():
            why = _why_not(context, requirement, places)
            if why:
                yield address, f"{why}; {_what_to_do(requirement)}"


Places = Mapping[str, tuple[Organization, Environment]]


def environments(organizations: Iterable[Organization]) -> Places:
    """All environments by their folders, `acme/sandbox`, in order."""
    return {
        f"{organization.folder}/{environment.folder}": (organization, environment)
        for organization in organizations
        for environment in organization.environments
    }


def _what_to_do(requirement: Requirement) -> str:
    organization, _, environment = requirement.address.partition("/")
    return (
        f"run `reconciler apply --org {organization} --env {environment}` first, or give the "
        "result of its `drift --format json` as --drift-result FILE"
    )


def _why_not(context: Context, requirement: Requirement, places: Places) -> str:
    """Why the requirement does not hold; empty where it does."""
    found = places.get(requirement.address)
    if found is None:
        return f"it requires {requirement.address}, which is in no file any more"
    try:
        host = context.provider(*found).host
    except ReconcilerError as error:
        first = str(error).partition("\n")[0]
        return f"it requires {requirement.address}, of which nothing can be told: {first}"
    content = content_digest(*found, context.layering.catalogue, context.redactor)
    proofs = [one for one in _proofs(context, requirement.address) if one.host == host]
    judged = [_judge(context, requirement, proof, content) for proof in proofs]
    none = f"it requires {requirement.address}, which has not converged as far as is known here"
    return min(judged, key=lambda one: one[0], default=(9, none))[1]


def _proofs(context: Context, address: str) -> Iterator[Proof]:
    yield from (proof for proof in context.proofs if proof.address == address)
    organization, _, environment = address.partition("/")
    recorded = context.known.recorded(organization, environment)
    if recorded and recorded[1].content:
        place, known = recorded
        yield Proof(address, place.host, known.content, known.converged_at)


def _judge(
    context: Context, requirement: Requirement, proof: Proof, content: str
) -> tuple[int, str]:
    """How far the proof is from holding (0: it holds), and what is missing in words."""
    start = f"it requires {requirement.address}, which"
    at = _time(proof.at)
    if at is None:
        return 4, f"{start} has converged nobody knows when"
    if proof.content != content:
        return 3, f"{start} has converged on other files ({proof.at})"
    age = context.clock() - at
    if age < -_CLOCK_SKEW:
        return 2, f"{start} has converged in the future ({proof.at}): check the clocks"
    if requirement.within_s is not None and age.total_seconds() > requirement.within_s:
        return 1, (
            f"{start} converged on these files {_words(age)} ago ({proof.at}), "
            f"and that may be {_words(timedelta(seconds=requirement.within_s))} at most"
        )
    return 0, ""


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _words(age: timedelta) -> str:
    """Roughly: `3 days`, `5 hours`, `12 minutes`."""
    seconds = max(int(age.total_seconds()), 0)
    for name, length in (("day", 86400), ("hour", 3600)):
        if seconds >= 2 * length or seconds == length:
            return _plural(seconds // length, name)
    return _plural(seconds // 60, "minute")


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


class DriftResultError(ValueError):
    """A file that is no drift result; the message says what is wrong."""


def proofs_from(data: Any) -> tuple[Proof, ...]:
    """The environments that a `drift --format json` has found converged; raises
    DriftResultError for what is no such document."""
    if not isinstance(data, Mapping) or data.get("command") != "drift":
        raise DriftResultError("it is no result of `reconciler drift --format json`")
    if data.get("schemaVersion") != 1 or not isinstance(data.get("environments"), list):
        raise DriftResultError("it is of another version of reconciler")
    try:
        named = [_address_of(item) for key in ("changes", "errors") for item in data[key]]
        at = str(data["createdAt"])
        found = [
            Proof(str(one["address"]), str(one["host"]), str(one["content"]), at)
            for one in data["environments"]
            if one["converged"] is True
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise DriftResultError(f"the drift result is damaged near {error}") from None
    return tuple(proof for proof in found if not _is_named(proof.address, named))


def _address_of(item: Mapping[str, Any]) -> str:
    return str(item.get("address", ""))


def _is_named(address: str, named: Sequence[str]) -> bool:
    """Whether a change or an error is about the environment, its organization, or everything."""
    above = ("", address, address.partition("/")[0])
    return any(one in above or one.startswith(f"{address}/") for one in named)
