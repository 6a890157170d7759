"""What a schema cannot say of a configuration's values: expressions, addresses, methods, quotas.

Works on plain values in which a reference stands for what is not known. A value that came from a
secret is checked like any other, and never shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.core.addresses import Span, advice, covers_everything, read_span, redundant
from reconciler.files.expressions import imbalance, is_wrapped
from reconciler.files.schema_words import Fault, Findings, Path, suggest

_ALLOWS_ALL = ("the policy lets everyone in", "list the callers' addresses, or remove the policy")
_REFUSES_ALL = ("the policy turns everyone away", "list only the addresses that are meant")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "CONNECT")

IsSecret = Callable[[Path], bool]
"""Whether the value at a path of the configuration must not be shown."""


def check_values(
    config: Mapping[str, Any], schema: Mapping[str, Any], is_secret: IsSecret
) -> Findings:
    """Checks the values of a configuration that are of the right type; the others are left out."""
    found = Findings([], [])
    for value, known, path in _values(config, schema, ()):
        if isinstance(value, str):
            _check_text(value, known, path, found)
        elif isinstance(value, list) and known.get("x-format") == "address":
            _check_addresses(value, known, path, is_secret, found)
        elif isinstance(value, list) and known.get("x-type") == "array":
            found.warnings.extend(_idle_quotas(value, path))
    return found


def _values(
    value: Any, known: Mapping[str, Any], path: Path
) -> Iterator[tuple[Any, Mapping[str, Any], Path]]:
    """Each value below a known key, with that key's schema; items of a list with the items'."""
    yield value, known, path
    if isinstance(value, Mapping):
        for key, below in known.get("properties", {}).items():
            if key in value:
                yield from _values(value[key], below, (*path, key))
    elif isinstance(value, list) and "items" in known:
        for index, item in enumerate(value):
            yield from _values(item, known["items"], (*path, index))


def _check_text(text: str, known: Mapping[str, Any], path: Path, found: Findings) -> None:
    if "${" in text:
        return
    if known.get("x-format") == "methods":
        found.warnings.extend(_odd_methods(text, path))
    is_expression = known.get("x-type") == "expression"
    if is_expression and is_wrapped(text):
        trouble = imbalance(text)
        if trouble:
            found.errors.append(Fault(path, *trouble))
    elif text.lstrip().startswith("#[") and not is_expression:
        # Text around an expression may be right here, so that this is not refused.
        trouble = imbalance(text) if is_wrapped(text) else ("a #[ is never closed", "add ]")
        if trouble:
            found.warnings.append(Fault(path, *trouble))


def _odd_methods(text: str, path: Path) -> Iterator[Fault]:
    for method in filter(None, text.split("|")):
        if method not in METHODS:
            hint = suggest(method, METHODS)[1] or f"one of {', '.join(METHODS)}"
            yield Fault(path, "names a method that HTTP does not have", hint)


def _check_addresses(
    items: list[Any], known: Mapping[str, Any], path: Path, is_secret: IsSecret, found: Findings
) -> None:
    spans: list[tuple[int, Span]] = []
    for index, item in enumerate(items):
        if not isinstance(item, str) or "${" in item:
            continue
        at, hides = (*path, index), is_secret((*path, index))
        span = read_span(item)
        if span is None:
            message = "is no address, CIDR block, range or leading part of an address"
            found.errors.append(Fault(at, message, advice(item)))
            continue
        spans.append((index, span))
        if span.meant:
            shown = "a network" if hides else span.meant
            hint = "" if hides else f"write {span.meant}, or the single address without /"
            message = f"has bits beyond its prefix, so it means {shown}"
            found.warnings.append(Fault(at, message, hint or "write the network's own address"))
    found.warnings.extend(_redundant(items, spans, path, is_secret))
    found.warnings.extend(_everything(spans, known, path))


def _redundant(
    items: list[Any], spans: list[tuple[int, Span]], path: Path, is_secret: IsSecret
) -> Iterator[Fault]:
    for index, other, is_same in redundant(spans):
        hides = is_secret((*path, other))
        shown = "another item" if hides else items[other]
        message = f"is the same as {shown}" if is_same else f"lies within {shown}"
        yield Fault((*path, index), f"{message}, which stands here too", "remove it")


def _everything(
    spans: list[tuple[int, Span]], known: Mapping[str, Any], path: Path
) -> Iterator[Fault]:
    """Items that hold every address, alone or together."""
    is_allowlist = known.get("x-strengthens-when") == "narrower"
    does, hint = _ALLOWS_ALL if is_allowlist else _REFUSES_ALL
    for version in (4, 6):
        own = [(index, span) for index, span in spans if span.version == version]
        wide = [index for index, span in own if span.is_everything]
        for index in wide:
            yield Fault((*path, index), f"holds every IPv{version} address, so {does}", hint)
        if not wide and covers_everything([span for _, span in own], version):
            yield Fault(path, f"holds every IPv{version} address, so {does}", hint)


def _idle_quotas(items: list[Any], path: Path) -> Iterator[Fault]:
    """Quotas that another one with the same window makes pointless."""
    lowest: dict[int, int] = {}
    for index, item in enumerate(items):
        window, requests = _quota(item)
        if window is None or requests is None:
            continue
        other = lowest.setdefault(window, index)
        if other == index:
            continue
        if requests < _quota(items[other])[1]:
            lowest[window], index = index, other
        message = "never matters: a lower quota has the same window"
        yield Fault((*path, index), message, "remove it, or change its timePeriodInMilliseconds")


def _quota(item: Any) -> tuple[Any, Any]:
    if not isinstance(item, Mapping):
        return None, None
    values = (item.get("timePeriodInMilliseconds"), item.get("maximumRequests"))
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return None, None
    return values
