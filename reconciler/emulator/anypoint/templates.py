"""The catalogue of policy templates: the shipped ones, read once, and those of a seed."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from reconciler.emulator.anypoint.shipped import shipped_rows

Field = Mapping[str, Any]


@dataclass(frozen=True)
class Template:
    """One version of one policy template.

    `fields` is empty of meaning where `complete` is false: such a configuration is not checked.
    """

    group_id: str
    asset_id: str
    version: str
    name: str
    category: str
    technologies: tuple[str, ...]
    fields: tuple[Field, ...] = ()
    outbound: bool = False
    resource_level: bool = True
    complete: bool = True
    system: bool = True
    number: int = field(default=0, compare=False)

    @cached_property
    def coordinates(self) -> dict[str, str]:
        return {
            "groupId": self.group_id,
            "assetId": self.asset_id,
            "assetVersion": self.version,
        }

    @cached_property
    def has_secrets(self) -> bool:
        return any(_marks_secret(item) for item in self.fields)

    @property
    def orderable(self) -> bool:
        """CORS runs before everything else and takes no part in the order."""
        return self.asset_id != "cors"

    def implementation(self, technology: str) -> dict[str, Any]:
        """The asset that the service picks for a runtime."""
        suffix = "mule" if technology.startswith("mule") else "flex"
        shape: dict[str, Any] = {
            "assetId": f"{self.asset_id}-{suffix}",
            "groupId": self.group_id,
            "version": self.version,
            "technology": technology,
        }
        if suffix == "mule":
            shape |= {"minRuntimeVersion": "4.1.0", "supportedJavaVersions": ["8", "17", "11"]}
        return shape

    def without_secrets(self, configuration: Any) -> Any:
        """What a read shows of a configuration: write-only keys are left out, not masked."""
        if not self.has_secrets or not isinstance(configuration, Mapping):
            return configuration
        return _strip(self.fields, configuration)

    def with_defaults(self, configuration: Any) -> Any:
        """The configuration with the default of each key that it leaves out, at any depth."""
        return _fill(self.fields, configuration)


def _marks_secret(item: Field) -> bool:
    return bool(item.get("sensitive")) or any(_marks_secret(f) for f in item.get("fields", ()))


def _strip(fields: Iterable[Field], value: Any) -> Any:
    if isinstance(value, list):
        return [_strip(fields, element) for element in value]
    if not isinstance(value, Mapping):
        return value
    kept = dict(value)
    for item in fields:
        name = item["name"]
        if item.get("sensitive"):
            kept.pop(name, None)
        elif name in kept and item.get("fields"):
            kept[name] = _strip(item["fields"], kept[name])
    return kept


def _fill(fields: Iterable[Field], value: Any) -> Any:
    if isinstance(value, list):
        return [_fill(fields, element) for element in value]
    if not isinstance(value, Mapping):
        return value
    filled = dict(value)
    for item in fields:
        name = item["name"]
        if name not in filled and "default" in item and not item.get("sensitive"):
            filled[name] = item["default"]
        elif item.get("fields") and name in filled:
            filled[name] = _fill(item["fields"], filled[name])
    return filled


class Catalogue:
    """Templates by coordinates; `latest` is the newest by age, which is not the semver maximum."""

    def __init__(self, templates: Iterable[Template]) -> None:
        self._versions: dict[tuple[str, str], dict[str, Template]] = {}
        for template in templates:
            self.add(template)

    def add(self, template: Template) -> None:
        key = (template.group_id, template.asset_id)
        self._versions.setdefault(key, {})[template.version] = template

    def find(self, group_id: str, asset_id: str, version: str) -> Template | None:
        return self._versions.get((group_id, asset_id), {}).get(version)

    def versions(self, group_id: str, asset_id: str) -> tuple[Template, ...]:
        """All versions of one template, oldest first."""
        return tuple(self._versions.get((group_id, asset_id), {}).values())

    def latest(self) -> Iterator[Template]:
        return (list(versions.values())[-1] for versions in self._versions.values())

    def __iter__(self) -> Iterator[Template]:
        return (t for versions in self._versions.values() for t in versions.values())

    def is_implementation(self, group_id: str, asset_id: str) -> bool:
        """Whether these are the coordinates of an implementation, which cannot be applied."""
        base, _, suffix = asset_id.rpartition("-")
        return suffix in ("mule", "flex", "omni") and (group_id, base) in self._versions


def load_catalogue() -> Catalogue:
    """A catalogue of its own for each store, because a seed may add to it."""
    return Catalogue(_shipped())


@cache
def _shipped() -> tuple[Template, ...]:
    return tuple(t for group_id, row in shipped_rows() for t in templates_of(row, group_id))


def templates_of(row: Mapping[str, Any], group_id: str, *, system: bool = True) -> list[Template]:
    """The templates of one catalogue row, one for each of its versions."""
    return [
        Template(
            group_id=group_id,
            asset_id=row["assetId"],
            version=version,
            name=row.get("name", row["assetId"]),
            category=row.get("category", "Custom"),
            technologies=tuple(row["technologies"]),
            fields=tuple(row.get("fields", ())),
            outbound=row.get("outbound", False),
            resource_level=row.get("resourceLevel", True),
            complete=row.get("complete", True),
            system=system,
            number=_number(f"{group_id}/{row['assetId']}/{version}"),
        )
        for version in row["versions"]
    ]


def _number(coordinates: str) -> int:
    """A stable six-digit id, such as those seen in `policyTemplateId`."""
    return 100_000 + zlib.crc32(coordinates.encode()) % 900_000
