"""Who made a difference, in every form."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.diff import ChangedBy
from reconciler.show.data import drift_data
from reconciler.show.markdown import plan_markdown
from reconciler.show.text import Style, authors_line, plan_text
from tests.show.builders import a_change, a_plan

ADA = ChangedBy("ada@x", "2026-11-20T09:12:44Z", "did it")


def test_one_and_several() -> None:
    bob = ChangedBy("bob@x", "2026-11-19T10:00:00Z", "", delegate="support@y")
    own = ChangedBy("tool@x", "2026-11-18T10:00:00Z", "", is_own=True)
    assert authors_line((ADA,)) == "by ada@x, 2026-11-20 09:12"
    assert authors_line((ADA, bob)) == (
        "by one of: ada@x, 2026-11-20 09:12; support@y as bob@x, 2026-11-19 10:00"
    )
    assert authors_line((own,)) == "by this tool (tool@x), 2026-11-18 10:00"
    assert authors_line((replace(ADA, user=""),)).startswith("by nobody by name, ")


def test_a_change_by_nobody_known_has_no_line_and_no_key() -> None:
    plan = a_plan(a_change())
    assert "\n      by " not in plan_text(plan, Style())
    assert "changedBy" not in drift_data(plan, ())["changes"][0]


def test_a_forged_name_stays_on_its_line() -> None:
    forged = replace(ADA, user="x\n::error::y`|</code><script>", what="a\u202eb")
    plan = a_plan(replace(a_change(action="delete"), by=(forged,)))
    text, markdown = plan_text(plan, Style()), plan_markdown(plan, drift=True)
    assert "\n::error" not in text + markdown
    assert "<script>" not in markdown
    assert "by x\\n" in text
