"""Whether a change strengthens or weakens what protects an API. Pure.

What a policy protects and which way a field strengthens comes from the catalogue. Where it does
not say, any change but a create weakens: nobody is told that all is well by guessing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from math import inf
from typing import Any

from reconciler.core.addresses import Span, read_span
from reconciler.core.catalogue import Catalogue, Field, PolicyType
from reconciler.core.fields import comparable, is_same
from reconciler.core.model import TIERS, Resource
from reconciler.core.redact import reveal

# From the first that should look at a request to the last.
_RANKS = ("access", "traffic", "payload", "confidentiality", "none")
_NONE = "none"


class Effect(StrEnum):
    """What a change does to protection; the value is the word in JSON."""

    STRENGTHENS = "strengthens"
    WEAKENS = "weakens"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Judged:
    """An effect and, where it weakens, why, in words that follow the address."""

    effect: Effect
    why: str = ""


STRENGTHENS = Judged(Effect.STRENGTHENS)
NEUTRAL = Judged(Effect.NEUTRAL)

_TIER_FIELDS: Mapping[str, Field] = {
    # A looser tier lets every application that has it through more often.
    "limits": Field(
        "limits",
        "array",
        strengthens_when="wider",
        fields={
            "maximumRequests": Field("maximumRequests", "integer", strengthens_when="lower"),
            "timePeriodInMilliseconds": Field(
                "timePeriodInMilliseconds", "integer", strengthens_when="higher"
            ),
            "visible": Field("visible", "boolean", strengthens_when="neutral"),
        },
    ),
    "autoApprove": Field("autoApprove", "boolean", strengthens_when="false"),
    "description": Field("description", "string", strengthens_when="neutral"),
    "status": Field("status", "string", strengthens_when="neutral"),
}


def worst(judged: Iterable[Judged]) -> Judged:
    """All of it together: weakens where one does, with all reasons; else strengthens."""
    found = list(judged)
    whys = list(dict.fromkeys(one.why for one in found if one.effect is Effect.WEAKENS))
    if whys:
        return _weakens("; ".join(whys))
    return STRENGTHENS if STRENGTHENS in found else NEUTRAL


def of_create(desired: Resource, catalogue: Catalogue) -> Judged:
    """Of something new. A tier opens nothing by itself: applications must be given it."""
    if desired.key.list == TIERS or not _is_active(desired, catalogue):
        return NEUTRAL
    return STRENGTHENS


def of_delete(live: Resource, catalogue: Catalogue) -> Judged:
    """Of a removal. The service deletes no tier that is in use."""
    if live.key.list == TIERS or not _is_active(live, catalogue):
        return NEUTRAL
    return _weakens("is removed")


def of_update(live: Resource, desired: Resource, catalogue: Catalogue) -> Judged:
    """Of making `live` equal to `desired`. Another secret in place of one is neutral."""
    ours, theirs = comparable(desired, live)
    differing = _differing(theirs, ours)
    if live.key.list == TIERS:
        return worst(_of_fields(differing, _TIER_FIELDS, ""))
    if _protects(live, catalogue) == _NONE:
        return NEUTRAL
    was_off, is_off = (bool(one.canonical.get("disabled")) for one in (live, desired))
    if was_off:
        # What it says while it is off protects nothing.
        return NEUTRAL if is_off else STRENGTHENS
    if is_off:
        return _weakens("is switched off")
    known = _type(live, catalogue)
    return worst(
        one for name, before, after in differing for one in _of_setting(name, before, after, known)
    )


def is_mixed(live: Resource, desired: Resource, catalogue: Catalogue) -> bool:
    """Whether an update that weakens also strengthens, or may: undoing it would weaken, too."""
    return of_update(desired, live, catalogue).effect is Effect.WEAKENS


def of_order(before: Sequence[Resource], after: Sequence[Resource], catalogue: Catalogue) -> Judged:
    """Of a new order of the same policies: who may call is asked before anything else is done,
    then how much; one that comes to stand behind another that should look later is weaker."""
    places = {each.id: place for place, each in enumerate(after)}
    ranks = {each.id: _rank(each, catalogue) for each in before}
    return worst(
        _swapped(first, second, ranks)
        for first, second in combinations(before, 2)
        if places[first.id] > places[second.id]
    )


def _swapped(first: Resource, second: Resource, ranks: Mapping[str, int]) -> Judged:
    """Of `first` coming to stand behind `second`."""
    last = len(_RANKS) - 1
    if ranks[first.id] == ranks[second.id] == last:
        return NEUTRAL
    if ranks[first.id] > ranks[second.id]:
        return STRENGTHENS
    return _weakens(f"{first.key.segment} moves behind {second.key.segment}")


def _rank(resource: Resource, catalogue: Catalogue) -> int:
    if not _is_active(resource, catalogue):
        return len(_RANKS) - 1
    protects = _protects(resource, catalogue)
    return _RANKS.index(protects) if protects in _RANKS else 0


def _is_active(resource: Resource, catalogue: Catalogue) -> bool:
    is_off = bool(resource.canonical.get("disabled"))
    return not is_off and _protects(resource, catalogue) != _NONE


def _type(resource: Resource, catalogue: Catalogue) -> PolicyType | None:
    return catalogue.get(resource.key.group, resource.key.type)


def _protects(resource: Resource, catalogue: Catalogue) -> str:
    known = _type(resource, catalogue)
    return known.protects if known else ""


def _differing(
    live: Mapping[str, Any], desired: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """Name, live and desired value of each key that differs."""
    for name in sorted({*live, *desired}):
        before, after = live.get(name), desired.get(name)
        if not is_same(before, after):
            yield name, reveal(before), reveal(after)


def _of_setting(name: str, before: Any, after: Any, known: PolicyType | None) -> Iterator[Judged]:
    if name == "config":
        fields = known.fields if known else {}
        yield from _of_fields(_differing(before or {}, after or {}), fields, "config.")
    elif name == "version":
        yield from _of_version(str(before or ""), str(after or ""), known)
    elif name == "rules":
        yield _of_reach("rules cover fewer requests", _requests(before), _requests(after))
    elif name == "upstreams":
        # Without any it is for all of them.
        sides = (set(map(str, one)) if one else None for one in (before, after))
        yield _of_reach("is for fewer upstreams", *sides)
    elif name == "ruleOfApplication":
        yield from _of_application(before or {}, after or {})
    else:
        yield _weakens(f"{name} changes, and nobody knows which way is safer")


def _of_application(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Judged]:
    """Of the gateways that an automated policy is for; what is None is no limit."""
    for name, ours, theirs in _differing(before, after):
        sides = (set(one) if isinstance(one, list) else one for one in (ours, theirs))
        yield _of_reach(f"{name} leaves gateways out", *sides)


def _of_version(before: str, after: str, known: PolicyType | None) -> Iterator[Judged]:
    if known is None or not known.protects:
        yield _weakens("nobody knows what this version does")
    elif _version(after) < _version(before):
        yield _weakens("goes back to an older version")


def _version(text: str) -> tuple[int, ...]:
    parts = text.split("-", 1)[0].split(".")
    return tuple(int(part) if part.isascii() and part.isdigit() else -1 for part in parts)


def _requests(rules: Any) -> set[tuple[str, str]] | None:
    """(method, path) of all requests that a policy is for; None where it is for all."""
    if not rules:
        return None
    return {
        (method, str(rule.get("path")))
        for rule in rules
        for method in (rule.get("methods") or ("*",))
    }


def _of_reach(why: str, before: Any, after: Any) -> Judged:
    """Of what a policy is for, as sets; None is everything, and what is no set is not compared."""
    if after is None:
        return STRENGTHENS
    are_sets = isinstance(before, set) and isinstance(after, set)
    return STRENGTHENS if are_sets and before <= after else _weakens(why)


def _of_fields(
    differing: Iterable[tuple[str, Any, Any]], fields: Mapping[str, Field], above: str
) -> Iterator[Judged]:
    for name, before, after in differing:
        yield _of_value(before, after, fields.get(name), above + name)


def _of_value(before: Any, after: Any, known: Field | None, path: str) -> Judged:
    if known and known.fields and isinstance(before, Mapping) and isinstance(after, Mapping):
        return worst(_of_fields(_differing(before, after), known.fields, f"{path}."))
    if known and known.fields and isinstance(before, list) and isinstance(after, list):
        return _of_items(before, after, known, path)
    match known.strengthens_when if known else "":
        case "neutral":
            return NEUTRAL
        case "lower":
            return _of_number(_number(after, known), _number(before, known), f"{path} is raised")
        case "higher":
            return _of_number(_number(before, known), _number(after, known), f"{path} is lowered")
        case "true" | "false" as wanted:
            is_stronger = after is (wanted == "true")
            return STRENGTHENS if is_stronger else _weakens(f"{path} becomes {_word(after)}")
        case "narrower":
            return _of_sets(after, before, known, f"{path} lets more through")
        case "wider":
            return _of_sets(before, after, known, f"{path} holds less")
    return _weakens(f"{path} changes, and nobody knows which way is safer")


def _of_items(before: list[Any], after: list[Any], known: Field, path: str) -> Judged:
    """Of a list of objects: item by item where there are as many, else by which are there."""
    if known.strengthens_when == "neutral":
        return NEUTRAL
    if len(before) != len(after):
        is_wider = known.strengthens_when == "wider"
        small, large = (before, after) if is_wider else (after, before)
        is_stronger = known.strengthens_when in ("wider", "narrower") and _holds(large, small)
        return STRENGTHENS if is_stronger else _weakens(f"{path} holds other entries")
    return worst(
        _of_value(ours, theirs, _item(known), f"{path}[{index}]")
        for index, (ours, theirs) in enumerate(zip(before, after, strict=True))
        if not is_same(ours, theirs)
    )


def _item(known: Field) -> Field:
    return Field(known.name, "object", fields=known.fields)


def _holds(large: Sequence[Any], small: Sequence[Any]) -> bool:
    return all(any(is_same(one, other) for other in large) for one in small)


def _of_number(low: float | None, high: float | None, why: str) -> Judged:
    """Strengthens where `low` is below `high`; a number that nobody gave says nothing."""
    if low is None or high is None or low >= high:
        return _weakens(why)
    return STRENGTHENS


def _number(value: Any, known: Field | None) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if known and known.unlimited is not None and value == known.unlimited:
        return inf
    try:
        # TLS versions are texts such as 1.2.
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _of_sets(small: Any, large: Any, known: Field | None, why: str) -> Judged:
    """Strengthens where all of `small` is in `large`."""
    small, large = (one if isinstance(one, list) else [] for one in (small, large))
    is_for_addresses = known is not None and known.format == "address"
    is_held = (_covers if is_for_addresses else _holds)(large, small)
    return STRENGTHENS if is_held else _weakens(why)


def _covers(large: Sequence[Any], small: Sequence[Any]) -> bool:
    """Whether every address of `small` is one of `large`."""
    merged = _merged(_spans(large))
    return all(
        one is not None
        and any(
            whole.version == one.version and whole.first <= one.first and one.last <= whole.last
            for whole in merged
        )
        for one in (read_span(str(item)) for item in small)
    )


def _spans(items: Iterable[Any]) -> Iterator[Span]:
    return (span for item in items if (span := read_span(str(item))))


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.version, one.first)):
        before = merged[-1] if merged else None
        if before and before.version == span.version and span.first <= before.last + 1:
            merged[-1] = Span(span.version, before.first, max(before.last, span.last))
        else:
            merged.append(span)
    return merged


def _weakens(why: str) -> Judged:
    return Judged(Effect.WEAKENS, why)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "unset"
