"""Versions of policies in exported documents, pinned where one version is all there is. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.core.model import AUTOMATED, OUTBOUND, POLICIES

Entry = Mapping[str, Any]

_LISTS = (POLICIES, OUTBOUND, AUTOMATED)


def pin_versions(files: Mapping[str, dict[str, Any]], top: str, below: str) -> None:
    """Pins, in the document at `top`, each version that is the only one of its policy in all
    documents whose path begins with `below`, and that stands there at least twice."""
    used: dict[str, list[str | None]] = defaultdict(list)
    for document in _below(files, below):
        for entry in _entries(document):
            used[_pin_name(entry)].append(entry["policyRef"].get("version"))
    pins = {
        name: versions[0]
        for name, versions in sorted(used.items())
        if len(versions) > 1 and versions[0] and len(set(versions)) == 1
    }
    if not pins:
        return
    for document in _below(files, below):
        _without_versions(document, pins)
    files[top]["versions"] = pins


def _below(files: Mapping[str, dict[str, Any]], below: str) -> list[dict[str, Any]]:
    return [document for path, document in files.items() if path.startswith(below)]


def _pin_name(entry: Entry) -> str:
    reference = entry["policyRef"]
    group = reference.get("groupId")
    return f"{group}/{reference['name']}" if group else str(reference["name"])


def _entries(document: Mapping[str, Any]) -> Iterator[Entry]:
    for holder in (document, document.get("defaults", {})):
        for listed in _LISTS:
            yield from holder.get(listed, ())


def _without_versions(document: dict[str, Any], pins: Mapping[str, Any]) -> None:
    for holder in (document, document.get("defaults", {})):
        for listed in _LISTS:
            if listed in holder:
                holder[listed] = [_unpinned(entry, pins) for entry in holder[listed]]


def _unpinned(entry: Entry, pins: Mapping[str, Any]) -> Entry:
    if _pin_name(entry) not in pins:
        return entry
    reference = {key: value for key, value in entry["policyRef"].items() if key != "version"}
    return {**entry, "policyRef": reference}
