"""Whether the policies that a document names exist, and fit the list that they stand in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.core.model import AUTOMATED, MULESOFT_GROUP, OUTBOUND, POLICIES
from reconciler.files.schema_words import Fault, Path, suggest
from reconciler.files.shipped import policy_names, read_schema
from reconciler.files.yaml import Map, Seq


def check_names(document: Map) -> list[Fault]:
    """Faults of the policy names of a document; custom policies, which have a groupId, pass."""
    found: list[Fault] = []
    for listed, path, entry in policy_entries(document):
        found += _check_entry(listed, path, entry)
    for key in ("exclude", "absent"):
        for index, item in _maps(document.get(key)):
            if item.get("groupId", MULESOFT_GROUP) == MULESOFT_GROUP:
                found += _check_name(item.get("policy"), (key, index, "policy"))
    pins = document.get("versions")
    for name in pins if isinstance(pins, Map) else ():
        if "/" not in name:
            found += _check_name(name, ("versions", name), of_key=True)
    return found


def check_versions(document: Map) -> Iterator[Fault]:
    """Versions of known policies that the catalogue does not list; it never lists all."""
    for _, path, entry in policy_entries(document):
        reference = entry["policyRef"]
        if reference.get("groupId", MULESOFT_GROUP) == MULESOFT_GROUP:
            version = reference.get("version")
            yield from _check_version(
                reference.get("name"), version, (*path, "policyRef", "version")
            )
    pins = document.get("versions")
    for name, version in pins.items() if isinstance(pins, Map) else ():
        yield from _check_version(name, version, ("versions", name))


def policy_entries(document: Map) -> Iterator[tuple[str, Path, Map]]:
    """Each policy entry with a policyRef: its list, its path, itself."""
    defaults = document.get("defaults")
    holders: list[tuple[Path, Any]] = [((), document), (("defaults",), defaults)]
    for start, holder in holders:
        for listed in (POLICIES, OUTBOUND, AUTOMATED):
            items = holder.get(listed) if isinstance(holder, Map) else None
            for index, entry in _maps(items):
                if isinstance(entry.get("policyRef"), Map):
                    yield listed, (*start, listed, index), entry


def _maps(items: Any) -> Iterator[tuple[int, Map]]:
    for index, item in enumerate(items if isinstance(items, Seq) else ()):
        if isinstance(item, Map):
            yield index, item


def _check_entry(listed: str, path: Path, entry: Map) -> Iterator[Fault]:
    reference = entry["policyRef"]
    name, at = reference.get("name"), (*path, "policyRef", "name")
    if reference.get("groupId", MULESOFT_GROUP) != MULESOFT_GROUP:
        return
    unknown = list(_check_name(name, at))
    yield from unknown
    if unknown or not isinstance(name, str) or not is_known(name):
        return
    names = policy_names()
    if listed == POLICIES and name in names["outbound"]:
        yield Fault(at, f"{name} acts on calls to upstreams", "move it to outboundPolicies")
    elif listed == OUTBOUND and name in names["inbound"]:
        yield Fault(at, f"{name} acts on requests to the API", "move it to policies")
    if entry.get("rules") and not read_schema(f"policies/{name}")["x-reconciler"]["rules"]:
        yield Fault((*path, "rules"), f"{name} holds for the whole API", "remove rules")


def is_known(name: str) -> bool:
    """Whether MuleSoft's own group has this policy and API Manager can apply it."""
    names = policy_names()
    return name in names["inbound"] or name in names["outbound"]


def _check_name(name: Any, path: Path, *, of_key: bool = False) -> Iterator[Fault]:
    if not isinstance(name, str) or not name or is_known(name):
        return
    names = policy_names()
    if name in names["local"]:
        message = f"{name} is for files on the gateway itself; API Manager cannot apply it"
        yield Fault(path, message, "remove it here", of_key=of_key)
        return
    meant = suggest(name, names["inbound"] + names["outbound"])[0]
    hint = f'did you mean "{meant}"?' if meant else "a custom policy needs its groupId"
    yield Fault(path, f'unknown policy "{name}"', hint, of_key=of_key)


def _check_version(name: Any, version: Any, path: Path) -> Iterator[Fault]:
    if not isinstance(name, str) or not isinstance(version, str) or not is_known(name):
        return
    known = read_schema(f"policies/{name}")["x-reconciler"]["versions"]
    if known and version not in known:
        hint = f"known: {', '.join(known)}; newer ones may exist"
        yield Fault(path, f"version {version} of {name} is not in the catalogue", hint)
