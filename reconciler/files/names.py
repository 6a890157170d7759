"""Names of units, as they stand in addresses and filters."""

from __future__ import annotations

from urllib.parse import quote

from reconciler.core.project import ApiSelector

_SAFE = "-._~"


def instance_name(asset: str, label: str | None) -> str:
    """`asset:label`, or `asset` where there is no label; percent-encoded where needed."""
    parts = (asset,) if label is None else (asset, label)
    return ":".join(quote(part, safe=_SAFE) for part in parts)


def selector_name(selector: ApiSelector) -> str:
    """The name of an API of a file that holds several: `asset:label`, `asset` or `id-N`."""
    if selector.asset is None:
        return f"id-{selector.id}"
    return instance_name(selector.asset, selector.label)
