"""The form of a resource's settings in which live and desired are compared. Pure.

Both sides go through `canonical_settings`, so that a spelling never shows as a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.core.catalogue import PolicyType, canonical_config
from reconciler.core.model import AUTOMATED, OUTBOUND, TIERS

ALL_METHODS = (
    "CONNECT",
    "DELETE",
    "GET",
    "HEAD",
    "OPTIONS",
    "PATCH",
    "POST",
    "PUT",
    "TRACE",
)
"""What API Manager writes for 'all methods'; sorted."""

_ALL_JAVA_VERSIONS = ["11", "17", "8"]


def canonical_settings(
    list_name: str, settings: Mapping[str, Any], known: PolicyType | None
) -> dict[str, Any]:
    """The settings of a resource of one of LISTS, made comparable; secrets stay wrapped."""
    if list_name == TIERS:
        return canonical_tier(settings)
    made: dict[str, Any] = {
        "version": settings.get("version"),
        "config": canonical_config(settings.get("config") or {}, known),
        "rules": canonical_rules(settings.get("rules")),
        "disabled": bool(settings.get("disabled")),
    }
    if list_name == OUTBOUND:
        made["upstreams"] = sorted(settings.get("upstreams") or [])
    if list_name == AUTOMATED:
        made["ruleOfApplication"] = canonical_application(settings.get("ruleOfApplication"))
    return made


def canonical_rules(rules: Iterable[Mapping[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Rules with their methods as sorted sets; None for none, and for methods that are all."""
    made = [
        {"methods": _methods(rule.get("methods")), "path": rule.get("path") or ".*"}
        for rule in rules or ()
    ]
    return made or None


def canonical_tier(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A tier with the service's defaults filled in and its limits as a set; a description that is
    None is not said."""
    limits = [{"visible": True, **limit} for limit in settings.get("limits") or ()]
    return {
        "description": settings.get("description"),
        "limits": sorted(limits, key=lambda limit: sorted(map(str, limit.items()))),
        "autoApprove": bool(settings.get("autoApprove")),
        "status": settings.get("status") or "ACTIVE",
    }


def canonical_application(rule: Mapping[str, Any] | None) -> dict[str, Any]:
    """Where an automated policy applies; a limit that is absent, or that names all, is None."""
    rule = rule or {}
    reach = rule.get("range") or {}
    java = sorted(str(version) for version in rule.get("javaVersions") or ())
    return {
        "technologies": sorted(rule.get("technologies") or ()) or None,
        "range": {key: reach[key] for key in ("from", "to") if reach.get(key)} or None,
        "javaVersions": None if java == _ALL_JAVA_VERSIONS else java or None,
    }


def _methods(methods: Iterable[str] | None) -> list[str] | None:
    made = sorted({method.upper() for method in methods or ()})
    return None if not made or tuple(made) == ALL_METHODS else made
