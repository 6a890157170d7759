"""Which live resource is which desired one.

By coordinates; where a unit holds the same policy several times, by label (an automated policy has
none: by what it applies to; an outbound one: by its upstreams), then rules, then content. What
stays ambiguous is said, never guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from reconciler.core.fields import comparable, is_same
from reconciler.core.model import Resource
from reconciler.core.redact import reveal

Bucket = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Pairing:
    """Every desired and live resource of a unit, exactly once.

    ambiguous: groups of (desired, live) among which no pairing can be told.
    """

    pairs: tuple[tuple[Resource, Resource], ...]
    only_desired: tuple[Resource, ...]
    only_live: tuple[Resource, ...]
    ambiguous: tuple[tuple[tuple[Resource, ...], tuple[Resource, ...]], ...] = ()


def pair(desired: Sequence[Resource], live: Sequence[Resource]) -> Pairing:
    """Pairs the resources of one unit; keeps the given order within each part of the answer.

    A desired one that bears an id, as no file can say, is the live one with that id.
    """
    found = _pairs_by_id(desired, live)
    taken = {id(resource) for both in found for resource in both}
    wanted = _buckets(resource for resource in desired if id(resource) not in taken)
    held = _buckets(resource for resource in live if id(resource) not in taken)
    ambiguous = []
    left_desired: list[Resource] = []
    left_live: list[Resource] = []
    for bucket in dict.fromkeys((*wanted, *held)):
        pairs, rest, other = _pair_bucket(wanted.get(bucket, []), held.get(bucket, []))
        found.extend(pairs)
        if rest and other and not _is_told_apart(rest, other):
            ambiguous.append((tuple(rest), tuple(other)))
            continue
        left_desired.extend(rest)
        left_live.extend(other)
    place = {id(resource): index for index, resource in enumerate((*desired, *live))}
    found.sort(key=lambda both: place[id(both[0])])
    left_desired.sort(key=lambda resource: place[id(resource)])
    left_live.sort(key=lambda resource: place[id(resource)])
    return Pairing(tuple(found), tuple(left_desired), tuple(left_live), tuple(ambiguous))


def _pairs_by_id(
    desired: Sequence[Resource], live: Sequence[Resource]
) -> list[tuple[Resource, Resource]]:
    named = {(each.key.list, each.id): each for each in desired if each.id}
    if not named:
        return []
    places = ((each.key.list, each.id) for each in live)
    return [
        (named[place], each) for place, each in zip(places, live, strict=True) if place in named
    ]


def _buckets(resources: Iterable[Resource]) -> dict[Bucket, list[Resource]]:
    buckets: dict[Bucket, list[Resource]] = defaultdict(list)
    for resource in resources:
        key = resource.key
        # A tier has no coordinates: its name is its identity.
        buckets[(key.list, key.group, key.type or key.name)].append(resource)
    return buckets


_Pairs = tuple[list[tuple[Resource, Resource]], list[Resource], list[Resource]]


def _pair_bucket(desired: list[Resource], live: list[Resource]) -> _Pairs:
    if len(desired) == 1 and len(live) == 1:
        return [(desired[0], live[0])], [], []
    pairs: list[tuple[Resource, Resource]] = []
    for criterion in (_label, _application, _technologies, _upstreams, _rules, _content):
        desired, live, more = _pair_by(criterion, desired, live)
        pairs.extend(more)
    desired, live, more = _pair_same(desired, live)
    pairs.extend(more)
    if len(desired) == 1 and len(live) == 1 and not _are_labelled_apart(desired[0], live[0]):
        return [*pairs, (desired[0], live[0])], [], []
    if len(desired) == len(live) and _are_interchangeable(desired, live):
        return [*pairs, *zip(desired, live, strict=True)], [], []
    return pairs, desired, live


def _pair_by(
    criterion: Callable[[Resource], Hashable], desired: list[Resource], live: list[Resource]
) -> tuple[list[Resource], list[Resource], list[tuple[Resource, Resource]]]:
    by_desired, by_live = defaultdict(list), defaultdict(list)
    for resource in desired:
        by_desired[criterion(resource)].append(resource)
    for resource in live:
        by_live[criterion(resource)].append(resource)
    pairs = [
        (ours[0], by_live[value][0])
        for value, ours in by_desired.items()
        if value is not None
        and len(ours) == 1
        and len(by_live.get(value, ())) == 1
        # A label that says otherwise outweighs equal rules or content.
        and not _are_labelled_apart(ours[0], by_live[value][0])
    ]
    taken = {id(resource) for both in pairs for resource in both}
    return (
        [resource for resource in desired if id(resource) not in taken],
        [resource for resource in live if id(resource) not in taken],
        pairs,
    )


def _pair_same(
    desired: list[Resource], live: list[Resource]
) -> tuple[list[Resource], list[Resource], list[tuple[Resource, Resource]]]:
    """Pairs what needs no change, where there are as many on both sides and all of them alike."""
    pairs: list[tuple[Resource, Resource]] = []
    for ours in list(desired):
        same = [theirs for theirs in live if _may_stay(ours, theirs)]
        rivals = [other for other in desired if same and _may_stay(other, same[0])]
        if len(same) == len(rivals) and _are_alike(same) and _are_alike(rivals):
            pairs.extend(zip(rivals, same, strict=True))
            desired = [each for each in desired if each not in rivals]
            live = [each for each in live if each not in same]
    return desired, live, pairs


def _are_alike(resources: Sequence[Resource]) -> bool:
    return len({repr(reveal(each.canonical)) for each in resources}) < 2


def _label(resource: Resource) -> Hashable:
    return resource.key.name or None


def _application(resource: Resource) -> Hashable:
    rule = resource.canonical.get("ruleOfApplication")
    return repr(rule) if rule else None


def _technologies(resource: Resource) -> Hashable:
    rule = resource.canonical.get("ruleOfApplication") or {}
    return repr(rule.get("technologies") or None)


def _upstreams(resource: Resource) -> Hashable:
    return repr(resource.canonical.get("upstreams") or None)


def _rules(resource: Resource) -> Hashable:
    return repr(resource.canonical.get("rules"))


def _content(resource: Resource) -> Hashable:
    return repr(reveal(resource.canonical.get("config")))


def _are_labelled_apart(desired: Resource, live: Resource) -> bool:
    return bool(desired.key.name and live.key.name and desired.key.name != live.key.name)


def _are_interchangeable(desired: list[Resource], live: list[Resource]) -> bool:
    """Whether no pairing of them would change anything, so that any of them is right."""
    return all(_may_stay(ours, theirs) for ours in desired for theirs in live)


def _may_stay(desired: Resource, live: Resource) -> bool:
    """Whether the live one is what is desired, as far as can be told."""
    return not _are_labelled_apart(desired, live) and is_same(*comparable(desired, live))


def _is_told_apart(desired: list[Resource], live: list[Resource]) -> bool:
    """Whether every label says that no live resource is one of the desired ones."""
    return all(_are_labelled_apart(ours, theirs) for ours in desired for theirs in live)
