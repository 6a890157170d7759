"""Layers to one ordered set of policies: which there are, in what order, and who says so.

The values within a policy are merged elsewhere; here only whole entries are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.model import LISTS, MULESOFT_GROUP, Absent, ResourceKey, Source
from reconciler.core.project import Entry, Layer, Reference
from reconciler.errors import Problem
from reconciler.files.merge import Contribution, Origin
from reconciler.files.pack import opened
from reconciler.files.yaml import Map, place

GROUP_PREFIX = "group "
Chain = tuple[Contribution, ...]


@dataclass(slots=True)
class Stack:
    """What the layers of an API add up to.

    chains: per policy, what each layer says of it, outermost first; in the desired order.
    managed: the lists that some layer declares.
    """

    chains: dict[ResourceKey, Chain] = field(default_factory=dict)
    managed: frozenset[str] = frozenset()
    absent: dict[ResourceKey, Absent] = field(default_factory=dict)
    prune: bool = False
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def problem_at(source: Source, message: str, hint: str = "", path: str = "") -> Problem:
    """A problem at a place of a file."""
    return Problem(source.file, source.line, source.column, path, message, hint)


def place_text(source: Source) -> str:
    """`file:line`, as a message names another place."""
    return f"{source.file}:{source.line}"


def compose(
    layers: Sequence[Layer], direction: Callable[[Reference], str], *, complete: bool = True
) -> Stack:
    """Stacks the layers, outermost first. `direction` gives the list that a reference means.

    An empty list adds nothing to what is inherited: it declares the list, and `exclude` drops.

    Not complete: a layer may be missing, so what is not found is not complained of.
    """
    stack = Stack()
    for layer in layers:
        _exclude(stack, layer, direction, complete)
        _declare(stack, layer)
        for reference in layer.absent:
            absent = _absent(reference, direction(reference))
            stack.absent[_key_of(absent)] = absent
        stack.prune = stack.prune if layer.prune is None else layer.prune
    stack.managed = frozenset(listed for layer in layers for listed in layer.lists)
    for key, absent in stack.absent.items():
        if key in stack.chains:
            declared = place_text(stack.chains[key][-1].entry.source)
            message = f"{key.segment} is declared ({declared}) and absent at once"
            hint = "remove one of them, or exclude the inherited policy here"
            stack.problems.append(problem_at(absent.source, message, hint))
    _arrange(stack, complete)
    return stack


def _key_of(reference: Absent) -> ResourceKey:
    return ResourceKey(reference.list, reference.group, reference.type, reference.name)


def _absent(reference: Reference, listed: str) -> Absent:
    return Absent(
        listed,
        reference.group,
        reference.type,
        reference.name,
        reference.reason,
        reference.source,
    )


def _exclude(
    stack: Stack, layer: Layer, direction: Callable[[Reference], str], complete: bool
) -> None:
    own = {entry.key: entry for entries in layer.lists.values() for entry in entries}
    for reference in layer.exclude:
        key = ResourceKey(direction(reference), reference.group, reference.type, reference.name)
        if key in own:
            message = f"{key.segment} is excluded and declared in one document"
            hint = "to drop an inherited key, set it to null in the declaration"
            stack.problems.append(problem_at(reference.source, message, hint))
        elif stack.chains.pop(key, None) is None and complete:
            names = ", ".join(sorted(key.segment for key in stack.chains)) or "none"
            message = f"{key.segment} is excluded but not inherited (inherited: {names})"
            stack.warnings.append(str(problem_at(reference.source, message)))


def _declare(stack: Stack, layer: Layer) -> None:
    for entries in layer.lists.values():
        for entry in entries:
            chain = stack.chains.get(entry.key, ())
            if layer.name.startswith(GROUP_PREFIX):
                stack.problems += _two_groups(entry, chain, layer.name)
            own = Contribution(layer.name, entry, layer.description)
            stack.chains[entry.key] = (*chain, own)


def _two_groups(entry: Entry, chain: Chain, name: str) -> Iterable[Problem]:
    for earlier in chain:
        if earlier.layer.startswith(GROUP_PREFIX):
            other = f"{earlier.layer} ({place_text(earlier.entry.source)})"
            message = f"{name} and {other} both set {entry.key.segment} on one API"
            hint = "let only one of the groups set it, or narrow a match:"
            yield problem_at(entry.source, message, hint)


def _arrange(stack: Stack, complete: bool) -> None:
    arranged: dict[ResourceKey, Chain] = {}
    for listed in LISTS:
        chains = {key: chain for key, chain in stack.chains.items() if key.list == listed}
        for key in _ordered(chains, stack.problems, complete):
            arranged[key] = chains[key]
    stack.chains = arranged


def _ordered(
    chains: Mapping[ResourceKey, Chain], problems: list[Problem], complete: bool
) -> list[ResourceKey]:
    """The keys in order of first mention, with each `position` carried out."""
    positions = {key: _position(chain) for key, chain in chains.items()}
    first = [key for key in chains if positions[key] == "first"]
    last = [key for key in chains if positions[key] == "last"]
    order = [*first, *(key for key in chains if positions[key] is None), *last]
    beside: dict[ResourceKey, tuple[str, ResourceKey]] = {}
    for key, position in positions.items():
        if isinstance(position, tuple):
            found = _named(position[1], [one for one in chains if one != key])
            if len(found) == 1:
                beside[key] = (position[0], found[0])
            else:
                order.append(key)
                if found or complete:
                    others = [one for one in chains if one != key]
                    problems.append(_misnamed(key, chains[key], position, found, others))
    return _insert(order, beside, chains, problems)


def _position(chain: Chain) -> str | tuple[str, str] | None:
    """The position that the nearest layer gives."""
    given = [link.entry.position for link in chain if link.entry.position is not None]
    return given[-1] if given else None


def _named(name: str, keys: Sequence[ResourceKey]) -> list[ResourceKey]:
    exact = [key for key in keys if name == key.segment or name == key.name]
    return exact or [key for key in keys if name == key.type]


def _misnamed(
    key: ResourceKey,
    chain: Chain,
    position: tuple[str, str],
    found: Sequence[ResourceKey],
    others: Sequence[ResourceKey],
) -> Problem:
    where, name = position
    entry = next(link.entry for link in reversed(chain) if link.entry.position == position)
    at = place(opened(entry.body), ["position", where])
    source = Source(entry.source.file, *at)
    if found:
        names = ", ".join(one.segment for one in found)
        message, hint = f"position {where}: {name} means several policies", f"say which: {names}"
    else:
        names = ", ".join(sorted(one.segment for one in others)) or "none"
        message = f"position {where}: {name}: there is no such policy on this API"
        hint = f"name one of: {names}" if others else "remove position:"
    return problem_at(source, message, hint, f"{key.segment}.position.{where}")


def _insert(
    order: list[ResourceKey],
    beside: dict[ResourceKey, tuple[str, ResourceKey]],
    chains: Mapping[ResourceKey, Chain],
    problems: list[Problem],
) -> list[ResourceKey]:
    """Puts each key beside the one that it names, as soon as that one has its place."""
    waiting = dict(beside)
    while ready := [key for key, (_, other) in waiting.items() if other in order]:
        # Backwards, so that those after one and the same policy keep their order of mention.
        for key in [one for one in reversed(ready) if waiting[one][0] == "after"]:
            order.insert(order.index(waiting[key][1]) + 1, key)
        for key in [one for one in ready if waiting[one][0] == "before"]:
            order.insert(order.index(waiting[key][1]), key)
        for key in ready:
            del waiting[key]
    for key in waiting:
        message = f"the position of {key.segment} goes round in a circle"
        problems.append(problem_at(chains[key][-1].entry.source, message, "remove one of them"))
    return [*order, *waiting]


@dataclass(frozen=True, slots=True)
class Pin:
    """A version that a `versions:` mapping gives, and where it stands."""

    version: str
    origin: Origin


def find_pin(
    layers: Sequence[Layer], key: ResourceKey, *, is_shipped: bool
) -> tuple[Pin | None, list[Problem]]:
    """The nearest pin of a policy. `is_shipped`: MuleSoft ships a policy of this name.

    A name without a group means MuleSoft's policy, and a custom one only where MuleSoft has none
    of that name. Groups that pin different versions are a problem.
    """
    names = [f"{key.group}/{key.type}"]
    if key.group == MULESOFT_GROUP or not is_shipped:
        names.append(key.type)
    found = [pin for layer in reversed(layers) if (pin := _pin(layer, names))]
    if not found:
        return None, []
    nearest = found[0]
    if not nearest.origin.layer.startswith(GROUP_PREFIX):
        return nearest, []
    problems = [
        problem_at(
            nearest.origin.source,
            f"{nearest.origin.layer} and {other.origin.layer} "
            f"({place_text(other.origin.source)}) pin {key.type} to different versions",
            "let only one of the groups pin it",
        )
        for other in found[1:]
        if other.origin.layer.startswith(GROUP_PREFIX) and other.version != nearest.version
    ]
    return nearest, problems


def _pin(layer: Layer, names: Iterable[str]) -> Pin | None:
    for name in names:
        if name in layer.versions:
            versions = layer.versions
            at = versions.value_at[name] if isinstance(versions, Map) else (layer.source.line, 1)
            origin = Origin(layer.name, Source(layer.source.file, *at))
            return Pin(str(versions[name]), origin)
    return None
