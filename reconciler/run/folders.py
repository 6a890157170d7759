"""Names of folders and files for what is live: slugs, told apart by a number where they clash."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from reconciler.providers.base import LiveEnvironment, LiveOrganization
from reconciler.run.inventory import Place

_RESERVED = frozenset(("organization", "environment", "automatedpolicies", "reconciler"))
_LONGEST = 100
"""File systems take 255 bytes; what is added to tell names apart has to fit as well."""


class Folders:
    """The folder of each organization and environment.

    known: every organization that the login sees, of which only some may be exported.
    """

    def __init__(
        self,
        places: Sequence[tuple[LiveOrganization, LiveEnvironment]],
        known: Iterable[LiveOrganization],
    ) -> None:
        organizations = list(dict.fromkeys(organization for organization, _ in places))
        self._named = Counter(organization.name for organization in known)
        self._organizations = unique({item.id: slug(item.name) for item in organizations})
        self._environments: dict[str, str] = {}
        for organization in organizations:
            mine = {env.id: slug(env.name) for owner, env in places if owner == organization}
            self._environments.update(unique(mine))

    def is_unique(self, organization: LiveOrganization) -> bool:
        """Whether its name means this organization alone."""
        return bool(organization.name) and self._named[organization.name] == 1

    def of(self, organization: LiveOrganization) -> str:
        return self._organizations[organization.id]

    def path(self, place: Place) -> str:
        return f"{self.of(place.organization)}/{self._environments[place.environment.id]}"

    def stems(self, places: Iterable[Place]) -> dict[int, str]:
        """The name of the file of each API, without folder and suffix, by instance id."""
        by_folder: dict[str, dict[int, str]] = {}
        for place in places:
            instance = place.instance
            assert instance is not None
            label = "" if instance.label is None else f"-{instance.label}"
            stem = slug(instance.asset + label)
            stem = f"{stem}-api" if stem in _RESERVED else stem
            by_folder.setdefault(self.path(place), {})[instance.id] = stem
        return {key: stem for names in by_folder.values() for key, stem in unique(names).items()}


def slug(name: str) -> str:
    """A name as a file name: lower case, letters, digits, dots and dashes."""
    made = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:_LONGEST].rstrip("-.")
    return made or "unnamed"


def unique(names: Mapping[Any, str]) -> dict[Any, str]:
    """The names with a number behind each that is taken already."""
    taken = set(names.values())
    seen: set[str] = set()
    made = {}
    for key, name in names.items():
        free = name
        if name in seen:
            free = next(one for n in count(2) if (one := f"{name}-{n}") not in taken)
            taken.add(free)
        seen.add(free)
        made[key] = free
    return made
