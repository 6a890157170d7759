"""Lists of addresses: what each item stands for, and which say nothing new.

The service takes single addresses, CIDR blocks, ranges `a-b` and the leading part of an IPv4
address, such as `10.1` (facts, ip-allowlist).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

_PARTIAL = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}\.?")
_LAST = {4: 2**32 - 1, 6: 2**128 - 1}
_EXAMPLES = "write one such as 10.1.2.3, 10.0.0.0/8, 10.0.0.1-10.0.0.9, 10.1 or 2001:db8::/32"
_MEANT = (
    (re.compile(r"^\s|\s$"), "remove the blanks around it"),
    (re.compile(r"\*"), "leave the * out: 10.1 stands for all that starts so"),
    (re.compile(r"/.*[.:]"), "write the length of the prefix after the /, as in 10.0.0.0/8"),
    (re.compile(r"/"), "write a length of 0 to 32 after the /, 0 to 128 for IPv6"),
    (re.compile(r"-.*-|^-|-$"), "write a range as 10.0.0.1-10.0.0.9"),
    (re.compile(r"[g-zG-Z]"), "names are not looked up: write the addresses"),
    (re.compile(r"\b0[0-9]"), "leave out leading zeros"),
    (re.compile(r"\b([0-9]{4,}|[3-9][0-9]{2}|2[6-9][0-9]|25[6-9])\b"), "each part is 0 to 255"),
)


@dataclass(frozen=True, slots=True)
class Span:
    """All addresses from `first` to `last`, as numbers. meant: the network, where the item was
    written with bits beyond its prefix."""

    version: int
    first: int
    last: int
    meant: str = ""

    @property
    def is_everything(self) -> bool:
        return self.first == 0 and self.last == _LAST[self.version]


def read_span(text: str) -> Span | None:
    """What an item stands for; None where the service would not understand it."""
    if text != text.strip():
        return None
    if _PARTIAL.fullmatch(text):
        return _partial(text.rstrip("."))
    if "/" in text:
        return _network(text)
    first, dash, last = text.partition("-")
    start = _single(first.strip())
    end = _single(last.strip()) if dash else start
    if start is None or end is None or start.version != end.version or end.last < start.first:
        return None
    return Span(start.version, start.first, end.last)


def advice(text: str) -> str:
    """What to write in place of an item that is none."""
    first, dash, last = text.partition("-")
    start, end = _single(first.strip()), _single(last.strip()) if dash else None
    if start and end:
        is_backwards = start.version == end.version
        return (
            "write the lower address first" if is_backwards else "write both ends as IPv4 or IPv6"
        )
    before, slash, _ = text.partition("/")
    if slash and _single(before) is None:
        return "write a whole address before the /"
    return next((hint for pattern, hint in _MEANT if pattern.search(text)), _EXAMPLES)


def redundant(spans: Sequence[tuple[int, Span]]) -> Iterator[tuple[int, int, bool]]:
    """Each item that another one covers: its index, that one's, and whether they are the same.

    `spans` come with their index in the list. Of two that are the same the later one is given.
    """
    widest: tuple[int, Span] | None = None
    for index, span in sorted(
        spans, key=lambda one: (one[1].version, one[1].first, -one[1].last, one[0])
    ):
        if widest and widest[1].version == span.version and span.last <= widest[1].last:
            is_same = (widest[1].first, widest[1].last) == (span.first, span.last)
            yield index, widest[0], is_same
        else:
            widest = index, span


def covers_everything(spans: Sequence[Span], version: int) -> bool:
    """Whether the items together hold every address."""
    end = -1
    for span in sorted((one for one in spans if one.version == version), key=lambda s: s.first):
        if span.first > end + 1:
            return False
        end = max(end, span.last)
    return end == _LAST[version]


def _single(text: str) -> Span | None:
    if "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return Span(address.version, int(address), int(address))


def _network(text: str) -> Span | None:
    prefix = text.partition("/")[2]
    if not re.fullmatch("[0-9]{1,3}", prefix) or "%" in text:
        return None
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    first = int(network.network_address)
    is_exact = _single(text.partition("/")[0]) == Span(network.version, first, first)
    last = int(network.broadcast_address)
    return Span(network.version, first, last, "" if is_exact else str(network))


def _partial(text: str) -> Span | None:
    parts = text.split(".")
    missing = 4 - len(parts)
    first = _single(".".join(parts + ["0"] * missing))
    last = _single(".".join(parts + ["255"] * missing))
    return Span(4, first.first, last.last) if first and last else None
