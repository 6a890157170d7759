from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.core.catalogue import Field, PolicyType
from reconciler.core.model import Resource
from reconciler.core.redact import Secret
from reconciler.errors import Problem
from tests.files.builders import (
    ADDRESS,
    TARGET,
    StandInSchemas,
    a_layer,
    a_resolver,
    a_type,
    layering,
)


def made(
    config: str,
    *fields: Field,
    environ: Mapping[str, str] | None = None,
    known: PolicyType | None = None,
    refused: Any = None,
) -> tuple[Resource, list[Problem], list[str]]:
    types = [known or a_type("basic", *fields)] if fields or known else []
    of = layering(
        *types, schemas=StandInSchemas(refused=refused), resolver=a_resolver(environ=environ)
    )
    text = f"policies: [{{policyRef: {{name: basic}}, config: {config}}}]"
    unit, problems, warnings = of.effective(ADDRESS, TARGET, "", [a_layer("api", text)])
    return unit.resources[0], problems, warnings


KEY = {"KEY": "hunter2"}


def test_a_reference_is_a_secret_by_path() -> None:
    resource, _, warnings = made("{user: '${env:KEY}'}", Field("user", "string"), environ=KEY)
    assert resource.settings["config"] == {"user": Secret("hunter2", "${env:KEY}")}
    assert resource.canonical["config"] == resource.settings["config"]
    assert resource.secrets == {"config.user"}
    assert resource.write_only == frozenset()
    assert warnings == []


def test_a_sensitive_field_is_write_only_and_a_literal_is_warned_of() -> None:
    field = Field("textKey", "string", sensitive=True)
    resource, _, (warning,) = made("{textKey: hunter2}", field)
    assert resource.settings["config"] == {"textKey": Secret("hunter2")}
    assert resource.write_only == {"config.textKey"}
    assert "basic.config.textKey: a secret stands here as plain text" in warning
    assert "hunter2" not in warning + repr(resource)


@pytest.mark.parametrize("complete", [True, False])
def test_a_secret_of_a_policy_not_known_in_full_is_write_only(complete: bool) -> None:
    known = a_type("basic", Field("user", "string"), complete=complete)
    resource, _, _ = made("{user: '${env:KEY}'}", environ=KEY, known=known)
    assert resource.write_only == (frozenset() if complete else {"config.user"})


def test_a_literal_under_a_secret_looking_key_is_secret() -> None:
    resource, _, warnings = made("{a: {apiKey: x, deep: {token: [y, z]}}, tokenUrl: u}")
    assert resource.secrets == {"config.a.apiKey", "config.a.deep.token"}
    assert resource.write_only == resource.secrets
    assert len(warnings) == 3


def test_switches_and_known_numbers_are_no_secrets() -> None:
    config = "{supportCredentials: true, maximumTokens: 5, otherToken: false}"
    resource, _, warnings = made(config, Field("maximumTokens", "integer"))
    assert (resource.secrets, warnings) == (frozenset(), [])


def test_secrets_in_lists_are_marked_by_pattern() -> None:
    config = "{claims: [{key: a, value: '${env:KEY}'}], names: [a, '${env:KEY}']}"
    resource, _, _ = made(config, environ=KEY)
    assert resource.secrets == {"config.claims.*.value", "config.names"}


def test_what_lies_under_a_sensitive_object_is_secret() -> None:
    field = Field("login", "object", sensitive=True, fields={"user": Field("user", "string")})
    resource, _, _ = made("{login: {user: joe, on: true}}", field)
    assert resource.write_only == {"config.login.user"}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "300", 300),
        ("integer", " 300 ", 300),
        ("number", "0.5", 0.5),
        ("number", "5", 5),
        ("boolean", "true", True),
        ("boolean", "FALSE", False),
        ("string", "300", "300"),
    ],
)
def test_a_resolved_value_gets_the_catalogue_s_type(kind: str, text: str, value: Any) -> None:
    resource, problems, _ = made("{a: '${env:KEY}'}", Field("a", kind), environ={"KEY": text})
    assert problems == []
    found = resource.settings["config"]["a"].reveal()
    assert (found, type(found)) == (value, type(value))


def test_an_item_of_a_list_gets_the_item_type() -> None:
    field = Field("ports", "array", item_type="integer")
    resource, problems, _ = made("{ports: ['${env:KEY}']}", field, environ={"KEY": "80"})
    assert problems == []
    assert resource.settings["config"]["ports"][0].reveal() == 80


@pytest.mark.parametrize("kind", ["integer", "number", "boolean"])
@pytest.mark.parametrize("text", ["hunter2", "nan", "inf", "1.5.2"])
def test_a_value_of_the_wrong_type_is_a_problem_without_the_value(kind: str, text: str) -> None:
    field = Field("a", kind)
    resource, (problem,), _ = made("{a: '${env:KEY}'}", field, environ={"KEY": text})
    assert f"the value of ${{env:KEY}} is no {kind}" in str(problem)
    assert text not in str(problem) + repr(resource)


def test_a_value_that_the_schema_refuses_is_a_problem_without_the_value() -> None:
    _, (problem,), _ = made("{a: '${env:KEY}'}", environ=KEY, refused="hunter2")
    assert "basic.config.a" in str(problem)
    assert "hunter2" not in str(problem)


def test_an_unset_variable_leaves_the_field_unknown() -> None:
    resource, problems, (warning,) = made("{a: '${env:KEY}'}", Field("a", "integer"))
    assert problems == []
    assert not resource.settings["config"]["a"].is_known
    assert "the variable KEY is not set" in warning


def test_an_escaped_reference_is_plain_text() -> None:
    resource, _, _ = made("{a: 'x$${env:KEY}'}", environ=KEY)
    assert resource.settings["config"] == {"a": "x${env:KEY}"}
    assert resource.secrets == frozenset()


def test_a_bad_reference_is_a_problem_even_in_a_list() -> None:
    _, (problem,), _ = made("{a: [b, '${env:AWS_KEY}']}")
    assert "basic.config.a[1]: the variable AWS_KEY may not be used here" in str(problem)


def test_a_password_in_a_url_is_secret_wherever_it_stands() -> None:
    field = Field("back", "string")
    resource, _, (warning,) = made("{back: 'https://svc:hunter2@h/x'}", field)
    assert resource.secrets == {"config.back"}
    assert resource.write_only == frozenset()
    assert "a secret stands here as plain text" in warning
    assert "hunter2" not in warning + repr(resource)
