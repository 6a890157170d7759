"""What the checks of the files would say of an entry that is not in any file yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.model import AUTOMATED, TIERS
from reconciler.errors import Problem
from reconciler.files.documents import group_of
from reconciler.files.schema import API_VERSION, Schemas
from reconciler.files.write import to_yaml
from reconciler.files.yaml import Map, parse

_HEAD = {"apiVersion": API_VERSION, "kind": "ApiInstance", "api": {"id": 1}}
_ENVIRONMENT_HEAD = {"apiVersion": API_VERSION, "kind": "Environment", "environment": "x"}
_MAX_REMEMBERED = 4096


@dataclass(slots=True)
class EntryChecker:
    """Checks single entries; equal ones are checked once."""

    schemas: Schemas
    _known: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def refusals(self, listed: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
        """What is wrong with an entry of one of the lists of a document, as text."""
        head = _ENVIRONMENT_HEAD if listed == AUTOMATED else _HEAD
        text = to_yaml({**head, listed: [entry]})
        if text in self._known:
            return self._known[text]
        found = tuple(dict.fromkeys(_shown(each, listed) for each in self._problems(listed, text)))
        if len(self._known) < _MAX_REMEMBERED:
            self._known[text] = found
        return found

    def _problems(self, listed: str, text: str) -> list[Problem]:
        documents, problems = parse(text.encode(), "entry")
        if problems:
            return problems
        document = documents[0].value
        problems = self.schemas.check_document(document, "entry")
        if problems or listed == TIERS:
            return problems
        entry = document[listed][0]
        config = entry.get("config") or Map(entry.at)
        errors, _ = self.schemas.check_config(
            config,
            group_of(entry["policyRef"]),
            str(entry["policyRef"]["name"]),
            file="entry",
            at=config.at,
            path="config",
            partial=False,
        )
        return errors


def _shown(problem: Problem, listed: str) -> str:
    path = problem.path.removeprefix(f"{listed}[0]").removeprefix(".")
    return f"{path}: {problem.message}" if path else problem.message
