"""Which part of a seed is for which service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PLATFORMS = ("anypoint", "salesforce")


def part_of(seed: Any, platform: str) -> Any:
    """The seed of one platform: a name, or a document.

    A document has a key per platform; a platform that it leaves out is empty. One without such
    keys is Anypoint's alone, and `scale:N` is.
    """
    if isinstance(seed, Mapping):
        own = any(name in seed for name in _PLATFORMS)
        content = seed if own else {"anypoint": seed}
        unknown = sorted(set(content) - set(_PLATFORMS))
        if unknown:
            raise ValueError(f"seed: unknown keys {', '.join(unknown)}")
        return content.get(platform, "empty")
    if platform == "salesforce" and isinstance(seed, str) and seed.startswith("scale:"):
        return "empty"
    return seed
