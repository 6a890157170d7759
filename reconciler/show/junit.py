"""Findings as JUnit XML, which every build server shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree

from reconciler.show.findings import Finding, Level, Result, findings

# What XML 1.0 cannot hold, not even as a reference.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(result: Result) -> str:
    """A test case for each finding, by environment; one that passes where there is nothing to find.

    Errors, and differences of a drift, are failures; all else passes and says what it is.
    """
    found = findings(result)
    suites = ElementTree.Element("testsuites", name=f"reconciler {result.command}")
    by_place = sorted(found, key=_suite_of)
    for name, group in groupby(by_place, key=_suite_of):
        _add(suites, name, list(group), result)
    if not found:
        suite = ElementTree.SubElement(
            suites, "testsuite", name=result.command, tests="1", failures="0", errors="0"
        )
        ElementTree.SubElement(
            suite, "testcase", classname=result.command, name="as the files say", time="0"
        )
    total = sum(int(suite.get("tests", "0")) for suite in suites)
    failed = sum(int(suite.get("failures", "0")) for suite in suites)
    suites.set("tests", str(total))
    suites.set("failures", str(failed))
    ElementTree.indent(suites)
    text = ElementTree.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite_of(one: Finding) -> str:
    """The environment, else the file, else the run."""
    if one.address:
        return "/".join(one.address.split("/")[:2])
    return one.source.file if one.source else "reconciler"


def _add(suites: ElementTree.Element, name: str, found: Sequence[Finding], result: Result) -> None:
    failures = [one for one in found if _fails(one, result)]
    suite = ElementTree.SubElement(
        suites,
        "testsuite",
        name=_text(name),
        tests=str(len(found)),
        failures=str(len(failures)),
        errors="0",
    )
    for one in found:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=_text(name),
            name=_text(one.address or one.message),
            time="0",
        )
        if one.source:
            case.set("file", _text(one.source.file))
            case.set("line", str(one.source.line))
        below = "failure" if _fails(one, result) else "system-out"
        told = ElementTree.SubElement(case, below)
        told.text = _text(one.message)
        if below == "failure":
            told.set("message", _text(one.message))
            told.set("type", one.rule)


def _fails(one: Finding, result: Result) -> bool:
    return one.level is Level.ERROR or (result.is_drift and one.rule == "drift")


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
