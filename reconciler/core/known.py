"""What the last converged run left in a unit: which resources were live, and digests of what was
wanted and of what was there. Pure.

Digests are keyed, because what they are made of may hold secrets; those made with another key
cannot be compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from reconciler.core.diff import UnitDiff
from reconciler.core.model import POLICIES, Resource
from reconciler.core.redact import Redactor, Secret

_DIGEST_BYTES = 6


@dataclass(frozen=True, slots=True)
class KnownResource:
    """A resource that was live at the end of a converged run.

    list: one of LISTS. desired, live: digests of 12 hexadecimal digits; `desired` is empty for
    what no file named, `live` where it cannot be compared. order: the place among the unit's
    policies, None where there is none.
    """

    segment: str
    id: str
    desired: str
    live: str
    order: int | None = None
    list: str = POLICIES


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """A unit as it was left, its resources in the order of the service. `api` is the id of the
    instance, empty for an environment's own unit."""

    api: str
    resources: tuple[KnownResource, ...] = ()

    def of(self, *lists: str) -> tuple[KnownResource, ...]:
        """The resources of these lists."""
        return tuple(item for item in self.resources if item.list in lists)

    def without_digests(self) -> KnownUnit:
        """The same, where its digests cannot be compared: they were made with another key."""
        return replace(self, resources=tuple(replace(item, live="") for item in self.resources))


@dataclass(frozen=True, slots=True)
class KnownEnvironment:
    """An environment as it was left.

    units: by the name of each unit, in the JSON form, which is read when it is asked for: there
    may be very many. content: digest of what the files said when all of it had last converged, at
    `converged_at`; both empty where it never has. key: names the key of the digests.
    """

    units: Mapping[str, Any]
    content: str = ""
    converged_at: str = ""
    key: str = ""

    def unit(self, name: str) -> KnownUnit | None:
        """The unit, or None where there is none or it cannot be read."""
        try:
            return unit_from(self.units[name])
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def under(self, key: str) -> KnownEnvironment:
        """What can be told with this key: where the digests were made with another one, only
        which resources there were."""
        if self.key == key:
            return self
        units = {
            name: unit_data(unit.without_digests())
            for name in self.units
            if (unit := self.unit(name))
        }
        return replace(self, units=units, key=key)


class Digester:
    """Digests of resources; keeps those of desired ones, which many units share."""

    def __init__(self, redactor: Redactor) -> None:
        self._key = bytes.fromhex(redactor.digest("digests of resources"))
        self.key_id = redactor.digest("the name of this key")[:8]
        self._desired: dict[int, tuple[Resource, str]] = {}

    def desired(self, resource: Resource) -> str:
        """Of what the files say; a reference counts with its value, where that is known."""
        kept = self._desired.get(id(resource))
        if kept is None:
            # A resource that is kept cannot give its identity to another one.
            kept = self._desired[id(resource)] = (resource, self._of(resource.canonical))
        return kept[1]

    def live(self, resource: Resource) -> str:
        """Of what the service holds, its order left out."""
        return self._of(resource.canonical)

    def _of(self, value: Mapping[str, Any]) -> str:
        text = _ENCODER.encode(value).encode("utf-8", "surrogatepass")
        return blake2b(text, digest_size=_DIGEST_BYTES, key=self._key).hexdigest()


def _shown(value: Any) -> Any:
    return [value.reference, value.reveal()] if isinstance(value, Secret) else str(value)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_shown)


def known_unit(diff: UnitDiff, digester: Digester) -> KnownUnit:
    """What is to be remembered of a unit that needs no change."""
    desired = {id(live): digester.desired(ours) for ours, live in diff.paired}
    resources = (
        KnownResource(
            item.key.segment,
            item.id,
            desired.get(id(item), ""),
            digester.live(item),
            item.order,
            item.key.list,
        )
        for item in diff.live.resources
    )
    return KnownUnit(diff.desired.target.api, tuple(resources))


def unit_data(unit: KnownUnit) -> dict[str, Any]:
    """The compact JSON form of a unit: by `SEGMENT@ID` the digests, then, as far as needed, the
    order and the list."""
    return {"api": unit.api, "resources": dict(map(_resource_data, unit.resources))}


def _resource_data(item: KnownResource) -> tuple[str, list[Any]]:
    data: list[Any] = [item.desired, item.live]
    if item.order is not None or item.list != POLICIES:
        data.append(item.order)
    if item.list != POLICIES:
        data.append(item.list)
    return f"{item.segment}@{item.id}", data


def unit_from(data: Any) -> KnownUnit:
    """The unit in its JSON form; raises ValueError or TypeError for anything else."""
    if not isinstance(data, Mapping) or not isinstance(data.get("resources"), Mapping):
        raise ValueError("no unit")
    return KnownUnit(str(data["api"]), tuple(_resources(data["resources"].items())))


def _resources(items: Iterable[tuple[str, Any]]) -> Iterable[KnownResource]:
    for name, value in items:
        segment, _, id_ = name.rpartition("@")
        if not isinstance(value, list) or len(value) < 2:
            raise ValueError("no digests")
        desired, live, order, listed = (*value, None, None)[:4]
        if order is not None and not isinstance(order, int):
            raise ValueError("no order")
        yield KnownResource(segment, id_, str(desired), str(live), order, str(listed or POLICIES))
