"""Faults that a JSON Schema finds, in plain words and with their places.

Messages never hold a value of the document, only its kind: the value may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol

from reconciler.files.yaml import number_text

Path = tuple[str | int, ...]

_KINDS = {
    "string": "text",
    "expression": "an expression: #[...]",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_MAX_ALLOWED = 200
_REMEDIES = {
    "string": "write text",
    "expression": 'write "#[...]"',
    "integer": "write a whole number",
    "number": "write a number",
    "boolean": "write true or false",
    "array": "write a list: [ITEM, ...]",
    "object": "write a mapping: {KEY: VALUE}",
}
_MANY = {"string": "text", "integer": "whole numbers"}


class SchemaError(Protocol):
    """What is used of jsonschema's ValidationError."""

    @property
    def absolute_path(self) -> Iterable[str | int]: ...

    validator: Any
    validator_value: Any
    instance: Any
    schema: Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong at a path of the document. of_key: the key is wrong, not its value.

    missing: the key that is not there; meant: the known key that an unknown one resembles.
    """

    path: Path
    message: str
    hint: str = ""
    of_key: bool = False
    missing: str = ""
    meant: str = ""


@dataclass(frozen=True, slots=True)
class Findings:
    """Errors and warnings of one configuration."""

    errors: list[Fault]
    warnings: list[Fault]


def faults(errors: Iterable[SchemaError]) -> list[Fault]:
    """The faults, without repeats, and without the missing key that a misspelt one stands for."""
    found = list(dict.fromkeys(fault for error in errors for fault in _faults(error)))
    meant = {(fault.path[:-1], fault.meant) for fault in found if fault.meant}
    return [fault for fault in found if (fault.path, fault.missing) not in meant]


def _faults(error: SchemaError) -> Iterator[Fault]:
    path = tuple(error.absolute_path)
    if error.validator == "required":
        yield from (
            missing(path, key) for key in error.validator_value if key not in error.instance
        )
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        yield from (unknown_key(path, key, known) for key in error.instance if key not in known)
    elif error.validator in ("pattern", "enum") and path and _is_of_key(error):
        yield Fault((*path, error.instance), _pattern(error), of_key=True)
    elif error.validator == "uniqueItems":
        yield from _doubles(path, error.instance)
    else:
        yield Fault(path, *_words(error))


def _is_of_key(error: SchemaError) -> bool:
    """Whether the error is of `propertyNames`, where the instance is a key."""
    return "propertyNames" in getattr(error, "absolute_schema_path", ())


def missing(path: Path, key: str) -> Fault:
    """A key that must be there is not."""
    return Fault(path, f"{key} is missing", f"add {key}:", missing=key)


def unknown_key(path: Path, key: str, known: Iterable[str]) -> Fault:
    """A key that nothing knows."""
    meant, hint = suggest(key, known)
    return Fault((*path, key), f'unknown key "{key}"', hint, of_key=True, meant=meant)


def suggest(name: str, known: Iterable[str]) -> tuple[str, str]:
    """The known name that is meant, or nothing, and a hint: that name, or all of a short list."""
    names = list(known)
    folded = {item.lower(): item for item in names}
    near = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    if near:
        return folded[near[0]], f'did you mean "{folded[near[0]]}"?'
    allowed = ", ".join(names)
    if len(allowed) > _MAX_ALLOWED:
        allowed = allowed[:_MAX_ALLOWED].rpartition(",")[0] + ", and more"
    return "", f"allowed: {allowed}" if allowed else "remove it"


def _doubles(path: Path, items: list[Any]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        if repr(item) in seen:
            yield Fault((*path, index), "stands here twice", "remove one of them")
        seen.add(repr(item))


def _words(error: SchemaError) -> tuple[str, str]:
    """Message and hint of an error about a value."""
    if error.validator in ("type", "anyOf", "enum", "const") and "errorMessage" in error.schema:
        return error.schema["errorMessage"], ""
    say = _SAY.get(error.validator)
    return say(error) if say else ("is not allowed here", "")


def _type(error: SchemaError) -> tuple[str, str]:
    wanted = f"must be {_wanted(error.schema)}"
    got = _got(error.instance)
    got = "a number" if got == "a fraction" and "whole" not in wanted else got
    if isinstance(error.instance, bool) and "text" in wanted:
        return f"{wanted}, is {got}", "quote it, if it is meant as text"
    return f"{wanted}, is {got}", _remedy(error)


def _remedy(error: SchemaError) -> str:
    """What to write; a key that holds nothing may also be meant to be left out."""
    kind = _kinds(error.schema)[0]
    remedy = _REMEDIES.get(error.schema.get("x-type", kind), _REMEDIES.get(kind, ""))
    return f"{remedy}, or remove the key" if error.instance is None else remedy


def _wanted(schema: Mapping[str, Any]) -> str:
    kinds = _kinds(schema)
    kind = schema.get("x-type")
    if "array" in kinds:
        items = schema.get("items", {})
        many = _MANY.get(items.get("x-type") or items.get("type") or "")
        return f"a list of {many}" if many else "a list"
    return _KINDS[kind] if kind in _KINDS else " or ".join(_KINDS[kind] for kind in kinds)


def _kinds(schema: Mapping[str, Any]) -> list[str]:
    types = schema.get("type", "")
    return [types] if isinstance(types, str) else [kind for kind in types if kind != "null"]


def _got(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "a fraction" if isinstance(value, float) and not value.is_integer() else "a number"


def _enum(error: SchemaError) -> tuple[str, str]:
    allowed = error.validator_value if error.validator == "enum" else [error.validator_value]
    return _one_of(allowed, error.instance)


def _one_of(allowed: Iterable[Any], value: Any) -> tuple[str, str]:
    shown = [str(item) for item in allowed if item is not None]
    words = f"must be one of {', '.join(shown)}" if len(shown) > 1 else f"must be {shown[0]}"
    meant = suggest(value, shown)[0] if isinstance(value, str) and len(shown) > 1 else ""
    if meant:
        return words, f'did you mean "{meant}"?'
    return words, "choose one of them" if len(shown) > 1 else f"write {shown[0]}"


def _any_of(error: SchemaError) -> tuple[str, str]:
    """Of a choice the first branch is the one that is meant; the others take references."""
    first = error.validator_value[0]
    return _one_of(first.get("enum", ()), error.instance) if "enum" in first else ("is wrong", "")


def _pattern(error: SchemaError) -> str:
    words = error.schema.get("patternErrorMessage")
    return str(words) if words else f"must match {error.validator_value}"


def _pattern_of_value(error: SchemaError) -> tuple[str, str]:
    kind = error.schema.get("x-type")
    is_number = bool(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", error.instance))
    is_word = error.instance in ("true", "false")
    if (kind in ("integer", "number") and is_number) or (kind == "boolean" and is_word):
        return f"must be {_KINDS[kind]}, is text", "remove the quotes"
    is_told = kind in ("expression", "integer", "number", "boolean")
    return _pattern(error), _REMEDIES[str(kind)] if is_told else ""


def _at_least(error: SchemaError) -> tuple[str, str]:
    bound = number_text(error.validator_value)
    return f"must be at least {bound}", f"write {bound} or more"


def _at_most(error: SchemaError) -> tuple[str, str]:
    bound = number_text(error.validator_value)
    return f"must be at most {bound}", f"write {bound} or less"


def _too_few(error: SchemaError) -> tuple[str, str]:
    count = error.validator_value
    if count == 1:
        what = "add an item" if error.validator == "minItems" else "write something"
        return "must not be empty", f"{what}, or remove the key"
    return f"must hold {count} items or more", "add what is missing"


def _too_many(error: SchemaError) -> tuple[str, str]:
    count = error.validator_value
    return (
        f"must hold {'one item' if count == 1 else f'{count} items'} at most",
        "remove the others",
    )


def _too_long(error: SchemaError) -> tuple[str, str]:
    return f"must have {error.validator_value} characters at most", "shorten it"


def _one(error: SchemaError) -> tuple[str, str]:
    return str(error.schema.get("x-oneOf", "is wrong")), ""


_SAY = {
    "type": _type,
    "enum": _enum,
    "const": _enum,
    "anyOf": _any_of,
    "oneOf": _one,
    "pattern": _pattern_of_value,
    "minimum": _at_least,
    "maximum": _at_most,
    "minItems": _too_few,
    "minLength": _too_few,
    "minProperties": _too_few,
    "maxItems": _too_many,
    "maxLength": _too_long,
    "maxProperties": _too_many,
}


def shown_path(path: Path, prefix: str = "") -> str:
    """The path as in messages: `policies[0].config.ips`."""
    text = prefix
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
