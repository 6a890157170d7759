"""A read that came back with less than was there is no news that nothing is live.

What the last converged run left is held against each list. One that is empty where there was
something is refused; of one that is merely shorter, what is missing is asked for by its id: what is
really gone is a change like any other, what is still there shows that the list was not whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.core.known import KnownResource, KnownUnit
from reconciler.core.model import ACCESS_LISTS, LISTS, Instance, LiveUnit, Target, UnitAddress
from reconciler.core.plan import PlanError
from reconciler.errors import Exit, Incomplete, NotFound, ReconcilerError, Refusal
from reconciler.providers.base import Provider
from reconciler.run.context import Context

_ASKED = 20
"""How many of those that are missing are asked for: one that is there says it all."""

_SAY = "if that is right, say --allow-empty"


def check_unit(
    context: Context, provider: Provider, address: UnitAddress, live: LiveUnit
) -> LiveUnit:
    """The unit as it was read; raises Refusal where a list of it is not to be believed."""
    known = None if context.allow_empty else context.known.unit(address, live.target)
    for listed in (*LISTS, *ACCESS_LISTS) if known else ():
        if listed in live.lists and listed not in live.hides_disabled:
            _check_list(provider, live, listed, known.of(listed) if known else ())
    return live


def _check_list(
    provider: Provider, live: LiveUnit, listed: str, known: Sequence[KnownResource]
) -> None:
    there = {resource.id for resource in live.resources if resource.key.list == listed}
    if known and not there:
        raise Refusal(f"no {listed} came back, and the last run saw {_named(known)}; {_SAY}")
    missing = [one for one in known if one.id not in there]
    for one in missing[:_ASKED]:
        if provider.holds(live.target, listed, one.id):
            raise Refusal(
                f"the list of {listed} is not whole: {one.segment} (id {one.id}) is not in it, "
                "and is there when asked for; try again later"
            )


def _named(known: Sequence[KnownResource]) -> str:
    names = ", ".join(one.segment for one in known[:3])
    return f"{len(known)} ({names}{', ...' if len(known) > 3 else ''})"


def check_instances(
    context: Context,
    provider: Provider,
    address: tuple[str, str],
    place: Target,
    instances: Iterable[Instance],
) -> None:
    """Raises Refusal where the list of an environment's APIs is not to be believed.

    address: folders of the organization and the environment.
    """
    known = None if context.allow_empty else context.known.environment(*address, place)
    if known is None:
        return
    there = {str(instance.id) for instance in instances}
    units = {name: unit for name in known.units if (unit := known.unit(name)) and unit.api}
    missing = {name: unit for name, unit in units.items() if unit.api not in there}
    if units and not there:
        raise Refusal(f"no API came back, and the last run saw {len(units)}; {_SAY}")
    for name, api in _first(missing):
        if provider.has_instance(_at(place, api)):
            raise Refusal(
                f"the list of APIs is not whole: {name} (id {api}) is not in it, and is there when "
                "asked for; try again later"
            )


def _first(missing: dict[str, KnownUnit]) -> Iterable[tuple[str, str]]:
    return [(name, unit.api) for name, unit in sorted(missing.items())][:_ASKED]


def _at(place: Target, api: str) -> Target:
    return Target(place.host, place.organization, place.environment, api)


def failed_read(
    context: Context, address: UnitAddress, target: Target, error: ReconcilerError
) -> PlanError | None:
    """A refusal where a list is cut off or denied that is known to hold something, else None.

    Not of a missing permission, which has an exit code of its own.
    """
    known = context.known.unit(address, target)
    if not isinstance(error, NotFound | Incomplete) or not known or not known.resources:
        return None
    saw = _named(known.resources)
    return PlanError(
        f"{error}; the last run saw {saw}, so this is not believed", Exit.REFUSED, str(address)
    )
