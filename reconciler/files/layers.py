"""Layers of files to the desired state of one API, checked as a whole.

A policy that many APIs inherit unchanged, or that stands in many files in the same words, is
merged, resolved and checked once: results are kept by the identity of the entries that they were
made from, and where there is nothing to say of their places, by what the entries say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.core.catalogue import Catalogue, PolicyType
from reconciler.core.model import (
    AUTOMATED,
    MULESOFT_GROUP,
    OUTBOUND,
    POLICIES,
    TIERS,
    DesiredUnit,
    Resource,
    ResourceKey,
    Source,
    Target,
    UnitAddress,
)
from reconciler.core.project import Entry, Layer, Reference
from reconciler.errors import Problem
from reconciler.files.conflicts import check_gateways, check_logins, check_tiers
from reconciler.files.load import Schemas
from reconciler.files.merge import Contribution, Origin, Places, leaf_origins, merge
from reconciler.files.pack import said
from reconciler.files.schema_words import Fault, shown_path
from reconciler.files.secrets import SecretMarks, settle_secrets
from reconciler.files.settings import policy_resource, tier_resource
from reconciler.files.stack import Chain, Pin, Stack, compose, find_pin, problem_at
from reconciler.files.trust import untrusted_address
from reconciler.files.values import Resolver
from reconciler.files.yaml import Map, place

_MOST_ALIKE = 4096

Effective = tuple[DesiredUnit, list[Problem], list[str]]
"""The unit, what is wrong with it, and warnings as text; the unit holds only where none is."""


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """A policy or tier as all layers make it, for `explain`.

    origins: the layer and place that set each path of `settings` (`config.ips`, `version`,
    `rules`); a list counts as one. A path that no layer set holds a default.
    """

    resource: Resource
    origins: Mapping[str, Origin]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Layering:
    """Makes desired units from layers. May be shared by threads.

    secrets are resolved by `resolver`; one that is offline leaves them all unknown. is_brief:
    effective policies may come without their origins; those of `origins` never do.
    """

    schemas: Schemas
    catalogue: Catalogue
    resolver: Resolver
    is_brief: bool = True
    _kept: dict[tuple[Any, ...], tuple[Chain, EffectivePolicy]] = field(default_factory=dict)
    _alike: dict[tuple[Any, ...], EffectivePolicy] = field(default_factory=dict)

    def effective(
        self,
        address: UnitAddress,
        target: Target,
        technology: str,
        layers: Sequence[Layer],
        *,
        protected: bool = False,
        source: Source | None = None,
        complete: bool = True,
    ) -> Effective:
        """What `layers`, outermost first, make of an API.

        Not complete: a layer that only the live API would tell may be missing, so that nothing
        is required and a name that is not found is no problem. The resources may be shared by
        several units.
        """
        stack = compose(layers, self._direction, complete=complete)
        policies = self._policies(stack, layers, complete)
        problems, warnings = list(stack.problems), list(stack.warnings)
        for policy in policies:
            problems += policy.problems
            warnings += policy.warnings
        refused, odd = check_gateways(stack.chains, self.catalogue, technology)
        together = [policy.resource for policy in policies]
        is_managed = TIERS in stack.managed
        without_tiers = check_tiers(together, is_managed=is_managed) if complete else ()
        # Live tiers count too; online they are not asked for.
        if is_managed:
            problems += without_tiers
        elif not technology:
            odd += without_tiers
        problems += refused
        warnings += map(str, [*odd, *check_logins(together)])
        unit = DesiredUnit(
            address=address,
            target=target,
            resources=tuple(policy.resource for policy in policies),
            managed=stack.managed,
            absent=tuple(stack.absent.values()),
            prune=stack.prune,
            protected=protected,
            technology=technology,
            source=source,
        )
        return unit, problems, warnings

    def automated_unit(
        self,
        address: UnitAddress,
        target: Target,
        layers: Sequence[Layer],
        entries: Sequence[Entry],
        *,
        protected: bool = False,
        source: Source | None = None,
    ) -> Effective:
        """The environment's own unit: its automated policies.

        `layers` are the organization's and the environment's, for their versions and prune.
        """
        bare = [
            Layer(layer.name, layer.source, versions=layer.versions, prune=layer.prune)
            for layer in layers
        ]
        name = "environment"
        own = Layer(
            name,
            source or bare[-1].source,
            {AUTOMATED: tuple(entries)},
            description=layers[-1].description,
        )
        return self.effective(address, target, "", [*bare, own], protected=protected, source=source)

    def origins(self, layers: Sequence[Layer]) -> tuple[EffectivePolicy, ...]:
        """The effective policies and tiers, in order, with where each value came from."""
        whole = replace(self, is_brief=False, _kept={})
        return whole._policies(compose(layers, self._direction), layers, True)

    def _policies(
        self, stack: Stack, layers: Sequence[Layer], complete: bool
    ) -> tuple[EffectivePolicy, ...]:
        return tuple(
            self._policy(key, chain, layers, complete) for key, chain in stack.chains.items()
        )

    def _policy(
        self, key: ResourceKey, chain: Chain, layers: Sequence[Layer], complete: bool
    ) -> EffectivePolicy:
        if key.list == TIERS:
            pin, problems = None, list[Problem]()
        else:
            shipped = self.catalogue.get(MULESOFT_GROUP, key.type) is not None
            pin, problems = find_pin(layers, key, is_shipped=shipped)
        identity = (*(id(link.entry) for link in chain), pin, complete)
        kept = self._kept.get(identity)
        # An entry that is kept cannot give its identity to another one.
        policy = kept[1] if kept else self._made_once(key, chain, pin, complete)
        if not kept and chain[-1].layer != "api":
            self._kept[identity] = (chain, policy)
        if not problems:
            return policy
        return EffectivePolicy(
            policy.resource, policy.origins, (*problems, *policy.problems), policy.warnings
        )

    def _made_once(
        self, key: ResourceKey, chain: Chain, pin: Pin | None, complete: bool
    ) -> EffectivePolicy:
        """The policy, from one that was made of the same words where there is one: but for its
        place it is the same, if there was nothing to say of it and nobody asks for origins."""
        if not self.is_brief:
            return self._make(key, chain, pin, complete)
        words = (key, complete, pin.version if pin else None, *map(_said, chain))
        alike = self._alike.get(words)
        if alike is None:
            alike = self._make(key, chain, pin, complete)
            is_quiet = not alike.problems and not alike.warnings
            if is_quiet and len(self._alike) < _MOST_ALIKE:
                self._alike[words] = alike
            return alike
        return EffectivePolicy(alike.resource.at(chain[-1].entry.source), {})

    def _make(
        self, key: ResourceKey, chain: Chain, pin: Pin | None, complete: bool
    ) -> EffectivePolicy:
        body, places = merge(chain)
        if key.list == TIERS:
            return _tier(key, body, places, chain)
        known = self.catalogue.get(key.group, key.type)
        marks = self._settle(key, body, places, known)
        version, version_origin = _version(body, places, pin)
        problems = [*marks.problems, *_check_use(key, body, known, chain)]
        if not marks.problems:
            found, warnings = self._check(key, body, places, complete)
            problems += found
            marks.warnings += warnings
        believed = untrusted_address(body, known, chain)
        if believed:
            marks.warnings.append(str(_problem(believed, key, body, places)))
        source = chain[-1].entry.source
        resource = policy_resource(key, body, version, known, marks, source)
        origins = _origins(body, places, version_origin)
        return EffectivePolicy(resource, origins, tuple(problems), tuple(marks.warnings))

    def _settle(
        self, key: ResourceKey, body: Map, places: Places, known: PolicyType | None
    ) -> SecretMarks:
        if not isinstance(body.get("config"), Map):
            return SecretMarks()
        shown = f"{key.segment}.config"
        return settle_secrets(body["config"], known, places, self.resolver, shown)

    def _check(
        self, key: ResourceKey, body: Map, places: Places, complete: bool
    ) -> tuple[list[Problem], list[str]]:
        """Checks the merged configuration; leaves out warnings that its parts have had."""
        config = body["config"] if isinstance(body.get("config"), Map) else Map(body.at)

        def check(*, partial: bool) -> tuple[list[Problem], list[Problem]]:
            return self.schemas.check_config(
                config,
                key.group,
                key.type,
                file="",
                at=config.at,
                path=f"{key.segment}.config",
                partial=partial,
                secrets_resolved=not self.resolver.offline,
            )

        errors, warnings = check(partial=not complete)
        if warnings:
            had = check(partial=True)[1]
            warnings = [warning for warning in warnings if warning not in had]
        return (
            # One of a custom policy's own schema file stands there, and not in the document.
            [error if error.file else places.translate(error) for error in errors],
            [str(places.translate(warning)) for warning in warnings],
        )

    def _direction(self, reference: Reference) -> str:
        """The list that an entry of `exclude:` or `absent:` means: its policy's own."""
        if reference.list:
            return reference.list
        known = self.catalogue.get(reference.group, reference.type)
        return OUTBOUND if known and known.direction == "outbound" else POLICIES


def _said(link: Contribution) -> tuple[str, object, str]:
    """What a layer says of a policy, and what decides how it is taken; not where it stands."""
    return link.layer.partition(" ")[0], said(link.entry.body), link.description


def _tier(
    key: ResourceKey, body: Map, places: Places, chain: Sequence[Contribution]
) -> EffectivePolicy:
    source = chain[-1].entry.source
    problems = []
    if not body.get("limits"):
        message = f"the tier {key.name} has no limits"
        problems.append(problem_at(source, message, "add limits:"))
    resource = tier_resource(key, body, source)
    return EffectivePolicy(resource, leaf_origins(body, places), tuple(problems))


def _version(body: Map, places: Places, pin: Pin | None) -> tuple[str | None, Origin | None]:
    reference = body.get("policyRef")
    if isinstance(reference, Map) and reference.get("version") is not None:
        return str(reference["version"]), places.origin(reference.value_at["version"])
    return (pin.version, pin.origin) if pin else (None, None)


def _check_use(
    key: ResourceKey, body: Map, known: PolicyType | None, chain: Sequence[Contribution]
) -> list[Problem]:
    """A policy in the wrong list, or with settings that it cannot have."""
    source = chain[-1].entry.source
    problems = []
    if key.list == AUTOMATED and body.get("disabled"):
        message = "an automated policy cannot be switched off"
        problems.append(problem_at(source, message, "remove disabled:, or the policy"))
    if key.list == OUTBOUND and body.get("rules"):
        message = f"{key.type} acts on calls to upstreams, and the service takes no rules for it"
        problems.append(problem_at(source, message, "remove rules:"))
    if known is None:
        return problems
    is_outbound = known.direction == "outbound"
    # Of a custom policy it may not be known where it acts.
    if known.direction and is_outbound != (key.list == OUTBOUND):
        right = OUTBOUND if is_outbound else POLICIES
        message = f"{key.type} is an {known.direction} policy"
        problems.append(problem_at(source, message, f"declare it under {right}:"))
    if body.get("rules") and not known.rules:
        message = f"{key.type} applies to the whole API and takes no rules"
        problems.append(problem_at(source, message, "remove rules:"))
    return problems


def _problem(fault: Fault, key: ResourceKey, body: Map, places: Places) -> Problem:
    """A fault of a merged entry, at the place of the layer that it comes from."""
    at = place(body, list(fault.path), of_key=fault.of_key)
    path = shown_path(fault.path, key.segment)
    return places.translate(Problem("", *at, path, fault.message, fault.hint))


def _origins(body: Map, places: Places, version: Origin | None) -> dict[str, Origin]:
    found = leaf_origins(body, places)
    kept = {
        path: origin
        for path, origin in found.items()
        if not path.startswith("policyRef") and path != "description"
    }
    return {"version": version, **kept} if version else kept
