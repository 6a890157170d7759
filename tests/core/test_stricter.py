"""Of what guards, the stricter of the files and the baseline holds; loosening is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.model import Source
from reconciler.core.project import Environment, Project, Requirement
from reconciler.core.stricter import LIMITS, Stricter, guards_digest, stricter
from tests.files.builders import an_environment, an_organization

WEEK, DAY = 7 * 86400, 86400
PRODUCTION = "acme/production"


def requires(within_s: int | None = WEEK, address: str = "acme/sandbox") -> Any:
    return (Requirement(address, within_s, Source("e.yaml", 4)),)


def sandbox() -> Environment:
    return replace(an_environment(), folder="sandbox", environment="Sandbox")


def a_project(*environments: Environment, max_deletes: int | None = None) -> Project:
    return Project("policies", (an_organization(*environments),), (), max_deletes)


def held(ours: Project, baseline: Project, *allowed: str) -> Stricter:
    return stricter(ours, baseline, lambda address: address in allowed)


def told(ours: Project, baseline: Project) -> list[tuple[str, str]]:
    return [(one.address, one.what) for one in held(ours, baseline).refused]


def production(found: Stricter) -> Environment:
    return next(
        one for one in found.project.organizations[0].environments if one.folder == "production"
    )


GUARDED = a_project(an_environment(protected=True, requires=requires()), sandbox())


def test_the_same_files_hold_as_they_are() -> None:
    assert held(GUARDED, GUARDED) == Stricter(GUARDED, (), ())


def test_what_is_stricter_now_holds_and_loosens_nothing() -> None:
    bare = a_project(an_environment(), sandbox())
    assert held(GUARDED, bare) == Stricter(GUARDED, (), ())
    sooner = a_project(an_environment(protected=True, requires=requires(DAY)), sandbox())
    assert held(sooner, GUARDED) == Stricter(sooner, (), ())


def test_protection_that_is_dropped_holds() -> None:
    ours = a_project(an_environment(requires=requires()), sandbox())
    assert told(ours, GUARDED) == [(PRODUCTION, "is protected, and would not be any more")]
    assert production(held(ours, GUARDED)).protected


@pytest.mark.parametrize(
    "now", [(), requires(2 * WEEK), requires(None), requires(address="acme/other")], ids=str
)
def test_a_requirement_that_is_dropped_or_wider_holds(now: Any) -> None:
    ours = a_project(an_environment(protected=True, requires=now), sandbox())
    ((address, what),) = told(ours, GUARDED)
    assert address == PRODUCTION
    assert "acme/sandbox to have converged within 10080 minutes" in what
    assert production(held(ours, GUARDED)).requires == (*now, *requires())


def test_what_is_allowed_holds_as_the_files_say() -> None:
    ours = a_project(an_environment(), sandbox())
    found = held(ours, GUARDED, PRODUCTION)
    assert (found.project, found.refused) == (ours, ())
    assert [one.address for one in found.allowed] == [PRODUCTION, PRODUCTION]


def test_a_guarded_environment_does_not_go() -> None:
    assert told(a_project(sandbox()), GUARDED) == [
        (PRODUCTION, "is guarded, and in no file any more")
    ]


def test_one_that_guards_nothing_may_go() -> None:
    bare = a_project(an_environment(), sandbox())
    assert told(a_project(sandbox()), bare) == []


@pytest.mark.parametrize("of", ["production", "sandbox"])
def test_a_guarded_environment_is_not_another_place(of: str) -> None:
    def moved(one: Environment) -> Environment:
        return replace(one, environment="Elsewhere") if one.folder == of else one

    (organization,) = GUARDED.organizations
    environments = tuple(map(moved, organization.environments))
    ours = replace(GUARDED, organizations=(replace(organization, environments=environments),))
    ((address, what),) = told(ours, GUARDED)
    assert address == f"acme/{of}"
    assert "is another place now" in what
    assert "became Acme Corp / Elsewhere" in what


def test_another_host_is_another_place() -> None:
    (organization,) = GUARDED.organizations
    elsewhere = replace(organization, host="https://eu1.anypoint.mulesoft.com")
    ours = replace(GUARDED, organizations=(elsewhere,))
    assert [address for address, _ in told(ours, GUARDED)] == [PRODUCTION, "acme/sandbox"]


@pytest.mark.parametrize(
    ("now", "before", "holds", "is_told"),
    [
        (50, 5, 5, True),
        (50, None, 10, True),
        (None, 5, 5, True),
        (3, 5, 3, False),
        (10, None, 10, False),
        (None, 20, None, False),
    ],
)
def test_the_smaller_limit_holds(
    now: int | None, before: int | None, holds: int | None, is_told: bool
) -> None:
    found = held(a_project(max_deletes=now), a_project(max_deletes=before))
    assert found.project.max_deletes == holds
    assert [one.address for one in found.refused] == [LIMITS] * is_told


def test_a_limit_that_may_be_raised_is_raised() -> None:
    found = held(a_project(max_deletes=50), a_project(), LIMITS)
    assert (found.project.max_deletes, found.refused) == (50, ())


def test_the_digest_is_over_what_guards() -> None:
    assert guards_digest(GUARDED) == guards_digest(replace(GUARDED, root="elsewhere"))
    others = [
        a_project(an_environment(requires=requires()), sandbox()),
        a_project(an_environment(protected=True, requires=requires(DAY)), sandbox()),
        a_project(an_environment(protected=True), sandbox()),
        replace(GUARDED, max_deletes=3),
    ]
    assert len({guards_digest(one) for one in (GUARDED, *others)}) == 5
