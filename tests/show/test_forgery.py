"""Names and values from files and services cannot forge output."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.outcome import FAILED
from reconciler.errors import Exit
from reconciler.show.clean import clean, value
from reconciler.show.data import apply_data, as_json, plan_data
from reconciler.show.markdown import code, fenced, outcomes_markdown, plan_markdown
from reconciler.show.table import table
from reconciler.show.text import Style, outcomes_text, plan_text
from tests.show.builders import ORDERS, a_change, a_field, a_plan, a_reorder, an_outcome

EVIL = (
    "\x1b[2J\x1b[1;1HPlan: nothing to change",
    "a\nPlan: nothing to change; 9 unchanged.",
    "a\rPlan: nothing to change",
    "a\x0b\x0c\x1c\x85 \u2028 \u2029b",
    "\u202eevil\u202c \u2066x\u2069 \u200f",
    "zero\u200bwidth\ufeff",
    "\x00\x07\x08\x7f\x9b31m",
    "| forged | row |",
    "`code` | **bold**",
    "```\n# A heading\n```",
    "<img src=x onerror=alert(1)>",
    "</code><script>alert(1)</script>",
    "[click](https://evil.example.com)",
    "\\| \\` \\\\",
    "@everyone #1",
    "::error file=x::forged",
    "\ud800",
    "\U000e0041tag",
)
_LINE = st.text(max_size=40) | st.sampled_from(EVIL)


def _everywhere(text: str) -> tuple[Any, tuple[Any, ...]]:
    """A plan and its outcomes with `text` in each place that files or services fill."""
    changes = (
        a_change(f"{ORDERS}/{text}", "create", a_field(f"config.{text}", None, text), file=text),
        a_change(f"{ORDERS}/b", "update", a_field("c", {text: [text]}, [text, 1, 2, 3, 4])),
        a_change(f"{ORDERS}/d", "delete", a_field("c", text, None)),
        a_reorder(f"{ORDERS}-x{text}", [text, "b"], ["b", text]),
    )
    plan = a_plan(*changes, unmanaged=[text], warnings=[text], errors=[text])
    return plan, tuple(an_outcome(change, FAILED, text, Exit.FAILURE) for change in changes)


def _shown(text: str) -> tuple[str, str]:
    plan, outcomes = _everywhere(text)
    rows = table([{"a": text}], ["a"], Style())
    return (
        plan_text(plan, Style()) + outcomes_text(outcomes, plan.errors, Style()) + rows,
        plan_markdown(plan) + outcomes_markdown(outcomes, plan.errors),
    )


@given(_LINE)
def test_no_control_or_direction_mark_reaches_the_output(text: str) -> None:
    for shown in _shown(text):
        left = {unicodedata.category(char) for char in shown.replace("\n", "")}
        # The sign of an update has a variation selector, which is a mark (Mn).
        assert not left & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
        shown.encode()


@given(_LINE)
def test_no_line_can_be_added(text: str) -> None:
    honest = [len(shown.split("\n")) for shown in _shown("honest")]
    # A slash in an address is a level of it, and makes other blocks.
    assert [len(shown.split("\n")) for shown in _shown(text.replace("/", "_"))] == honest


@given(_LINE)
def test_no_cell_can_be_added_to_a_markdown_table(text: str) -> None:
    rows = [line for line in _shown(text)[1].split("\n") if line.startswith("| ")]
    assert {row.count("|") for row in rows} <= {7, 5, 4}


@pytest.mark.parametrize("text", EVIL)
def test_markdown_shows_everything_as_code(text: str) -> None:
    markdown = code(text)
    if markdown.startswith("<code>"):
        inner = markdown.removeprefix("<code>").removesuffix("</code>")
        assert not set(inner) & set("<>`|*_[]()\\!@\"'")
    else:
        assert (markdown[0], markdown[-1]) == ("`", "`")
        assert "`" not in markdown[1:-1]
        assert "|" not in markdown


def test_a_bar_stays_a_bar() -> None:
    assert code("GET|POST") == "<code>GET&#124;POST</code>"
    assert code("") == ""


@given(st.text(alphabet="`~\nab ", max_size=60))
def test_nothing_ends_a_fenced_block(text: str) -> None:
    lines = fenced(text).split("\n")
    fence = lines[0].removesuffix("text")
    assert len(fence) >= 3
    assert [line for line in lines if line.startswith(fence)] == [lines[0], fence]


@given(_LINE)
def test_json_says_exactly_what_there_is(text: str) -> None:
    plan, outcomes = _everywhere(text)
    for data in (plan_data(plan), apply_data(plan, "run", outcomes, plan.errors)):
        printed = as_json(data).encode("utf-8", "backslashreplace").decode()
        assert "\x1b" not in printed
        if text.isprintable():
            assert json.loads(printed) == json.loads(json.dumps(data))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Zürich – 東京 ✓", "Zürich – 東京 ✓"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x1b[31m", "\\u001b[31m"),
        ("\u202e", "\\u202e"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        (None, "(none)"),
        ("", '""'),
        ("a b", "a b"),
        (True, "true"),
        (1.5, "1.5"),
        (["é"], '["é"]'),
        ("(none)", "(none)"),
    ],
)
def test_value(item: object, shown: str) -> None:
    assert value(item) == shown
