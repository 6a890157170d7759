"""Checked YAML documents to the typed values of `core.project`.

Every document has passed the schema, so its keys have the right types; what is absent gets its
default here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from reconciler.core.model import (
    AUTOMATED,
    LISTS,
    MULESOFT_GROUP,
    OUTBOUND,
    POLICIES,
    TIERS,
    ResourceKey,
    Source,
)
from reconciler.core.project import (
    ApiDocument,
    ApiSelector,
    Entry,
    Environment,
    GroupDocument,
    GroupSelector,
    Layer,
    Organization,
    Reference,
    Requirement,
)
from reconciler.files.hosts import DEFAULT_HOST, base_url
from reconciler.files.pack import Packer
from reconciler.files.yaml import Map, Place, Seq

DEFAULTS = {"Organization": "organization defaults", "Environment": "environment defaults"}


def source_of(value: Any, file: str) -> Source:
    """Where a mapping or list starts."""
    return Source(file, *getattr(value, "at", (0, 0)))


def item_place(items: Sequence[Any], index: int) -> Place:
    """Where an item of a list stands."""
    return items.item_at[index] if isinstance(items, Seq) else (0, 0)


def declared_lists(document: Map) -> Iterator[tuple[str, str, Seq]]:
    """Each list that a document declares, wherever it stands, with its path in the document."""
    defaults = document.get("defaults")
    for prefix, holder in (("", document), ("defaults.", defaults)):
        if isinstance(holder, Map):
            for name in LISTS:
                items = holder.get(name)
                if isinstance(items, Seq):
                    yield name, prefix + name, items


def entries(
    items: Sequence[Any], listed: str, file: str, packer: Packer | None = None
) -> tuple[Entry, ...]:
    """The items of a list of a document, in their order; packed where there is a packer."""
    return tuple(
        Entry(
            _key(item, listed),
            packer.pack(item) if packer else item,
            Source(file, *item_place(items, index)),
            _position(item),
        )
        for index, item in enumerate(items)
    )


def _key(item: Mapping[str, Any], listed: str) -> ResourceKey:
    name = str(item.get("name") or "")
    if listed == TIERS:
        return _one_key(TIERS, "", "", name)
    reference = item["policyRef"]
    return _one_key(listed, group_of(reference), str(reference["name"]), name)


@lru_cache(4096)
def _one_key(listed: str, group: str, type_: str, name: str) -> ResourceKey:
    """The same key for the same names: a large estate has few, and very many entries."""
    return ResourceKey(listed, group, type_, name)


def group_of(reference: Mapping[str, Any]) -> str:
    """The Exchange group of a policy; MuleSoft's own where it names none."""
    return str(reference.get("groupId") or MULESOFT_GROUP)


def _position(item: Mapping[str, Any]) -> str | tuple[str, str] | None:
    position = item.get("position")
    if isinstance(position, Mapping):
        for where in ("before", "after"):
            if where in position:
                return where, str(position[where])
    return str(position) if isinstance(position, str) else None


def _references(document: Map, key: str, file: str) -> tuple[Reference, ...]:
    items = document.get(key) or ()
    return tuple(
        Reference(
            list=str(item.get("list") or ""),
            group=group_of(item),
            type=str(item["policy"]),
            name=str(item.get("name") or ""),
            reason=str(item.get("reason") or ""),
            source=Source(file, *item_place(items, index)),
        )
        for index, item in enumerate(items)
    )


def layer(document: Map, name: str, file: str, packer: Packer | None = None) -> Layer:
    """What a document contributes to an API: its lists, or those of its `defaults:`."""
    holder = document.get("defaults") if document.get("kind") in DEFAULTS else document
    lists = {
        listed: entries(holder[listed], listed, file, packer)
        for listed in (POLICIES, OUTBOUND, TIERS)
        if holder and holder.get(listed) is not None
    }
    return Layer(
        name=name,
        source=source_of(document, file),
        lists=lists,
        versions=document.get("versions") or {},
        exclude=_references(document, "exclude", file),
        absent=_references(document, "absent", file),
        prune=document.get("prune"),
        description=str(document.get("description") or ""),
    )


def api_document(document: Map, name: str, file: str, packer: Packer | None = None) -> ApiDocument:
    """An ApiInstance."""
    api = document["api"]
    selector = ApiSelector(
        asset=api.get("asset"),
        group=api.get("groupId"),
        version=api.get("productVersion"),
        label=api.get("label"),
        has_label="label" in api,
        id=api.get("id"),
    )
    own = layer(document, "api", file, packer)
    return ApiDocument(name, selector, own, source_of(document, file))


def group_document(document: Map, name: str, file: str) -> GroupDocument:
    """An ApiGroup."""
    api = document["api"]
    match = api.get("match") or {}
    selector = GroupSelector(
        asset=match.get("asset") or "*",
        label=match.get("label"),
        has_label="label" in match,
        tags=tuple(match.get("tags") or ()),
        technology=match.get("technology"),
        group=match.get("groupId"),
        version=match.get("productVersion"),
        at_least=_setting(document, "atLeast", 1),
        may_be_empty=bool(_setting(document, "mayBeEmpty", False)),
    )
    contributed = layer(document, f"group {name}", file)
    return GroupDocument(name, selector, contributed, source_of(document, file))


def _setting(document: Map, key: str, default: Any) -> Any:
    """A setting of a group, which may stand beside `api:`, beside `match:` or in it."""
    api = document["api"]
    for holder in (document, api, api.get("match") or {}):
        if holder.get(key) is not None:
            return holder[key]
    return default


def environment(
    document: Map,
    folder: str,
    file: str,
    apis: Sequence[ApiDocument],
    groups: Sequence[GroupDocument],
) -> Environment:
    """An environment with the API documents of its folder."""
    automated = document.get(AUTOMATED)
    return Environment(
        folder=folder,
        environment=str(document.get("environment") or folder),
        layer=layer(document, DEFAULTS["Environment"], file),
        apis=tuple(apis),
        groups=tuple(sorted(groups, key=lambda group: group.source)),
        source=source_of(document, file),
        protected=bool(document.get("protected")),
        automated=None if automated is None else _automated(automated, file),
        requires=_requires(document, file),
    )


_SECONDS = {"m": 60, "h": 3600, "d": 86400}


def _requires(document: Map, file: str) -> tuple[Requirement, ...]:
    found = document.get("requires")
    if found is None:
        return ()
    within = str(found.get("within") or "")
    seconds = int(within[:-1]) * _SECONDS[within[-1]] if within else None
    source = Source(file, *found.value_at["converged"])
    return (Requirement(str(found["converged"]), seconds, source),)


def _automated(items: Sequence[Any], file: str) -> tuple[Entry, ...]:
    """Automated policies have no name of their own: two of one type are told apart by the kind
    of gateway that they are for."""
    found = entries(items, AUTOMATED, file)
    counts = Counter(entry.key for entry in found)
    return tuple(
        replace(entry, key=replace(entry.key, name=_technology(entry)))
        if counts[entry.key] > 1
        else entry
        for entry in found
    )


def _technology(entry: Entry) -> str:
    rule = entry.body.get("ruleOfApplication") or {}
    return ", ".join(map(str, rule.get("technologies") or ()))


def organization(
    document: Map, folder: str, file: str, environments: Sequence[Environment]
) -> Organization:
    """An organization with its environments. The host is checked already."""
    platform = str(document.get("platform") or "anypoint")
    is_salesforce = platform == "salesforce"
    return Organization(
        folder=folder,
        platform=platform,
        organization=str(document.get("organization") or folder),
        host="" if is_salesforce else base_url(document.get("host") or DEFAULT_HOST),
        layer=layer(document, DEFAULTS["Organization"], file),
        environments=tuple(environments),
        source=source_of(document, file),
        auth=document.get("auth"),
        access=document.get("defaults") if is_salesforce else None,
    )
