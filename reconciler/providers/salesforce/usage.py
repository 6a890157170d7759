"""Which apps and users called an org's APIs, from its tokens and its login history.

Without certain rights both show only the login's own rows, and nothing says so (facts, sections 2
and 6.4): so the rights are asked for too. An ordinary org takes four calls, plus pages.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.core.use import NO_NAME, Usage, Use
from reconciler.errors import BadAnswer, CannotSee, Incomplete
from reconciler.providers.salesforce import convert, soql
from reconciler.providers.salesforce.client import Client

Row = Mapping[str, Any]

_SEES_TOKENS, _SEES_LOGINS = ("CustomizeApplication",), ("MonitorLoginHistory", "ManageUsers")
_NO_TOKENS = "the tokens of other users (give the login's user Customize Application)"
_NO_LOGINS = "the logins of other users (give the login's user Monitor Login History)"

_MOST_TOKENS = 2500
"""More tokens than these are never given to one query, without a word (facts, section 6.4)."""
_USERS_AT_ONCE = 100
_SHORTEST = timedelta(hours=1)
# The clock of the org and ours may differ.
_AHEAD = timedelta(days=1)


def written(moment: datetime) -> str:
    """`2026-11-20T09:12:44Z`, in which times compare as texts."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(slots=True)
class _Person:
    username: str
    is_external: bool
    is_active: bool


@dataclass(slots=True)
class _Tally:
    """What is told of one app and user."""

    logins: int = 0
    calls: int = 0
    last: str = ""
    app_id: str = ""

    def note(self, last: str) -> None:
        self.last = max(self.last, last)


@dataclass(slots=True)
class UseReader:
    """Reads the use of an org once. user: id of the login's own."""

    client: Client
    user: str
    _found: dict[tuple[str, str], _Tally] = field(default_factory=dict)
    _people: dict[str, _Person] = field(default_factory=dict)
    _unseen: list[str] = field(default_factory=list)

    def read(self, days: int, now: datetime) -> Usage:
        """All use that the org tells of, the last `days` days before `now` as a whole."""
        since = now - timedelta(days=days)
        rights = self._rights()
        self._take(rights, _SEES_TOKENS, _NO_TOKENS, self._tokens)
        self._take(rights, _SEES_LOGINS, _NO_LOGINS, lambda: self._logins(since, now + _AHEAD))
        self._meet({user for _, user in self._found} - self._people.keys())
        return Usage(days, written(since), tuple(sorted(self._uses())), tuple(self._unseen))

    def _rights(self) -> frozenset[str]:
        """Which of the rights the login has; none where that cannot be seen."""
        asked = (*_SEES_TOKENS, *_SEES_LOGINS)
        try:
            rows = self.client.query(soql.rights_of(self.user, asked))
        except CannotSee:
            return frozenset()
        counted = [row for row in rows if _counts(row)]
        held = [convert.inner(row, "PermissionSet") for row in counted]
        return frozenset(name for name in asked for row in held if row.get(f"Permissions{name}"))

    def _take(
        self, rights: Collection[str], needed: Sequence[str], words: str, read: Callable[[], None]
    ) -> None:
        """What can be seen, which without the right are the login's own rows."""
        is_seen = any(name in rights for name in needed)
        try:
            read()
        except CannotSee:
            is_seen = False
        if not is_seen:
            self._unseen.append(words)

    def _tokens(self) -> None:
        if self.client.count(soql.token_count()) <= _MOST_TOKENS:
            rows: Iterable[Row] = self.client.query(soql.tokens())
        else:
            users = [convert.id_in(row, "Id") for row in self.client.query(soql.active_users())]
            rows = [
                row
                for at in range(0, len(users), _USERS_AT_ONCE)
                for row in self._tokens_of(users[at : at + _USERS_AT_ONCE])
            ]
        for row in rows:
            self._take_token(row)

    def _tokens_of(self, users: Sequence[str]) -> list[Row]:
        """The tokens of some users: of fewer at once where a list comes out too long."""
        try:
            rows = [row for query in soql.tokens_of(users) for row in self.client.query(query)]
            is_whole = len(rows) < _MOST_TOKENS
        except Incomplete:
            rows, is_whole = [], False
        if is_whole:
            return rows
        if len(users) > 1:
            half = len(users) // 2
            return self._tokens_of(users[:half]) + self._tokens_of(users[half:])
        self._unseen.append(f"all tokens of the user {users[0]}, who has {_MOST_TOKENS} or more")
        return rows

    def _take_token(self, row: Row) -> None:
        user = convert.id_in(row, "UserId")
        self._people.setdefault(user, _person(convert.inner(row, "User")))
        tally = self._tally(row.get("AppName"), user)
        count = row.get("UseCount")
        tally.calls += count if isinstance(count, int) else 0
        tally.note(_moment(row.get("LastUsedDate")))
        item = row.get("AppMenuItem")
        if isinstance(item, Mapping) and item.get("ApplicationId"):
            tally.app_id = convert.id_in(item, "ApplicationId")

    def _logins(self, since: datetime, until: datetime) -> None:
        """Logins of a stretch of time; of half of it at once where they are too many: rows of
        groups have no second page."""
        rows = self.client.query(soql.logins_by_user(written(since), written(until)))
        if len(rows) >= soql.MAX_GROUPS and until - since > _SHORTEST:
            middle = since + (until - since) / 2
            self._logins(since, middle)
            self._logins(middle, until)
            return
        if len(rows) >= soql.MAX_GROUPS:
            self._unseen.append(f"all logins of the hour after {written(since)}: they are too many")
        for row in rows:
            if _is_by_app(row):
                tally = self._tally(row.get("Application"), convert.id_in(row, "UserId"))
                tally.logins += int(row.get("n") or 0)
                tally.note(_moment(row.get("latest")))

    def _tally(self, app: Any, user: str) -> _Tally:
        name = app if isinstance(app, str) and app else NO_NAME
        return self._found.setdefault((name, user), _Tally())

    def _meet(self, users: Collection[str]) -> None:
        """Who the users are that only logins tell of."""
        for query in soql.users(sorted(users)):
            for row in self.client.query(query):
                self._people[convert.id_in(row, "Id")] = _person(row)

    def _uses(self) -> Iterator[Use]:
        for (app, user), tally in self._found.items():
            # One that was deleted, or is hidden, can be named by its id alone.
            person = self._people.get(user) or _Person(user, False, True)
            yield Use(
                app,
                person.username,
                tally.logins or tally.calls,
                tally.last,
                user,
                tally.app_id,
                person.is_external,
                person.is_active,
            )


def fetch_holders(client: Client, parents: Collection[str]) -> dict[str, frozenset[str]]:
    """Ids of the users who hold each of these permission sets now, by the set's id; also those
    who hold it as a part of a group (facts, section 6.3). Raises CannotSee."""
    groups = _groups_of(client, parents)
    found: dict[str, set[str]] = {parent: set() for parent in parents}
    queries = (*soql.holders_of(parents), *soql.holders_of_groups(groups))
    rows = [row for query in queries for row in client.query(query)]
    for row in filter(_counts, rows):
        held = convert.id_in(row, "PermissionSetId")
        group = convert.inner(row, "PermissionSet").get("PermissionSetGroupId")
        for parent in {held} | groups.get(str(group), set()):
            if parent in found:
                found[parent].add(convert.id_in(row, "AssigneeId"))
    return {parent: frozenset(users) for parent, users in found.items()}


def _groups_of(client: Client, parents: Collection[str]) -> dict[str, set[str]]:
    """The members among these sets of each group that has one."""
    found: dict[str, set[str]] = {}
    for query in soql.group_members(parents):
        for row in filter(_counts, client.query(query)):
            member = convert.id_in(row, "PermissionSetId")
            found.setdefault(convert.id_in(row, "PermissionSetGroupId"), set()).add(member)
    return found


def _counts(row: Row) -> bool:
    """Whether an assignment, or a place in a group, is worth something now: without a session
    that must activate the set."""
    is_session_based = convert.inner(row, "PermissionSet").get("HasActivationRequired")
    return row.get("IsActive") is not False and not is_session_based


def _person(row: Row) -> _Person:
    username, is_active = row.get("Username"), row.get("IsActive") is not False
    return _Person(str(username), convert.is_external(row), is_active)


def _is_by_app(row: Row) -> bool:
    """Whether a login was made by OAuth, and let in."""
    return row.get("Status") == "Success" and "Remote Access" in str(row.get("LoginType"))


def _moment(value: Any) -> str:
    """A time of the service as we write it; nothing where there is none."""
    if value is None:
        return ""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadAnswer("a time of use is no time", service="salesforce") from None
    return written(found if found.tzinfo else found.replace(tzinfo=UTC))
