"""A merged entry to a `Resource`: its settings as declared, and the same for comparing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.core.catalogue import PolicyType, canonical_config
from reconciler.core.model import AUTOMATED, OUTBOUND, Resource, ResourceKey, Source
from reconciler.files.secrets import SecretMarks
from reconciler.files.yaml import Map

VERBS = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")


def policy_resource(
    key: ResourceKey,
    body: Map,
    version: str | None,
    known: PolicyType | None,
    marks: SecretMarks,
    source: Source,
) -> Resource:
    """A policy or automated policy; `body` is merged and its `config` settled."""
    settings: dict[str, Any] = {"version": version, "config": plain(body.get("config") or {})}
    canonical = {**settings, "config": canonical_config(settings["config"], known)}
    if key.list == AUTOMATED:
        rule = body.get("ruleOfApplication")
        settings["ruleOfApplication"] = plain(rule) if rule is not None else None
        canonical["ruleOfApplication"] = canonical_rule(settings["ruleOfApplication"])
    else:
        settings["rules"] = declared_rules(body.get("rules"))
        settings["disabled"] = bool(body.get("disabled", False))
        canonical |= {"rules": canonical_rules(settings["rules"]), "disabled": settings["disabled"]}
    if key.list == OUTBOUND:
        settings["upstreams"] = plain(body.get("upstreams") or [])
        canonical["upstreams"] = sorted(set(settings["upstreams"]))
    return Resource(
        key=key,
        settings=settings,
        canonical=canonical,
        secrets=frozenset(marks.secrets),
        write_only=frozenset(marks.write_only),
        source=source,
    )


def tier_resource(key: ResourceKey, body: Map, source: Source) -> Resource:
    """An SLA tier."""
    settings = {
        "description": body.get("description"),
        "limits": plain(body.get("limits") or []),
        "autoApprove": bool(body.get("autoApprove", False)),
        "status": str(body.get("status") or "ACTIVE").upper(),
    }
    return Resource(key, settings, canonical_tier(settings), source=source)


def canonical_tier(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A tier for comparing: no description is the empty one, limits are a set."""
    limits = [{"visible": True, **limit} for limit in settings["limits"]]
    limits.sort(key=lambda limit: [str(limit[key]) for key in sorted(limit)])
    return {**settings, "description": settings["description"] or None, "limits": limits}


def declared_rules(rules: Any) -> list[dict[str, Any]] | None:
    """`rules` with every key there; None where none are declared."""
    if rules is None:
        return None
    return [
        {"methods": plain(rule.get("methods")), "path": str(rule.get("path") or ".*")}
        for rule in rules
    ]


def canonical_rules(rules: Any) -> list[dict[str, Any]] | None:
    """Rules for comparing: methods are a set, all of them are None, and no rules are None."""
    if not rules:
        return None
    return [{"methods": _methods(rule["methods"]), "path": rule["path"]} for rule in rules]


def _methods(methods: Any) -> list[str] | None:
    verbs = sorted({str(method).upper() for method in methods or ()})
    return None if not verbs or set(verbs) >= set(VERBS) else verbs


def canonical_rule(rule: Any) -> dict[str, Any] | None:
    """`ruleOfApplication` for comparing: lists are sets, nothing in it is None."""
    if not rule:
        return None
    kept = {key: value for key, value in rule.items() if value not in (None, [], {})}
    for key in ("technologies", "javaVersions"):
        if key in kept:
            kept[key] = sorted({str(item) for item in kept[key]})
    return {key: kept[key] for key in sorted(kept)} or None


def plain(value: Any) -> Any:
    """The value in ordinary containers and numbers, copied; secrets stay wrapped."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value)
    return int(value) if isinstance(value, int) else value
