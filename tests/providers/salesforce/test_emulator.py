"""The client against the emulator, in a real process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import requests

from reconciler.core.redact import Secret
from reconciler.errors import CannotSee, Conflict, NotFound, Refusal
from reconciler.providers.salesforce import archive, soql
from reconciler.providers.salesforce.auth import Credentials
from reconciler.providers.salesforce.client import Client, connect
from reconciler.providers.salesforce.nodes import Node, leaf
from reconciler.providers.salesforce.refusals import LoginRefused, Why
from tests.emulator.driver import Emulator

DEMO = Credentials("demo", secret=Secret("demo"))
SETTINGS = "ConnectedAppSettings"
SWITCH = "enableAdminApprovedAppsOnlyForExternalUser"


@pytest.fixture
def url(emulator: Emulator) -> str:
    found = f"{emulator.url}/salesforce"
    if requests.get(f"{found}/services/data", timeout=10).status_code != 200:
        pytest.skip("this emulator has no Salesforce")
    return found


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    made, _ = connect(url, DEMO)
    yield made
    made.close()


def switched(value: bool) -> Node:
    children = (leaf("fullName", "ConnectedApp"), leaf(SWITCH, value))
    return Node("metadata", type=SETTINGS, children=children)


def settings(client: Client) -> Node:
    (found,) = client.read_metadata(SETTINGS, ["ConnectedApp"])
    assert found is not None
    return found


def ids(client: Client, query: str, key: str = "Name") -> dict[str, str]:
    return {row[key]: row["Id"] for row in client.query(query)}


def test_who_logs_in_and_where(client: Client) -> None:
    identity = client.identity()
    (organization,) = client.query(soql.organization())
    (user,) = client.query(soql.user(identity.user))
    assert organization["Id"] == identity.organization
    assert user["Username"] == identity.username
    assert client.limits()["DailyApiRequests"]["Max"] == int(client.budget["limit"])


def test_a_login_by_key(url: str, client: Client) -> None:
    key = Path(str(files("reconciler.emulator.salesforce") / "demo.key"))
    by_key, _ = connect(url, Credentials("demo", client.identity().username, key))
    assert by_key.identity() == client.identity()


@pytest.mark.parametrize(
    ("app", "secret", "why"),
    [("demo", "wrong", Why.WRONG_SECRET), ("nobody", "demo", Why.UNKNOWN_APP)]
    + [("billing-sync", "billing-sync", Why.FLOW_DISABLED)],
)
def test_a_refused_login_says_why(url: str, app: str, secret: str, why: Why) -> None:
    with pytest.raises(LoginRefused) as caught:
        connect(url, Credentials(app, secret=Secret(secret)))[0].limits()
    assert caught.value.why is why


def test_another_org_is_refused(url: str) -> None:
    with pytest.raises(Refusal, match="correct orgId"):
        connect(url, DEMO, org_id="00D5g000000AbCx")[0].limits()


QUERIES = (
    soql.connected_apps(),
    soql.external_apps(),
    soql.external_app_policies(),
    soql.grants(),
    soql.permission_holders("UseAnyApiClient"),
    soql.permission_givers("UseAnyApiClient"),
    soql.tokens(),
    soql.logins_by_app(30),
    soql.setup_changes(datetime(2026, 1, 1, tzinfo=UTC), 2000),
    *soql.permission_sets(["Billing_Sync_Use", "O'Brien"]),
    *soql.profile_sets(["System Administrator"]),
    *soql.users_named(["admin@acme.example"]),
)


@pytest.mark.parametrize("query", QUERIES)
def test_a_question_is_answered(client: Client, query: str) -> None:
    assert client.query(query)


def test_questions_about_a_user_are_answered(client: Client) -> None:
    user = client.identity().user
    held = [row["PermissionSetId"] for row in client.query(soql.assignments_of(user))]
    (count,) = soql.assigned_count(user, held)
    assert client.count(count) == len(held) > 0
    (row,) = client.query(soql.revocable_tokens_of(user))
    assert isinstance(row["DeleteToken"], Secret)
    assert client.count(soql.token_count()) == len(client.query(soql.tokens()))


@pytest.mark.parametrize("query", ["SELECT Nope FROM ConnectedApplication", "SELECT Id FROM Nope"])
def test_what_is_not_there_cannot_be_seen(client: Client, query: str) -> None:
    with pytest.raises(CannotSee):
        client.query(query)


def test_a_grant_is_made_once_and_taken_back(client: Client) -> None:
    app = ids(client, soql.connected_apps())["Billing Sync"]
    (query,) = soql.permission_sets(["Billing_Sync_Use"])
    fields = {"ParentId": ids(client, query)["Billing_Sync_Use"], "SetupEntityId": app}
    grant = client.create("SetupEntityAccess", fields)
    assert [row["Id"] for row in client.query(soql.grants_of(app))] == [grant]
    with pytest.raises(Conflict):
        client.create("SetupEntityAccess", fields)
    client.delete("SetupEntityAccess", grant)
    with pytest.raises(NotFound):
        client.delete("SetupEntityAccess", grant)
    first, second = client.create_many("SetupEntityAccess", [fields] * 2, all_or_none=False)
    assert (first.is_success, second.errors[0].code) == (True, "DUPLICATE_VALUE")
    assert client.delete_many([first.name], all_or_none=True)[0].is_success


def test_a_switch_is_read_and_written(client: Client) -> None:
    assert settings(client).flag(SWITCH) is False
    (outcome,) = client.update_metadata([switched(True)])
    assert outcome.is_success
    assert settings(client).flag(SWITCH) is True
    assert settings(client).flag("enableAdminApprovedAppsOnly") is False


def test_an_app_is_read_changed_and_written_whole(client: Client) -> None:
    assert "Billing_Sync" in {found.full_name for found in client.list_metadata(["ConnectedApp"])}
    app, nobody = client.read_metadata("ConnectedApp", ["Billing_Sync", "Nobody"])
    assert app is not None
    assert nobody is None
    config = app.child("oauthConfig")
    assert config is not None
    changed = config.without("consumerKey", "consumerSecret").set("isAdminApproved", True)
    (outcome,) = client.update_metadata([app.put("oauthConfig", changed)])
    assert outcome.is_success, outcome.errors
    (row,) = (r for r in client.query(soql.connected_apps()) if r["Name"] == "Billing Sync")
    assert row["OptionsAllowAdminApprovedUsersOnly"] is True


def _done(ask: Any) -> Any:
    for _ in range(50):
        found = ask()
        if found.is_done:
            return found
    raise AssertionError("never done")


def test_files_tell_the_same_and_can_be_tried(client: Client) -> None:
    process = client.retrieve("Settings", ["ConnectedApp"])
    found = archive.unpacked(_done(lambda: client.retrieval(process)).archive)
    content = found["settings/ConnectedApp.settings"]
    component = archive.component_from(content, SETTINGS, "ConnectedApp")
    assert component.flag(SWITCH) is False
    changed = archive.document(component.set(SWITCH, True))
    manifest = archive.manifest({"Settings": ["ConnectedApp"]}, "64.0")
    packed = archive.packed({"settings/ConnectedApp.settings": changed}, manifest)
    for check_only in (True, False):
        begun = client.deploy(packed, check_only=check_only)
        assert _done(lambda begun=begun: client.deployment(begun.id)).is_success
        assert settings(client).flag(SWITCH) is not check_only


def test_a_fresh_token_proves_that_the_login_is_admitted(url: str) -> None:
    client, tokens = connect(url, DEMO)
    before = tokens.token()
    held = client.holding(tokens.fresh())
    assert held.limits()
    assert tokens.token() != before


def test_a_read_only_client_reads_and_does_not_write(url: str) -> None:
    client, _ = connect(url, DEMO, read_only=True)
    assert settings(client).flag(SWITCH) is False
    assert client.query(soql.grants())
    with pytest.raises(Refusal, match="only reads"):
        client.update_metadata([switched(True)])
