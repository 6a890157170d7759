"""The values of a merged configuration: references resolved, secrets wrapped and marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reconciler.core.catalogue import Catalogue, Field, PolicyType
from reconciler.core.model import MULESOFT_GROUP, POLICIES, ResourceKey, Source
from reconciler.core.project import Entry
from reconciler.core.redact import Secret, holds_password, is_secret_key
from reconciler.errors import Problem
from reconciler.files.merge import Contribution, Places, merge
from reconciler.files.stack import problem_at
from reconciler.files.values import Resolver, has_reference
from reconciler.files.yaml import Map, Place, Seq

_NUMBERS = ("integer", "number")
_CONVERTED = (*_NUMBERS, "boolean")


@dataclass(slots=True)
class SecretMarks:
    """What was found on the way. secrets, write_only: patterns of paths in `settings`."""

    secrets: set[str] = field(default_factory=set)
    write_only: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Spot:
    """A place in a configuration on the way down.

    pattern: the path to mark as secret. in_list: a list of scalars is marked as a whole, so the
    pattern stops growing there. hidden: what lies here is secret; sensitive: because the
    catalogue says so.
    """

    pattern: str
    shown: str
    field: Field | None
    at: Place
    hidden: bool = False
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Carried:
    """What an entry carries. has_plain_secret: a secret stands in it as plain text. texts: those
    with a reference in them."""

    has_plain_secret: bool
    texts: frozenset[str]


_NOWHERE = Resolver(environ={}, cwd=Path(), state_dir=Path(), offline=True)


def carried(entry: Entry, known: PolicyType | None) -> Carried:
    """What an entry of one layer carries, looking nothing up."""
    body, places = merge((Contribution("", entry),))
    config = body.get("config")
    if not isinstance(config, Map):
        return Carried(False, frozenset())
    texts = frozenset(
        leaf for leaf in _leaves(config) if isinstance(leaf, str) and has_reference(leaf)
    )
    settle_secrets(config, known, places, _NOWHERE, "config")
    is_plain = (isinstance(leaf, Secret) and not leaf.reference for leaf in _leaves(config))
    return Carried(any(is_plain), texts)


def plain_secrets(value: Any, catalogue: Catalogue) -> Iterator[str]:
    """The secrets that stand in a document as plain text, wherever they do."""
    if isinstance(value, Map):
        reference = value.get("policyRef")
        if isinstance(reference, Map) and isinstance(value.get("config"), Map):
            yield from _plain_in(value, reference, catalogue)
        for key, item in value.items():
            if isinstance(item, str) and not has_reference(item):
                if is_secret_key(key) or holds_password(item):
                    yield item
            else:
                yield from plain_secrets(item, catalogue)
    elif isinstance(value, Seq):
        for item in value:
            yield from plain_secrets(item, catalogue)


def _plain_in(body: Map, reference: Map, catalogue: Catalogue) -> Iterator[str]:
    group = str(reference.get("groupId") or MULESOFT_GROUP)
    name = str(reference.get("name"))
    entry = Entry(ResourceKey(POLICIES, group, name), body, Source(""))
    copied, places = merge((Contribution("", entry),))
    settle_secrets(copied["config"], catalogue.get(group, name), places, _NOWHERE, "config")
    for leaf in _leaves(copied["config"]):
        if isinstance(leaf, Secret) and not leaf.reference and leaf.is_known:
            yield str(leaf.reveal())


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def settle_secrets(
    config: Map, known: PolicyType | None, places: Places, resolver: Resolver, shown: str
) -> SecretMarks:
    """Replaces, in place, each reference and each literal secret of `config` by a `Secret`.

    `shown` is the path of the configuration for messages.
    """
    marks = SecretMarks()
    settler = _Settler(known, places, resolver, marks)
    top = Field("config", "object", fields=known.fields if known else {})
    settler.settle(config, _Spot("config", shown, top, config.at))
    return marks


@dataclass(frozen=True, slots=True)
class _Settler:
    known: PolicyType | None
    places: Places
    resolver: Resolver
    marks: SecretMarks

    def settle(self, value: Any, spot: _Spot) -> Any:
        if isinstance(value, Map):
            for key in list(value):
                value[key] = self.settle(value[key], self._below(value, key, spot))
            return value
        if isinstance(value, Seq):
            for index, item in enumerate(value):
                value[index] = self.settle(item, self._item(value, index, spot))
            return value
        return self._scalar(value, spot)

    def _below(self, mapping: Map, key: str, spot: _Spot) -> _Spot:
        known = spot.field.fields.get(key) if spot.field else None
        sensitive = spot.sensitive or bool(known and known.sensitive)
        return _Spot(
            f"{spot.pattern}.{key}",
            f"{spot.shown}.{key}",
            known,
            mapping.value_at[key],
            hidden=spot.hidden or sensitive or _is_secret_by_name(key, known),
            sensitive=sensitive,
        )

    def _item(self, items: Seq, index: int, spot: _Spot) -> _Spot:
        is_mapping = isinstance(items[index], Map)
        pattern = f"{spot.pattern}.*" if is_mapping else spot.pattern
        known = spot.field
        if known and not is_mapping:
            known = replace(known, type=known.item_type)
        at, shown = items.item_at[index], f"{spot.shown}[{index}]"
        return replace(spot, pattern=pattern, shown=shown, field=known, at=at)

    def _scalar(self, value: Any, spot: _Spot) -> Any:
        settled = self._resolved(value, spot) if isinstance(value, str) else value
        if isinstance(settled, Secret):
            settled = self._converted(settled, spot)
        elif _is_plain_secret(value, spot):
            settled = Secret(settled)
            source = self.places.origin(spot.at).source
            message = "a secret stands here as plain text"
            hint = "write ${env:NAME} or ${file:PATH}"
            self.marks.warnings.append(str(problem_at(source, message, hint, spot.shown)))
        if isinstance(settled, Secret):
            self._mark(spot)
        return settled

    def _resolved(self, text: str, spot: _Spot) -> Any:
        source = self.places.origin(spot.at).source
        at = (source.line, source.column)
        found = self.resolver.resolve(text, source.file, at, spot.shown)
        self.marks.problems += found.problems
        self.marks.warnings += found.warnings
        return found.value

    def _converted(self, secret: Secret, spot: _Spot) -> Secret:
        """A value that came as text, in the type that the catalogue says."""
        kind = spot.field.type if spot.field else ""
        if kind not in _CONVERTED or not secret.is_known:
            return secret
        value = _typed(str(secret.reveal()).strip(), kind)
        if value is not None:
            return Secret(value, secret.reference)
        source = self.places.origin(spot.at).source
        message = f"the value of {secret.reference} is no {kind}"
        self.marks.problems.append(problem_at(source, message, path=spot.shown))
        return Secret(None, secret.reference)

    def _mark(self, spot: _Spot) -> None:
        self.marks.secrets.add(spot.pattern)
        if spot.sensitive or self.known is None or not self.known.complete:
            self.marks.write_only.add(spot.pattern)


def _is_plain_secret(value: Any, spot: _Spot) -> bool:
    """Whether it must not be shown for its place, or for the password in a URL."""
    is_hidden = spot.hidden and value is not None and not isinstance(value, bool)
    return is_hidden or (isinstance(value, str) and holds_password(value))


def _is_secret_by_name(key: str, known: Field | None) -> bool:
    """Whether a literal under this key is taken for a secret: not where the catalogue knows a
    number or a switch there, such as `maximumTokens`."""
    return is_secret_key(key) and not (known and known.type in _CONVERTED)


def _typed(text: str, kind: str) -> Any:
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.lower())
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    if number != number or number in (float("inf"), float("-inf")):
        return None
    if number.is_integer():
        return int(number)
    return number if kind == "number" else None
