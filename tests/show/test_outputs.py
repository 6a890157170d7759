"""SARIF, JUnit and annotations of a run: sound by their standards, whatever is in the names."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.effect import Effect
from reconciler.core.model import Source
from reconciler.core.outcome import FAILED, SKIPPED
from reconciler.core.plan import Plan, PlanError
from reconciler.errors import Exit, Problem
from reconciler.show.findings import Level, Result, findings
from reconciler.show.github import workflow_commands
from reconciler.show.junit import junit
from reconciler.show.sarif import sarif
from tests.show.builders import FILE, ORDERS, a_change, a_field, a_plan, an_outcome

STANDARD = json.loads(
    (Path(__file__).parents[1] / "fixtures/standards/sarif-2.1.0-rtm.5.json").read_text()
)
EVIL = [
    "a::error::b",
    "%0A::set-output name=a::b",
    "]]>",
    "<a>&\"'",
    "\x00\x1b[31m",
    "\ud800",
    "a\nb",
    "ä,:=%",
]
texts = st.text(max_size=30) | st.sampled_from(EVIL)


def a_result(text: str = "x", command: str = "plan") -> Result:
    """Everything that a run can find, with the text in each place."""
    weakens = replace(
        a_change(f"{ORDERS}/{text}", "update", a_field(text, text, [text])),
        effect=Effect.WEAKENS,
        why=text,
    )
    plan = a_plan(
        a_change(f"{ORDERS}/cors", "create", a_field(text, None, text), file=text or "a"),
        weakens,
        replace(a_change(f"{ORDERS}/y", "delete"), source=None, effect=Effect.STRENGTHENS),
        unmanaged=[f"acme/production/{text}/own"],
        warnings=[text, f"{FILE}:3:5: policies[0]: {text}"],
        errors=[text],
    )
    wrong = PlanError(text, Exit.INVALID, "", Problem(text or "a", 3, 4, text, text, text))
    plan = replace(plan, errors=(*plan.errors, wrong))
    outcomes = [
        an_outcome(weakens, FAILED, text, Exit.FAILURE),
        an_outcome(weakens, SKIPPED, text, Exit.PARTIAL),
    ]
    return Result(command, plan, {}, outcomes, {"acme/production": Source(FILE, 1, 1)})


COMMANDS = ["plan", "drift", "apply", "validate"]


@pytest.mark.parametrize("command", COMMANDS)
def test_findings_have_a_level_a_rule_and_a_place(command: str) -> None:
    found = findings(a_result(command=command))
    assert [one.level for one in found] == sorted(
        (one.level for one in found), key=list(Level).index
    )
    rules = {one.rule for one in found}
    assert {"failed", "invalid", "odd", "unmanaged"} <= rules
    assert rules & {"drift": {"drift", "unprotected"}, "apply": {"not-applied"}}.get(
        command, {"weakens", "change"}
    )
    by_rule = {one.rule: one for one in found}
    assert by_rule["unmanaged"].source == Source(FILE, 1, 1)
    assert by_rule["invalid"].source == Source("x", 3, 4)
    assert {one.source for one in found if one.rule == "odd"} == {None, Source(FILE, 3, 5)}


def test_a_repair_that_strengthens_shows_that_somebody_weakened() -> None:
    found = {one.rule: one for one in findings(a_result(command="drift"))}
    assert found["unprotected"].level is Level.ERROR
    assert found["drift"].level is Level.WARNING


@pytest.mark.parametrize("command", COMMANDS)
@given(texts)
def test_sarif_is_sound_by_the_standards_schema(command: str, text: str) -> None:
    log = sarif(a_result(text, command))
    jsonschema.Draft4Validator(STANDARD).validate(log)
    run = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    json.dumps(log).encode()


def test_of_very_many_findings_sarif_has_the_worst() -> None:
    plan = a_plan(*(a_change(f"a/b/c{n}/cors") for n in range(6_000)), errors=["bad"])
    log = sarif(Result("plan", plan, {}))
    results = log["runs"][0]["results"]
    assert (len(results), results[0]["level"]) == (5_000, "error")
    assert "1,001 more" in json.dumps(log["runs"][0]["invocations"])


def test_a_finding_keeps_its_fingerprint_when_its_line_moves() -> None:
    def prints(line: int) -> list[Any]:
        log = sarif(Result("plan", a_plan(a_change(line=line)), {}))
        return [one["partialFingerprints"] for one in log["runs"][0]["results"]]

    assert prints(3) == prints(300)


@pytest.mark.parametrize("command", COMMANDS)
@given(texts)
def test_junit_is_xml_and_counts_right(command: str, text: str) -> None:
    result = a_result(text, command)
    root = ElementTree.fromstring(junit(result).encode("utf-8"))
    cases, failures = root.findall(".//testcase"), root.findall(".//failure")
    assert len(cases) == len(findings(result)) == int(root.get("tests", ""))
    assert len(failures) == int(root.get("failures", "")) > 0
    for suite in root:
        assert int(suite.get("tests", "")) == len(suite)


def test_where_nothing_is_found_a_case_passes() -> None:
    root = ElementTree.fromstring(junit(Result("drift", a_plan(), {})))
    assert (root.get("tests"), root.get("failures"), len(root.findall(".//testcase"))) == (
        "1",
        "0",
        1,
    )


@given(texts)
def test_annotations_are_one_command_a_line_and_say_what_they_say(text: str) -> None:
    lines = workflow_commands(findings(a_result(text))).split("\n")[:-1]
    for line in lines:
        command, _, rest = line.removeprefix("::").partition(" ")
        assert command in ("error", "warning")
        properties, _, message = rest.partition("::")
        assert "\r" not in message
        assert {one.partition("=")[0] for one in properties.split(",")} <= {
            "title",
            "file",
            "line",
            "col",
        }


def test_of_many_annotations_the_first_are_told_and_the_rest_counted() -> None:
    plan = Plan((), warnings=tuple(f"{n}" for n in range(40)))
    lines = workflow_commands(findings(Result("plan", plan, {}))).splitlines()
    assert len(lines) == 10
    assert lines[-1].endswith("::31 more; the output of the job has all of them")
