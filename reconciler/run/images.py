"""What a resource was, as the journal keeps it: the one place that decides what of it is hidden.

An image holds the settings in our own words. A secret in it is its reference or `(secret)`, never
a value, wherever it came from; beside it stands the HMAC by which it is known again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.canonical import canonical_settings
from reconciler.core.catalogue import Catalogue
from reconciler.core.fields import (
    Path,
    concrete_paths,
    differing_fields,
    dotted,
    is_same,
    unsaid,
    without,
)
from reconciler.core.model import OUTBOUND, TIERS, Resource, ResourceKey
from reconciler.core.plan import hidden
from reconciler.core.redact import Redactor, Secret, reveal


@dataclass(frozen=True, slots=True)
class Image:
    """A resource as it was. `id` is empty for what did not exist yet.

    secrets, write_only: patterns of paths, as in `Resource`. digests: the HMAC of each secret
    that was known, by its dotted path, made with the key that `key_id` names.
    """

    key: ResourceKey
    settings: Mapping[str, Any]
    id: str = ""
    secrets: frozenset[str] = frozenset()
    write_only: frozenset[str] = frozenset()
    digests: Mapping[str, str] = field(default_factory=dict)
    key_id: str = ""

    def data(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            **key_data(self.key),
            "id": self.id,
            "settings": self.settings,
            "secrets": sorted(self.secrets),
            "writeOnly": sorted(self.write_only),
            "digests": dict(self.digests),
            "key": self.key_id,
        }


def image_of(
    resource: Resource,
    redactor: Redactor,
    *,
    like: Iterable[Resource] = (),
    sent: Mapping[str, str] | None = None,
) -> Image:
    """The image of a live or desired resource.

    like: others of the same policy type, for which paths are secret. sent: HMACs of secrets that
    the service holds and does not return, by dotted path.
    """
    remembered = dict(sent or {})
    wrapped = [dotted(path) for path, _ in _wrapped(resource.settings, ())]
    patterns = resource.secrets.union(
        *(each.secrets for each in like), _patterns((*remembered, *wrapped))
    )
    known = {
        dotted(path): redactor.digest(value) for path, value in secret_values(resource, patterns)
    }
    digests = remembered | known
    return Image(
        resource.key,
        hidden(_settings(resource), patterns),
        resource.id,
        patterns,
        resource.write_only,
        digests,
        redactor.key_id if digests else "",
    )


def _settings(resource: Resource) -> Mapping[str, Any]:
    """The settings, with upstreams named as live names them, as files may name them otherwise,
    and with a tier's description said, as a live tier has one or none."""
    settings = resource.settings
    if resource.key.list == OUTBOUND:
        return {**settings, "upstreams": resource.canonical.get("upstreams") or []}
    if resource.key.list == TIERS and resource.id:
        return {**settings, "description": settings.get("description") or ""}
    return settings


def image_from(data: Any) -> Image | None:
    """The image of its JSON form, None for null; raises KeyError or TypeError for another."""
    if data is None:
        return None
    return Image(
        key_from(data),
        {**data["settings"]},
        str(data["id"]),
        frozenset(map(str, data["secrets"])),
        frozenset(map(str, data["writeOnly"])),
        {str(path): str(digest) for path, digest in data["digests"].items()},
        str(data["key"]),
    )


def key_data(key: ResourceKey) -> dict[str, str]:
    """The JSON form of a key."""
    return {"list": key.list, "group": key.group, "type": key.type, "name": key.name}


def key_from(data: Mapping[str, Any]) -> ResourceKey:
    """The key of its JSON form."""
    return ResourceKey(*(str(data[name]) for name in ("list", "group", "type", "name")))


def moved_fields(
    image: Image,
    live: Resource,
    catalogue: Catalogue,
    redactor: Redactor,
    sent: Mapping[str, str] | None = None,
) -> list[str]:
    """Paths of the fields in which a live resource is no longer as in the image.

    What the image does not say does not count, nor do secrets that nobody knows; `sent` holds the
    HMACs of those that the service does not return.
    """
    known = catalogue.get(image.key.group, image.key.type)
    ours = canonical_settings(image.key.list, image.settings, known)
    patterns = image.secrets | live.secrets
    paths = {path for side in (ours, live.canonical) for path in _secret_paths(side, patterns)}
    names = unsaid(image.key, ours)
    left = [without(side, paths, names) for side in (ours, live.canonical)]
    found = [] if is_same(*left) else [dotted(path) for path in differing_fields(left[1], left[0])]
    if image.digests and image.key_id == redactor.key_id:
        now = dict(sent or {})
        now |= {
            dotted(path): redactor.digest(value) for path, value in secret_values(live, patterns)
        }
        found += [path for path, old in image.digests.items() if now.get(path, old) != old]
    return found


def _secret_paths(canonical: Any, patterns: Iterable[str]) -> Iterator[Path]:
    yield from _concrete(canonical, patterns)
    for path, _ in _wrapped(canonical, ()):
        yield path


def secret_values(resource: Resource, patterns: frozenset[str]) -> Iterator[tuple[Path, Any]]:
    """Path and value of each secret of a resource that is known here."""
    seen = dict(_wrapped(resource.settings, ()))
    for path in _concrete(resource.settings, patterns):
        value: Any = resource.settings
        for part in path:
            value = value[part]
        seen.setdefault(path, value)
    for path, value in seen.items():
        bare = reveal(value)
        if bare not in (None, []):
            yield path, bare


def _concrete(settings: Any, patterns: Iterable[str]) -> Iterator[Path]:
    for pattern in patterns:
        yield from concrete_paths(settings, pattern)


def _wrapped(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Each secret by its path, whether or not it is marked as one; a list of them as a whole."""
    if isinstance(value, Secret):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _wrapped(item, (*path, key))
    elif isinstance(value, list | tuple):
        if any(isinstance(item, Secret) for item in value):
            yield path, value
            return
        for index, item in enumerate(value):
            yield from _wrapped(item, (*path, index))


def _patterns(paths: Iterable[str]) -> set[str]:
    return {re.sub(r"\[\d+\]", ".*", path) for path in paths}
