from __future__ import annotations

import pytest

from reconciler.files.schema import Schemas
from tests.files.builders import API, a_map

SCHEMAS = Schemas.load()
CORS = "{policyRef: {name: cors}, config: {publicResource: true}}"
SPIKE = "{policyRef: {name: spike-control}}"


def errors(text: str) -> list[str]:
    found = SCHEMAS.check_document(a_map(API + text), "f")
    return [str(problem).removeprefix("f:") for problem in found]


def warnings(text: str) -> list[str]:
    assert errors(text) == []
    found = SCHEMAS.document_warnings(a_map(API + text), "f")
    return [str(problem).removeprefix("f:") for problem in found]


def ruled(path: str) -> str:
    rules = f"[{{methods: [GET], path: '{path}'}}]"
    return f"policies: [{{policyRef: {{name: spike-control}}, rules: {rules}}}]"


def test_pattern_that_does_not_compile_is_refused_at_its_place() -> None:
    (error,) = errors(ruled("/orders/(.*"))
    assert error.startswith("4:78: policies[0].rules[0].path: is no regular expression: missing )")


def test_pattern_of_a_custom_policy_is_checked_too() -> None:
    text = ruled("[a").replace("spike-control", "mine, groupId: my-group")
    assert "close the [ with ]" in errors(text)[0]


def test_pattern_that_surprises_is_a_warning() -> None:
    (warning,) = warnings(ruled("/orders/*"))
    assert "policies[0].rules[0].path: /* means any number of slashes" in warning


def test_cors_after_another_policy_is_warned_of() -> None:
    assert warnings(f"policies: [{CORS}, {SPIKE}]") == []
    (warning,) = warnings(f"policies:\n  - {SPIKE}\n  - {CORS}")
    assert warning == (
        "6:24: policies[1].policyRef.name: the service runs cors before all other policies, "
        "wherever it stands (move it to the top of the list)"
    )


@pytest.mark.parametrize("position", ["last", "{after: spike-control}"])
def test_position_behind_another_policy_is_warned_of(position: str) -> None:
    moved = CORS.replace("config", f"position: {position}, config")
    (warning,) = warnings(f"policies: [{moved}, {SPIKE}]")
    assert "policies[0].position: the service runs cors before all other policies" in warning


def test_position_at_the_top_is_right() -> None:
    moved = CORS.replace("config", "position: first, config")
    assert warnings(f"policies: [{SPIKE}, {moved}]") == []


def test_policy_placed_before_cors_is_warned_of() -> None:
    moved = SPIKE.replace("}}", "}, position: {before: cors}}")
    (warning,) = warnings(f"policies: [{CORS}, {moved}]")
    assert "policies[1].position.before: the service runs cors before" in warning
