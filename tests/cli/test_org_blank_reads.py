"""A list of an org that came back with less than was there is refused, never believed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.crm import ALL_USERS, BILLING, access, held, unused
from tests.cli.driver import Cli, Done
from tests.emulator.driver import Emulator

_EMPTY = {"totalSize": 0, "done": True, "records": []}
_GRANTS = r"/query\?q=.*FROM(\+|%20)SetupEntityAccess"
_APPS = r"/query\?q=.*FROM(\+|%20)ConnectedApplication"
_EXTERNAL = r"/query\?q=.*FROM(\+|%20)ExternalClientApplication"
_HOLDERS = r"/query\?q=.*FROM(\+|%20)PermissionSet(\+|%20)"
_APP = f"{{name: {BILLING}, adminApproved: true, allow: {{permissionSets: [Billing_Sync_Use]}}}}"


@pytest.fixture
def converged(crm: Cli, emulator: Emulator) -> Cli:
    """An org that a run has left as the files say."""
    unused(emulator)
    access(crm, _APP, more=f"settings: {{{ALL_USERS}: true}}\n")
    assert crm.run("apply", "--yes").code == 0
    return crm


def answered(
    crm: Cli, emulator: Emulator, path: str, body: Any, *flags: str, status: int = 200
) -> Done:
    emulator.fail({"status": status, "body": body}, method="GET", path=path)
    return crm.run("--timeout", "2", "plan", "--format", "json", *flags)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (_GRANTS, "no grants came back, and the last run saw 2"),
        (_APPS, "Access Reconciler (id 0H45g000000RcncCAC) is not in it, and is there when asked"),
        (_EXTERNAL, "Partner Sync (id 0xI5g000000Prtn"),
        (_HOLDERS, "no bypass came back, and the last run saw 1"),
    ],
)
def test_an_empty_list_is_refused(
    converged: Cli, emulator: Emulator, path: str, words: str
) -> None:
    done = answered(converged, emulator, path, _EMPTY)
    assert (done.code, done.json["changes"]) == (5, [])
    assert any(words in message for message in done.messages), done.messages
    before = held(emulator)
    assert converged.run("apply", "--yes").code == 5
    assert held(emulator) == before


def test_an_empty_list_is_believed_where_somebody_says_so(
    converged: Cli, emulator: Emulator
) -> None:
    done = answered(converged, emulator, _GRANTS, _EMPTY, "--allow-empty")
    assert done.json["summary"]["create"] == 2


def test_a_short_list_is_refused(converged: Cli, emulator: Emulator) -> None:
    rows = [row for row in grants(emulator) if "Billing" not in str(row["Parent"])]
    body = {"totalSize": len(rows), "done": True, "records": rows}
    done = answered(converged, emulator, _GRANTS, body)
    assert done.code == 5
    assert "is there when asked for" in done.messages[0]


def grants(emulator: Emulator) -> list[Any]:
    """The rows as the org answers them."""
    base = f"{emulator.url}/salesforce/services"
    form = {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo"}
    path = base.removeprefix(emulator.url)
    token = emulator.anonymous("POST", f"{path}/oauth2/token", data=form).json()["access_token"]
    names = "Id, SetupEntityId, SetupEntityType, ParentId, Parent.Name, Parent.Label"
    more = "Parent.IsOwnedByProfile, Parent.ProfileId, Parent.Profile.Name, Parent.NamespacePrefix"
    answer = emulator.anonymous(
        "GET",
        f"{path}/data/v64.0/query",
        params={"q": f"SELECT {names}, {more} FROM SetupEntityAccess"},
        headers={"Authorization": f"Bearer {token}"},
    )
    found: list[Any] = answer.json()["records"]
    return found


def test_a_list_that_is_short_by_its_own_word_is_refused(
    converged: Cli, emulator: Emulator
) -> None:
    body = {"totalSize": 2, "done": True, "records": grants(emulator)[:1]}
    assert answered(converged, emulator, _GRANTS, body).code == 5


@pytest.mark.parametrize(
    ("status", "code", "exit"),
    [
        (403, "INSUFFICIENT_ACCESS", 4),
        (404, "NOT_FOUND", 5),
        (400, "INVALID_TYPE", 4),
        (400, "INVALID_FIELD", 4),
    ],
)
def test_a_list_that_cannot_be_seen_is_not_empty(
    converged: Cli, emulator: Emulator, status: int, code: str, exit: int
) -> None:
    body = [{"message": "no", "errorCode": code}]
    done = answered(converged, emulator, _GRANTS, body, status=status)
    assert (done.code, done.json["changes"]) == (exit, [])


def test_switches_that_are_gone_are_refused(converged: Cli, emulator: Emulator) -> None:
    emulator.settings(aacActivated=False)
    done = converged.run("plan", "--format", "json")
    assert done.code == 5
    assert "no settings came back, and the last run saw 2" in done.messages[0]


def test_nothing_is_known_before_the_first_run(crm: Cli, emulator: Emulator) -> None:
    unused(emulator)
    access(crm, _APP)
    done = answered(crm, emulator, _GRANTS, _EMPTY)
    assert done.code in (0, 5)
    assert done.json["summary"]["delete"] == 0
