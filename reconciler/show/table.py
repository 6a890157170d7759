"""Rows as an aligned table; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.show.clean import clean
from reconciler.show.text import Style


def table(rows: Sequence[Mapping[str, str]], columns: Sequence[str], style: Style) -> str:
    """The named columns of all rows under their names; ends with a newline."""
    cells = [[clean(row.get(name, "")) for name in columns] for row in rows]
    widths = [
        max([len(name), *(len(line[index]) for line in cells)])
        for index, name in enumerate(columns)
    ]
    head = style.bold(_line([name.upper() for name in columns], widths))
    return "\n".join([head, *(_line(line, widths) for line in cells)]) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
