"""The shared suite: what every platform must do, however it is spoken to."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

from reconciler.core.model import Resource
from reconciler.core.outcome import APPLIED, Outcome
from reconciler.run.apply import Work, apply
from tests.breaking import AFTER, BEFORE, Breaking
from tests.builders import actions, an_absent
from tests.emulator.driver import Emulator
from tests.providers.suite import PLATFORMS, Stage, a_policy, a_removal, an_allowlist


@pytest.fixture(params=sorted(PLATFORMS))
def stage(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[Stage]:
    with PLATFORMS[request.param](emulator) as made:
        yield made


def carry_out(stage: Stage, work: Work) -> list[Outcome]:
    return list(apply(stage.context(), [work], Event()))


def settle(stage: Stage, *desired: Resource, prune: bool = False) -> None:
    """Applies what is desired; every step must go well and leave nothing to do."""
    outcomes = carry_out(stage, stage.work(*desired, prune=prune))
    assert [item for item in outcomes if item.outcome != APPLIED] == []
    assert stage.diff(*desired, prune=prune).steps == ()


def segments(stage: Stage) -> list[str]:
    return [resource.key.segment for resource in stage.live()]


def test_create(stage: Stage) -> None:
    settle(stage, a_policy(each=5), an_allowlist())
    assert segments(stage) == ["rate-limiting", "ip-allowlist"]


def test_create_answers_with_what_is_live(stage: Stage) -> None:
    desired = a_policy(name="writes")
    made = stage.provider.create(stage.target, desired, order=None, duplicate=False)
    (live,) = stage.live()
    assert (made.id, made.key, made.canonical) == (live.id, live.key, live.canonical)


def test_update_keeps_the_id_and_the_place(stage: Stage) -> None:
    settle(stage, a_policy(each=5), an_allowlist())
    before = stage.live()
    settle(stage, a_policy(each=6), an_allowlist())
    after = stage.live()
    assert [(item.id, item.order) for item in after] == [(item.id, item.order) for item in before]
    assert after[0].canonical["config"]["rateLimits"][0]["maximumRequests"] == 6


def test_a_new_version_is_an_update(stage: Stage) -> None:
    settle(stage, a_policy(version="1.0.0"))
    (before,) = stage.live()
    settle(stage, a_policy(version="1.4.0"))
    (after,) = stage.live()
    assert (after.id, after.settings["version"]) == (before.id, "1.4.0")


def test_delete(stage: Stage) -> None:
    settle(stage, a_policy(), an_allowlist())
    settle(stage, an_allowlist(), prune=True)
    assert segments(stage) == ["ip-allowlist"]


def test_deleting_what_is_gone_is_deleting(stage: Stage) -> None:
    settle(stage, a_policy())
    (live,) = stage.live()
    stage.provider.delete(stage.target, live)
    stage.provider.delete(stage.target, live)
    assert stage.live() == []


def test_reorder(stage: Stage) -> None:
    settle(stage, a_policy(), an_allowlist(), a_removal())
    settle(stage, a_removal(), a_policy(), an_allowlist())
    assert segments(stage) == ["header-removal", "rate-limiting", "ip-allowlist"]


def test_nothing_to_do_sends_nothing(stage: Stage) -> None:
    desired = [a_policy(), an_allowlist("2.2.2.2", "1.1.1.1")]
    settle(stage, *desired)
    watched = Breaking(stage.provider, stage.breaker)
    carry_out(stage, stage.work(*desired, provider=watched))
    assert watched.writes == 0


def test_unmanaged_ones_are_left_alone(stage: Stage) -> None:
    settle(stage, a_removal(), a_policy(), an_allowlist())
    before = {item.id: item.canonical for item in stage.live()}
    settle(stage, an_allowlist(), a_policy(each=7))
    after = {item.key.type: item for item in stage.live()}
    assert after["header-removal"].canonical == before[after["header-removal"].id]
    assert segments(stage) == ["header-removal", "ip-allowlist", "rate-limiting"]


def test_doubles_are_two_policies(stage: Stage) -> None:
    settle(stage, a_policy(name="one", each=1), a_policy(name="two", each=1))
    settle(stage, a_policy(name="two", each=2), a_policy(name="one", each=1))
    assert segments(stage) == ["rate-limiting:two", "rate-limiting:one"]


BEFORE_IT = [a_removal(), a_policy(each=2), a_policy("http-caching", "1.1.1")]
WANTED = [a_policy(each=1), an_allowlist(), a_removal()]


@pytest.mark.parametrize("how", [BEFORE, AFTER])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_an_interrupted_run_is_finished_by_the_next(stage: Stage, at: int, how: str) -> None:
    settle(stage, *BEFORE_IT)
    absent = [an_absent("http-caching")]
    broken = Breaking(stage.provider, stage.breaker, at, how)
    work = stage.work(*WANTED, provider=broken, absent=absent)
    assert [action for action, _ in actions(work.diff)] == ["create", "update", "reorder", "delete"]
    outcomes = carry_out(stage, work)
    assert len(outcomes) == 4
    carry_out(stage, stage.work(*WANTED, absent=absent))
    assert stage.diff(*WANTED, absent=absent).steps == ()
    assert segments(stage) == ["rate-limiting", "ip-allowlist", "header-removal"]
