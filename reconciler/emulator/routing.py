"""From method and path to a handler, in a few dictionary look-ups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reconciler.emulator.wire import segments

H = TypeVar("H")

# The service names allowed verbs in this order.
_VERBS = ("DELETE", "PATCH", "PUT", "POST", "GET")


@dataclass(frozen=True, slots=True)
class Match(Generic[H]):
    """What a path leads to; `handler` is None where the verb is wrong."""

    handler: H | None
    params: dict[str, str]
    allowed: tuple[str, ...]


@dataclass(slots=True)
class _Node(Generic[H]):
    literal: dict[str, _Node[H]] = field(default_factory=dict)
    variable: _Node[H] | None = None
    names: tuple[str, ...] = ()
    handlers: dict[str, H] = field(default_factory=dict)


class Router(Generic[H]):
    """Routes such as `("GET", "/a/{b}", handler)`; a literal part wins over a variable one."""

    def __init__(self, routes: Iterable[tuple[str, str, H]]) -> None:
        self._root: _Node[H] = _Node()
        for method, pattern, handler in routes:
            self._add(method, pattern, handler)

    def _add(self, method: str, pattern: str, handler: H) -> None:
        node, names = self._root, []
        for part in segments(pattern):
            if part.startswith("{"):
                names.append(part[1:-1])
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literal.setdefault(part, _Node())
        node.names = tuple(names)
        node.handlers[method] = handler

    def match(self, method: str, path: str) -> Match[H] | None:
        """None for a path that no route has."""
        found = self._walk(self._root, segments(path), 0, ())
        if found is None:
            return None
        node, values = found
        params = dict(zip(node.names, values, strict=True))
        handler = node.handlers.get("GET" if method == "HEAD" else method)
        allowed = tuple(verb for verb in _VERBS if verb in node.handlers)
        return Match(handler, params, allowed)

    def _walk(
        self, node: _Node[H], parts: tuple[str, ...], at: int, values: tuple[str, ...]
    ) -> tuple[_Node[H], tuple[str, ...]] | None:
        if at == len(parts):
            return (node, values) if node.handlers else None
        below = node.literal.get(parts[at])
        if below is not None:
            found = self._walk(below, parts, at + 1, values)
            if found is not None:
                return found
        if node.variable is None or not parts[at]:
            return None
        return self._walk(node.variable, parts, at + 1, (*values, parts[at]))
