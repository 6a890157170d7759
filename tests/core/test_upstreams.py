"""Names of upstreams, and outbound policies that the service holds one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.diff import UnitDiff, diff_unit
from reconciler.core.model import OUTBOUND, Resource
from reconciler.core.upstreams import Upstreams, find_upstream, upstream_name
from tests.builders import (
    CATALOGUE,
    REDACTOR,
    a_desired,
    a_live,
    a_live_policy,
    a_policy,
    actions,
)

TWO: Upstreams = {"u1": ("backend", "https://one"), "u2": (None, "https://two")}
FOUR: Upstreams = {f"u{n}": (n, f"https://{n}") for n in "abcd"}


def outward(*upstreams: str, **more: Any) -> Resource:
    return a_policy("outward", listed=OUTBOUND, upstreams=list(upstreams), **more)


def live_outward(*upstreams: str, id_: int = 1, **more: Any) -> Resource:
    return a_live_policy("outward", listed=OUTBOUND, upstreams=list(upstreams), id_=id_, **more)


def compared(
    *desired: Resource, live: tuple[Resource, ...] = (), upstreams: Upstreams = FOUR, **more: Any
) -> UnitDiff:
    unit = a_live(*live, upstreams=upstreams, **more)
    return diff_unit(a_desired(*desired), unit, CATALOGUE, REDACTOR)


@pytest.mark.parametrize(
    ("upstreams", "name"),
    [
        ({"u1": ("backend", "https://b")}, "backend"),
        ({"u1": (None, "https://b")}, "https://b"),
        ({"u1": (None, "")}, "u1"),
        ({}, "u1"),
        ({"u1": ("same", "https://b"), "u2": ("same", "https://c")}, "https://b"),
        ({"u1": ("same", "https://b"), "u2": ("same", "https://b")}, "u1"),
    ],
)
def test_an_upstream_is_shown_by_what_only_it_has(upstreams: Upstreams, name: str) -> None:
    assert upstream_name("u1", upstreams) == name


@pytest.mark.parametrize(
    ("name", "found"),
    [("backend", "u1"), ("https://one", "u1"), ("https://two", "u2"), ("u2", "u2"), ("u3", None)],
)
def test_an_upstream_is_found_by_label_uri_and_id(name: str, found: str | None) -> None:
    assert find_upstream(name, TWO) == found


@pytest.mark.parametrize("name", ["backend", "https://one", "u1"])
def test_the_spelling_of_an_upstream_is_no_change(name: str) -> None:
    desired = outward(name)
    found = compared(desired, live=(live_outward("backend"),), upstreams=TWO)
    assert found.steps == ()
    # What is pinned and digested is what the files say.
    assert found.desired.resources == (desired,)


def test_an_unknown_upstream_is_a_problem_that_lists_the_known_ones() -> None:
    problem = compared(outward("front"), upstreams=TWO).problems[0]
    assert problem.message == "the API has no upstream called 'front'"
    assert problem.hint == "it has: backend, https://two"
    assert (problem.file, problem.line) == ("orders.yaml", 7)


def test_a_label_that_two_upstreams_have_is_a_problem() -> None:
    doubled: Upstreams = {"u1": ("same", "https://b"), "u2": ("same", "https://c")}
    problem = compared(outward("same"), upstreams=doubled).problems[0]
    assert problem.message == "the API has several upstreams called 'same'"
    assert problem.hint == "it has: https://b, https://c"


def test_an_api_without_upstreams_says_so() -> None:
    assert compared(outward("front"), upstreams={}).problems[0].hint == "it has none"


def test_one_entry_may_live_as_one_policy_for_each_upstream() -> None:
    live = (live_outward("b", id_=1), live_outward("a", id_=2))
    assert compared(outward("a", "b"), live=live).steps == ()
    assert compared(outward("a", "b"), live=(live_outward("b", "a"),)).steps == ()


def test_an_upstream_that_is_left_out_is_created_alone() -> None:
    found = compared(outward("a", "b", "c"), live=(live_outward("b"),))
    assert actions(found) == [("create", "outward")]
    created = found.steps[0].desired
    assert created is not None
    assert created.settings["upstreams"] == ["a", "c"]


def test_each_of_the_policies_is_changed() -> None:
    live = (live_outward("a", id_=1, version="0.9.0"), live_outward("b", id_=2, version="0.9.0"))
    found = compared(outward("a", "b"), live=live)
    assert [step.live.id for step in found.steps if step.live] == ["1", "2"]


def test_an_upstream_that_is_dropped_is_left_alone_or_moved() -> None:
    apart = (live_outward("a", id_=1), live_outward("b", id_=2))
    found = compared(outward("a"), live=apart)
    assert (found.steps, [item.address[-9:] for item in found.unmanaged]) == ((), ["outward@2"])
    together = compared(outward("a"), live=(live_outward("a", "b"),))
    assert [field.path for field in together.steps[0].change.fields] == ["upstreams"]


def test_what_is_off_and_may_be_hidden_is_not_created() -> None:
    hiding = frozenset((OUTBOUND,))
    found = compared(outward("a", disabled=True), hides_disabled=hiding)
    assert found.steps == ()
    assert "the service may not list what is switched off" in found.warnings[0]
    assert actions(compared(outward("a", disabled=True))) == [("create", "outward")]
    assert actions(compared(outward("a"), hides_disabled=hiding)) == [("create", "outward")]


@given(st.permutations("abcd"), st.lists(st.integers(1, 3), max_size=3))
def test_any_division_of_an_entry_is_no_change(order: list[str], cuts: list[int]) -> None:
    edges = sorted({0, 4, *cuts})
    parts = [order[start:end] for start, end in zip(edges, edges[1:], strict=False)]
    live = tuple(live_outward(*part, id_=number) for number, part in enumerate(parts, 1))
    assert compared(outward(*"abcd"), live=live).steps == ()


def test_a_uri_with_a_password_is_no_name() -> None:
    upstreams: Upstreams = {"u1": (None, "https://svc:s3cret@one")}
    assert upstream_name("u1", upstreams) == "u1"
    assert find_upstream("https://svc:s3cret@one", upstreams) == "u1"
