"""The order of a unit's policies. Only relative order counts.

Managed policies permute within the places that they hold, unmanaged ones keep theirs; what the
service does not order (CORS, a null order) takes no part.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)


def permuted(live: Sequence[Item], wanted: Sequence[Item]) -> tuple[Item, ...]:
    """`live` with those of `wanted` that it holds put in the order of `wanted`."""
    held = set(live)
    queue = iter([item for item in wanted if item in held])
    managed = set(wanted)
    return tuple(next(queue) if item in managed else item for item in live)


def with_new(sequence: Sequence[Item], wanted: Sequence[Item]) -> tuple[Item, ...]:
    """`sequence` with the new ones of `wanted` put in: each right behind the one before it.

    One that comes first of all goes right before the first managed one after it.
    """
    final = list(sequence)
    for index, item in enumerate(wanted):
        if item in final:
            continue
        before = next((other for other in reversed(wanted[:index]) if other in final), None)
        after = next((other for other in wanted[index + 1 :] if other in final), None)
        if before is not None:
            final.insert(final.index(before) + 1, item)
        else:
            final.insert(final.index(after) if after is not None else len(final), item)
    return tuple(final)


def places(
    final: Sequence[Item], numbers: Mapping[Item, int], new: Sequence[Item]
) -> dict[Item, int | None]:
    """The order number to ask for with each create; None for the end.

    numbers: live order numbers of those that exist. Creates are sent in the order of `new`, and
    each one placed moves the numbers behind it up by one.
    """
    asked: dict[Item, int | None] = {}
    for item in sorted(new, key=final.index):
        behind = [numbers[other] for other in final[final.index(item) + 1 :] if other in numbers]
        shift = sum(number is not None for number in asked.values())
        asked[item] = min(behind) + shift if behind else None
    return asked
