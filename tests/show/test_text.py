"""Plans and outcomes as text."""

from __future__ import annotations

import pytest

from reconciler.core.outcome import FAILED, SKIPPED
from reconciler.errors import Exit
from reconciler.show.text import Style, outcomes_text, plan_text
from tests.show.builders import (
    FILE,
    ORDERS,
    a_change,
    a_field,
    a_plan,
    a_reorder,
    an_outcome,
)

CREATE = a_change(f"{ORDERS}/cors", "create", a_field("version", None, "1.3.2"), a_field())
UPDATE = a_change(f"{ORDERS}/spike", "update", a_field("config.max", 10, "ten"))
DELETE = a_change(f"{ORDERS}/http-caching", "delete", a_field("config.ttl", 600, None))


def _plain(*changes: object, **parts: object) -> list[str]:
    return plan_text(a_plan(*changes, **parts), Style()).splitlines()  # type: ignore[arg-type]


def test_changes_stand_under_their_api_with_their_fields_and_lines() -> None:
    assert _plain(CREATE, UPDATE, DELETE, unchanged=4) == [
        ORDERS,
        f"  + cors  {FILE}:7",
        "      version     1.3.2",
        "      config.ttl  600",
        f"  ~ spike  {FILE}:7",
        "      config.max  10 → ten",
        f"  - http-caching  {FILE}:7",
        "",
        "Plan: 1 to create, 1 to update, 1 to delete; 4 unchanged.",
    ]


def test_each_api_has_a_block_of_its_own() -> None:
    other = a_change("acme/production/pay/cors")
    lines = _plain(CREATE, other)
    assert lines.index("acme/production/pay") == lines.index("") + 1


def test_an_order_is_shown_as_two_rows() -> None:
    assert _plain(a_reorder(live=["a", "b", "c"], desired=["c", "a", "b"]))[1:4] == [
        "  ↕ order",
        "      live    a › b › c",
        "      desired c › a › b",
    ]


def test_a_change_of_the_environment_itself() -> None:
    lines = _plain(a_change("acme/production/automatedPolicies/message-logging"))
    assert lines[:2] == ["acme/production/automatedPolicies", f"  + message-logging  {FILE}:7"]


@pytest.mark.parametrize(
    ("live", "desired", "shown"),
    [
        (1, 2, "1 → 2"),
        (True, False, "true → false"),
        (None, "x", "(none) → x"),
        ("", "x", '"" → x'),
        ("x", None, "x → (none)"),
        ([], ["a"], '[] → ["a"]'),
        ({"a": 1}, {"a": 2}, '{"a": 1} → {"a": 2}'),
        (["a", "b", "c"], ["b", "c", "d"], "+d -a (3 → 3 entries)"),
        (["a", "b", "c"], ["c", "b", "a"], "3 entries in another order"),
        ([], list(range(30)), "+0 +1 +2 +3 +4 +5 +6 +7 +8 +9 … 20 more (0 → 30 entries)"),
    ],
)
def test_values_of_a_difference(live: object, desired: object, shown: str) -> None:
    change = a_change(ORDERS + "/x", "update", a_field("config.a", live, desired))
    assert _plain(change)[2] == f"      config.a  {shown}"


@pytest.mark.parametrize(
    ("live", "desired"), [(["a", "a", "b"], ["a", "b", "b"]), ([1, 2, 3, 1], [True, 2, 3, 1])]
)
def test_lists_that_differ_in_repeats_or_types_do_not_look_equal(
    live: list[object], desired: list[object]
) -> None:
    change = a_change(ORDERS + "/x", "update", a_field("config.a", live, desired))
    assert "another order" not in _plain(change)[2]


def test_nothing_to_do() -> None:
    assert _plain(unchanged=3) == ["Plan: nothing to change; 3 unchanged."]
    text = plan_text(a_plan(unchanged=3), Style(), drift=True)
    assert text == "Drift: no drift; 3 unchanged.\n"


def test_unmanaged_policies_stand_on_a_line_for_each_api() -> None:
    few = _plain(unmanaged=[f"{ORDERS}/own", f"{ORDERS}/cors"])
    assert few[:2] == ["Live, but in no file (left alone):", f"  ? {ORDERS}: own, cors"]
    assert few[-1] == "Plan: nothing to change; 0 unchanged, 2 unmanaged."


def test_unmanaged_policies_are_listed_for_up_to_twenty_apis() -> None:
    apis = [f"acme/production/api-{number:02}" for number in range(25)]
    many = _plain(unmanaged=[f"{api}/{name}" for api in apis for name in ("own", "cors")])
    assert len(many) == 24
    assert many[21] == "    … 10 more on 5 APIs"


def test_errors_and_warnings_come_last_and_are_counted() -> None:
    lines = _plain(CREATE, errors=["no answer", "again"], warnings=["mind this"])
    assert lines[5:] == [
        "Warnings:",
        "  ! mind this",
        "",
        "Errors:",
        f"  ✗ {ORDERS}: no answer",
        f"  ✗ {ORDERS}: again",
        "",
        "Plan: 1 to create; 0 unchanged, 2 errors.",
    ]
    assert _plain(errors=["no answer"])[-1] == "Plan: incomplete; 0 unchanged, 1 error."


def test_outcomes_say_what_became_of_each_change() -> None:
    outcomes = (
        an_outcome(CREATE),
        an_outcome(UPDATE, FAILED, "it said no", Exit.FAILURE),
        an_outcome(DELETE, SKIPPED, "an earlier one failed", Exit.PARTIAL),
    )
    assert outcomes_text(outcomes, (), Style()).splitlines() == [
        f"  ✓ create  {ORDERS}/cors",
        f"  ✗ update  {ORDERS}/spike failed: it said no",
        f"  · delete  {ORDERS}/http-caching skipped: an earlier one failed",
        "",
        "Apply: 1 applied, 1 failed, 1 skipped.",
    ]


def test_colour_changes_no_word() -> None:
    plan = a_plan(
        CREATE, UPDATE, DELETE, a_reorder(), unmanaged=["x"], errors=["e"], warnings=["w"]
    )
    painted = plan_text(plan, Style(colour=True))
    assert "\x1b[32m+\x1b[0m cors" in painted
    for code in ("1", "2", "31", "32", "33", "36", "0"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert painted == plan_text(plan, Style())
