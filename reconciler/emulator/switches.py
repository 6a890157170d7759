"""What the settings of every service have in common: switches that are named and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Self


@dataclass(frozen=True)
class Switches:
    """One field per switch, named as in the control call; `choices` bounds some of them."""

    choices: ClassVar[Mapping[str, tuple[Any, ...]]] = {}

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(item.name for item in fields(cls))

    def to_plain(self) -> dict[str, Any]:
        return asdict(self)

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """These settings with `changes`; ValueError names what is unknown or of a wrong type."""
        types = {name: type(getattr(self, name)) for name in self.names()}
        for name, value in changes.items():
            if name not in types:
                raise ValueError(f"unknown setting {name!r}; there is {', '.join(types)}")
            if type(value) is not types[name]:
                raise ValueError(f"{name} must be {types[name].__name__}")
            if value not in self.choices.get(name, (value,)):
                raise ValueError(f"{name} must be one of {', '.join(self.choices[name])}")
            if isinstance(value, int) and value < 0:
                raise ValueError(f"{name} must not be negative")
        return replace(self, **changes)
