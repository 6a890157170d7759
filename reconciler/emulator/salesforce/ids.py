"""Ids of records: 15 characters that mind their case, and 18 that carry it in their tail."""

from __future__ import annotations

import re

_TAIL = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[A-Z0-5]{3})?", re.ASCII)
_FIRST = 60_000

PREFIXES = {
    "Organization": "00D",
    "User": "005",
    "Profile": "00e",
    "PermissionSet": "0PS",
    "PermissionSetGroup": "0PG",
    "PermissionSetGroupComponent": "0PM",
    "PermissionSetAssignment": "0Pa",
    "SetupEntityAccess": "0J0",
    "ConnectedApplication": "0H4",
    "AppMenuItem": "0DS",
    "ExternalClientApplication": "0xI",
    "ExtlClntAppOauthPlcyCnfg": "0xP",
    "OauthToken": "0CQ",
    "LoginHistory": "0Ya",
    "SetupAuditTrail": "0Ym",
    "DeployRequest": "0Af",
    "RetrieveRequest": "09S",
    "Cursor": "01g",
}


def to_18(text: object) -> str | None:
    """The 18 characters of an id given in either form; None for what is none.

    Each of the last three says which of five characters are capitals.
    """
    if not isinstance(text, str) or not _SHAPE.fullmatch(text):
        return None
    head = text[:15]
    tail = ""
    for start in (0, 5, 10):
        bits = (1 << place for place in range(5) if head[start + place].isupper())
        tail += _TAIL[sum(bits)]
    # A tail that does not fit is a typing mistake.
    return head + tail if text[15:] in ("", tail) else None


class Ids:
    """New ids, never one twice in a store."""

    def __init__(self) -> None:
        self._last = _FIRST

    def note(self, known: str | None) -> None:
        """Keeps clear of an id that was given elsewhere."""
        if known is None or known[3:5] != "5g" or known[13:15] != "AA":
            return
        number = 0
        for digit in known[5:13]:
            number = number * 62 + _DIGITS.index(digit)
        self._last = max(self._last, number)

    def next(self, kind: str) -> str:
        self._last += 1
        number, digits = self._last, ""
        for _ in range(8):
            number, rest = divmod(number, 62)
            digits = _DIGITS[rest] + digits
        made = to_18(f"{PREFIXES[kind]}5g{digits}AA")
        assert made is not None
        return made
