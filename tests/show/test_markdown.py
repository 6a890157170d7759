"""Plans and outcomes as Markdown."""

from __future__ import annotations

from reconciler.core.outcome import SKIPPED
from reconciler.errors import Exit
from reconciler.show.markdown import outcomes_markdown, plan_markdown
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
        f"✏️ **update** `{ORDERS}/cors`",
        "",
        "| field | live | desired |",
        "| --- | --- | --- |",
        "| `config.ttl` | `1` | `2` |",
        "",
        f"➖ **delete** `{ORDERS}/http-caching`",
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
        "**Warnings**",
        "",
        "- `mind this`",
        "",
        "**Errors**",
        "",
        f"- `{ORDERS}: no answer`",
    ]


def test_outcomes_are_a_table() -> None:
    outcomes = (an_outcome(UPDATE), an_outcome(DELETE, SKIPPED, "not now", Exit.PARTIAL))
    assert outcomes_markdown(outcomes, ()).splitlines() == [
        "## Apply",
        "",
        "| change | address | outcome | reason |",
        "| --- | --- | --- | --- |",
        f"| update | `{ORDERS}/cors` | applied |  |",
        f"| delete | `{ORDERS}/http-caching` | skipped | `not now` |",
    ]
