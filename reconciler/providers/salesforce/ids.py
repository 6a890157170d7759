"""Record ids in their two lengths (facts, section 11): 15 characters where case counts, and 18
where the last three tell which of the others are capitals. Pure."""

from __future__ import annotations

import re

_ID = re.compile(r"[0-9A-Za-z]{15}(?:[A-Za-z0-5]{3})?")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_CHUNK = 5


def record_id(text: str) -> str:
    """The id in 18 characters; ValueError for what is none.

    The suffix of a long id restores the case of letters that a spreadsheet has changed.
    """
    if not _ID.fullmatch(text):
        raise ValueError("a record id has 15 or 18 letters and digits")
    if len(text) == 15:
        return text + _suffix(text)
    suffix = text[15:].upper()
    restored = "".join(
        _cased(text[at], _SUFFIX.index(suffix[at // _CHUNK]) >> at % _CHUNK & 1) for at in range(15)
    )
    if _suffix(restored) != suffix:
        raise ValueError("the last three characters do not fit the others: it is mistyped")
    return restored + suffix


def is_same_id(one: str, other: str) -> bool:
    """Whether two texts are ids of the same record, in whichever length."""
    try:
        return record_id(one) == record_id(other)
    except ValueError:
        return False


def _suffix(text: str) -> str:
    chunks = (text[at : at + _CHUNK] for at in range(0, 15, _CHUNK))
    return "".join(
        _SUFFIX[sum(1 << at for at, char in enumerate(chunk) if char.isupper())] for chunk in chunks
    )


def _cased(char: str, is_upper: int) -> str:
    return char.upper() if is_upper else char.lower()
