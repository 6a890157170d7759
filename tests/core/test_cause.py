"""Which of the two moved since the last converged run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from reconciler.core.cause import causes
from reconciler.core.known import Digester, KnownUnit, known_unit
from reconciler.core.model import POLICIES, Resource
from tests.builders import REDACTOR, a_live_policy, a_policy, a_tier, actions, an_absent, diff

DIGESTER = Digester(REDACTOR)


def known(desired: Sequence[Resource], live: Sequence[Resource], **more: Any) -> KnownUnit:
    """What a converged run left."""
    found = diff(desired, live, **more)
    assert found.steps == ()
    return known_unit(found, DIGESTER)


def told(
    before: KnownUnit | None, desired: Sequence[Resource], live: Sequence[Resource], **more: Any
) -> list[tuple[str, str]]:
    """Action and cause of each change of now."""
    found = diff(desired, live, **more)
    named = [name for name, _ in actions(found)]
    return list(zip(named, map(str, causes(found, before, DIGESTER)), strict=True))


def desired(limit: int) -> Resource:
    return a_policy("alpha", config={"limit": limit})


def live(limit: int, id_: int = 1, order: int = 1) -> Resource:
    return a_live_policy("alpha", config={"limit": limit}, id_=id_, order=order)


@pytest.mark.parametrize(
    ("wants", "holds", "cause"),
    [(1, 2, "live"), (2, 1, "pending"), (3, 2, "live")],
    ids=["live moved", "files moved", "both moved"],
)
def test_an_update_is_caused_by_who_moved(wants: int, holds: int, cause: str) -> None:
    before = known([desired(1)], [live(1)])
    assert told(before, [desired(wants)], [live(holds)]) == [("update", cause)]


def test_without_a_record_the_cause_is_not_known() -> None:
    assert told(None, [desired(1)], [live(2)]) == [("update", "unknown")]


def test_a_record_under_another_key_does_not_tell() -> None:
    before = known([desired(1)], [live(1)]).without_digests()
    assert told(before, [desired(1)], [live(2)]) == [("update", "unknown")]


def test_what_was_there_and_is_gone_was_taken_away() -> None:
    before = known([desired(1)], [live(1)])
    assert told(before, [desired(1)], []) == [("create", "live")]


def test_what_was_never_there_is_pending() -> None:
    before = known([], [])
    assert told(before, [desired(1)], []) == [("create", "pending")]
    assert told(known([], [], managed=[POLICIES]), [a_tier()], []) == [("create", "pending")]


def test_another_one_in_its_place_is_of_the_platform() -> None:
    before = known([desired(1)], [live(1)])
    assert told(before, [desired(1)], [live(2, id_=9)]) == [("update", "live")]


def test_a_second_one_of_the_same_name_was_taken_away_too() -> None:
    pair = [a_policy("alpha", "one"), a_policy("alpha", "two")]
    both = [a_live_policy("alpha", "one"), a_live_policy("alpha", "two", id_=2, order=2)]
    assert told(known(pair, both), pair, both[:1]) == [("create", "live")]


def test_what_was_there_and_is_to_go_is_pending() -> None:
    before = known([desired(1)], [live(1)])
    assert told(before, [], [live(1)], prune=True) == [("delete", "pending")]
    assert told(before, [], [live(1)], absent=[an_absent()]) == [("delete", "pending")]


def test_what_came_and_is_to_go_is_of_the_platform() -> None:
    assert told(known([], []), [], [live(1)], prune=True) == [("delete", "live")]


def test_what_was_not_read_then_is_not_known() -> None:
    before = known([], [], managed=[POLICIES])
    assert told(before, [], [a_tier(id_=3)], prune=True) == [("delete", "unknown")]


FIRST, SECOND = a_policy("alpha"), a_policy("beta")


def test_an_order_is_caused_by_who_moved() -> None:
    then = [a_live_policy("alpha", id_=1, order=1), a_live_policy("beta", id_=2, order=2)]
    swapped = [a_live_policy("alpha", id_=1, order=2), a_live_policy("beta", id_=2, order=1)]
    before = known([FIRST, SECOND], then)
    assert told(before, [SECOND, FIRST], then) == [("reorder", "pending")]
    assert told(before, [FIRST, SECOND], swapped) == [("reorder", "live")]


def test_places_that_shift_are_no_move() -> None:
    then = [a_live_policy("alpha", id_=1, order=1), a_live_policy("beta", id_=2, order=2)]
    shifted = [a_live_policy("alpha", id_=1, order=3), a_live_policy("beta", id_=2, order=5)]
    before = known([FIRST, SECOND], then)
    assert told(before, [SECOND, FIRST], shifted) == [("reorder", "pending")]
