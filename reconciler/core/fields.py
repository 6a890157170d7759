"""Field by field: which fields of two resources differ, what cannot be compared, what is secret.

A path is a tuple of keys and list indexes; a pattern is dotted text with `*` for any index.
The only user of deepdiff, imported where two resources are known to differ: its import costs
more than a plan that finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.core.exact import exact_bytes
from reconciler.core.model import AUTOMATED, Resource, ResourceKey
from reconciler.core.redact import Redactor, Secret, holds_password, reveal

Path = tuple[str | int, ...]

_NOT_MANAGED = ("version", "description")
"""Settings that are left as they are live where no file gives them."""

_NOT_MANAGED_OF_AUTOMATED = (*_NOT_MANAGED, "rules")
"""Files give an automated policy no rules at all."""


def comparable(desired: Resource, live: Resource) -> tuple[Any, Any]:
    """Both canonical forms with what cannot be compared taken out of both.

    That is what no file says (a version, a tier's description), a variable that is not set, and
    a write-only value that the service does not return.
    """
    names = unsaid(desired.key, desired.canonical)
    if not (desired.secrets or live.secrets or names):
        return desired.canonical, live.canonical
    paths = [
        path
        for pattern in desired.secrets
        for path in concrete_paths(desired.canonical, pattern)
        if is_unknown(desired, live, pattern, path)
    ]
    return without(desired.canonical, paths, names), without(live.canonical, paths, names)


def unsaid(key: ResourceKey, canonical: Mapping[str, Any]) -> list[str]:
    """The settings that a canonical form does not say, so that they stay as they are live."""
    names = _NOT_MANAGED_OF_AUTOMATED if key.list == AUTOMATED else _NOT_MANAGED
    return [name for name in names if canonical.get(name, "") is None]


def without(
    canonical: Mapping[str, Any], paths: Iterable[Path], names: Iterable[str] = ()
) -> dict[str, Any]:
    """A copy with all secrets unwrapped, and without the values at some paths and names."""
    made: dict[str, Any] = reveal(canonical)
    for name in names:
        made.pop(name, None)
    for path in paths:
        _drop(made, path)
    return made


def is_same(ours: Any, theirs: Any) -> bool:
    """Whether two canonical forms are equal as JSON, where true is not 1."""
    if ours != theirs:
        return False
    # As bytes, which tell true from 1, they are equal nearly always where the values are.
    try:
        return exact_bytes(ours) == exact_bytes(theirs) or _is_same_type(ours, theirs)
    except ValueError:  # a secret is in it
        return _is_same_type(ours, theirs)


def _is_same_type(ours: Any, theirs: Any) -> bool:
    """Whether equal values hold booleans in the same places."""
    if isinstance(ours, Mapping):
        return all(_is_same_type(item, theirs[key]) for key, item in ours.items())
    if isinstance(ours, list | tuple):
        return all(map(_is_same_type, ours, theirs))
    return isinstance(ours, bool) == isinstance(theirs, bool)


def write_only_paths(desired: Resource, live: Resource) -> list[Path]:
    """Paths of the secrets that are known here and not returned by the service, sorted."""
    return sorted(
        (
            path
            for pattern in desired.write_only
            for path in concrete_paths(desired.canonical, pattern)
            if not holds_unknown(walk(desired.canonical, path))
            and is_unknown(desired, live, pattern, path)
        ),
        key=dotted,
    )


def is_unknown(desired: Resource, live: Resource, pattern: str, path: Path) -> bool:
    """Whether the value at `path` is not known on one side, so that it cannot be compared."""
    value = walk(desired.canonical, path)
    if holds_unknown(value):
        return True
    return pattern in desired.write_only and walk(live.canonical, path) is None


def holds_unknown(value: Any) -> bool:
    """Whether the value is, or as a list holds, a secret whose value is not known here."""
    if isinstance(value, Secret):
        return not value.is_known
    if isinstance(value, list | tuple):
        return any(holds_unknown(item) for item in value)
    return False


def concrete_paths(value: Any, pattern: str) -> list[Path]:
    """The paths in `value` that a pattern such as `config.claims.*.value` stands for."""
    return list(_matching(value, pattern, ()))


def _matching(node: Any, rest: str, path: Path) -> Iterator[Path]:
    if not rest:
        yield path
    elif isinstance(node, Mapping):
        # A key may hold dots itself, so that the pattern cannot just be split at them.
        for key, item in node.items():
            if rest == key or rest.startswith(f"{key}."):
                yield from _matching(item, rest[len(key) + 1 :], (*path, key))
    elif isinstance(node, list | tuple) and (rest == "*" or rest.startswith("*.")):
        for index, item in enumerate(node):
            yield from _matching(item, rest[2:], (*path, index))


def walk(value: Any, path: Iterable[Any]) -> Any:
    """The value at `path`, or None where there is none."""
    for part in path:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def _drop(value: Any, path: Path) -> None:
    holder, last = walk(value, path[:-1]), path[-1]
    if isinstance(holder, dict):
        holder.pop(last, None)
    elif isinstance(holder, list) and isinstance(last, int) and last < len(holder):
        holder[last] = None


def differing_fields(live: Any, desired: Any) -> list[Path]:
    """The path of each differing field, sorted by its text.

    A list of plain values, or one whose length changed, is one field.
    """
    paths = set(_differing(live, desired, ()))
    outermost = {path for path in paths if not any(path[:n] in paths for n in range(len(path)))}
    return sorted(outermost, key=dotted)


def _differing(live: Any, desired: Any, path: Path) -> Iterator[Path]:
    """Goes down by itself as long as it is plain how, since most that differs is a scalar, a list
    of addresses or a limit, and has DeepDiff look into lists of what is nested deeper."""
    if is_same(live, desired):
        return
    if isinstance(live, Mapping) and isinstance(desired, Mapping):
        for key in {*live, *desired}:
            if key in live and key in desired:
                yield from _differing(live[key], desired[key], (*path, key))
            else:
                yield (*path, key)
    elif isinstance(live, list) and isinstance(desired, list) and _are_alike(live, desired):
        if _are_flat(live) and _are_flat(desired):
            for index, pair in enumerate(zip(live, desired, strict=True)):
                yield from _differing(*pair, (*path, index))
        else:
            yield from ((*path, *below) for below in _within(live, desired))
    else:
        yield path


def _are_flat(items: list[Mapping[str, Any]]) -> bool:
    return not any(isinstance(value, Mapping | list) for item in items for value in item.values())


def _within(live: list[Any], desired: list[Any]) -> Iterator[Path]:
    from deepdiff import DeepDiff  # lazily: see the docstring of this module

    tree = DeepDiff(
        live,
        desired,
        view="tree",
        threshold_to_diff_deeper=0,
        ignore_private_variables=False,
    )
    found = {
        _field_path(live, desired, tuple(delta.path(output_format="list")))
        for deltas in tree.values()
        for delta in deltas
    }
    # DeepDiff takes [true] and [1] for equal; that something differs is certain here.
    yield from found or {()}


def _field_path(live: Any, desired: Any, path: Path) -> Path:
    for length, part in enumerate(path):
        if isinstance(part, int):
            lists = walk(live, path[:length]), walk(desired, path[:length])
            if not _are_alike(*lists):
                return path[:length]
    return path


def _are_alike(live: Any, desired: Any) -> bool:
    """Whether two lists are compared item by item: equally long, and of mappings only."""
    return len(live) == len(desired) and all(
        isinstance(item, Mapping) for item in (*live, *desired)
    )


def dotted(path: Path) -> str:
    """`config.rateLimits[0].maximumRequests`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def redact_at(value: Any, path: Path, secrets: frozenset[str], redactor: Redactor) -> Any:
    """The value with everything that `secrets` covers shown as reference or digest."""
    pattern = ".".join("*" if isinstance(part, int) else part for part in path)
    return _redact(value, pattern, secrets, redactor)


def _redact(value: Any, path: str, secrets: frozenset[str], redactor: Redactor) -> Any:
    if isinstance(value, Secret):
        return redactor.redact(value)
    if value is None or value == []:
        return value
    if any(path == secret or path.startswith(f"{secret}.") for secret in secrets):
        holds_reference = isinstance(value, list) and any(isinstance(v, Secret) for v in value)
        return redactor.redact(value) if holds_reference else redactor.show(value)
    if isinstance(value, Mapping):
        return {key: _redact(v, f"{path}.{key}", secrets, redactor) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_redact(item, f"{path}.*", secrets, redactor) for item in value]
    if isinstance(value, str) and holds_password(value):
        return redactor.show(value)
    return value
