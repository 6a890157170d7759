"""What a document's policy entries say beyond their configuration: patterns, and their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from reconciler.core.model import MULESOFT_GROUP, POLICIES
from reconciler.files.patterns import check_pattern
from reconciler.files.policy_names import is_known, policy_entries
from reconciler.files.schema_words import Fault, Findings, Path
from reconciler.files.shipped import read_schema
from reconciler.files.yaml import Map, Seq


def check_entries(document: Map) -> Findings:
    """Errors and warnings of the entries of a document that fits its schema otherwise."""
    found = Findings([], [])
    has_placed: dict[Path, bool] = defaultdict(bool)
    for listed, path, entry in policy_entries(document):
        _check_patterns(entry, path, found)
        if listed != POLICIES:
            continue
        if _runs_first(entry):
            found.warnings.extend(_idle_place(entry, path, is_late=has_placed[path[:-1]]))
        else:
            has_placed[path[:-1]] = True
            found.warnings.extend(_before_the_first(entry, path))
    return found


def _check_patterns(entry: Map, path: Path, found: Findings) -> None:
    rules = entry.get("rules")
    for index, rule in enumerate(rules if isinstance(rules, Seq) else ()):
        pattern = rule.get("path") if isinstance(rule, Map) else None
        trouble = check_pattern(pattern) if isinstance(pattern, str) else None
        if trouble:
            fault = Fault((*path, "rules", index, "path"), trouble.message, trouble.hint)
            (found.errors if trouble.is_error else found.warnings).append(fault)


def _runs_first(entry: Map) -> bool:
    """Whether the service gives the policy no place among the others, as it does with CORS."""
    reference = entry["policyRef"]
    is_shipped = reference.get("groupId", MULESOFT_GROUP) == MULESOFT_GROUP
    return is_shipped and _has_no_place(reference.get("name"))


def _has_no_place(name: Any) -> bool:
    if not isinstance(name, str) or not is_known(name):
        return False
    return not read_schema(f"policies/{name}")["x-reconciler"]["ordered"]


def _idle_place(entry: Map, path: Path, *, is_late: bool) -> Iterator[Fault]:
    """A place for a policy that runs before all others anyway. is_late: others stand before it."""
    message, position = _says(entry["policyRef"]["name"]), entry.get("position")
    if position == "last" or (isinstance(position, Map) and "after" in position):
        yield Fault((*path, "position"), message, "remove position:, or write first")
    elif position is None and is_late:
        yield Fault((*path, "policyRef", "name"), message, "move it to the top of the list")


def _before_the_first(entry: Map, path: Path) -> Iterator[Fault]:
    """A place before a policy that runs before all others anyway."""
    position = entry.get("position")
    other = position.get("before") if isinstance(position, Map) else None
    if _has_no_place(other):
        yield Fault((*path, "position", "before"), _says(str(other)), "remove position:")


def _says(name: str) -> str:
    return f"the service runs {name} before all other policies, wherever it stands"
