"""An image of the journal back to a resource: its settings as they were, its secrets found again.

The journal holds no secret. Each is taken from where its value still is, in the service's own
answer or in what the files refer to now, if the HMAC says that it is the same value as then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from reconciler.core.canonical import canonical_settings
from reconciler.core.catalogue import SERVER_ONLY, Catalogue, PolicyType
from reconciler.core.fields import Path, concrete_paths, dotted
from reconciler.core.model import Resource
from reconciler.core.redact import Redactor, Secret
from reconciler.run.images import Image, moved_fields, secret_values

Values = Mapping[Path, Any]


class Lost(Exception):
    """It cannot be made again; the message says why."""


@dataclass(frozen=True, slots=True)
class Restorer:
    """Makes resources of images, with what the catalogue knows and the key of the HMACs."""

    catalogue: Catalogue
    redactor: Redactor

    def restore(
        self,
        image: Image,
        live: Resource | None,
        files: Resource | None,
        sent: Mapping[str, str],
    ) -> Resource:
        """The resource as it was; with the id of `live`, which is to become it, or without one.

        files: what the files say of it now. sent: HMACs of what the service holds of `live` and
        does not return. Raises Lost.
        """
        known = self.catalogue.get(image.key.group, image.key.type)
        settings = _sendable(image.settings, known)
        for path, value in self._secrets(image, live, files, sent).items():
            _put(settings, path, value)
        unseen = {each for each in image.secrets if not list(concrete_paths(settings, each))}
        shown = {each for each in image.secrets if list(concrete_paths(image.settings, each))}
        return Resource(
            image.key,
            settings,
            canonical_settings(image.key.list, settings, known),
            image.secrets,
            image.write_only | (image.secrets - shown) | unseen,
            id=live.id if live else "",
            order=live.order if live else None,
        )

    def _secrets(
        self,
        image: Image,
        live: Resource | None,
        files: Resource | None,
        sent: Mapping[str, str],
    ) -> dict[Path, Any]:
        """Each secret of the image with its value; None where it is left to the service."""
        held = dict(secret_values(live, image.secrets)) if live else {}
        offered = [held, dict(secret_values(files, files.secrets)) if files else {}]
        paths = _secret_paths(image, offered)
        if live and not self._sends_configuration(image, live, sent):
            return {path: _hide(held.get(path)) for path in paths.values()}
        digests = image.digests if image.key_id == self.redactor.key_id else {}
        made = {}
        for text, path in paths.items():
            digest = digests.get(text, "")
            value = self._value(path, digest, offered)
            if value is None:
                raise Lost(_reason(text, is_known=bool(image.digests.get(text))))
            made[path] = _hide(value)
        return made

    def _value(self, path: Path, digest: str, offered: Iterable[Values]) -> Any:
        for values in offered:
            if digest and path in values and self.redactor.digest(values[path]) == digest:
                return values[path]
        return None

    def _sends_configuration(self, image: Image, live: Resource, sent: Mapping[str, str]) -> bool:
        """Whether going back sends the configuration, and all secrets with it."""
        moved = moved_fields(image, live, self.catalogue, self.redactor, sent)
        return any(path == "version" or path.startswith("config") for path in moved)


def _sendable(settings: Mapping[str, Any], known: PolicyType | None) -> dict[str, Any]:
    """A copy without the keys that the service itself puts into old configurations."""
    made: dict[str, Any] = deepcopy(dict(settings))
    fields = known.fields if known else {}
    if isinstance(made.get("config"), dict):
        for key in SERVER_ONLY - fields.keys():
            made["config"].pop(key, None)
    return made


def _secret_paths(image: Image, offered: Iterable[Values]) -> dict[str, Path]:
    """Where the image hides a secret, or where one may be that the service never shows."""
    paths = {
        dotted(path): path
        for pattern in image.secrets
        for path in concrete_paths(image.settings, pattern)
    }
    for values in offered:
        known = {dotted(path): path for path in values}
        paths |= {text: path for text, path in known.items() if text in image.digests}
    for text in (*image.digests, *_unseen(image)):
        paths.setdefault(text, tuple(text.split(".")))
    return dict(sorted(paths.items()))


def _unseen(image: Image) -> Iterator[str]:
    """Write-only secrets of which nothing is known, so that they may have been there or not."""
    for pattern in image.write_only:
        outer, _, _ = pattern.rpartition(".*")
        is_possible = not outer or bool(list(concrete_paths(image.settings, f"{outer}.*")))
        is_seen = bool(list(concrete_paths(image.settings, pattern))) or any(
            path == pattern or (outer and path.startswith(f"{outer}[")) for path in image.digests
        )
        if is_possible and not is_seen:
            yield pattern


def _reason(path: str, *, is_known: bool) -> str:
    if is_known:
        return f"its secret {path} was not the one that the files refer to now"
    return f"it may have held a secret {path} that nobody knows"


def _hide(value: Any) -> Any:
    if value is None or isinstance(value, Secret):
        return value
    return [Secret(item) for item in value] if isinstance(value, list) else Secret(value)


def _put(settings: dict[str, Any], path: Path, value: Any) -> None:
    """Sets the value at a path, or takes it away; a place that is not there is left out."""
    holder: Any = settings
    for part in path[:-1]:
        if isinstance(holder, dict):
            holder = holder.get(part)
        elif isinstance(holder, list) and isinstance(part, int) and part < len(holder):
            holder = holder[part]
        else:
            return
    last = path[-1]
    if isinstance(holder, dict):
        if value is None:
            holder.pop(last, None)
        else:
            holder[last] = value
    elif isinstance(holder, list) and isinstance(last, int) and last < len(holder):
        holder[last] = value
