"""Plans and outcomes as Markdown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.outcome import SKIPPED
from reconciler.core.plan import Plan
from reconciler.errors import Exit
from reconciler.show.markdown import LIMITS, files_markdown, outcomes_markdown, plan_markdown
from tests.show.builders import ORDERS, a_change, a_field, a_plan, a_reorder, an_outcome

UPDATE = a_change(f"{ORDERS}/cors", "update", a_field("config.ttl", 1, 2))
DELETE = a_change(f"{ORDERS}/http-caching", "delete", a_field("config.ttl", 600, None))


def test_a_plan_is_counts_then_each_change_with_its_fields() -> None:
    plan = a_plan(UPDATE, DELETE, unchanged=4, unmanaged=[f"{ORDERS}/own"])
    assert plan_markdown(plan).splitlines() == [
        "## Plan",
        "",
        "| create | update | delete | reorder | unchanged | unmanaged |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
        "| 0 | 1 | 1 | 0 | 4 | 1 |",
        "",
        "<details open><summary><code>acme/production/orders</code> ✏️ 1, ➖ 1</summary>",
        "",
        f"✏️ **update** `{ORDERS}/cors`",
        "",
        "| field | live | desired |",
        "| --- | --- | --- |",
        "| `config.ttl` | `1` | `2` |",
        "",
        f"➖ **delete** `{ORDERS}/http-caching`",
        "",
        "</details>",
        "",
        "**Live, but in no file**",
        "",
        f"- `{ORDERS}/own`",
    ]


def test_an_order_is_a_field() -> None:
    assert '| `order` | `["a", "b"]` | `["b", "a"]` |' in plan_markdown(a_plan(a_reorder()))


def test_nothing_to_do() -> None:
    assert plan_markdown(a_plan()).endswith("\n\nNothing to change.\n")
    assert plan_markdown(a_plan(), drift=True).endswith("\n\nNo drift.\n")
    assert "Nothing to change" not in plan_markdown(a_plan(errors=["no answer"]))


def test_errors_and_warnings_are_lists() -> None:
    lines = plan_markdown(a_plan(errors=["no answer"], warnings=["mind this"])).splitlines()
    assert lines[-7:] == [
        "**❌ Errors**",
        "",
        f"- `{ORDERS}: no answer`",
        "",
        "**Warnings**",
        "",
        "- `mind this`",
    ]


def test_outcomes_are_a_table() -> None:
    outcomes = (an_outcome(UPDATE), an_outcome(DELETE, SKIPPED, "not now", Exit.PARTIAL))
    assert outcomes_markdown(outcomes, ()).splitlines() == [
        "## Apply",
        "",
        "| change | address | outcome | reason |",
        "| --- | --- | --- | --- |",
        f"| delete | `{ORDERS}/http-caching` | skipped | `not now` |",
        f"| update | `{ORDERS}/cors` | applied |  |",
    ]


def many(apis: int, length: int = 1) -> Plan:
    """A plan with one change for each of so many APIs."""
    return a_plan(
        *(
            a_change(
                f"acme/production/api-{n}/cors", "update", a_field("config.x", n, "y" * length)
            )
            for n in range(apis)
        ),
        unmanaged=[f"acme/production/api-{n}/own" for n in range(apis)],
        warnings=[f"{n} is odd" for n in range(apis)],
        errors=[f"{n} is no good" for n in range(apis)],
    )


@pytest.mark.parametrize("host", LIMITS)
@pytest.mark.parametrize("apis", [3, 2_000])
def test_a_comment_is_never_longer_than_its_host_takes(host: str, apis: int) -> None:
    text = plan_markdown(many(apis, 60), limit=LIMITS[host])
    assert len(text) <= LIMITS[host]
    assert f"| 0 | {apis:,} | 0 | 0 | 0 | {apis:,} |" in text
    assert text.count("<details") == text.count("</details>")
    shown = text.count("**update**")
    if shown < apis:
        left = f"{apis - shown:,}"
        assert f"… {left} APIs more, with {left} changes, have no room here" in text


@given(st.integers(0, 60), st.integers(0, 400), st.integers(1_500, 20_000))
def test_what_has_no_room_is_counted(apis: int, length: int, limit: int) -> None:
    text = plan_markdown(many(apis, length), limit=limit)
    assert len(text.encode("utf-16-le")) // 2 <= limit
    shown = text.count("**update**")
    told = re.search(r"… (\d+) APIs? more, with (\d+) changes", text)
    assert shown + (int(told[2]) if told else 0) == apis


@given(st.integers(0, 200), st.integers(0, 300), st.integers(1_500, 9_000))
def test_so_are_outcomes_and_errors_of_files(count: int, length: int, limit: int) -> None:
    outcomes = [an_outcome(UPDATE, SKIPPED, "x" * length, Exit.PARTIAL)] * count
    text = outcomes_markdown(outcomes, many(count, length).errors, limit=limit)
    assert len(text) <= limit
    told = re.search(r"… ([\d,]+) more rows", text)
    assert text.count("| update |") + (int(told[1]) if told else 0) == count
    assert len(files_markdown(many(count, length), limit=limit)) <= limit
