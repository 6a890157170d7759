"""The outer shape of an answer: an object, a list of objects, a count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.errors import BadAnswer

JSONObject = Mapping[str, Any]


def as_object(answer: Any, what: str) -> JSONObject:
    if not isinstance(answer, Mapping):
        raise BadAnswer(f"{what}: {_kind(answer)} came where an object was due")
    return answer


def objects(answer: Any, what: str) -> list[JSONObject]:
    if not isinstance(answer, list) or not all(isinstance(item, Mapping) for item in answer):
        raise BadAnswer(f"{what}: {_kind(answer)} came where a list of objects was due")
    return answer


def _kind(answer: Any) -> str:
    return "nothing" if answer is None else f"a JSON {type(answer).__name__}"


def count(value: Any) -> int | None:
    """A count that may be text; None where there is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
