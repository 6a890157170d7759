"""What an org tells of the use of apps: whole, in parts where it is much, and what it hides."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from reconciler.core.use import NO_NAME, Usage, Use
from reconciler.errors import BadAnswer, CannotSee
from reconciler.providers.base import UsePlatform
from reconciler.providers.salesforce.client import Client
from reconciler.providers.salesforce.usage import UseReader, fetch_holders
from tests.emulator.driver import Emulator
from tests.providers.salesforce.natives import QUERY_URL, USER, rows
from tests.providers.salesforce.scene import logged_in
from tests.providers.salesforce.test_provider import a_provider, tamper, target_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANN, BOB, CLEO = (f"0055g00000000{name}AAA" for name in ("an", "bo", "cl"))
APP = "0H45g0000004C97CAE"
SET, GROUP, GROUP_SET = "0PS5g000001aBcDGAU", "0PG5g000001aBcDGAU", "0PS5g000001aBcEGAU"
RIGHTS = ("CustomizeApplication", "MonitorLoginHistory")
HIDDEN_TOKENS = "the tokens of other users (give the login's user Customize Application)"
HIDDEN_LOGINS = "the logins of other users (give the login's user Monitor Login History)"


def rights(*permissions: str, **changes: Any) -> list[dict[str, Any]]:
    held: dict[str, Any] = {f"Permissions{name}": True for name in permissions}
    return [{"IsActive": True, "PermissionSet": held} | changes]


def a_person(user: str, **changes: Any) -> dict[str, Any]:
    return {
        "Id": user,
        "Username": name_of(user),
        "UserType": "Standard",
        "IsActive": True,
    } | changes


def name_of(user: str) -> str:
    return f"{user[-5:-3]}@acme.example"


def a_token(app: str | None, user: str = ANN, **changes: Any) -> dict[str, Any]:
    made = {
        "AppName": app,
        "AppMenuItem": None,
        "UserId": user,
        "User": a_person(user),
        "LastUsedDate": "2026-11-20T09:12:44.000+0000",
        "UseCount": 17,
    }
    return made | changes


def a_login(app: str, user: str = ANN, **changes: Any) -> dict[str, Any]:
    made = {
        "UserId": user,
        "Application": app,
        "LoginType": "Remote Access 2.0",
        "Status": "Success",
        "n": 3,
        "latest": "2026-11-22T10:00:00.000+0000",
    }
    return made | changes


@contextmanager
def answering(asked: list[str], **tables: Any) -> Iterator[Client]:
    """A client whose queries are answered by their object: rows, a function of the query, or the
    code of an error. tokens: how many a count tells of."""
    told = {"PermissionSetAssignment": rights(*RIGHTS)} | tables

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        (query,) = parse_qs(urlsplit(request.url).query)["q"]
        asked.append(query)
        sobject = query.partition(" FROM ")[2].split()[0]
        found = told.get(sobject, [])
        found = found(query) if callable(found) else found
        if isinstance(found, str):
            return 400, {}, json.dumps([{"errorCode": found, "message": "no"}])
        if query.startswith("SELECT COUNT()"):
            return 200, {}, json.dumps(rows(total=told.get("tokens", len(found))))
        return 200, {}, json.dumps(rows(*found))

    with responses.mock:
        responses.mock.reset()
        client = logged_in()
        responses.add_callback("GET", QUERY_URL, callback=answer)
        yield client


def read(asked: list[str] | None = None, **tables: Any) -> Usage:
    with answering([] if asked is None else asked, **tables) as client:
        return UseReader(client, USER).read(30, NOW)


def test_tokens_and_logins_of_one_app_and_user_are_one() -> None:
    usage = read(OauthToken=[a_token("Sync"), a_token("Sync")], LoginHistory=[a_login("Sync")])
    (use,) = usage.uses
    assert use == Use("Sync", name_of(ANN), 3, "2026-11-22T10:00:00Z", ANN)
    assert usage.is_complete
    assert (usage.days, usage.since) == (30, "2026-10-24T12:00:00Z")


def test_tokens_without_a_login_tell_how_often_they_were_used() -> None:
    item = {"ApplicationId": APP}
    (use,) = read(OauthToken=[a_token("Sync", AppMenuItem=item), a_token("Sync")]).uses
    assert (use.count, use.app_id, use.last) == (34, APP, "2026-11-20T09:12:44Z")


def test_an_ordinary_org_takes_four_calls() -> None:
    asked: list[str] = []
    read(asked, OauthToken=[a_token("Sync")], LoginHistory=[a_login("Sync")])
    assert len(asked) == 4


def test_users_whom_only_logins_tell_of_are_looked_up() -> None:
    people = [a_person(BOB, UserType="PowerPartner"), a_person(CLEO, IsActive=False)]
    logins = [a_login("Sync", BOB), a_login("Sync", CLEO), a_login("Sync", ANN)]
    found = {one.user_id: one for one in read(User=people, LoginHistory=logins).uses}
    bob, cleo = found[BOB], found[CLEO]
    assert (bob.user, bob.is_external, bob.is_active) == (name_of(BOB), True, True)
    assert (cleo.user, cleo.is_active) == (name_of(CLEO), False)
    # One that is hidden, or gone, has nothing but an id.
    assert found[ANN].user == ANN


@pytest.mark.parametrize(
    "changes", [{"Status": "Failed: Not approved for access"}, {"LoginType": "Application"}]
)
def test_what_was_refused_or_came_without_an_app_is_no_use(changes: Any) -> None:
    assert read(LoginHistory=[a_login("Browser", **changes)]).uses == ()


def test_older_use_is_told_and_is_not_recent() -> None:
    old = a_token("Old", LastUsedDate="2026-09-01T00:00:00.000+0000")
    never = a_token("Never", LastUsedDate=None)
    usage = read(OauthToken=[old, never, a_token("New")])
    assert [(one.app, one.last[:10]) for one in usage.uses] == [
        ("Never", ""),
        ("New", "2026-11-20"),
        ("Old", "2026-09-01"),
    ]
    assert [one.app for one in usage.recent] == ["New"]


def test_an_app_without_a_name_has_a_word() -> None:
    assert read(OauthToken=[a_token(None)]).uses[0].app == NO_NAME


def test_a_time_that_is_none_is_told() -> None:
    with pytest.raises(BadAnswer, match="no time"):
        read(OauthToken=[a_token("Sync", LastUsedDate="yesterday")])


@pytest.mark.parametrize(
    ("held", "unseen"),
    [
        (rights("CustomizeApplication"), [HIDDEN_LOGINS]),
        (rights("CustomizeApplication", "ManageUsers"), []),
        (rights("MonitorLoginHistory"), [HIDDEN_TOKENS]),
        (rights(*RIGHTS, IsActive=False), [HIDDEN_TOKENS, HIDDEN_LOGINS]),
        ([], [HIDDEN_TOKENS, HIDDEN_LOGINS]),
        ("INVALID_FIELD", [HIDDEN_TOKENS, HIDDEN_LOGINS]),
    ],
)
def test_own_rows_alone_are_never_read_as_all(held: Any, unseen: list[str]) -> None:
    usage = read(PermissionSetAssignment=held, OauthToken=[a_token("Sync", USER)])
    assert list(usage.unseen) == unseen
    assert [one.app for one in usage.uses] == ["Sync"]
    assert usage.is_complete is not bool(unseen)


def test_objects_that_are_hidden_cannot_be_seen() -> None:
    usage = read(OauthToken="INVALID_TYPE", LoginHistory="INSUFFICIENT_ACCESS")
    assert usage.unseen == (HIDDEN_TOKENS, HIDDEN_LOGINS)


def test_many_tokens_are_asked_for_by_their_users() -> None:
    people = [f"0055g00000{number:05d}AAA" for number in range(250)]

    def tokens(query: str) -> list[Any]:
        return [a_token("Sync", user) for user in re.findall(r"'(005[0-9a-zA-Z]{15})'", query)]

    asked: list[str] = []
    usage = read(asked, tokens=2501, OauthToken=tokens, User=[{"Id": one} for one in people])
    assert len(usage.uses) == 250
    assert sum("FROM OauthToken WHERE" in query for query in asked) == 3


def test_users_with_many_tokens_are_asked_for_fewer_at_once() -> None:
    def tokens(query: str) -> list[Any]:
        found = re.findall(r"'(005[0-9a-zA-Z]{15})'", query)
        return [a_token(f"App {n}", user) for user in found for n in range(2500 // 2)]

    usage = read(tokens=2501, OauthToken=tokens, User=[{"Id": ANN}, {"Id": BOB}, {"Id": CLEO}])
    assert len({one.user_id for one in usage.uses}) == 3
    assert usage.is_complete


def test_one_user_with_more_tokens_than_are_given_is_told() -> None:
    def tokens(query: str) -> list[Any]:
        return [a_token("Sync")] * 2500

    usage = read(tokens=2501, OauthToken=tokens, User=[{"Id": ANN}])
    assert usage.unseen == (f"all tokens of the user {ANN}, who has 2500 or more",)


def test_many_logins_are_asked_for_in_shorter_times() -> None:
    def logins(query: str) -> list[Any]:
        since, until = re.findall(r"LoginTime [>=<]+ ([^ ]+)", query)
        days = (datetime.fromisoformat(until) - datetime.fromisoformat(since)).days
        return [a_login("Sync", n=1)] * (2000 if days > 8 else 1)

    (use,) = read(LoginHistory=logins).uses
    assert use.count == 4


def test_more_logins_in_an_hour_than_are_given_are_told() -> None:
    usage = read(LoginHistory=lambda query: [a_login("Sync", n=1)] * 2000)
    assert "they are too many" in usage.unseen[0]


def holders(*parents: str, **tables: Any) -> dict[str, frozenset[str]]:
    with answering([], **tables) as client:
        return fetch_holders(client, parents)


def an_assignment(user: str, held: str = SET, **changes: Any) -> dict[str, Any]:
    groups = changes.pop("group", None)
    inner = {"PermissionSetGroupId": groups, "HasActivationRequired": changes.pop("session", False)}
    row = {"AssigneeId": user, "PermissionSetId": held, "PermissionSet": inner, "IsActive": True}
    return row | changes


def test_holders_are_those_who_hold_a_set_now() -> None:
    rows_ = [
        an_assignment(ANN),
        an_assignment(BOB, IsActive=False),
        an_assignment(CLEO, session=True),
    ]
    assert holders(SET, PermissionSetAssignment=rows_) == {SET: frozenset({ANN})}


def test_a_member_of_a_group_reaches_those_who_hold_the_group() -> None:
    def assignments(query: str) -> list[Any]:
        if "PermissionSet.PermissionSetGroupId IN" in query:
            return [an_assignment(BOB, GROUP_SET, group=GROUP)]
        return [an_assignment(ANN)]

    member = {"PermissionSetGroupId": GROUP, "PermissionSetId": SET, "PermissionSet": {}}
    found = holders(SET, PermissionSetAssignment=assignments, PermissionSetGroupComponent=[member])
    assert found == {SET: frozenset({ANN, BOB})}


def test_a_member_that_a_session_activates_reaches_nobody() -> None:
    inner = {"HasActivationRequired": True}
    member = {"PermissionSetGroupId": GROUP, "PermissionSetId": SET, "PermissionSet": inner}
    asked = holders(SET, PermissionSetGroupComponent=[member], PermissionSetAssignment=[])
    assert asked == {SET: frozenset()}


def test_holders_that_are_hidden_are_no_empty_set() -> None:
    with pytest.raises(CannotSee):
        holders(SET, PermissionSetAssignment="INVALID_TYPE")


def test_nothing_is_asked_for_no_set() -> None:
    assert holders() == {}


def test_the_use_of_the_emulated_org_is_read(emulator: Emulator) -> None:
    provider = a_provider(emulator)
    assert isinstance(provider, UsePlatform)
    usage = provider.fetch_use(target_of(provider), 180, datetime.now(UTC))
    assert usage.is_complete
    told = {(one.app, one.user): one.app_id for one in usage.recent}
    assert told["Billing Sync", "billing@acme.example"].startswith("0H4")
    assert told["Data Tool", "analyst@acme.example"] == ""
    assert ("Access Reconciler", "reconciler@acme.example") in told
    assert "Browser" not in {one.app for one in usage.uses}
    provider.close()


def test_the_emulated_org_hides_the_use_of_others(emulator: Emulator) -> None:
    provider = a_provider(emulator)
    patch = {"PermissionsMonitorLoginHistory": False}
    tamper(emulator, "PermissionSet", patch, "Access_Reconciler_Admin")
    usage = provider.fetch_use(target_of(provider), 30, datetime.now(UTC))
    assert usage.unseen == (HIDDEN_LOGINS,)
    provider.close()


def test_holders_in_the_emulated_org(emulator: Emulator) -> None:
    provider = a_provider(emulator)
    state = emulator.control("state")["salesforce"]
    (held,) = (row for row in state["PermissionSet"] if row["Name"] == "Billing_Sync_Use")
    (user,) = (row for row in state["User"] if row["Username"] == "billing@acme.example")
    found = provider.fetch_holders(target_of(provider), [held["Id"]])
    assert found == {held["Id"]: frozenset({user["Id"]})}
    provider.close()
