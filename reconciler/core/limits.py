"""What a plan may not take away: too much without somebody saying so, or what is in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reconciler.core.diff import Action, Change, UnitDiff
from reconciler.core.effect import Effect
from reconciler.core.model import DesiredUnit, UnitAddress

MAX_DELETES = 10
_MAX_DELETE_SHARE = 0.2
_SMALLEST_SHARED = 10
"""In environments with fewer managed policies a share says nothing."""


@dataclass(frozen=True, slots=True)
class DeleteLimit:
    """deletes: how many a plan may hold. allowed: what was said explicitly, over any limit."""

    deletes: int = MAX_DELETES
    allowed: int | None = None


def refused_deletes(
    diffs: Sequence[UnitDiff], wanted: Iterable[tuple[UnitAddress, int]], limit: DeleteLimit
) -> list[str]:
    """A message for each limit that the deletes of a plan exceed; it says what to type.

    wanted: all units in scope, changed or not, and how many resources each of them holds: that
    is what is managed.
    """
    deletes = Counter[str]()
    for diff in diffs:
        deletes[_place(diff.desired.address)] += _count_deletes(diff)
    total = sum(deletes.values())
    if limit.allowed is not None:
        return [_too_many(total, limit.allowed)] if total > limit.allowed else []
    messages = [_too_many(total, limit.deletes)] if total > limit.deletes else []
    managed = deletes.copy()
    for address, held in wanted:
        managed[_place(address)] += held
    for place, count in sorted(deletes.items()):
        if managed[place] >= _SMALLEST_SHARED and count > managed[place] * _MAX_DELETE_SHARE:
            messages.append(
                f"{place}: {count} of {managed[place]} managed policies would be deleted "
                f"(limit {_MAX_DELETE_SHARE:.0%}); if that is meant, say --max-deletes {total}"
            )
    return messages


def refused_tiers(diffs: Sequence[UnitDiff]) -> Iterator[tuple[str, str]]:
    """Address and message of each tier that would be deleted and that applications still use.

    The service refuses that (facts, section 9.1), after whatever was sent before it.
    """
    for diff in diffs:
        for step in diff.steps:
            tier = step.live
            if step.change.action is Action.DELETE and tier and tier.applications:
                yield step.change.address, _in_use(tier.key.name, tier.applications)


def refused_weakenings(
    diffs: Iterable[UnitDiff], allowed: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Address and message of each change that weakens what is `protected`.

    allowed: globs of addresses, of a change, its API, or its environment, where it was said that
    this is meant.
    """
    for diff in diffs:
        for step in diff.steps if diff.desired.protected else ():
            change = step.change
            if change.effect is Effect.WEAKENS and not is_allowed(change.address, allowed):
                yield change.address, _weakens(diff.desired, change)


def is_allowed(address: str, allowed: Sequence[str]) -> bool:
    """Whether a glob of `allowed` matches the address or one of what it is part of."""
    parts = address.split("/")
    places = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return any(fnmatchcase(place, glob) for glob in allowed for place in places)


def _weakens(desired: DesiredUnit, change: Change) -> str:
    return (
        f"it {change.why}, which weakens, and {_place(desired.address)} is protected; "
        f"if that is meant, say --allow-weakening={change.address}"
    )


def _in_use(name: str, count: int) -> str:
    who = "1 application has a contract" if count == 1 else f"{count} applications have contracts"
    return (
        f"{who} for the tier {name}, and the service deletes none that is in use: move or revoke "
        "them first, or keep the tier in the files with status: DEPRECATED"
    )


def _too_many(total: int, limit: int) -> str:
    return (
        f"{total} resources would be deleted (limit {limit}); "
        f"if that is meant, say --max-deletes {total}"
    )


def _place(address: UnitAddress) -> str:
    return f"{address.organization}/{address.environment}"


def _count_deletes(diff: UnitDiff) -> int:
    return sum(step.change.action is Action.DELETE for step in diff.steps)
