"""Schemas of custom policies: what is taken of a file, and what is refused."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.catalogue import Field, PolicyType
from reconciler.core.model import MULESOFT_GROUP
from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.custom import CustomPolicies, custom_path
from reconciler.files.policy_schema import schema_of
from reconciler.files.schema import Schemas
from tests.files.builders import a_map

GROUP = "0a3c1f6e-5b7d-4a7e-9c21-6f1d2e3b4a01"
NAME = "tenant-guard"
FIELDS = {
    "limit": Field("limit", "integer", required=True, maximum=100),
    "mode": Field("mode", "string", enum=("strict", "lax"), default="strict"),
    "apiToken": Field("apiToken", "string", sensitive=True),
}


def a_policy_type(**fields: Field) -> PolicyType:
    found = fields or FIELDS
    return PolicyType(
        GROUP, NAME, "Tenant Guard", "other", ("1.0.0",), frozenset(), "", True, True, True, found
    )


def a_schema(**changes: Any) -> dict[str, Any]:
    return {**schema_of(a_policy_type()), **changes}


def written(root: Path, content: Any, path: str = f"{GROUP}/{NAME}.schema.json") -> CustomPolicies:
    """The folder with one file of this content."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return CustomPolicies(root, "schemas/custom")


def check(custom: CustomPolicies, config: str, *, partial: bool = True) -> tuple[Any, Any]:
    return Schemas.load(custom).check_config(
        a_map(config), GROUP, NAME, file="a.yaml", at=(3, 5), path="config", partial=partial
    )


def test_a_custom_policy_is_checked_like_the_rest(tmp_path: Path) -> None:
    custom = written(tmp_path, a_schema())
    errors, warnings = check(custom, "{limit: 500, mode: strickt, limt: 1}", partial=False)
    assert {(error.path, error.hint) for error in errors} == {
        ("config.limit", "write 100 or less"),
        ("config.mode", 'did you mean "strict"?'),
        ("config.limt", 'did you mean "limit"?'),
    }
    assert warnings == []
    assert check(custom, "{limit: 5, apiToken: '${env:T}'}", partial=False) == ([], [])
    assert check(custom, "{}", partial=False)[0][0].message == "limit is missing"


def test_the_catalogue_knows_it(tmp_path: Path) -> None:
    known = ShippedCatalogue.load(written(tmp_path, a_schema())).get(GROUP, NAME)
    assert known is not None
    assert known.fields == FIELDS
    assert known.fields["apiToken"].sensitive
    assert ShippedCatalogue.load().get(GROUP, NAME) is None


def test_without_a_schema_it_is_a_warning_that_says_what_to_do(tmp_path: Path) -> None:
    errors, warnings = check(CustomPolicies(tmp_path, "x"), "{limit: 1}")
    assert errors == []
    assert "schema pull" in warnings[0].hint


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("..", NAME),
        (".", NAME),
        ("", NAME),
        (GROUP, ".."),
        (GROUP, "../../etc/passwd"),
        (GROUP, "a/b"),
        (GROUP, "a\\..\\b\n"),
        (GROUP, "/etc/passwd"),
        (GROUP, ""),
        (GROUP, "a\0"),
        (GROUP, "a" * 200),
        ("/etc", NAME),
        (f"{GROUP}/..", NAME),
        (MULESOFT_GROUP, "cors"),
    ],
)
def test_a_name_that_could_lead_elsewhere_is_no_file(tmp_path: Path, group: str, name: str) -> None:
    assert custom_path(group, name) is None
    assert CustomPolicies(tmp_path, "x").find(group, name) is None


def broken(content: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """The content with something else at a path."""
    made: dict[str, Any] = json.loads(json.dumps(content))
    holder: Any = made
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    return made


LIMIT = ["properties", "limit"]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ([*LIMIT, "$ref"], "https://evil.example.com/schema", '$ref"'),
        (["$ref"], "file:///etc/passwd", '$ref"'),
        (["allOf"], [{"$ref": "https://evil.example.com"}], "allOf"),
        ([*LIMIT, "pattern"], "(a+)+$", "must be one of"),
        (["properties", "mode", "anyOf"], [{"pattern": "(a+)+$"}], "must be"),
        (["patternProperties"], {"(a+)+$": {}}, "patternProperties"),
        ([*LIMIT, "x-type"], "secret", "must be one of"),
        ([*LIMIT, "x-dependsOn"], [], "must be a mapping"),
        (["properties"], [], "must be a mapping"),
        (["x-reconciler"], {}, "group is missing"),
        (["x-reconciler", "group"], "other", f"must be {GROUP}"),
        (["x-reconciler", "direction"], "sideways", "must be one of"),
        (["title"], "a\x1b[2Jb", "control characters"),
        (["title"], 5, "must be text"),
        (["$dynamicRef"], "#x", "$dynamicRef"),
    ],
)
def test_what_may_not_stand_there_is_a_problem_that_names_the_file(
    tmp_path: Path, path: list[str], value: Any, words: str
) -> None:
    custom = written(tmp_path, broken(a_schema(), path, value))
    errors, warnings = check(custom, "{limit: 1}")
    assert warnings == []
    assert errors[0].file == f"schemas/custom/{GROUP}/{NAME}.schema.json"
    assert any(words in str(error) for error in errors)
    assert "reconciler schema pull" in errors[0].hint
    assert ShippedCatalogue.load(custom).get(GROUP, NAME) is None


@pytest.mark.parametrize(
    ("content", "words", "line"),
    [
        ("{", "not JSON", 1),
        ('{\n"a": \n}', "not JSON", 3),
        ("", "not JSON", 1),
        ("[]", "must be a mapping", 0),
        ("null", "must be a mapping", 0),
        ("[" * 100_000, "not JSON", 0),
        ('{"a": ' + "9" * 5000 + "}", "not JSON", 0),
        (" " * (1024 * 1024 + 1), "more than 1 MiB", 0),
    ],
)
def test_what_is_no_schema_is_a_problem(
    tmp_path: Path, content: str, words: str, line: int
) -> None:
    problem = check(written(tmp_path, content), "{limit: 1}")[0][0]
    assert words in problem.message
    assert problem.line == line


def test_what_is_nested_without_end_is_a_problem(tmp_path: Path) -> None:
    field: dict[str, Any] = {"x-type": "object"}
    for _ in range(400):
        field = {"x-type": "object", "properties": {"a": field}}
    errors, _ = check(written(tmp_path, a_schema(properties={"a": field})), "{a: {}}")
    assert errors


def _link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_link("/etc/passwd"), "links out"),
        (_link("../../../../secret.json"), "links out"),
        (Path.mkdir, "is no file"),
        (lambda path: os.mkfifo(path), "is no file"),
    ],
)
def test_what_is_no_file_of_the_folder_is_not_read(
    tmp_path: Path, make: Callable[[Path], None], words: str
) -> None:
    folder = tmp_path / "custom"
    (folder / GROUP).mkdir(parents=True)
    make(folder / GROUP / f"{NAME}.schema.json")
    problem = check(CustomPolicies(folder, "schemas/custom"), "{}")[0][0]
    assert words in problem.message


def test_no_value_makes_a_check_hang(tmp_path: Path) -> None:
    custom = written(tmp_path, schema_of(a_policy_type(text=Field("text", "expression"))))
    started = time.monotonic()
    check(custom, "{text: '" + "#[" + "a" * 50_000 + "'}")
    assert time.monotonic() - started < 5
