"""What a policy's schema says in its own `x-` keywords, which JSON Schema knows nothing of.

Required keys once all layers are merged, keys that matter only where another has some value,
lists of which one must hold something, and unknown keys where the catalogue is not complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.files.schema_words import Fault, Findings, Path, missing, suggest

_UNKNOWN: Any = object()


def check_rules(config: Mapping[str, Any], schema: Mapping[str, Any], *, partial: bool) -> Findings:
    """Checks a configuration that fits its schema otherwise; partial: one layer of it."""
    found = Findings([], [])
    _mapping(config, schema, (), (), found, partial=partial)
    lists = schema["x-reconciler"].get("notAllEmpty", ())
    if lists and not partial and not any(config.get(key) for key in lists):
        message = f"{' or '.join(lists)} must hold something"
        found.errors.append(Fault((), message, f"add an item to {lists[0]}"))
    return found


_Scope = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A mapping of the configuration and the schemas of its keys."""


def _mapping(
    value: Mapping[str, Any],
    schema: Mapping[str, Any],
    path: Path,
    outer: tuple[_Scope, ...],
    found: Findings,
    *,
    partial: bool,
) -> None:
    properties = schema.get("properties", {})
    scopes = (*outer, (value, properties))
    for key, known in properties.items():
        if value.get(key) is None:
            if not partial and _is_missing(known, scopes):
                found.errors.append(missing(path, key))
        else:
            found.warnings.extend(_idle(value[key], known, scopes, (*path, key), partial=partial))
            _below(value[key], known, (*path, key), scopes, found, partial=partial)
    # A mapping inside, of which nothing is known, is meant to be free.
    if (properties or not path) and schema.get("additionalProperties") is not False:
        unknown = [key for key in value if key not in properties]
        found.warnings.extend(_odd(path, key, properties) for key in unknown)


def _below(
    value: Any,
    known: Mapping[str, Any],
    path: Path,
    scopes: tuple[_Scope, ...],
    found: Findings,
    *,
    partial: bool,
) -> None:
    if isinstance(value, Mapping):
        _mapping(value, known, path, scopes, found, partial=partial)
    elif isinstance(value, list) and "properties" in known.get("items", {}):
        for index, item in enumerate(value):
            if isinstance(item, Mapping):
                _mapping(item, known["items"], (*path, index), scopes, found, partial=partial)


def _is_missing(known: Mapping[str, Any], scopes: tuple[_Scope, ...]) -> bool:
    """Whether a key that is not there should be: required, no default, and its condition met."""
    if not known.get("x-required") or "default" in known:
        return False
    wanted = known.get("x-dependsOn", {})
    return all(_lookup(key, scopes, partial=False) == value for key, value in wanted.items())


def _idle(
    value: Any,
    known: Mapping[str, Any],
    scopes: tuple[_Scope, ...],
    path: Path,
    *,
    partial: bool,
) -> Iterator[Fault]:
    """A warning where a key has no effect, unless it says nothing beyond its default."""
    if not value or value == known.get("default", _UNKNOWN):
        return
    for key, wanted in known.get("x-dependsOn", {}).items():
        if _lookup(key, scopes, partial=partial) not in (wanted, _UNKNOWN):
            shown = str(wanted).lower() if isinstance(wanted, bool) else wanted
            yield Fault(path, f"has no effect unless {key} is {shown}", of_key=True)


def _lookup(name: str, scopes: tuple[_Scope, ...], *, partial: bool) -> Any:
    """The value of a key, or its default, here or further out; a reference tells nothing."""
    for value, properties in reversed(scopes):
        if name in properties:
            default = _UNKNOWN if partial else properties[name].get("default", _UNKNOWN)
            found = value.get(name)
            found = default if found is None else found
            return _UNKNOWN if isinstance(found, str) and "${" in found else found
    return _UNKNOWN


def _odd(path: Path, key: str, known: Mapping[str, Any]) -> Fault:
    meant = suggest(key, known)[0]
    hint = f'did you mean "{meant}"?' if meant else "the catalogue may not know all keys"
    return Fault((*path, key), f'unknown key "{key}"', hint, of_key=True)
