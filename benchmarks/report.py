"""Figures to a table, a file, a picture, and docs/performance.md."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, Figure, Results

_PACKAGES = ("requests", "urllib3", "PyYAML", "jsonschema", "jsonschema_rs", "deepdiff", "octodns")
_DOCUMENT = ROOT / "docs" / "performance.md"
_NOTES = ROOT / "benchmarks" / "notes.md"


def machine() -> dict[str, str]:
    """What it ran on."""
    versions = {name: _version(name) for name in _PACKAGES}
    shown = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "machine": f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}",
        "python": platform.python_version(),
        "packages": shown,
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def shown(figure: Figure) -> tuple[str, ...]:
    """Name, measured, target, reference, and whether it is met."""
    spread = figure.spread
    between = f" ({_number(spread[0])} to {_number(spread[1])})" if spread else ""
    return (
        figure.name,
        f"{_number(figure.measured)} {figure.unit}{between}",
        f"{_number(figure.target)} {figure.unit}",
        figure.reference or "-",
        "met" if figure.is_met else "missed",
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


_HEAD = ("what", "measured", "at most", "against", "")


def table(figures: Sequence[Figure]) -> str:
    """For a terminal."""
    rows = [_HEAD, *map(shown, figures)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def to_data(results: Results) -> dict[str, Any]:
    figures = [asdict(one) for one in results.figures]
    return {**machine(), "figures": figures, "growth": results.growth}


def from_data(data: dict[str, Any]) -> Results:
    figures = [Figure(**{**one, "spread": _pair(one["spread"])}) for one in data["figures"]]
    return Results(figures, data["growth"])


def _pair(value: Sequence[float] | None) -> tuple[float, float] | None:
    return (value[0], value[1]) if value else None


def draw(results: Results, path: Path) -> None:
    """How close each ratio is to its target, and how time and memory grow."""
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "reconciler"
    both, (left, right) = plt.subplots(1, 2, figsize=(12, 5))
    ratios = [one for one in results.figures if one.unit == "×"]
    left.barh(
        [one.name for one in ratios],
        [one.measured / one.target for one in ratios],
        color=["#2a7f62" if one.is_met else "#b3452c" for one in ratios],
    )
    left.axvline(1, color="black", linewidth=1)
    left.invert_yaxis()
    left.set_title("measured over target; 1 is the target")
    sizes = [one["apis"] for one in results.growth]
    right.loglog(sizes, [one["cpu_s"] for one in results.growth], "o-", label="CPU, s")
    right.loglog(sizes, [one["peak_mb"] for one in results.growth], "s-", label="peak memory, MB")
    right.set_xlabel("APIs")
    right.set_title("a plan, four policies to an API")
    right.legend()
    both.tight_layout()
    both.savefig(path, metadata={"Date": None})
    plt.close(both)


def document(data: dict[str, Any]) -> str:
    """docs/performance.md: the table of the last full run, and the notes."""
    results = from_data(data)
    lines = ["# How fast it is", "", _NOTES.read_text().strip(), "", "## The figures", ""]
    lines += [
        f"One run of `make bench-full` on {data['machine']}, Python {data['python']}; "
        f"{data['packages']}. Each ratio is of medians taken in turns; in brackets the lowest and "
        "the highest of the rounds.",
        "",
        "| what | measured | at most | against | | absolute |",
        "|---|---|---|---|---|---|",
    ]
    for one in results.figures:
        lines.append("| " + " | ".join((*shown(one), one.detail)) + " |")
    lines += ["", "![measured over target, and growth](performance.svg)", ""]
    lines += ["| APIs | wall, 0 ms | CPU | peak memory |", "|---|---|---|---|"]
    for at in results.growth:
        cells = (f"{at['apis']:,.0f}", f"{at['wall_s']:.1f} s", f"{at['cpu_s']:.1f} s")
        lines.append(f"| {' | '.join(cells)} | {at['peak_mb']:.0f} MB |")
    missed = [one.name for one in results.figures if not one.is_met]
    lines += ["", f"Missed: {', '.join(missed)}; why stands above." if missed else "All are met."]
    return "\n".join(lines) + "\n"


def publish(data: dict[str, Any]) -> None:
    """Writes docs/performance.md and its picture."""
    _DOCUMENT.write_text(document(data))
    draw(from_data(data), _DOCUMENT.with_suffix(".svg"))


def save(results: Results, path: Path) -> dict[str, Any]:
    path.parent.mkdir(exist_ok=True)
    data = to_data(results)
    path.write_text(json.dumps(data, indent=1) + "\n")
    return data
