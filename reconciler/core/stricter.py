"""Two versions of the files, those of now and a baseline: of what guards a platform, the stricter
of the two holds. Pure.

What guards is `protected`, `requires` and `limits`. Whoever may change the files could loosen it
in the same change that it should stop; the baseline is what that change has not touched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.core.limits import MAX_DELETES
from reconciler.core.project import Environment, Organization, Project, Requirement

LIMITS = "limits"
"""Stands for the Project's limits where an address is asked for."""


@dataclass(frozen=True, slots=True)
class Loosening:
    """Something that guards less than in the baseline. what: in words that follow the address."""

    address: str
    what: str


@dataclass(frozen=True, slots=True)
class Stricter:
    """project: the files with what guards them. refused, allowed: what the files loosen; for
    what is allowed the files hold."""

    project: Project
    refused: tuple[Loosening, ...]
    allowed: tuple[Loosening, ...]


_Place = tuple[Organization, Environment]


def stricter(project: Project, baseline: Project, is_allowed: Callable[[str], bool]) -> Stricter:
    """The files as they hold against a baseline. is_allowed: whether loosening at an address, an
    environment's or LIMITS, was said to be meant."""
    ours, theirs = _places(project), _places(baseline)
    found = [*_limits(project, baseline)]
    guarded = _guarded(theirs)
    for address, place in theirs.items():
        found += _loosened(address, place, ours.get(address), is_guarded=address in guarded)
    refused = tuple(one for one in found if not is_allowed(one.address))
    held = {one.address for one in refused}
    organizations = tuple(
        replace(
            organization,
            environments=tuple(
                _held(environment, theirs[address][1])
                if (address := _address(organization, environment)) in held & theirs.keys()
                else environment
                for environment in organization.environments
            ),
        )
        for organization in project.organizations
    )
    limit = _smaller(project, baseline) if LIMITS in held else project.max_deletes
    made = replace(project, organizations=organizations, max_deletes=limit)
    return Stricter(made, refused, tuple(one for one in found if one not in refused))


def guards_digest(project: Project) -> str:
    """`sha256:…` over all that guards."""
    environments = {
        address: [
            *_identity(place),
            place[1].protected,
            sorted([one.address, one.within_s or 0] for one in place[1].requires),
        ]
        for address, place in sorted(_places(project).items())
    }
    text = json.dumps([_max_deletes(project), environments], separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _places(project: Project) -> dict[str, _Place]:
    return {
        _address(organization, environment): (organization, environment)
        for organization in project.organizations
        for environment in organization.environments
    }


def _address(organization: Organization, environment: Environment) -> str:
    return f"{organization.folder}/{environment.folder}"


def _identity(place: _Place) -> tuple[str, str, str]:
    """Where on which platform it is, as the files name it."""
    organization, environment = place
    return organization.host, organization.organization, environment.environment


def _guarded(places: Mapping[str, _Place]) -> set[str]:
    """The environments that are guarded, or that a guard is about."""
    found = {address for address, (_, one) in places.items() if one.protected or one.requires}
    return found | {item.address for _, one in places.values() for item in one.requires}


def _loosened(
    address: str, theirs: _Place, ours: _Place | None, *, is_guarded: bool
) -> Iterable[Loosening]:
    if not is_guarded:
        return
    if ours is None:
        yield Loosening(address, "is guarded, and in no file any more")
        return
    if _identity(ours) != _identity(theirs):
        names = (f"{_identity(place)[1]} / {_identity(place)[2]}" for place in (theirs, ours))
        yield Loosening(
            address, "is guarded, and is another place now: {} became {}".format(*names)
        )
    if theirs[1].protected and not ours[1].protected:
        yield Loosening(address, "is protected, and would not be any more")
    for item in theirs[1].requires:
        if not any(_is_as_strict(one, item) for one in ours[1].requires):
            yield Loosening(address, f"requires {_words(item)}, and would not any more")


def _words(item: Requirement) -> str:
    within = f" within {item.within_s // 60} minutes" if item.within_s is not None else ""
    return f"{item.address} to have converged{within}"


def _is_as_strict(one: Requirement, other: Requirement) -> bool:
    if one.address != other.address:
        return False
    return other.within_s is None or (one.within_s is not None and one.within_s <= other.within_s)


def _held(ours: Environment, theirs: Environment) -> Environment:
    """The environment with what guards it in the baseline, too."""
    more = [
        item for item in theirs.requires if not any(_is_as_strict(o, item) for o in ours.requires)
    ]
    protected = ours.protected or theirs.protected
    return replace(ours, protected=protected, requires=(*ours.requires, *more))


def _limits(ours: Project, theirs: Project) -> Sequence[Loosening]:
    before, now = _max_deletes(theirs), _max_deletes(ours)
    return (
        [Loosening(LIMITS, f"maxDeletes is {before}, and would be {now}")] if now > before else []
    )


def _max_deletes(project: Project) -> int:
    return MAX_DELETES if project.max_deletes is None else project.max_deletes


def _smaller(ours: Project, theirs: Project) -> int:
    return min(_max_deletes(ours), _max_deletes(theirs))
