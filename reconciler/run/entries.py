"""Live resources as entries of documents: what a file has to say for a plan to find no change.

What the file format has no words for, or what its checks would refuse, is left out with a
warning: the service keeps it, and a plan calls it unmanaged.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

from reconciler.core.canonical import ALL_METHODS
from reconciler.core.catalogue import (
    GATEWAYS,
    MISSING,
    SERVER_ONLY,
    Catalogue,
    Field,
    Scope,
    canonical_scalar,
    is_active,
)
from reconciler.core.model import AUTOMATED, MULESOFT_GROUP, OUTBOUND, POLICIES, TIERS, Resource
from reconciler.core.redact import Secret
from reconciler.files.values import escape, is_refused_variable

Entry = dict[str, Any]

_REFERENCE = re.compile(r"(?<!\$)\$\{env:([A-Z0-9_]+)\}")
_LIMIT = ("maximumRequests", "timePeriodInMilliseconds")


class EntryCheck(Protocol):
    """Says what the checks of the files would refuse."""

    def refusals(self, listed: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
        """What is wrong with an entry of a list; nothing where it is sound."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A resource and the entry that it would be."""

    resource: Resource
    name: str
    entry: Entry

    @property
    def policy(self) -> tuple[str, str]:
        return self.resource.key.group, self.resource.key.type

    @property
    def identity(self) -> tuple[str, str, str]:
        """What tells it from the others of its list, in files."""
        return (*self.policy, self.name)


@dataclass(slots=True)
class Writer:
    """Makes the entries, and remembers which variables it named and what it had to say.

    A variable is named after the address of its value: two environments share no secret.
    """

    catalogue: Catalogue
    check: EntryCheck
    warnings: list[str] = field(default_factory=list)
    _variables: dict[str, str] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of all variables that the entries hold, sorted."""
        return tuple(sorted(self._used))

    def entries(
        self, listed: str, resources: Iterable[Resource], address: str, technology: str = ""
    ) -> list[Entry]:
        """The entries of one list of an API or environment, in the live order.

        technology: the kind of gateway of the API; empty for an environment.
        """
        named = _named([item for item in resources if item.key.list == listed])
        drafts = [_Draft(item, name, self._entry(item, name, address)) for item, name in named]
        reasons = _with_doubles(
            drafts, [self._refusal(draft, drafts, technology) for draft in drafts]
        )
        kept: list[Entry] = []
        for draft, reason in zip(drafts, reasons, strict=True):
            if reason:
                what = f"{draft.resource.key.segment} (id {draft.resource.id})"
                self.warnings.append(f"{address}: {what} is left out: {reason}")
            else:
                kept.append(draft.entry)
        self._used.update(_REFERENCE.findall(json.dumps(kept)))
        return kept

    def _refusal(self, draft: _Draft, drafts: Sequence[_Draft], technology: str) -> str:
        """Why a file cannot hold the entry; nothing where it can."""
        key = draft.resource.key
        known = self.catalogue.get(key.group, key.type)
        if sum(draft.identity == other.identity for other in drafts) > 1:
            return "it is there twice, and files cannot tell the two apart"
        if key.list == AUTOMATED and draft.resource.settings.get("disabled"):
            return "it is switched off, which files cannot say"
        if known and technology in GATEWAYS - known.gateways and known.gateways_documented:
            return f"it is known to run on {', '.join(sorted(known.gateways))}"
        return "; ".join(self.check.refusals(key.list, draft.entry))

    def _entry(self, resource: Resource, name: str, address: str) -> Entry:
        if resource.key.list == TIERS:
            return _tier(resource)
        entry: Entry = {"name": name} if name and resource.key.list != AUTOMATED else {}
        entry["policyRef"] = _reference(resource)
        config = self._config(resource, f"{address} {resource.key.type} {name}")
        if config:
            entry["config"] = config
        canonical = resource.canonical
        if resource.key.list == AUTOMATED:
            # Files give it neither rules nor a switch.
            rule = _without_nothing(canonical.get("ruleOfApplication") or {})
            return {**entry, "ruleOfApplication": rule} if rule else entry
        if canonical.get("rules"):
            entry["rules"] = [_rule(rule) for rule in canonical["rules"]]
        if resource.settings.get("upstreams"):
            entry["upstreams"] = list(resource.settings["upstreams"])
        if canonical.get("disabled"):
            entry["disabled"] = True
        return entry

    def _config(self, resource: Resource, at: str) -> dict[str, Any]:
        known = self.catalogue.get(resource.key.group, resource.key.type)
        fields = known.fields if known else {}
        config = resource.settings.get("config") or {}
        kept = {key: config[key] for key in config if key in fields or key not in SERVER_ONLY}
        return self._object(kept, fields, at, ())

    def _object(
        self,
        value: Mapping[str, Any],
        fields: Mapping[str, Field],
        at: str,
        outer: tuple[Scope, ...],
    ) -> dict[str, Any]:
        scopes = (*outer, (value, fields))
        made = {
            key: self._value(item, fields.get(key), f"{at} {key}", scopes)
            for key, item in value.items()
            if item is not None
        }
        for name, known in fields.items():
            if known.sensitive and name not in made and is_active(known, scopes):
                # A field that only some branch has is not called required, but is there.
                if known.depends_on or (known.required and known.default is MISSING):
                    made[name] = self._variable(f"{at} {name}")
                else:
                    self._warn_of(name, at)
        return made

    def _value(self, item: Any, known: Field | None, at: str, scopes: tuple[Scope, ...]) -> Any:
        if isinstance(item, list | tuple):
            shared = len(item) < 2
            return [
                self._item(part, known, at if shared else f"{at} {number}", scopes)
                for number, part in enumerate(item, 1)
            ]
        if isinstance(item, Secret) or (known and known.sensitive):
            return self._variable(at)
        if isinstance(item, Mapping):
            return self._object(item, known.fields if known else {}, at, scopes)
        return _scalar(item, known.type if known else "")

    def _item(self, part: Any, known: Field | None, at: str, scopes: tuple[Scope, ...]) -> Any:
        if isinstance(part, Mapping):
            return self._object(part, known.fields if known else {}, at, scopes)
        if isinstance(part, Secret) or (known and known.sensitive):
            return self._variable(at)
        if isinstance(part, list | tuple):
            return self._value(part, None, at, scopes)
        return _scalar(part, known.item_type if known else "")

    def _variable(self, at: str) -> str:
        made = re.sub(r"[^A-Z0-9]+", "_", at.upper()).strip("_")
        made = f"SECRET_{made}" if not made[:1].isalpha() or is_refused_variable(made) else made
        free = next(name for name in _names_like(made) if self._variables.get(name, at) == at)
        self._variables[free] = at
        return f"${{env:{free}}}"

    def _warn_of(self, name: str, at: str) -> None:
        self.warnings.append(
            f"{at}: may hold {name}, which the service does not return: "
            "where it is set, write it, or the next update of this policy clears it"
        )


def _with_doubles(drafts: Sequence[_Draft], reasons: Sequence[str]) -> list[str]:
    """The reasons, with one for each policy of which an API has another that is left out: with
    that one gone a plan could not tell which of them is meant."""
    gone = {
        draft.policy
        for draft, reason in zip(drafts, reasons, strict=True)
        if reason and draft.resource.key.list in (POLICIES, OUTBOUND)
    }
    return [
        reason or ("another one of it is left out" if draft.policy in gone else "")
        for draft, reason in zip(drafts, reasons, strict=True)
    ]


def _names_like(name: str) -> Iterable[str]:
    yield name
    for number in count(2):
        yield f"{name}_{number}"


def _scalar(item: Any, kind: str) -> Any:
    """Text is escaped; text that says a number is one where the catalogue says number."""
    plain = canonical_scalar(item, kind)
    return escape(plain) if isinstance(plain, str) else plain


def _named(resources: Sequence[Resource]) -> list[tuple[Resource, str]]:
    """Each resource with the name that its entry needs: its label, or a number where an API has
    the same policy twice without one. That of an automated policy says what it is for."""
    keys = Counter((item.key.group, item.key.type, item.key.name) for item in resources)
    taken = set(keys)
    made: list[tuple[Resource, str]] = []
    for item in resources:
        policy, name = (item.key.group, item.key.type), item.key.name
        if not name and keys[(*policy, "")] > 1 and item.key.list != AUTOMATED:
            names = (f"{item.key.type}-{number}" for number in count(1))
            name = next(each for each in names if (*policy, each) not in taken)
            taken.add((*policy, name))
        made.append((item, name))
    return made


def _reference(resource: Resource) -> dict[str, Any]:
    reference: dict[str, Any] = {"name": resource.key.type}
    if resource.key.group != MULESOFT_GROUP:
        reference["groupId"] = resource.key.group
    if resource.settings.get("version"):
        reference["version"] = resource.settings["version"]
    return reference


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {"methods": list(rule["methods"] or ALL_METHODS), "path": rule["path"]}


def _without_nothing(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not None}


def _tier(resource: Resource) -> Entry:
    settings = resource.settings
    entry: Entry = {"name": resource.key.name}
    if settings.get("description"):
        entry["description"] = settings["description"]
    entry["limits"] = [_limit(limit) for limit in settings.get("limits") or ()]
    if settings.get("autoApprove"):
        entry["autoApprove"] = True
    if settings.get("status") not in (None, "", "ACTIVE"):
        entry["status"] = settings["status"]
    return entry


def _limit(limit: Mapping[str, Any]) -> dict[str, Any]:
    made = {key: limit[key] for key in _LIMIT if limit.get(key) is not None}
    return made if limit.get("visible", True) else {**made, "visible": False}
