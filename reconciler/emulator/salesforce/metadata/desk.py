"""What a metadata call works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.salesforce.gate import Caller
from reconciler.emulator.salesforce.store import Row, Store


@dataclass(frozen=True, slots=True)
class Desk:
    """Who reads and writes components of which org, and in which API version."""

    store: Store
    caller: Caller
    version: float

    def stamps(self) -> dict[str, Any]:
        return {"LastModifiedById": self.caller.user_id, "LastModifiedDate": self.store.now()}

    def audit(self, section: str, action: str, display: str) -> None:
        self.store.audit(self.caller.user_id, section, action, display)


@dataclass(frozen=True, slots=True)
class Listed:
    """A component in a list: its full name, and the row that holds it."""

    full_name: str
    id: str
    row: Row

    def properties(self, kind: str, path: str, names: Mapping[str, str]) -> dict[str, Any]:
        """FileProperties in the order of the WSDL; `names` are those of users."""
        creator, changer = self.row.get("CreatedById"), self.row.get("LastModifiedById")
        created = self.row.get("CreatedDate") or "2026-01-05T10:00:00.000+0000"
        changed = self.row.get("LastModifiedDate") or created
        prefix = self.row.get("NamespacePrefix")
        return {
            "createdById": creator or "",
            "createdByName": names.get(creator or "", ""),
            "createdDate": _zulu(created),
            "fileName": path,
            "fullName": self.full_name,
            "id": self.id,
            "lastModifiedById": changer or "",
            "lastModifiedByName": names.get(changer or "", ""),
            "lastModifiedDate": _zulu(changed),
            "manageableState": "installed" if prefix else "unmanaged",
            "namespacePrefix": prefix,
            "type": kind,
        }


def _zulu(text: str) -> str:
    """SOAP writes the zone of a time as a letter."""
    return text.removesuffix("+0000") + "Z"
