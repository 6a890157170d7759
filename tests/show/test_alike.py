"""What is said of very many places is told once, and nothing that is different is hidden."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.plan import PlanError
from reconciler.errors import Exit, Problem
from reconciler.show.alike import folded
from reconciler.show.text import error_lines


def test_ten_thousand_lines_are_four() -> None:
    lines = [
        f"policies/acme/production/api-{n}.yaml:12:{n % 7 + 1}: policies[{n % 4}].config.password: "
        "a secret stands here as plain text (write ${env:NAME} or ${file:PATH})"
        for n in range(10_000)
    ]
    assert folded(["one", *lines, "two"]) == [
        "one",
        *lines[:3],
        "… 9,997 more like it: policies[].config.password: a secret stands here as plain text "
        "(write ${env:NAME} or ${file:PATH})",
        "two",
    ]


@given(st.lists(st.sampled_from([f"a/b/c{n}: {text}" for n in range(20) for text in "xy"])))
def test_every_message_is_told_and_every_line_counted(lines: list[str]) -> None:
    found = folded(lines)
    for text in "xy":
        told = [line for line in lines if line.endswith(text)]
        shown = [line for line in found if line.endswith(text)]
        assert bool(told) == bool(shown)
        assert len(shown) == (len(told) if len(told) <= 10 else 4)
        if len(told) > 10:
            assert shown[-1] == f"… {len(told) - 3} more like it: {text}"


def test_what_is_wrong_in_files_is_told_of_each_place() -> None:
    found = [Problem(f"a/b/c{n}.yaml", 1, 1, "", "no good") for n in range(20)]
    wrong = [PlanError(one.message, Exit.INVALID, "", one) for one in found]
    failed = [PlanError("did not answer", Exit.FAILURE, f"a/b/c{n}") for n in range(20)]
    lines = error_lines([*failed, *wrong])
    assert lines[3] == "… 17 more like it: did not answer"
    assert lines[4:] == [str(one) for one in found]
