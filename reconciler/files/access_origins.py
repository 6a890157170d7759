"""Which layer and line set each value of an ApiAccess, for `explain`."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.access import POLICY_FIELDS
from reconciler.core.model import SETTINGS, Resource
from reconciler.core.project import AccessDocument, Organization
from reconciler.files.access import (
    HOLDER_LISTS,
    MergedAccess,
    declared_app,
    declared_bypasses,
    declared_grants,
    declared_settings,
    merged_access,
)
from reconciler.files.layers import EffectivePolicy
from reconciler.files.merge import leaf_origins
from reconciler.files.yaml import Map

_NOTES = ("owner", "reason", "reviewBy")


def access_origins(
    organization: Organization, document: AccessDocument, *, notes: bool = True
) -> list[EffectivePolicy]:
    """Each resource of the files with the place of each of its values; a grant shows whom it is
    for. notes: what is never sent is among them."""
    merged = merged_access(organization, document)
    names = (*POLICY_FIELDS, *(_NOTES if notes else ()))
    rest = (*declared_settings(merged), *declared_bypasses(merged))
    explained = [_explained_rest(one, merged) for one in rest]
    for app in merged.apps.values():
        said = {name: app.body[name] for name in names if name in app.body}
        known = app.origins()
        shown = replace(declared_app(app), settings=said, canonical=said)
        explained.append(EffectivePolicy(shown, {name: known[name] for name in said}))
        if isinstance(app.body.get("allow"), Map):
            listed = {kind: known.get(f"allow.{name}") for name, kind in HOLDER_LISTS.items()}
            explained += [
                EffectivePolicy(shown_holder(one), {one.key.group: origin})
                for one in declared_grants(app)
                if (origin := listed[one.key.group]) is not None
            ]
    return explained


def _explained_rest(one: Resource, merged: MergedAccess) -> EffectivePolicy:
    known = leaf_origins(merged.rest, merged.places)
    if one.key.list == SETTINGS:
        return EffectivePolicy(one, {"enabled": known[f"settings.{one.key.type}"]})
    listed = next(name for name, kind in HOLDER_LISTS.items() if kind == one.key.group)
    origin = known[f"bypass.{one.key.type}.{listed}"]
    return EffectivePolicy(shown_holder(one), {one.key.group: origin})


def shown_holder(one: Resource) -> Resource:
    """A grant or bypass, desired or live, that says whom it is for."""
    said = {one.key.group: one.key.name}
    return replace(one, settings=said, canonical=said)
