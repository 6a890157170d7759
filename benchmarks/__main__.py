"""Measures, prints the table and keeps it as JSON; a full run also writes docs/performance.md."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from functools import partial

from benchmarks import estate, pure, report
from benchmarks.measure import ROOT, Figure, Results

_RESULTS = ROOT / "benchmarks" / "results"

Case = Callable[[], Iterable[Figure]]


def cases(results: Results, *, full: bool) -> dict[str, Case]:
    """What is measured, by name."""
    rounds = 5 if full else 3
    return {
        "pure": partial(pure.figures, rounds),
        "fetch": partial(estate.fetching, rounds, full=full),
        "changes": partial(estate.changing, rounds),
        "work": partial(estate.work, rounds),
        "plan": partial(estate.planning, rounds if full else 2),
        "growth": partial(estate.growing, results, full=full),
        "small": partial(estate.small_things, rounds),
        "apply": partial(estate.applying, rounds if full else 1),
        "octodns": partial(estate.octodns, rounds),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds, and 100,000 APIs")
    parser.add_argument("--only", help="the one case of this name")
    parser.add_argument("--publish", action="store_true", help="docs/performance.md anew")
    asked = parser.parse_args()
    if asked.publish:
        report.publish(json.loads((_RESULTS / "full.json").read_text()))
        return 0
    results, failed = Results(), []
    for name, case in cases(results, full=asked.full).items():
        if asked.only not in (None, name):
            continue
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            results.figures.extend(case())
        except (OSError, RuntimeError, AssertionError) as error:
            failed.append(f"{name} could not run: {error}")
    print(report.table(results.figures))
    print("\n".join([*failed, *(f"{key}: {text}" for key, text in report.machine().items())]))
    name = asked.only or ("full" if asked.full else "quick")
    data = report.save(results, _RESULTS / f"{name}.json")
    if asked.full and not asked.only and not failed:
        report.publish(data)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
