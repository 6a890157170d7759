"""Which policies of an API an automated policy takes the place of."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.coverage import Cover, conflicts, overriding
from reconciler.core.model import AUTOMATED
from tests.builders import a_desired, a_live, a_live_policy, a_policy

UNIT = "acme/production/automatedPolicies"
RULES: list[tuple[dict[str, Any] | None, str, int, int]] = [
    (None, "mule4", 1, 0),
    ({"technologies": ["mule4"]}, "mule4", 1, 0),
    ({"technologies": ["mule4"]}, "flexGateway", 0, 0),
    ({"range": {"from": "4.1.1"}}, "mule4", 0, 1),
    ({"javaVersions": ["17"]}, "mule4", 0, 1),
    ({"javaVersions": ["8", "11", "17"]}, "mule4", 1, 0),
]


def a_cover(type_: str = "alpha", rule: Any = None, *, is_live: bool = False, **more: Any) -> Cover:
    made = a_policy(type_, listed=AUTOMATED, ruleOfApplication=rule, line=3, **more)
    return Cover(made, f"{UNIT}/{type_}", is_live)


@pytest.mark.parametrize(("rule", "technology", "problems", "warnings"), RULES)
def test_a_rule_covers_what_it_may(
    rule: Any, technology: str, problems: int, warnings: int
) -> None:
    found = conflicts(a_desired(a_policy()), None, [a_cover(rule=rule)], technology)
    assert (len(found[0]), len(found[1])) == (problems, warnings)


def test_the_problem_stands_at_the_policy_and_names_the_other() -> None:
    problem = conflicts(a_desired(a_policy(line=9)), None, [a_cover()], "mule4")[0][0]
    assert (problem.file, problem.line, problem.path) == ("orders.yaml", 9, "alpha")
    assert f"the automated policy {UNIT}/alpha (orders.yaml:3) covers this API" in problem.message


@pytest.mark.parametrize(
    "desired", [a_policy("beta"), a_policy(group="own"), a_policy(disabled=True)]
)
def test_another_policy_and_one_that_is_off_are_no_conflict(desired: Any) -> None:
    assert conflicts(a_desired(desired), None, [a_cover()], "mule4") == ([], [])


def test_what_a_live_one_has_switched_off_is_explained_elsewhere() -> None:
    covers = [a_cover(is_live=True)]
    switched_off = a_live(a_live_policy(disabled=True), overridden=overriding(covers, "mule4"))
    assert conflicts(a_desired(a_policy()), switched_off, covers, "mule4") == ([], [])
    by_somebody = a_live(a_live_policy(disabled=True))
    assert len(conflicts(a_desired(a_policy()), by_somebody, covers, "mule4")[0]) == 1


def test_a_live_policy_beside_a_live_one_of_other_versions_is_fine() -> None:
    covers = [a_cover(rule={"range": {"from": "4.9.0"}}, is_live=True)]
    assert conflicts(a_desired(a_policy()), a_live(a_live_policy()), covers, "mule4") == ([], [])


def test_only_live_ones_that_are_on_switch_off() -> None:
    covers = [
        a_cover("alpha"),
        a_cover("beta", is_live=True, disabled=True),
        a_cover("gamma", {"technologies": ["flexGateway"]}, is_live=True),
        a_cover("login", is_live=True),
    ]
    assert [name for _, name in overriding(covers, "mule4")] == ["login"]
