"""The content of an environment: one digest of all that the files say for it. Pure and offline.

Two trees have the same digest where they ask for the same: comments, descriptions, reasons, the
places and the spelling of the YAML do not count. A secret counts as its reference, a literal one
as its HMAC.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple
from typing import Any

from reconciler.core.catalogue import Catalogue, Field
from reconciler.core.model import TIERS
from reconciler.core.project import Entry, Environment, Layer, Organization, Reference
from reconciler.core.redact import Redactor, is_secret_key

_OPEN_TYPES = ("integer", "number", "boolean")
_FOR_READERS = ("description", "owner", "reason", "reviewBy")
_REFERENCE = re.compile(r"\$\{(env|file):[^{}]*\}")


def content_digest(
    organization: Organization, environment: Environment, catalogue: Catalogue, redactor: Redactor
) -> str:
    """`sha256:…` over what the organization, the environment and its documents say."""
    read = _Reader(catalogue, redactor)
    automated = environment.automated
    data = [
        [organization.platform, organization.host, organization.organization],
        environment.environment,
        read.layer(organization.layer),
        read.layer(environment.layer),
        None if automated is None else read.entries(automated),
        [[api.name, astuple(api.selector), read.layer(api.layer)] for api in environment.apis],
        [
            [group.name, astuple(group.selector), read.layer(group.layer)]
            for group in environment.groups
        ],
    ]
    if environment.org is not None:
        data += [[environment.org.id[:15], environment.org.is_sandbox]]
        data += [_access(organization.access), _access(_body(environment))]
    return "sha256:" + hashlib.sha256(_texts(data).encode("utf-8", "surrogatepass")).hexdigest()


def _body(environment: Environment) -> Mapping[str, Any] | None:
    return environment.access.body if environment.access else None


def _access(body: Mapping[str, Any] | None) -> Any:
    """What an ApiAccess asks for; who answers for an app, and why, is not part of it."""
    if body is None:
        return None
    asked = {key: _plain(value) for key, value in body.items() if key not in _FOR_READERS}
    apps = [
        {key: value for key, value in app.items() if key not in _FOR_READERS}
        for app in asked.get("apps") or ()
    ]
    return {**asked, "apps": apps}


def _texts(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


class _Reader:
    """Layers as plain values without what does not count."""

    def __init__(self, catalogue: Catalogue, redactor: Redactor) -> None:
        self._catalogue = catalogue
        self._redactor = redactor

    def layer(self, layer: Layer) -> list[Any]:
        lists = {name: self.entries(items) for name, items in layer.lists.items()}
        return [
            lists,
            _plain(layer.versions),
            _names(layer.exclude),
            _names(layer.absent),
            layer.prune,
        ]

    def entries(self, entries: Iterable[Entry]) -> list[Any]:
        return [self._entry(entry) for entry in entries]

    def _entry(self, entry: Entry) -> list[Any]:
        key = entry.key
        # That of a tier is sent.
        unread = () if key.list == TIERS else ("description",)
        known = self._catalogue.get(key.group, key.type)
        body = {
            name: self._object(value, known.fields if known else {})
            if name == "config" and isinstance(value, Mapping)
            else _plain(value)
            for name, value in entry.body.items()
            if name not in unread
        }
        return [key.list, key.group, key.type, key.name, entry.position, body]

    def _object(self, value: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
        return {key: self._value(key, item, fields.get(key)) for key, item in value.items()}

    def _value(self, key: str, item: Any, known: Field | None) -> Any:
        if _is_secret(key, known):
            return self._hidden(item)
        below = known.fields if known else {}
        if isinstance(item, Mapping):
            return self._object(item, below)
        if isinstance(item, list | tuple):
            return [
                self._object(part, below) if isinstance(part, Mapping) else _plain(part)
                for part in item
            ]
        return _plain(item)

    def _hidden(self, item: Any) -> Any:
        """What lies under a secret key: references as they are, everything else as its HMAC."""
        if isinstance(item, Mapping):
            return {key: self._hidden(part) for key, part in item.items()}
        if isinstance(item, list | tuple):
            return [self._hidden(part) for part in item]
        if item is None or isinstance(item, bool):
            return item
        if isinstance(item, str) and _REFERENCE.fullmatch(item):
            return item
        return self._redactor.digest(_texts(_plain(item)))


def _is_secret(key: str, known: Field | None) -> bool:
    """As loading sees it: a number that the catalogue knows, such as `maximumTokens`, is none."""
    if known and known.sensitive:
        return True
    return is_secret_key(key) and not (known and known.type in _OPEN_TYPES)


def _plain(value: Any) -> Any:
    """The value with numbers as they are written: where text is asked for, that is what counts."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    text = getattr(value, "text", None)
    return text if isinstance(text, str) else value


def _names(references: Iterable[Reference]) -> list[list[str]]:
    return [[item.list, item.group, item.type, item.name] for item in references]
