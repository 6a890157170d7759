"""A plan is a value that can be saved, compared and trusted to hold no secret."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.diff import UnitDiff
from reconciler.core.model import AUTOMATED, OUTBOUND, Target, UnitAddress
from reconciler.core.plan import (
    Plan,
    PlanError,
    PlanFileError,
    desired_digest,
    digest,
    fingerprint,
    from_file,
    make_plan,
    pin,
    stale_fields,
    to_data,
    to_file,
)
from reconciler.core.redact import Redactor, Secret
from reconciler.errors import Exit, Problem
from tests.builders import (
    a_desired,
    a_live,
    a_live_policy,
    a_policy,
    a_tier,
    an_absent,
    diff,
)

ERRORS = (
    PlanError("nobody answers", Exit.FAILURE, "elsewhere"),
    PlanError("is wrong", Exit.INVALID, "acme", Problem("a.yaml", 1, 2, "x.y", "is wrong", "fix")),
)


def a_plan(*diffs: UnitDiff, **changes: Any) -> Plan:
    values: dict[str, Any] = {
        "errors": (),
        "warnings": (),
        "scope": {"org": [], "env": ["prod*"], "api": []},
        "created_at": "2026-11-01T00:00:00Z",
    }
    return make_plan(diffs, **(values | changes))


def a_diff(unit: str = "orders") -> UnitDiff:
    """One of everything: create, update, delete, reorder, a tier, and one that is unmanaged."""
    live = [
        a_live_policy("alpha", config={"limit": 1}, id_=1, order=1),
        a_live_policy("beta", config={"ips": ["1.1.1.1"]}, id_=2, order=2),
        a_live_policy("http-caching", config={"ttl": 1}, id_=3, order=3),
        a_live_policy("own", id_=4, order=4),
        a_tier(id_=9),
    ]
    desired = [
        a_policy("beta", config={"ips": ["1.1.1.1"]}),
        a_policy("alpha", config={"limit": 2}),
        a_policy("gamma", config={"key": Secret("hidden-value", "${env:KEY}")}),
        a_tier(),
    ]
    absent = [an_absent("http-caching")]
    return diff(desired, live, absent=absent, address=UnitAddress("acme", "production", unit))


def everything() -> Plan:
    return a_plan(a_diff("orders"), a_diff("pay"), errors=ERRORS, warnings=("mind the gap",))


def test_the_counts_are_those_of_the_changes() -> None:
    assert a_plan(a_diff()).counts == {
        "create": 1,
        "update": 1,
        "delete": 1,
        "reorder": 1,
        "unchanged": 2,
        "unmanaged": 1,
    }


def test_the_json_form_is_the_contract() -> None:
    data = to_data(a_plan(a_diff()))
    assert list(data) == [
        "schemaVersion",
        "command",
        "digest",
        "createdAt",
        "summary",
        "changes",
        "unmanaged",
        "errors",
        "warnings",
    ]
    assert data["changes"][0] == {
        "address": "acme/production/orders/gamma",
        "platform": "anypoint",
        "kind": "policy",
        "action": "create",
        "effect": "strengthens",
        "fields": [
            {"path": "version", "live": None, "desired": "1.0.0"},
            {"path": "config.key", "live": None, "desired": "${env:KEY}"},
        ],
        "source": {"file": "orders.yaml", "line": 7},
    }


def test_a_plan_survives_its_file() -> None:
    plan = everything()
    read, claimed = from_file(json.loads(json.dumps(to_file(plan))))
    assert json.dumps(to_file(read)) == json.dumps(to_file(plan))
    assert claimed == digest(plan) == digest(read)


def test_the_digest_leaves_out_when_it_was_made() -> None:
    one, other = (a_plan(a_diff(), created_at=at) for at in ("2026-11-01", "2026-11-02"))
    assert digest(one) == digest(other)
    assert to_data(one) != to_data(other)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each key and item of a JSON document, and of what they hold."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield (*path, key)
        yield from _places(item, (*path, key))


def _edited(data: Any, path: tuple[Any, ...], *, remove: bool) -> Any:
    """A copy in which the value at `path` is another one, or gone."""
    made = copy.deepcopy(data)
    holder = made
    for part in path[:-1]:
        holder = holder[part]
    if remove:
        del holder[path[-1]]
    else:
        old = holder[path[-1]]
        holder[path[-1]] = {bool: not old, int: 99}.get(type(old), "edited")
    return made


@pytest.mark.parametrize("remove", [False, True])
def test_any_edit_of_a_plan_file_is_noticed(remove: bool) -> None:
    data = json.loads(json.dumps(to_file(everything())))
    unnoticed = []
    for path in _places(data):
        try:
            plan, claimed = from_file(_edited(data, path, remove=remove))
        except PlanFileError:
            continue
        if digest(plan) == claimed:
            unnoticed.append(path)
    assert unnoticed == ([] if remove else [("createdAt",)])


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "plan",
        {},
        {"command": "plan"},
        {"command": "drift", "schemaVersion": 1, "apply": {}},
        {"command": "plan", "schemaVersion": 2, "apply": {}},
        {"command": "plan", "schemaVersion": 1, "apply": None},
        {"command": "plan", "schemaVersion": 1, "apply": {"units": 3}, "changes": [7]},
    ],
)
def test_what_is_no_plan_file_is_said(data: Any) -> None:
    with pytest.raises(PlanFileError):
        from_file(data)


def test_shuffled_input_gives_the_same_bytes() -> None:
    diffs = [a_diff(unit) for unit in ("orders", "pay", "customers", "zebra")]
    errors = list(ERRORS)
    first = json.dumps(to_file(a_plan(*diffs, errors=errors)))
    for seed in range(5):
        random.Random(seed).shuffle(diffs)
        random.Random(seed).shuffle(errors)
        assert json.dumps(to_file(a_plan(*diffs, errors=errors))) == first


def test_changes_stand_in_the_order_of_their_units() -> None:
    plan = a_plan(a_diff("zebra"), a_diff("alpaca"))
    units = [change.address.split("/")[2] for change in plan.changes]
    assert units == sorted(units)
    assert [item.address for item in plan.pins] == [
        "acme/production/alpaca",
        "acme/production/zebra",
    ]


def test_only_touched_units_are_pinned() -> None:
    assert a_plan(diff([a_policy()], [a_live_policy()])).pins == ()


def test_problems_of_a_unit_are_errors_of_the_plan() -> None:
    (error,) = a_plan(diff([a_policy(version=None)], [])).errors
    assert (error.exit, error.address) == (Exit.INVALID, "acme/production/orders")
    assert error.problem is not None


def test_secrets_that_nobody_can_compare_are_one_warning() -> None:
    key = Secret("hidden-value", "${env:KEY}")
    desired = a_policy("gamma", config={"a": key, "b": key}, write_only=["config.a", "config.b"])
    (warning,) = a_plan(diff([desired], [a_live_policy("gamma")])).warnings
    assert warning.startswith("2 secrets not compared")


PLANTED = "planted-secret-value"


def _planted(place: str, *, is_live: bool) -> Any:
    """A policy with the secret at one place; live ones hold it as plain text."""
    value: Any = PLANTED if is_live else Secret(PLANTED, "${env:KEY}" if len(place) % 2 else "")
    config: dict[str, Any] = {
        "config.key": {"key": value},
        "config.deep.key": {"deep": {"key": value}},
        "config.list": {"list": [value, "plain"]},
        "config.items.*.key": {"items": [{"key": value}, {"key": "other"}]},
        "config.a.b": {"a.b": value},
    }[place]
    make = a_live_policy if is_live else a_policy
    return make("gamma", config=config, secrets=[place])


PLACES = ["config.key", "config.deep.key", "config.list", "config.items.*.key", "config.a.b"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("ours", ["desired", "nothing", "other"])
@pytest.mark.parametrize("theirs", ["live", "nothing", "other"])
def test_a_plan_never_holds_a_secret(place: str, ours: str, theirs: str) -> None:
    """Created, deleted, updated from and to it, and pinned."""
    desired = {
        "desired": [_planted(place, is_live=False)],
        "nothing": [],
        "other": [a_policy("gamma", config={"x": 1}, secrets=[place])],
    }
    live = {
        "live": [_planted(place, is_live=True)],
        "nothing": [],
        "other": [a_live_policy("gamma", config={"x": 2})],
    }
    plan = a_plan(diff(desired[ours], live[theirs], prune=True))
    assert PLANTED not in json.dumps(to_file(plan))
    assert PLANTED not in repr(plan)


def test_digests_of_secrets_need_the_key() -> None:
    def shown(key: bytes) -> Any:
        return to_data(a_plan(diff([_literal()], [], Redactor(lambda: key))))["changes"]

    assert shown(b"one") == shown(b"one") != shown(b"other")


def _literal() -> Any:
    return a_policy("gamma", config={"key": Secret(PLANTED)}, secrets=["config.key"])


def test_the_fingerprint_does_not_depend_on_the_key() -> None:
    desired = a_desired(_literal())
    live = a_live(a_live_policy("gamma", config={"key": "old"}))
    assert (
        fingerprint(desired, live)
        == pin(diff([_literal()], live.resources, Redactor(lambda: b"x"))).fingerprint
    )


@pytest.mark.parametrize(
    "moved",
    [
        a_live_policy(config={"limit": 2}),
        a_live_policy(disabled=True),
        a_live_policy(version="1.0.1"),
        a_live_policy(order=2),
        a_live_policy(id_=2),
        a_live_policy(name="label"),
        a_live_policy(rules=[{"methods": ["GET"], "path": "/"}]),
    ],
)
def test_the_fingerprint_moves_with_anything_live(moved: Any) -> None:
    desired = a_desired()
    assert fingerprint(desired, a_live(moved)) != fingerprint(desired, a_live(a_live_policy()))


def test_the_fingerprint_does_not_see_spellings() -> None:
    desired = a_desired()
    one, other = (a_live(a_live_policy(config=config)) for config in ({}, {"limit": "10"}))
    assert fingerprint(desired, one) == fingerprint(desired, other)


@pytest.mark.parametrize(
    "other",
    [
        a_desired(a_policy(config={"limit": 2})),
        a_desired(a_policy(disabled=True)),
        a_desired(a_policy(name="writes")),
        a_desired(a_policy(), prune=True),
        a_desired(a_policy(), absent=[an_absent("beta")]),
        a_desired(a_policy(), managed=[]),
        a_desired(a_policy(), a_policy("beta")),
        a_desired(a_policy(listed=OUTBOUND)),
        a_desired(a_policy(config={"x": Secret("1", "${env:X}")})),
    ],
)
def test_the_digest_of_desired_moves_with_what_is_wanted(other: Any) -> None:
    assert desired_digest(other) != desired_digest(a_desired(a_policy()))


def test_the_digest_of_desired_holds_references_and_not_values() -> None:
    one, other = (
        a_desired(a_policy(config={"x": Secret(value, "${env:X}")})) for value in ("1", None)
    )
    assert desired_digest(one) == desired_digest(other)


def stale(before: list[Any], after: list[Any], desired: list[Any] | None = None) -> list[str]:
    pinned = pin(diff(desired or [], before))
    return stale_fields(pinned, a_desired(*(desired or [])), a_live(*after))


def test_stale_fields_say_what_moved() -> None:
    before = a_live_policy(config={"limit": 1, "deep": {"a": 1}})
    after = a_live_policy(config={"limit": 2, "deep": {"a": 1, "b": [1]}}, order=3)
    assert stale([before], [after]) == [
        "alpha: config.deep.b was null, is [1]",
        "alpha: config.limit was 1, is 2",
        "alpha: order was 1, is 3",
    ]


def test_stale_fields_say_what_is_new_and_what_is_gone() -> None:
    lines = stale([a_live_policy("alpha")], [a_live_policy("beta", id_=2)])
    assert lines == ["alpha: is gone", "beta: is new"]


def test_stale_fields_never_tell_a_secret() -> None:
    before, after = (a_live_policy("gamma", config={"key": key}) for key in (PLANTED, "x"))
    lines = stale([before], [after], [_literal()])
    assert PLANTED not in " ".join(lines)


def test_the_place_of_a_unit_is_pinned() -> None:
    target = Target("http://127.0.0.1", "o", "e", "5")
    found = replace(diff([a_policy()], []), desired=a_desired(a_policy(), target=target))
    assert a_plan(found).pins[0].target == target


def test_automated_policies_are_shown_as_such() -> None:
    (change,) = a_plan(diff([a_policy(listed=AUTOMATED, ruleOfApplication=None)], [])).changes
    assert change.kind == "automatedPolicy"
