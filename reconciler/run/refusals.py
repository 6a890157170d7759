"""What a plan may not do without somebody saying so, as errors that refuse an apply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from reconciler.core.diff import UnitDiff
from reconciler.core.limits import refused_deletes, refused_tiers, refused_weakenings
from reconciler.core.model import UnitAddress
from reconciler.core.outage import Outage, refused_outages
from reconciler.core.plan import PlanError
from reconciler.errors import Exit
from reconciler.run.access import refused_lockouts
from reconciler.run.context import Context
from reconciler.run.requires import unmet

_SHOWN = 10


def refusals(
    context: Context,
    diffs: Sequence[UnitDiff],
    wanted: Iterable[tuple[UnitAddress, int]],
    outages: Iterable[Outage] = (),
) -> list[PlanError]:
    """One error for each; empty where all of it may be applied.

    wanted: all units in scope, changed or not, and how many resources each holds.
    outages: what the plan takes from its users.
    """
    ordered = sorted(diffs, key=lambda diff: diff.desired.address)
    messages = refused_deletes(ordered, wanted, context.delete_limit)
    found = [PlanError(message, Exit.REFUSED) for message in messages]
    found += [_refused(*one) for one in refused_tiers(ordered)]
    found += loosenings(context)
    found += [_refused(*one) for one in refused_lockouts(context, ordered)]
    found += _outages(context, outages)
    found += [_refused(*one) for one in unmet(context, ordered)]
    return [*found, *_weakenings(context, ordered)]


def loosenings(context: Context) -> list[PlanError]:
    """What the files guard less than the baseline, wherever in the tree."""
    return [
        _refused(
            one.address,
            f"by the baseline it {one.what}; if that is meant, say --allow-weakening={one.address}",
        )
        for one in context.loosened
    ]


def _refused(address: str, message: str) -> PlanError:
    return PlanError(message, Exit.REFUSED, address)


def _outages(context: Context, outages: Iterable[Outage]) -> Iterator[PlanError]:
    """Each one; where an org has many, the first ones and how many more."""
    found = refused_outages(outages, context.use_days)
    for place, group in groupby(found, key=lambda one: "/".join(one[0].split("/")[:3])):
        each = list(group)
        yield from (_refused(*one) for one in each[:_SHOWN])
        if len(each) > _SHOWN:
            yield _refused(
                place,
                f"{len(each) - _SHOWN} more apps are taken from their users; if all of it is "
                "meant, say --accept-outage",
            )


def _weakenings(context: Context, diffs: Sequence[UnitDiff]) -> Iterator[PlanError]:
    """Each one; where an environment has many, the first ones and how many more."""
    found = refused_weakenings(diffs, context.allow_weakening)
    for place, group in groupby(found, key=lambda one: "/".join(one[0].split("/")[:2])):
        each = list(group)
        yield from (_refused(*one) for one in each[:_SHOWN])
        if len(each) > _SHOWN:
            yield _refused(
                place,
                f"{len(each) - _SHOWN} more changes weaken; if all of it is meant, "
                f"say --allow-weakening={place}",
            )
