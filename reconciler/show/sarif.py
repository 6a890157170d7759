"""Findings as SARIF 2.1.0 (OASIS), which code hosts show beside the lines that they are about."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from reconciler import __version__
from reconciler.show.clean import clean
from reconciler.show.findings import RULES, Finding, Result, findings

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_HOME = "https://pypi.org/project/reconciler/"
_MOST = 5_000
"""GitHub shows so many results of a run, and takes 25,000 (its documentation, 2026)."""


def sarif(result: Result) -> dict[str, Any]:
    """The log of one run; of very many findings the worst."""
    found = findings(result)
    kept = found[:_MOST]
    used = [name for name in RULES if any(one.rule == name for one in kept)]
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "reconciler",
                "version": __version__,
                "informationUri": _HOME,
                "rules": [{"id": name, "shortDescription": {"text": RULES[name]}} for name in used],
            }
        },
        "automationDetails": {"id": f"reconciler/{result.command}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "the working directory"}}},
        "results": [_result(one, used) for one in kept],
    }
    if len(found) > len(kept):
        text = f"{len(found) - len(kept):,} more findings are not told here"
        run["invocations"] = [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [{"level": "note", "message": {"text": text}}],
            }
        ]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(one: Finding, rules: Sequence[str]) -> dict[str, Any]:
    place = _location(one)
    return {
        "ruleId": one.rule,
        "ruleIndex": rules.index(one.rule),
        "level": str(one.level),
        "message": {"text": one.message},
        "partialFingerprints": {"finding/v1": _fingerprint(one)},
        **({"locations": [place]} if place else {}),
    }


def _fingerprint(one: Finding) -> str:
    """The same for the same finding, also when its line has moved."""
    text = "\0".join((one.rule, one.address, one.message if not one.address else ""))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _location(one: Finding) -> dict[str, Any]:
    place: dict[str, Any] = {}
    if one.source:
        physical: dict[str, Any] = {"artifactLocation": _artifact(one.source.file)}
        if one.source.line > 0:
            physical["region"] = {
                "startLine": one.source.line,
                "startColumn": max(one.source.column, 1),
            }
        place["physicalLocation"] = physical
    if one.address:
        place["logicalLocations"] = [{"fullyQualifiedName": clean(one.address), "kind": "resource"}]
    return place


def _artifact(file: str) -> dict[str, str]:
    path = quote(str(PurePosixPath(file)).encode("utf-8", "surrogatepass"))
    return {"uri": f"file://{path}"} if file[0] == "/" else {"uri": path, "uriBaseId": "%SRCROOT%"}
