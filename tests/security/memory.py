"""The memory of this process as Linux counts it.

`ru_maxrss` would not do: a child starts with that of the process which forked it, and a pytest
worker counts all that the tests before this one took.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROCESS = Path("/proc/self")
_RESET_PEAK = "5"


def peak() -> int:
    """Bytes this process held at most since it began, or since the peak was reset."""
    return _status("VmHWM")


@contextmanager
def at_most(megabytes: int) -> Iterator[None]:
    """Fails where what runs inside takes more than so much on top of what is held already."""
    (_PROCESS / "clear_refs").write_text(_RESET_PEAK)
    before = _status("VmRSS")
    yield
    grown = (peak() - before) // 1024**2
    assert grown < megabytes, f"{grown} MB"


def _status(field: str) -> int:
    text = (_PROCESS / "status").read_text()
    (kilobytes,) = re.findall(rf"^{field}:\s+(\d+) kB$", text, re.MULTILINE)
    return int(kilobytes) * 1024
