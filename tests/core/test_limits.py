"""How much a plan may delete without somebody saying so."""

from __future__ import annotations

import pytest

from reconciler.core.diff import UnitDiff
from reconciler.core.limits import MAX_DELETES, DeleteLimit, refused_deletes
from reconciler.core.model import UnitAddress
from tests.builders import a_live_policy, a_policy, diff


def a_unit(deletes: int, kept: int, environment: str = "production") -> UnitDiff:
    """A unit that loses `deletes` policies and keeps others."""
    gone = [a_live_policy(f"gone-{n}", id_=n, order=n) for n in range(1, deletes + 1)]
    live = [a_live_policy(f"kept-{n}", id_=90 + n, order=90 + n) for n in range(kept)]
    desired = [a_policy(f"kept-{n}") for n in range(kept)]
    address = UnitAddress("acme", environment, "orders")
    return diff(desired, [*gone, *live], prune=True, address=address)


def refused(*diffs: UnitDiff, allowed: int | None = None) -> list[str]:
    wanted = [(one.desired.address, len(one.desired.resources)) for one in diffs]
    return refused_deletes(diffs, wanted, DeleteLimit(allowed=allowed))


def test_a_few_deletes_need_no_word() -> None:
    assert refused(a_unit(MAX_DELETES, 100)) == []


def test_many_deletes_are_refused_and_what_to_type_is_said() -> None:
    (message,) = refused(a_unit(MAX_DELETES + 1, 100))
    assert f"--max-deletes {MAX_DELETES + 1}" in message


def test_deletes_are_counted_over_all_environments() -> None:
    assert refused(a_unit(6, 100, "production"), a_unit(5, 100, "sandbox"))


@pytest.mark.parametrize(("deletes", "kept", "is_refused"), [(2, 8, False), (3, 7, True)])
def test_a_fifth_of_an_environment_is_the_most(deletes: int, kept: int, is_refused: bool) -> None:
    assert bool(refused(a_unit(deletes, kept))) is is_refused


def test_in_a_small_environment_a_share_says_nothing() -> None:
    assert refused(a_unit(5, 4)) == []


def test_another_environment_does_not_thin_the_share() -> None:
    (message,) = refused(a_unit(3, 7, "production"), a_unit(0, 100, "sandbox"))
    assert message.startswith("acme/production: 3 of 10")


@pytest.mark.parametrize(
    ("allowed", "is_refused"), [(12, False), (13, False), (11, True), (0, True)]
)
def test_what_was_said_is_the_limit(allowed: int, is_refused: bool) -> None:
    assert bool(refused(a_unit(12, 3), allowed=allowed)) is is_refused
