"""Which live API instance each document means, and which documents each instance gets."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase, translate

from reconciler.core.model import ENVIRONMENT_UNIT, Instance
from reconciler.core.project import (
    ApiDocument,
    ApiSelector,
    Environment,
    GroupDocument,
    GroupSelector,
    Layer,
    Organization,
)
from reconciler.errors import Problem
from reconciler.files.names import instance_name
from reconciler.files.stack import place_text, problem_at

_NEAR = 5
# Similarity is costly in large environments; a renamed environment would miss every API.
_COMPARED = 20


@dataclass(frozen=True, slots=True)
class Match:
    """A live instance that files name. name: its address segment. api: its own document, None
    where only groups reach it. groups: by file path."""

    name: str
    instance: Instance
    api: ApiDocument | None
    groups: tuple[GroupDocument, ...] = ()

    def layers(self, organization: Organization, environment: Environment) -> tuple[Layer, ...]:
        """All layers of this API, outermost first."""
        own = (self.api.layer,) if self.api else ()
        groups = (group.layer for group in self.groups)
        return (organization.layer, environment.layer, *groups, *own)


def match(
    environment: Environment, instances: Sequence[Instance]
) -> tuple[list[Match], list[Problem]]:
    """The instances that some document names, sorted by name, and what does not match."""
    problems: list[Problem] = []
    own = _match_apis(environment.apis, instances, problems)
    groups: dict[int, list[GroupDocument]] = defaultdict(list)
    for group in environment.groups:
        for instance in _match_group(group, instances, problems):
            groups[instance.id].append(group)
    names = _names(environment, instances)
    matches = [
        Match(
            own[instance.id].name if instance.id in own else names[instance.id],
            instance,
            own.get(instance.id),
            tuple(groups.get(instance.id, ())),
        )
        for instance in instances
        if instance.id in own or instance.id in groups
    ]
    return sorted(matches, key=lambda one: (one.name, one.instance.id)), problems


def matches_filter(match: Match, globs: Iterable[str]) -> bool:
    """Whether an `--api` filter lets an API through; globs over its name and `asset:label`."""
    wanted = tuple(globs)
    instance = match.instance
    label = "" if instance.label is None else f":{instance.label}"
    names = {
        match.name,
        f"{instance.asset}{label}",
        instance_name(instance.asset, instance.label),
    }
    return not wanted or any(fnmatchcase(name, glob) for glob in wanted for name in names)


def _match_apis(
    apis: Sequence[ApiDocument], instances: Sequence[Instance], problems: list[Problem]
) -> dict[int, ApiDocument]:
    by_asset: dict[str, list[Instance]] = defaultdict(list)
    for instance in instances:
        by_asset[instance.asset].append(instance)
    by_id = {instance.id: instance for instance in instances}
    own: dict[int, ApiDocument] = {}
    for api in apis:
        found = candidates(api.selector, by_asset, by_id)
        if len(found) != 1:
            with_near = len(problems) < _COMPARED
            problems.append(_not_one(api, found, by_asset if with_near else {}, instances))
        elif found[0].id in own:
            other = own[found[0].id]
            message = f"{found[0]} is described already: {place_text(other.source)}"
            problems.append(problem_at(api.source, message, "one API, one file", "api"))
        else:
            own[found[0].id] = api
    return own


def candidates(
    selector: ApiSelector,
    by_asset: Mapping[str, Sequence[Instance]],
    by_id: Mapping[int, Instance],
) -> list[Instance]:
    """The live instances that a document may mean; it means one only where there is one."""
    pool: Iterable[Instance]
    if selector.id is not None:
        pool = [by_id[selector.id]] if selector.id in by_id else []
    else:
        pool = by_asset.get(selector.asset or "", ())
    return [instance for instance in pool if _selects(selector, instance)]


def _selects(selector: ApiSelector, instance: Instance) -> bool:
    return (
        selector.asset in (None, instance.asset)
        and selector.group in (None, instance.group)
        and selector.version in (None, instance.version)
        and (not selector.has_label or selector.label == instance.label)
    )


def _not_one(
    api: ApiDocument,
    found: Sequence[Instance],
    by_asset: Mapping[str, Sequence[Instance]],
    instances: Sequence[Instance],
) -> Problem:
    wanted = _shown(api.selector)
    if found:
        names = _list(found)
        hint = "narrow it by label:, groupId: or productVersion:, or give its id:"
        message = f"{wanted} means {len(found)} API instances: {names}"
        return problem_at(api.source, message, hint, "api")
    if not instances:
        message = f"{wanted}: there are no API instances in this environment"
        return problem_at(api.source, message, path="api")
    near = _near(api.selector, by_asset)
    hint = f"near ones: {_list(near)}" if near else ""
    return problem_at(api.source, f"{wanted}: there is no such API instance", hint, "api")


def _list(instances: Sequence[Instance]) -> str:
    shown = ", ".join(str(instance) for instance in instances[:_NEAR])
    more = len(instances) - _NEAR
    return f"{shown} and {more} more" if more > 0 else shown


def _near(selector: ApiSelector, by_asset: Mapping[str, Sequence[Instance]]) -> list[Instance]:
    asset = selector.asset or ""
    assets = [asset] if asset in by_asset else get_close_matches(asset, by_asset, n=3)
    return [instance for name in assets for instance in by_asset[name]]


def _shown(selector: ApiSelector) -> str:
    parts = {
        "id": selector.id,
        "asset": selector.asset,
        "groupId": selector.group,
        "productVersion": selector.version,
    }
    shown = [f"{key}: {value}" for key, value in parts.items() if value is not None]
    if selector.has_label:
        shown.append(f"label: {'null' if selector.label is None else selector.label}")
    return "{" + ", ".join(shown) + "}"


def _match_group(
    group: GroupDocument, instances: Sequence[Instance], problems: list[Problem]
) -> list[Instance]:
    selects = GroupMatcher(group.selector)
    found = [instance for instance in instances if selects.matches(instance)]
    least = max(group.selector.at_least, 1)
    is_allowed = not found and group.selector.may_be_empty
    if len(found) < least and not is_allowed:
        if not instances:
            message = "there are no API instances in this environment"
        elif found:
            message = f"the group matches {len(found)} of at least {least}: {_list(found)}"
        else:
            message = "the group matches no API instance"
        hint = "" if found else "correct match:, or say mayBeEmpty: true"
        problems.append(problem_at(group.source, message, hint, "api"))
    return found


class GroupMatcher:
    """A group's selector, made ready for many instances."""

    def __init__(self, selector: GroupSelector) -> None:
        self._selector = selector
        self._globs = [
            (name, re.compile(translate(glob)))
            for name, glob in (
                ("asset", selector.asset),
                ("technology", selector.technology),
                ("group", selector.group),
                ("version", selector.version),
            )
            if glob is not None and glob != "*"
        ]

    def matches(self, instance: Instance) -> bool:
        values = {
            "asset": instance.asset,
            "technology": instance.technology,
            "group": instance.group,
            "version": instance.version,
        }
        return (
            all(glob.match(values[name]) for name, glob in self._globs)
            and self._label(instance.label)
            and set(self._selector.tags) <= set(instance.tags)
        )

    def surely_matches(self, selector: ApiSelector) -> bool:
        """Whether any instance that a document may mean is in the group."""
        values = {"asset": selector.asset, "group": selector.group, "version": selector.version}
        known = all(values.get(name) is not None for name, _ in self._globs)
        label_known = selector.has_label or self._takes_any_label
        return known and label_known and not self._selector.tags and self.may_match(selector)

    def may_match(self, selector: ApiSelector) -> bool:
        """Whether some instance that a document may mean could be in the group."""
        values = {"asset": selector.asset, "group": selector.group, "version": selector.version}
        known = ((glob, values.get(name)) for name, glob in self._globs)
        is_possible = all(value is None or glob.match(value) for glob, value in known)
        return is_possible and (not selector.has_label or self._label(selector.label))

    @property
    def _takes_any_label(self) -> bool:
        return not self._selector.has_label or self._selector.label == "*"

    def _label(self, label: str | None) -> bool:
        """A glob takes labels only, but `*` takes an instance without one too."""
        wanted = self._selector.label
        if self._takes_any_label:
            return True
        if wanted is None or label is None:
            return wanted is label
        return fnmatchcase(label, wanted)


def _names(environment: Environment, instances: Sequence[Instance]) -> dict[int, str]:
    """The names of instances without a document: `asset:label`, with `@ID` where another
    instance or a document has that name."""
    plain = {one.id: instance_name(one.asset, one.label) for one in instances}
    count = Counter(plain.values())
    taken = {api.name for api in environment.apis} | {ENVIRONMENT_UNIT}
    return {
        number: f"{name}@{number}" if count[name] > 1 or name in taken else name
        for number, name in plain.items()
    }
