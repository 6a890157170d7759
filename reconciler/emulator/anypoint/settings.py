"""Switches for what the platform's documentation leaves open, and for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

_CHOICES = {
    "policyListShape": ("documented", "compact", "compactAlways"),
    "outboundInList": ("full", "flat", "both", "none"),
    "automatedConflicts": ("refuse", "override"),
}


@dataclass(frozen=True)
class Settings:
    """One field per switch, named as in the control call.

    - `policyListShape`: `compact` answers a policy list without `fullInfo` with the bare array
      of compact entries, `compactAlways` any policy list.
    - `outboundInList`: which form of the policy list shows outbound policies.
    - `fillDefaults`: reads show catalogue defaults of keys that were not sent, at any depth.
    - `strictRequired`: a required key is required even where it has a default.
    - `keepSecrets`: a PATCH without the secrets keeps the stored ones.
    - `nullOrderWhenDisabled`: a disabled policy shows no order.
    - `automatedConflicts`: an automated policy over the same API-level policy is refused, or
      overrides (disables) it.
    - `usersMeForClients`: a connected app acts as a user: `users/me` answers, `me` has `user`.
    """

    policyListShape: str = "documented"
    outboundInList: str = "full"
    automatedConflicts: str = "refuse"
    fillDefaults: bool = False
    strictRequired: bool = False
    keepSecrets: bool = False
    nullOrderWhenDisabled: bool = False
    usersMeForClients: bool = True
    tokenLifetimeSeconds: int = 3600

    def to_plain(self) -> dict[str, Any]:
        return asdict(self)

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """These settings with `changes`; ValueError names what is unknown or of a wrong type."""
        types = {item.name: type(getattr(self, item.name)) for item in fields(self)}
        for name, value in changes.items():
            if name not in types:
                raise ValueError(f"unknown setting {name!r}; there is {', '.join(types)}")
            if type(value) is not types[name]:
                raise ValueError(f"{name} must be {types[name].__name__}")
            if value not in _CHOICES.get(name, (value,)):
                raise ValueError(f"{name} must be one of {', '.join(_CHOICES[name])}")
        return replace(self, **changes)
