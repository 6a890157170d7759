"""In between nothing is weaker than both before and after: a monitor looks after every write.

Whether a state is at least as strong as another is told here from what the service stores, without
any code of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Event
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.core.model import Resource
from reconciler.run.apply import Work, apply
from tests.emulator.driver import Emulator
from tests.providers.suite import Stage, a_policy, an_allowlist, anypoint, memory
from tests.watching import Watching

_ADDRESSES = ["1.1.1.1", "2.2.2.2", "3.3.3.3"]
Level = Mapping[str, float | frozenset[str]]
_OPEN = float("inf")


def _one(draw: st.DrawFn, type_: str) -> Resource:
    if type_ == "ip-allowlist":
        made = an_allowlist(*draw(st.lists(st.sampled_from(_ADDRESSES), min_size=1, unique=True)))
    elif type_ == "http-caching":
        made = a_policy(type_, "1.1.1", ttl=draw(st.sampled_from([60, 600])))
    elif type_ == "spike-control":
        made = a_policy(type_, "1.2.1", maximumRequests=draw(st.integers(1, 3)))
    else:
        made = a_policy(each=draw(st.integers(1, 3)))
    if draw(st.booleans()):
        made.settings["disabled"] = made.canonical["disabled"] = True  # type: ignore[index]
    return made


@st.composite
def sets_of_policies(draw: st.DrawFn) -> list[Resource]:
    types = ["ip-allowlist", "rate-limiting", "spike-control", "http-caching"]
    chosen = draw(st.lists(st.sampled_from(types), unique=True))
    return [_one(draw, type_) for type_ in chosen]


def level(resources: Sequence[Resource]) -> Level:
    """What each kind of protection lets through: a number of requests, or a set of addresses."""
    found: dict[str, Any] = {
        "rate-limiting": _OPEN,
        "spike-control": _OPEN,
        "ip-allowlist": frozenset((*_ADDRESSES, "any other")),
    }
    for each in resources:
        if each.settings["disabled"] or each.key.type not in found:
            continue
        config = each.settings["config"]
        if each.key.type == "rate-limiting":
            found["rate-limiting"] = config["rateLimits"][0]["maximumRequests"]
        elif each.key.type == "spike-control":
            found["spike-control"] = config["maximumRequests"]
        else:
            found["ip-allowlist"] = frozenset(config["ips"])
    return found


def is_as_strong(one: Level, other: Level) -> bool:
    return all(one[name] <= other[name] for name in one)  # type: ignore[operator]


def watched(stage: Stage, live: list[Resource], wanted: list[Resource], *, prune: bool) -> None:
    context = stage.context()
    apply(context, [stage.work(*live)], Event())
    before = level(stage.live())
    seen: list[Level] = []
    watching = Watching(stage.provider, stage.breaker)
    watching.after = lambda: seen.append(level(stage.live()))
    work: Work = stage.work(*wanted, provider=watching, prune=prune)
    outcomes = apply(context, [work], Event())
    assert {item.outcome for item in outcomes} <= {"applied"}
    after = level(stage.live())
    for between in seen:
        assert is_as_strong(between, before) or is_as_strong(between, after)


_SPIKES = [a_policy("spike-control", "1.2.1", maximumRequests=each) for each in (1, 2)]


@given(live=sets_of_policies(), wanted=sets_of_policies(), prune=st.booleans())
@example(
    # Other addresses are neither more nor fewer: they must not wait for the one that only weakens.
    live=[an_allowlist("1.1.1.1"), _SPIKES[0]],
    wanted=[_SPIKES[1], an_allowlist("2.2.2.2")],
    prune=False,
)
def test_nothing_is_weaker_in_between(
    live: list[Resource], wanted: list[Resource], prune: bool
) -> None:
    with memory(None) as stage:  # type: ignore[arg-type]
        watched(stage, live, wanted, prune=prune)


def test_nothing_is_weaker_in_between_on_the_platform(emulator: Emulator) -> None:
    @given(live=sets_of_policies(), wanted=sets_of_policies(), prune=st.booleans())
    def law(live: list[Resource], wanted: list[Resource], prune: bool) -> None:
        with anypoint(emulator) as stage:
            watched(stage, live, wanted, prune=prune)

    law()
