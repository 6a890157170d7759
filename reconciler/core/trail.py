"""Who changed what is live: the rows of a platform's audit trail, joined with differences. Pure.

A row says who did something when, and names in a sentence what it was about; ids it has none. So a
difference is tied to rows by the names in them and by what kind of deed they tell of, and nothing
is said that a row does not: where several could be it all of them are given, and where none is,
none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from reconciler.core.diff import ChangedBy

MOST = 3
"""How many people a difference is ever ascribed to."""

_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ADDED = frozenset(("add", "added", "create", "created", "grant", "granted", "insert", "inserted"))
_REMOVED = frozenset(
    ("delete", "deleted", "remove", "removed", "revoke", "revoked", "uninstall", "uninstalled")
)
_ELSEWHERE = frozenset(("assign", "assigned", "assignment", "assignments", "unassigned"))

Name = tuple[str, str]
"""What sort of thing (`app`, `holder`, `switch`) and which."""


class Deed(StrEnum):
    """What kind of deed a row tells of, or a difference needs."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """A row of an audit trail. at: ISO 8601 in UTC, to the second, with a Z. user: who it was, or
    as whom `delegate` acted. section, action: the platform's own words; text: the sentence for
    people."""

    at: str
    user: str
    action: str
    text: str
    delegate: str = ""
    section: str = ""


@dataclass(frozen=True, slots=True)
class Sought:
    """What a row must name: `subject`, or what stands for it `loosely`, perhaps `object`, and
    nothing else that is known.

    deed: what it must tell of, if it tells. is_last: the newest row that names all of it made it
    what it is; otherwise each of several may have. about: words of which a row that does not name
    an object too must have one: a role may be called like an app.
    """

    subject: Name
    object: Name | None = None
    deed: Deed = Deed.CHANGED
    is_last: bool = False
    loosely: Name | None = None
    about: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[Name]:
        """All that the best row names."""
        return frozenset(one for one in (self.subject, self.object) if one)


class Trail:
    """The rows of a trail, newest first, read for the names of one unit.

    known: all names that a row could have, by each way of writing them: a name within a longer
    one is not taken for it. own: the username of this tool.
    """

    def __init__(
        self, entries: Iterable[TrailEntry], known: Mapping[str, Name], own: str = ""
    ) -> None:
        self._own = own.casefold()
        self._known: dict[str, list[tuple[list[str], Name]]] = {}
        for words, name in ((_words(text), name) for text, name in known.items()):
            if words:
                self._known.setdefault(words[0], []).append((words, name))
        newest = sorted(entries, key=lambda entry: entry.at, reverse=True)
        self._rows = [(entry, self._named(entry), _deed(entry)) for entry in newest]

    def authors(self, sought: Sought, *, own_since: str = "") -> tuple[ChangedBy, ...]:
        """Who may have done it, newest first; one of them did, if there are several.

        own_since: from when on this tool's own rows are news. Without it they only show that
        whoever was there before was overruled: then nobody is named.
        """
        rows = [
            (entry, names) for entry, names, deed in self._rows if _fits(sought, entry, names, deed)
        ]
        whole = [entry for entry, names in rows if sought.names <= names]
        found = whole or [entry for entry, _ in rows]
        if sought.is_last and whole:
            found = found[:1]
        return tuple(islice(self._told(found, own_since), MOST))

    def _told(self, rows: Sequence[TrailEntry], own_since: str) -> Iterator[ChangedBy]:
        """Each user once, with his newest row."""
        seen: set[tuple[str, str]] = set()
        for entry in rows:
            is_own = bool(self._own) and entry.user.casefold() == self._own
            if is_own and not (own_since and entry.at > own_since):
                return
            who = (entry.user, entry.delegate)
            if who not in seen:
                seen.add(who)
                yield ChangedBy(entry.user, entry.at, entry.text, entry.delegate, is_own)

    def _named(self, entry: TrailEntry) -> frozenset[Name]:
        """What the row names; where several begin at one word, the longest of them."""
        found: set[Name] = set()
        for text in (entry.text, entry.action):
            words, at = _words(text), 0
            while at < len(words):
                length, name = self._longest(words, at)
                found |= {name} if name else set()
                at += length
        return frozenset(found)

    def _longest(self, words: Sequence[str], at: int) -> tuple[int, Name | None]:
        fitting = [
            (len(wanted), name)
            for wanted, name in self._known.get(words[at], ())
            if words[at : at + len(wanted)] == wanted
        ]
        return max(fitting, default=(1, None), key=lambda one: one[0])


def _fits(sought: Sought, entry: TrailEntry, names: frozenset[Name], deed: Deed | None) -> bool:
    """Whether a row can be about it."""
    is_named = sought.subject in names or names == {sought.loosely}
    if deed is None or not is_named or not names <= sought.names | {sought.loosely}:
        return False
    if len(names) < 2 and not sought.about & {*_parts(entry.section, entry.action, entry.text)}:
        return False
    # What was made anew has all of its fields from whoever made it.
    made = sought.deed is Deed.CHANGED and deed is Deed.ADDED
    return made or deed in (sought.deed, Deed.CHANGED)


def _parts(*texts: str) -> list[str]:
    """All words, those that are written together too: `PermSetChanged`."""
    return [word for text in texts for word in _words(_HUMP.sub(" ", text))]


def _words(text: str) -> list[str]:
    """Words without their case; `_` parts them as a blank does."""
    return _WORD.findall(text.casefold())


def _deed(entry: TrailEntry) -> Deed | None:
    """By the action and the first word of the sentence, which are no names; None for what is about
    who holds something, which no file says."""
    words = {*_parts(entry.action), *_words(entry.text)[:1]}
    if _ELSEWHERE & {*words, *_words(entry.text)}:
        return None
    if _REMOVED & words:
        return Deed.REMOVED
    return Deed.ADDED if _ADDED & words else Deed.CHANGED
