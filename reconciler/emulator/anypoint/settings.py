"""Switches for what the platform's documentation leaves open, and for tests."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.emulator.switches import Switches

_CHOICES = {
    "policyListShape": ("documented", "compact", "compactAlways"),
    "outboundInList": ("full", "flat", "both", "none"),
    "automatedConflicts": ("refuse", "override"),
}


@dataclass(frozen=True)
class Settings(Switches):
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

    choices = _CHOICES

    policyListShape: str = "documented"
    outboundInList: str = "full"
    automatedConflicts: str = "refuse"
    fillDefaults: bool = False
    strictRequired: bool = False
    keepSecrets: bool = False
    nullOrderWhenDisabled: bool = False
    usersMeForClients: bool = True
    tokenLifetimeSeconds: int = 3600
