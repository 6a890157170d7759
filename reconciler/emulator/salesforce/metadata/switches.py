"""ConnectedAppSettings: the two switches of API Access Control."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.metadata.desk import Desk, Listed
from reconciler.emulator.salesforce.store import SWITCH_ALL, SWITCH_EXTERNAL, WIZARD

_NAME = "ConnectedApp"
_EXTERNAL_SINCE = 50.0


def listed(desk: Desk) -> Iterator[Listed]:
    yield Listed(_NAME, "", desk.store.organization)


def read(desk: Desk, name: str) -> Mapping[str, Any] | None:
    """Without activation the switches are absent; absent is not off."""
    if name != _NAME:
        return None
    held = desk.store.switches
    shown: dict[str, Any] = {}
    if desk.store.settings.aacActivated:
        shown[SWITCH_ALL] = held.get(SWITCH_ALL, False)
        if desk.version >= _EXTERNAL_SINCE:
            shown[SWITCH_EXTERNAL] = held.get(SWITCH_EXTERNAL, False)
    return shown | {WIZARD: held.get(WIZARD, False)}


def write(desk: Desk, _: str, values: Mapping[str, Any]) -> None:
    """Sets what was sent and leaves the rest."""
    store = desk.store
    sent = {name: value for name, value in values.items() if value is not None}
    switches = {name for name in sent if name != WIZARD}
    if switches and not store.settings.aacActivated:
        # What a write does without activation is not known.
        if store.settings.inactiveSwitchWrites == "refuse":
            text = "API Access Control is not enabled for this organization"
            raise Failure("INSUFFICIENT_ACCESS", text, fields=sorted(switches))
        sent = {name: value for name, value in sent.items() if name == WIZARD}
    for name, value in sent.items():
        if store.switches.get(name, False) != value:
            desk.audit("Connected Apps", name, f"{name} set to {str(value).lower()}")
    store.switches = {**store.switches, **sent}
