"""What the files say before anything live is known: organizations, environments, documents.

Made by `reconciler.files`; joined with live instances by `reconciler.files.layers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.model import ResourceKey, Source


@dataclass(frozen=True, slots=True)
class Reference:
    """An entry of `exclude:` or `absent:`: a policy by name, with the reason.

    list: as written, or empty: the list that the policy's type belongs to.
    """

    list: str
    group: str
    type: str
    name: str
    reason: str
    source: Source


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a list in one layer. `body` is the YAML mapping as parsed, with its places.

    position: None, `first`, `last`, or a pair such as (`before`, `cors`).
    """

    key: ResourceKey
    body: Mapping[str, Any] = field(repr=False)
    source: Source
    position: str | tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """What one document contributes to an API. A list absent from `lists` is not declared there.

    name: `organization defaults`, `environment defaults`, `group payments`, `api`.
    description: of the document.
    """

    name: str
    source: Source
    lists: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    exclude: tuple[Reference, ...] = ()
    absent: tuple[Reference, ...] = ()
    prune: bool | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class ApiSelector:
    """`api:` of an ApiInstance. `label` None with `has_label` True means 'unlabelled'."""

    asset: str | None = None
    group: str | None = None
    version: str | None = None
    label: str | None = None
    has_label: bool = False
    id: int | None = None


@dataclass(frozen=True, slots=True)
class GroupSelector:
    """`api: {match: ...}` of an ApiGroup; globs, and tags that must all be there.

    `label` None with `has_label` True means 'unlabelled'; the glob `*` also matches no label.
    """

    asset: str = "*"
    label: str | None = None
    has_label: bool = False
    tags: tuple[str, ...] = ()
    technology: str | None = None
    group: str | None = None
    version: str | None = None
    at_least: int = 1
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class ApiDocument:
    """An ApiInstance. `name` is its address segment: the file stem, or `asset:label` where the
    file holds several."""

    name: str
    selector: ApiSelector
    layer: Layer
    source: Source


@dataclass(frozen=True, slots=True)
class GroupDocument:
    """An ApiGroup; `name` is the file stem."""

    name: str
    selector: GroupSelector
    layer: Layer
    source: Source


@dataclass(frozen=True, slots=True)
class Requirement:
    """`requires:` of an environment: another one, by its folders (`acme/sandbox`), that must have
    converged on what the files say. within_s: how long ago at most, or None for any time."""

    address: str
    within_s: int | None
    source: Source


@dataclass(frozen=True, slots=True)
class Org:
    """The Salesforce org of an environment.

    url: base URL of its APIs, without a trailing slash. id: as written, 15 or 18 characters.
    version: of the APIs, such as `64.0`. auth: the mapping as in the file, with references
    unresolved; None where it is absent.
    """

    url: str
    id: str
    is_sandbox: bool
    version: str
    source: Source
    auth: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AccessDocument:
    """An ApiAccess; `name` is the file stem. `body` is the YAML mapping with its places."""

    name: str
    body: Mapping[str, Any] = field(repr=False)
    source: Source


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment folder: its document, its defaults, and the API documents in it.

    environment: name or id. layer: `defaults:` of the document, its versions and prune.
    automated: the declared automated policies, or None where the list is not managed. org and
    access: on platform salesforce the org, and its ApiAccess where there is one.
    """

    folder: str
    environment: str
    layer: Layer
    apis: tuple[ApiDocument, ...]
    groups: tuple[GroupDocument, ...]
    source: Source
    protected: bool = False
    automated: tuple[Entry, ...] | None = None
    requires: tuple[Requirement, ...] = ()
    org: Org | None = None
    access: AccessDocument | None = None


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization folder. organization: name or id. host: base URL without trailing slash.

    auth: the mapping as in the file, with references unresolved; None where it is absent.
    access: on platform salesforce, `defaults:` for the ApiAccess of every environment.
    """

    folder: str
    platform: str
    organization: str
    host: str
    layer: Layer
    environments: tuple[Environment, ...]
    source: Source
    auth: Mapping[str, Any] | None = field(default=None, repr=False)
    access: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Project:
    """Everything that a tree of files says, checked. `root` is the tree's folder as given.

    max_deletes: `limits.maxDeletes` of the Project document, or None where it is not given.
    """

    root: str
    organizations: tuple[Organization, ...]
    warnings: tuple[str, ...] = ()
    max_deletes: int | None = None
