"""Query texts: whatever stands in a name stays in its literal."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.providers.salesforce import soql
from tests.providers.salesforce.natives import APP, PERMISSION_SET, USER

LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'")


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("Billing Sync", "'Billing Sync'"),
        ("O'Brien", r"'O\'Brien'"),
        ("\\", r"'\\'"),
        ("\\' OR Name != '", r"'\\\' OR Name != \''"),
        ("a\nb\rc\td", r"'a\nb\rc\td'"),
        ("\0\x1b\u202e", r"'\u0000\u001B\u202E'"),
        ("Größe 漢 😀 %_", "'Größe 漢 😀 %_'"),
    ],
)
def test_a_value_is_quoted(value: str, literal: str) -> None:
    assert soql.quoted(value) == literal


@given(st.text())
def test_no_value_leaves_its_literal(value: str) -> None:
    assert LITERAL.fullmatch(soql.quoted(value))


@given(st.text(min_size=1))
def test_a_hostile_name_changes_nothing_but_a_literal(value: str) -> None:
    (query,) = soql.permission_sets([value])
    (plain,) = soql.permission_sets(["x"])
    assert LITERAL.sub("''", query) == LITERAL.sub("''", plain)


@pytest.mark.parametrize(
    "ask", [soql.user, soql.grants_of, soql.assignments_of, soql.revocable_tokens_of]
)
@pytest.mark.parametrize("id", ["", "x' OR Id != '", "0055g000003XyZa'", f"{USER}\n"])
def test_what_is_no_id_is_not_asked_for(ask: Callable[[str], str], id: str) -> None:
    with pytest.raises(ValueError):
        ask(id)


@pytest.mark.parametrize("permission", ["", "A B", "A, Id", "A=1--", "é", "A\n"])
def test_what_is_no_permission_is_not_asked_for(permission: str) -> None:
    for ask in (soql.permission_holders, soql.permission_givers):
        with pytest.raises(ValueError):
            ask(permission)


def test_no_names_are_no_query() -> None:
    assert soql.permission_sets([]) == soql.profile_sets(()) == soql.tokens_of([]) == ()


def test_ids_are_asked_for_once_and_in_full() -> None:
    (query,) = soql.assigned_count(USER[:15], [PERMISSION_SET[:15], PERMISSION_SET])
    assert query == (
        "SELECT COUNT() FROM PermissionSetAssignment WHERE "
        f"AssigneeId = '{USER}' AND PermissionSetId IN ('{PERMISSION_SET}')"
    )


@given(st.lists(st.text(min_size=1, max_size=80), unique=True, max_size=400))
def test_long_lists_become_queries_that_an_address_can_hold(names: list[str]) -> None:
    queries = soql.profile_sets(names)
    assert all(len(quote_plus(query)) < 6000 for query in queries)
    found = [literal for query in queries for literal in LITERAL.findall(query)]
    assert found == [soql.quoted(name) for name in names]


def test_the_grants_of_both_kinds_of_apps_are_asked_for() -> None:
    assert "('ConnectedApplication', 'ExternalClientApplication')" in soql.grants()
    assert f"'{APP}'" in soql.grants_of(APP)


def test_days_are_a_number() -> None:
    assert "LAST_N_DAYS:30 " in soql.logins_by_app(30)


def test_setup_changes_are_asked_for_from_a_second_of_utc() -> None:
    since = datetime(2026, 11, 20, 10, 12, 44, tzinfo=timezone(timedelta(hours=1)))
    query = soql.setup_changes(since, 5)
    assert "CreatedDate > 2026-11-20T09:12:44Z ORDER BY CreatedDate DESC LIMIT 5" in query
