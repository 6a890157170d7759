"""(desired, live) -> what to change. Pure; equality is decided first and cheaply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from reconciler.core import effect
from reconciler.core.catalogue import Catalogue
from reconciler.core.effect import Effect, Judged
from reconciler.core.fields import (
    Path,
    comparable,
    differing_fields,
    dotted,
    is_same,
    redact_at,
    walk,
    write_only_paths,
)
from reconciler.core.model import (
    POLICIES,
    DesiredUnit,
    LiveUnit,
    Resource,
    Source,
)
from reconciler.core.order import permuted, places, with_new
from reconciler.core.pairing import Pairing, pair
from reconciler.core.redact import Redactor, reveal, shown_digest
from reconciler.core.upstreams import settle_upstreams, upstream_problems
from reconciler.errors import Problem

UNKNOWN = "(unknown)"
"""Shown in the place of a live value that nobody can tell."""


class Action(StrEnum):
    """What a change does; the value is the word in JSON."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REORDER = "reorder"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One differing field, ready to be shown: secrets are references or digests."""

    path: str
    live: Any
    desired: Any


@dataclass(frozen=True, slots=True)
class ChangedBy:
    """Somebody who may have made live what it is, by the platform's own record.

    at: ISO 8601, UTC. what: the record's sentence. delegate: who acted as the user, if anybody.
    is_own: it was this tool's login.
    """

    user: str
    at: str
    what: str
    delegate: str = ""
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One create, update, delete or reorder, ready to be shown and saved.

    why: of one that weakens, what makes it so, in words that follow the address. cause: which of
    the two moved, `pending`, `live` or `unknown`; empty where nobody asked. by: who may have moved
    what is live, newest first: one of them did.
    """

    address: str
    platform: str
    kind: str
    action: Action
    fields: tuple[FieldChange, ...]
    source: Source | None = None
    effect: Effect = Effect.NEUTRAL
    why: str = ""
    cause: str = ""
    by: tuple[ChangedBy, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A change with what it takes to carry it out. Never saved: it may hold secrets.

    place: the order number to ask for with a create. sequence: ids of a reorder, first to last,
    with the key's token in place of the id for what this plan creates. is_mixed: an update that
    weakens and may strengthen as well.
    """

    change: Change
    live: Resource | None = None
    desired: Resource | None = None
    place: int | None = None
    duplicate: bool = False
    sequence: tuple[str, ...] = ()
    is_mixed: bool = False


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """A live resource that no file names and that is left alone."""

    address: str
    platform: str
    kind: str


@dataclass(frozen=True, slots=True)
class UnitDiff:
    """What one unit needs. `unchanged` counts desired resources that are live as they should be.

    incomparable: secrets that the service does not return, as `address path`. paired: each desired
    resource with the live one that it is.
    """

    desired: DesiredUnit
    live: LiveUnit
    steps: tuple[Step, ...]
    unmanaged: tuple[Unmanaged, ...]
    unchanged: int
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    incomparable: tuple[str, ...] = ()
    paired: tuple[tuple[Resource, Resource], ...] = ()

    @property
    def says_nothing(self) -> bool:
        """Whether the unit is as it should be and there is nothing to tell of it."""
        told = (self.steps, self.unmanaged, self.problems, self.warnings, self.incomparable)
        return not any(told)


_ORDER_OF_ACTIONS = (Action.CREATE, Action.UPDATE, Action.REORDER, Action.DELETE)


def diff_unit(
    desired: DesiredUnit,
    live: LiveUnit,
    catalogue: Catalogue,
    redactor: Redactor,
    resend: Sequence[str] = (),
) -> UnitDiff:
    """Everything that makes `live` equal to `desired`, in the order in which to do it.

    resend: globs of addresses whose secrets are sent again where it is not known what was sent.
    """
    settled = settle_upstreams(desired, live)
    context = _Context(settled, live, catalogue, redactor, resend)
    own = [resource for resource in live.resources if not resource.shared]
    shared = [resource for resource in live.resources if resource.shared]
    pairing, unseen = _without_unseen(pair(settled.resources, own), live)
    deletes, unmanaged = _unclaimed(desired, pairing.only_live)
    pairing, deletes = _in_place(settled, pairing, deletes)
    updates = [step for both in pairing.pairs if (step := context.update(*both))]
    explained = [text for both in pairing.pairs if (text := context.explained(*both))]
    creates = context.creates(pairing, deletes)
    reorder = context.reorder(pairing, deletes)
    steps = [*creates, *updates, *reorder, *(context.delete(resource) for resource in deletes)]
    return UnitDiff(
        desired,
        live,
        tuple(sorted(steps, key=_rank)),
        tuple(context.unmanaged(resource) for resource in (*unmanaged, *shared)),
        len(pairing.pairs) - len(updates),
        (*_problems(pairing, creates), *upstream_problems(desired.resources, live)),
        (*live.warnings, *map(context.unseen, unseen), *explained),
        tuple(text for both in pairing.pairs for text in context.incomparable(*both)),
        pairing.pairs,
    )


def _by_path(item: FieldChange) -> str:
    return item.path


def _without_unseen(pairing: Pairing, live: LiveUnit) -> tuple[Pairing, tuple[Resource, ...]]:
    """The pairing without what is to be switched off and would not be listed if it were there."""
    unseen = tuple(
        item
        for item in pairing.only_desired
        if item.key.list in live.hides_disabled and item.settings.get("disabled")
    )
    new = tuple(item for item in pairing.only_desired if item not in unseen)
    return replace(pairing, only_desired=new), unseen


def _rank(step: Step) -> tuple[int, int]:
    """What other steps need comes first, then what strengthens, then what does neither, then
    order, last what weakens and what is deleted: in between nothing is weaker than both before
    and after. What weakens and strengthens at once comes before what only weakens: only with the
    state after it can what is in between be compared. A policy may need a tier: tiers come before
    policies, and go after them."""
    action, is_tier = step.change.action, step.change.kind == "tier"
    weakens = step.change.effect is Effect.WEAKENS
    if action is Action.DELETE:
        stage = 7 if is_tier else 6
    elif action is Action.REORDER:
        stage = 3
    elif weakens:
        stage = 4 if step.is_mixed else 5
    elif is_tier:
        stage = 0
    else:
        stage = 1 if step.change.effect is Effect.STRENGTHENS else 2
    return stage, _ORDER_OF_ACTIONS.index(action)


def _unclaimed(
    desired: DesiredUnit, only_live: Iterable[Resource]
) -> tuple[list[Resource], list[Resource]]:
    """Live resources that nothing names: those to delete, and those to leave alone."""
    deletes, unmanaged = [], []
    for resource in only_live:
        is_pruned = desired.prune and resource.key.list in desired.managed
        if is_pruned or _is_absent(desired, resource):
            deletes.append(resource)
        else:
            unmanaged.append(resource)
    return deletes, unmanaged


def _in_place(
    desired: DesiredUnit, pairing: Pairing, deletes: list[Resource]
) -> tuple[Pairing, list[Resource]]:
    """A policy in the place of several of its type, all of which would go, takes the first over.

    The service refuses a second one of a type (facts, Q4), so it could only come once they are
    gone, and nothing would protect in between.
    """
    doubled = _doubled(desired.resources)
    taken: list[tuple[Resource, Resource]] = []
    for new in pairing.only_desired:
        coordinates = _coordinates(new)
        old = [each for each in deletes if _coordinates(each) == coordinates]
        if old and new.key.list == POLICIES and coordinates not in doubled:
            taken.append((new, old[0]))
    if not taken:
        return pairing, deletes
    ours, theirs = ({id(each) for each in side} for side in zip(*taken, strict=True))
    left = tuple(each for each in pairing.only_desired if id(each) not in ours)
    pairs = (*pairing.pairs, *taken)
    return (
        replace(pairing, pairs=pairs, only_desired=left),
        [each for each in deletes if id(each) not in theirs],
    )


def _is_absent(desired: DesiredUnit, resource: Resource) -> bool:
    key = resource.key
    return any(
        (absent.list, absent.group, absent.type) == (key.list, key.group, key.type)
        and absent.name in ("", key.name)
        for absent in desired.absent
    )


@dataclass(frozen=True, slots=True)
class _Context:
    desired: DesiredUnit
    live: LiveUnit
    catalogue: Catalogue
    redactor: Redactor
    resend: Sequence[str]

    def update(self, desired: Resource, live: Resource) -> Step | None:
        if self._is_overridden(desired, live):
            # Only the service switches it on again, so what is live is left.
            off = {"disabled": True}
            desired = replace(
                desired,
                settings={**desired.settings, **off},
                canonical={**desired.canonical, **off},
            )
        ours, theirs = comparable(desired, live)
        paths = [] if is_same(ours, theirs) else differing_fields(theirs, ours)
        secrets = desired.secrets | live.secrets
        fields = [
            FieldChange(
                dotted(path),
                redact_at(walk(live.canonical, path), path, secrets, self.redactor),
                redact_at(walk(desired.canonical, path), path, secrets, self.redactor),
            )
            for path in paths
        ]
        fields += self._rotated(desired, live)
        if not fields:
            return None
        judged = effect.of_update(live, desired, self.catalogue)
        return Step(
            self._change(desired, Action.UPDATE, tuple(sorted(fields, key=_by_path)), judged),
            live,
            desired,
            is_mixed=judged.effect is effect.Effect.WEAKENS
            and effect.is_mixed(live, desired, self.catalogue),
        )

    def _is_overridden(self, desired: Resource, live: Resource) -> bool:
        is_covered = (live.key.group, live.key.type) in self.live.overridden
        is_off = bool(live.canonical.get("disabled")) and not desired.canonical.get("disabled")
        return is_covered and is_off and live.key.list == POLICIES

    def explained(self, desired: Resource, live: Resource) -> str:
        """Why a policy is off that the files have on, or nothing."""
        if not self._is_overridden(desired, live):
            return ""
        by = self.live.overridden[live.key.group, live.key.type]
        return f"{self._address(desired)}: switched off by the automated policy {by}; left so"

    def _rotated(self, desired: Resource, live: Resource) -> list[FieldChange]:
        """Secrets that the service does not return and that are not the ones last sent."""
        sent = self.live.sent.get(live.id, {})
        fields = []
        for path in write_only_paths(desired, live):
            value = walk(desired.canonical, path)
            shown = self.redactor.redact(value)
            before = sent.get(dotted(path))
            if before is None and self._is_resent(desired):
                fields.append(FieldChange(dotted(path), UNKNOWN, shown))
            elif before is not None and before != self.redactor.digest(reveal(value)):
                fields.append(FieldChange(dotted(path), shown_digest(before), shown))
        return fields

    def _is_resent(self, desired: Resource) -> bool:
        address = f"{self.desired.address}/{desired.key.segment}"
        places = (address, str(self.desired.address))
        return any(fnmatchcase(place, glob) for glob in self.resend for place in places)

    def incomparable(self, desired: Resource, live: Resource) -> list[str]:
        """Address and path of each secret of which nobody knows what was sent."""
        sent = self.live.sent.get(live.id, {})
        return [
            f"{self.desired.address}/{desired.key.segment} {dotted(path)}"
            for path in write_only_paths(desired, live)
            if dotted(path) not in sent and not self._is_resent(desired)
        ]

    def creates(self, pairing: Pairing, deletes: Sequence[Resource]) -> list[Step]:
        new = pairing.only_desired
        places_asked = self._places(pairing, deletes)
        doubled = _doubled(self.desired.resources)
        return [
            Step(
                self._change(
                    desired,
                    Action.CREATE,
                    self._all_fields(desired, is_live=False),
                    effect.of_create(desired, self.catalogue),
                ),
                None,
                desired,
                places_asked.get(desired.key.token),
                _coordinates(desired) in doubled,
            )
            for desired in new
        ]

    def delete(self, live: Resource) -> Step:
        fields = self._all_fields(live, is_live=True)
        judged = effect.of_delete(live, self.catalogue)
        return Step(self._change(live, Action.DELETE, fields, judged), live)

    def unseen(self, desired: Resource) -> str:
        return (
            f"{self._address(desired)}: switched off, and not listed; the service may not list "
            "what is switched off, so none is created"
        )

    def unmanaged(self, live: Resource) -> Unmanaged:
        return Unmanaged(self._address(live), self.desired.platform, live.key.kind)

    def reorder(self, pairing: Pairing, deletes: Sequence[Resource]) -> list[Step]:
        current, wanted, names = self._sequences(pairing, deletes)
        moved = permuted(current, wanted)
        if moved == current:
            return []
        managed = set(wanted)
        field = FieldChange(
            "order",
            [names[item] for item in current if item in managed],
            [names[item] for item in moved if item in managed],
        )
        address = str(self.desired.address)
        held = {resource.id: resource for resource in self.live.resources}
        judged = effect.of_order(
            [held[item] for item in current], [held[item] for item in moved], self.catalogue
        )
        change = Change(
            address,
            self.desired.platform,
            "policy",
            Action.REORDER,
            (field,),
            self.desired.source,
            judged.effect,
            judged.why,
        )
        return [Step(change, sequence=with_new(moved, wanted))]

    def _sequences(
        self, pairing: Pairing, deletes: Sequence[Resource]
    ) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]:
        """Live ids in order, wanted ids in order (tokens for new ones), and their names."""
        gone = {resource.id for resource in deletes}
        ordered = [
            resource
            for resource in self.live.resources
            if self._is_ordered(resource) and resource.order is not None
        ]
        ordered.sort(key=lambda resource: resource.order or 0)
        current = tuple(resource.id for resource in ordered if resource.id not in gone)
        paired = {id(desired): live.id for desired, live in pairing.pairs}
        new = {id(desired) for desired in pairing.only_desired}
        wanted = tuple(
            paired.get(id(desired), desired.key.token)
            for desired in self.desired.resources
            if self._is_ordered(desired)
            and (id(desired) in new or paired.get(id(desired)) in current)
        )
        names = {resource.id: resource.key.segment for resource in ordered}
        return current, wanted, names

    def _places(self, pairing: Pairing, deletes: Sequence[Resource]) -> dict[str, int | None]:
        current, wanted, _ = self._sequences(pairing, deletes)
        final = with_new(permuted(current, wanted), wanted)
        numbers = {item.id: item.order for item in self.live.resources if item.order is not None}
        new = [item for item in wanted if item not in current]
        return places(final, numbers, new)

    def _is_ordered(self, resource: Resource) -> bool:
        if resource.key.list != POLICIES:
            return False
        known = self.catalogue.get(resource.key.group, resource.key.type)
        return known is None or known.ordered

    def _change(
        self,
        resource: Resource,
        action: Action,
        fields: tuple[FieldChange, ...],
        judged: Judged,
    ) -> Change:
        return Change(
            self._address(resource),
            self.desired.platform,
            resource.key.kind,
            action,
            fields,
            resource.source or self._absent_source(resource) or self.desired.source,
            judged.effect,
            judged.why,
        )

    def _absent_source(self, resource: Resource) -> Source | None:
        coordinates = _coordinates(resource)
        return next(
            (
                absent.source
                for absent in self.desired.absent
                if (absent.list, absent.group, absent.type) == coordinates
            ),
            None,
        )

    def _address(self, resource: Resource) -> str:
        segment = resource.key.segment
        same = [other for other in self.live.resources if other.key.segment == segment]
        if resource.id and len(same) > 1:
            segment = f"{segment}@{resource.id}"
        return f"{self.desired.address}/{segment}"

    def _all_fields(self, resource: Resource, *, is_live: bool) -> tuple[FieldChange, ...]:
        shown = [
            (dotted(path), redact_at(value, path, resource.secrets, self.redactor))
            for path, value in _top_fields(resource.settings)
        ]
        if is_live:
            return tuple(FieldChange(path, value, None) for path, value in shown)
        return tuple(FieldChange(path, None, value) for path, value in shown)


def _doubled(resources: Iterable[Resource]) -> frozenset[tuple[str, str, str]]:
    """Coordinates that the files hold more than once on this unit."""
    seen: set[tuple[str, str, str]] = set()
    doubled: set[tuple[str, str, str]] = set()
    for resource in resources:
        coordinates = _coordinates(resource)
        (doubled if coordinates in seen else seen).add(coordinates)
    return frozenset(doubled)


def _coordinates(resource: Resource) -> tuple[str, str, str]:
    key = resource.key
    return key.list, key.group, key.type


def _top_fields(settings: Mapping[str, Any]) -> list[tuple[Path, Any]]:
    """(path, value) of what is worth showing of a whole resource: configuration key by key."""
    fields: list[tuple[Path, Any]] = []
    for name, value in settings.items():
        if name == "config" and isinstance(value, Mapping):
            fields.extend(((name, key), item) for key, item in value.items())
        elif value not in (None, False, [], {}):
            fields.append(((name,), value))
    return fields


def _problems(pairing: Pairing, creates: Sequence[Step]) -> tuple[Problem, ...]:
    problems = [
        _problem(step.desired, "a new policy needs a version", _VERSION_HINT)
        for step in creates
        if step.desired and "version" in step.desired.settings
        if step.desired.settings["version"] is None
    ]
    for ours, theirs in pairing.ambiguous:
        live = ", ".join(f"{item.key.segment} (id {item.id})" for item in theirs)
        hint = "give each entry the `name` that is the label of its live policy"
        problems.extend(
            _problem(item, f"it is not clear which live policy this is: {live}", hint)
            for item in ours
        )
    return tuple(problems)


_VERSION_HINT = "say policyRef.version, or pin it under `versions:`"


def _problem(resource: Resource, message: str, hint: str) -> Problem:
    source = resource.source or Source("")
    name = resource.key.segment
    return Problem(source.file, source.line, source.column, name, message, hint)
