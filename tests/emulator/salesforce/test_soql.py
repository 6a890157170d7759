"""Queries: what they give, and the codes of those that are wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.soql.parse import parse
from tests.emulator.salesforce.driver import Org

APPS = "SELECT Name FROM ConnectedApplication"


def names(org: Org, soql: str, field: str = "Name") -> list[Any]:
    return [record[field] for record in org.query(soql)]


def test_local_and_installed_apps_have_a_row_and_uninstalled_ones_have_none(org: Org) -> None:
    assert names(org, f"{APPS} ORDER BY Name") == [
        "Access Reconciler",
        "Billing Sync",
        "Warehouse Loader",
    ]


def test_names_are_taken_in_any_case_and_given_in_their_own(org: Org) -> None:
    (record,) = org.query("select ID, nAmE from connectedapplication WHERE name = 'BILLING sync'")
    assert record["attributes"] == {
        "type": "ConnectedApplication",
        "url": "/services/data/v64.0/sobjects/ConnectedApplication/0H45g000000BillCAC",
    }
    assert (record["Id"], record["Name"]) == ("0H45g000000BillCAC", "Billing Sync")


def test_the_allow_list(org: Org) -> None:
    """The query by which grants are read, parents and all."""
    (record,) = org.query(
        "SELECT Id, SetupEntityId, SetupEntityType, ParentId, Parent.Name, Parent.Label,"
        " Parent.IsOwnedByProfile, Parent.ProfileId, Parent.Profile.Name, Parent.NamespacePrefix"
        " FROM SetupEntityAccess"
        " WHERE SetupEntityType IN ('ConnectedApplication','ExternalClientApplication')"
    )
    assert record["SetupEntityType"] == "ConnectedApplication"
    assert record["Parent"]["Name"] == "Access_Reconciler_Use"
    # A parent that is not there is null, and not an object of nulls.
    assert record["Parent"]["Profile"] is None


def test_the_hidden_set_of_a_profile(org: Org) -> None:
    (record,) = org.query(
        "SELECT Id, ProfileId, Profile.Name FROM PermissionSet"
        " WHERE IsOwnedByProfile = true AND Profile.Name = 'System Administrator'"
    )
    assert record["Profile"]["Name"] == "System Administrator"


def test_who_bypasses(org: Org) -> None:
    soql = (
        "SELECT Assignee.Username, PermissionSet.Name, PermissionSet.IsOwnedByProfile,"
        " PermissionSet.Profile.Name FROM PermissionSetAssignment"
        " WHERE PermissionSet.PermissionsUseAnyApiClient = true AND Assignee.IsActive = true"
    )
    assert [r["Assignee"]["Username"] for r in org.query(soql)] == ["admin@acme.example"]
    org.emulator.settings(aacActivated=False)
    assert org.refusal(soql) == "INVALID_FIELD"


def test_the_other_bypass_has_no_column(org: Org) -> None:
    soql = "SELECT Id FROM PermissionSet WHERE PermissionsCanApproveUninstalledApps = true"
    assert org.refusal(soql) == "INVALID_FIELD"
    org.emulator.settings(approveUninstalledInSoql=True)
    assert len(org.query(soql)) == 1


def test_the_organization(org: Org) -> None:
    (record,) = org.query(
        "SELECT Id, Name, IsSandbox, InstanceName, OrganizationType, NamespacePrefix"
        " FROM Organization"
    )
    assert (record["IsSandbox"], record["NamespacePrefix"]) == (True, None)


def test_use_in_the_last_days(org: Org) -> None:
    soql = (
        "SELECT Application, Status, COUNT(Id) n FROM LoginHistory"
        " WHERE LoginTime = LAST_N_DAYS:30 GROUP BY Application, Status"
    )
    found = {record["Application"]: record["n"] for record in org.query(soql)}
    assert found["Billing Sync"] == 1
    assert org.query(soql)[0]["attributes"] == {"type": "AggregateResult"}


def test_a_bare_count(org: Org) -> None:
    body = org.ask("SELECT COUNT() FROM OauthToken WHERE UseCount > 10").json()
    assert body == {"totalSize": 2, "done": True, "records": []}


def test_tokens_have_no_id(org: Org) -> None:
    records = org.query(
        "SELECT Id, AppName, AppMenuItem.ApplicationId, LastUsedDate FROM OauthToken"
    )
    assert {record["Id"] for record in records} == {None}
    items = {record["AppName"]: record["AppMenuItem"] for record in records}
    assert items["Billing Sync"]["ApplicationId"] == "0H45g000000BillCAC"
    assert items["Data Tool"] is None


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("Username = 'ADMIN@acme.example'", 1),
        ("Username LIKE '%@acme.example'", 5),
        ("Username LIKE 'a____@%'", 1),
        (r"Username LIKE '%\_%'", 0),
        ("UserType != 'Standard'", 1),
        ("Name < 'B'", 3),
        ("NOT Name < 'B'", 2),
        ("(Name < 'B' OR IsActive = false) AND UserType = 'Standard'", 3),
        ("UserType NOT IN ('Standard', 'Guest')", 1),
        ("ProfileId = '00e5g000000Intg'", 2),
        ("ProfileId = '00e5g000000IntgAAC'", 2),
        ("Profile.Name = null", 0),
        ("Profile.Name <> null", 5),
        ("Id IN (SELECT AssigneeId FROM PermissionSetAssignment)", 5),
        ("Id NOT IN (SELECT UserId FROM OauthToken)", 2),
        ("CreatedDate < 2026-06-01T00:00:00Z", 5),
        ("CreatedDate >= 2026-06-01T00:00:00+01:00", 0),
        ("CreatedDate < TODAY", 5),
        ("CreatedDate = null", 0),
    ],
)
def test_conditions(org: Org, where: str, count: int) -> None:
    assert org.ask(f"SELECT COUNT() FROM User WHERE {where}").json()["totalSize"] == count


def test_order_limit_and_offset(org: Org) -> None:
    soql = "SELECT Username FROM User ORDER BY Profile.Name DESC, Username ASC LIMIT 2 OFFSET 1"
    assert names(org, soql, "Username") == ["analyst@acme.example", "partner@acme.example"]


@pytest.mark.parametrize(
    ("nulls", "first"), [("", None), ("NULLS LAST", 30), ("DESC", 30), ("DESC NULLS FIRST", None)]
)
def test_where_nulls_go(org: Org, nulls: str, first: Any) -> None:
    soql = "SELECT RefreshTokenValidityPeriod FROM ConnectedApplication"
    found = names(
        org, f"{soql} ORDER BY RefreshTokenValidityPeriod {nulls}", "RefreshTokenValidityPeriod"
    )
    assert found[0] == first


def test_an_alias_in_front_of_fields(org: Org) -> None:
    assert names(org, "SELECT a.Name FROM ConnectedApplication a WHERE a.Name LIKE 'B%'") == [
        "Billing Sync"
    ]


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("", "MALFORMED_QUERY"),
        ("SELECT", "MALFORMED_QUERY"),
        ("SELECT Id", "MALFORMED_QUERY"),
        ("SELECT Id FROM", "MALFORMED_QUERY"),
        ("SELECT Id FROM User WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM User WHERE Name = 'x", "MALFORMED_QUERY"),
        ("SELECT Id FROM User LIMIT -1", "MALFORMED_QUERY"),
        ("SELECT Id FROM User nonsense nonsense", "MALFORMED_QUERY"),
        ("SELECT Id FROM User WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", "MALFORMED_QUERY"),
        ("SELECT Id FROM User WHERE Name IN ()", "MALFORMED_QUERY"),
        ("SELECT Id FROM User WHERE CreatedDate = LAST_CENTURY", "MALFORMED_QUERY"),
        ("SELECT Name FROM User GROUP BY UserType", "MALFORMED_QUERY"),
        ("SELECT CreatedDate FROM User GROUP BY CreatedDate", "MALFORMED_QUERY"),
        ("SELECT Id FROM User OFFSET 2001", "MALFORMED_QUERY"),
        ("SELECT STRANGE(Id) FROM User", "MALFORMED_QUERY"),
        ("SELECT Id FROM User WHERE " + "(" * 5000, "MALFORMED_QUERY"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Nothing FROM User", "INVALID_FIELD"),
        ("SELECT Profile.Nothing FROM User", "INVALID_FIELD"),
        ("SELECT Nothing.Name FROM User", "INVALID_FIELD"),
        ("SELECT Id FROM User ORDER BY Nothing", "INVALID_FIELD"),
        ("SELECT Id FROM User WHERE Nothing = 1", "INVALID_FIELD"),
        ("SELECT Id FROM User WHERE IsActive = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM User WHERE CreatedDate = '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM User WHERE CreatedDate > 2026-01-01", "INVALID_FIELD"),
        ("SELECT Id FROM User WHERE Name = 7", "INVALID_FIELD"),
        ("SELECT Id FROM LoginHistory WHERE Application = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM LoginHistory WHERE Status = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM User WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM User WHERE IsActive < true", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM User WHERE Id LIKE '005%'", "INVALID_QUERY_FILTER_OPERATOR"),
    ],
)
def test_what_is_wrong_is_refused(org: Org, soql: str, code: str) -> None:
    assert org.refusal(soql) == code


def test_an_error_shows_the_place(org: Org) -> None:
    (error,) = org.ask("SELECT Nothing FROM User").json()
    lines = error["message"].splitlines()
    assert lines[1:4] == ["SELECT Nothing FROM User", "       ^", "ERROR at Row:1:Column:8"]
    assert lines[4].startswith("No such column 'Nothing' on entity 'User'.")


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for query in (text, f"SELECT Id FROM User WHERE {text}", f"SELECT {text} FROM User"):
        try:
            parse(query)
        except Failure as failure:
            assert failure.code == "MALFORMED_QUERY"


@given(st.text(max_size=40))
def test_a_quoted_text_is_read_as_it_is(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace("'", "\\'").replace("_", "\\_").replace("%", "\\%")
    condition: Any = parse(f"SELECT Id FROM User WHERE Name = '{quoted}'").where
    read = condition.value.text
    assert read.replace("\\_", "_").replace("\\%", "%") == text or "\\" in text
