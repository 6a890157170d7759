"""Figures as a table and as a page, whatever they come to."""

from __future__ import annotations

import json

from benchmarks.measure import Figure, Results, in_turns, ratio
from benchmarks.report import document, from_data, table, to_data

MET = Figure("reading", 0.5, 1, "the other", "×", (0.4, 0.6), "1 s against 2 s")
MISSED = Figure("memory", 1234.5, 100, "", "MB")
RESULTS = Results([MET, MISSED], [{"apis": 1000.0, "wall_s": 1.5, "cpu_s": 1.0, "peak_mb": 60.0}])


def test_the_two_are_taken_in_turns() -> None:
    order: list[str] = []

    def taker(name: str, value: float) -> float:
        order.append(name)
        return value

    taken = in_turns(lambda: taker("a", 1.0), lambda: taker("b", 4.0), 3)
    assert order == ["a", "b"] * 3
    found = ratio("x", 0.5, "b", taken)
    assert (found.measured, found.spread, found.is_met) == (0.25, (0.25, 0.25), True)
    assert found.detail == "1 s against 4 s"


def test_the_table_says_what_is_met_and_what_is_missed() -> None:
    head, *rows = table(RESULTS.figures).splitlines()
    assert head.split() == ["what", "measured", "at", "most", "against"]
    cells = [cell.strip() for cell in rows[0].split("  ") if cell]
    assert cells == ["reading", "0.5 × (0.4 to 0.6)", "1 ×", "the other", "met"]
    assert rows[1].endswith("missed")
    assert "1,234 MB" in rows[1]


def test_it_comes_back_from_its_file() -> None:
    data = json.loads(json.dumps(to_data(RESULTS)))
    assert from_data(data) == RESULTS


def test_the_page_names_what_was_missed() -> None:
    page = document(to_data(RESULTS))
    assert "| reading | 0.5 × (0.4 to 0.6) | 1 × | the other | met | 1 s against 2 s |" in page
    assert "Missed: memory" in page
    assert "| 1,000 | 1.5 s | 1.0 s | 60 MB |" in page
