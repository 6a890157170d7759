"""One field of a template's configuration, whatever shape it came in. Pure.

What a template says is not trusted: text is cut and cleaned, and what does not fit is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.core.catalogue import MISSING, Field
from reconciler.core.redact import is_secret_key

_MAX_TEXT = 200
_MAX_NAME = 128
_MAX_OPTIONS = 500
_PLAIN: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "expression": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


def made_field(
    name: str,
    kind: str,
    *,
    is_list: bool = False,
    enum: Sequence[Any] = (),
    default: Any = None,
    is_required: bool = False,
    is_secret: bool = False,
    fields: Mapping[str, Field] | None = None,
    bounds: tuple[Any, Any] = (None, None),
    title: Any = "",
) -> Field | None:
    """The field; None for a name that no file could hold.

    default: None for none. bounds: smallest and largest number, or count of a list's items.
    """
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        return None
    options = _options(enum)
    kind = _kind_of(options) or kind
    holds_text = kind in ("string", "expression", "") and not options
    is_hidden = is_secret or (holds_text and is_secret_key(name))
    outer = "array" if is_list else kind
    return Field(
        name=name,
        type=outer,
        default=MISSING if is_hidden else _default(default, outer),
        required=is_required,
        sensitive=is_hidden,
        item_type=kind if is_list else "",
        enum=options,
        minimum=_bound(bounds[0], outer),
        maximum=_bound(bounds[1], outer),
        fields=fields or {},
        title=clean(title),
    )


def clean(text: Any) -> str:
    """Text on one line, cut; anything else is empty."""
    if not isinstance(text, str):
        return ""
    line = " ".join(text.split())
    return "".join(char for char in line if char.isprintable())[:_MAX_TEXT]


def _options(values: Sequence[Any]) -> tuple[Any, ...]:
    kept = [v for v in values if isinstance(v, str | int | float) and _fits_a_line(v)]
    return tuple(dict.fromkeys(kept)) if len(kept) <= _MAX_OPTIONS else ()


def _fits_a_line(value: Any) -> bool:
    return not isinstance(value, str) or (len(value) <= _MAX_TEXT and value.isprintable())


def _kind_of(options: tuple[Any, ...]) -> str:
    """The type of all options, or nothing."""
    if not options:
        return ""
    for kind in ("boolean", "integer", "number", "string"):
        if all(_is(value, kind) for value in options):
            return kind
    return ""


def _is(value: Any, kind: str) -> bool:
    types = _PLAIN.get(kind)
    if types is None:
        return True
    return isinstance(value, types) and isinstance(value, bool) == (kind == "boolean")


def _default(value: Any, kind: str) -> Any:
    """The default in the type of the field, where it has one that is."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, str) and kind == "boolean":
        value = {"true": True, "false": False}.get(value, value)
    if isinstance(value, str) and kind in ("integer", "number"):
        digits = value.removeprefix("-")
        is_number = digits.isascii() and digits.isdigit() and len(digits) < 16
        value = int(value) if is_number else value
    if kind == "array" and isinstance(value, list):
        return [] if not value else MISSING
    return value if _is(value, kind) and not isinstance(value, dict | list) else MISSING


def _bound(value: Any, kind: str) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and kind in ("integer", "number", "array") else None
