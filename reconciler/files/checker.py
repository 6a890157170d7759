"""A JSON Schema, made ready for many values: a fast yes, and good words for a no.

jsonschema-rs accepts a good value some thousand times faster than jsonschema finds nothing wrong
with it; what it does not accept is judged by jsonschema, whose errors say what and where. So where
the two differ (`$` before a last line break, digits beyond ASCII), a no of the fast one is none.
The only user of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import jsonschema_rs

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

_DOUBLE = "holds an item twice"


class Checker:
    """Checks values against one schema; formats are not checked."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._fast: jsonschema_rs.Draft202012Validator | None = None
        self._slow: Draft202012Validator | None = None

    def errors(self, value: Any) -> list[ValidationError]:
        """What is wrong with it, in jsonschema's words; empty where nothing is."""
        return [] if self._accepts(value) else list(self._explainer().iter_errors(value))

    def _accepts(self, value: Any) -> bool:
        if self._fast is None:
            self._fast = jsonschema_rs.Draft202012Validator(
                dict(self._schema), validate_formats=False
            )
        try:
            return self._fast.is_valid(value)
        except (ValueError, OverflowError, RecursionError):
            # A number with its own spelling, a lone surrogate, too deep: not for the fast one.
            return False

    def _explainer(self) -> Draft202012Validator:
        if self._slow is None:
            self._slow = _validator_class()(self._schema)
        return self._slow


def _validator_class() -> type[Draft202012Validator]:
    """jsonschema takes a while to import, and most runs find nothing wrong."""
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415

    def no_doubles(
        validator: Any, is_asked: bool, items: Any, schema: Any
    ) -> Iterator[ValidationError]:
        """`uniqueItems` in the time of one walk; jsonschema compares each with each other one."""
        if is_asked and isinstance(items, list) and len(set(map(repr, items))) < len(items):
            yield ValidationError(_DOUBLE)

    # jsonschema's own types leave out that this is a class like the one that it extends.
    made: type[Draft202012Validator] = validators.extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {"uniqueItems": no_doubles}
    )
    return made
