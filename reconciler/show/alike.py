"""Many lines that say the same of different places, told as few. Pure.

One fault in what many APIs share is told of each of them: nobody reads ten thousand lines of it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

_MOST = 10
_SHOWN = 3
_PLACE = re.compile(r"^\S*/\S*?(:\d+:\d+)?: ")
_INDEX = re.compile(r"\[\d+\]")


def folded(lines: Sequence[str]) -> list[str]:
    """The lines in their order; of more than ten that differ only in where they were found, the
    first three and how many more."""
    said = [_INDEX.sub("[]", _PLACE.sub("", line)) for line in lines]
    many = {text: count for text, count in Counter(said).items() if count > _MOST}
    seen: dict[str, int] = defaultdict(int)
    kept: list[str] = []
    for line, text in zip(lines, said, strict=True):
        seen[text] += 1
        if text not in many or seen[text] <= _SHOWN:
            kept.append(line)
        elif seen[text] == _SHOWN + 1:
            kept.append(f"… {many[text] - _SHOWN:,} more like it: {text}")
    return kept
