"""A merged entry to a `Resource`: its settings as declared, and the same for comparing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.core.canonical import canonical_settings
from reconciler.core.catalogue import PolicyType, with_required_defaults
from reconciler.core.model import AUTOMATED, OUTBOUND, TIERS, Resource, ResourceKey, Source
from reconciler.files.secrets import SecretMarks
from reconciler.files.yaml import Map


def policy_resource(
    key: ResourceKey,
    body: Map,
    version: str | None,
    known: PolicyType | None,
    marks: SecretMarks,
    source: Source,
) -> Resource:
    """A policy or automated policy; `body` is merged and its `config` settled."""
    config = with_required_defaults(plain(body.get("config") or {}), known)
    settings: dict[str, Any] = {"version": version, "config": config}
    if key.list == AUTOMATED:
        rule = body.get("ruleOfApplication")
        settings["ruleOfApplication"] = plain(rule) if rule is not None else None
    else:
        settings["rules"] = declared_rules(body.get("rules"))
        settings["disabled"] = bool(body.get("disabled", False))
    if key.list == OUTBOUND:
        settings["upstreams"] = plain(body.get("upstreams") or [])
    return Resource(
        key=key,
        settings=settings,
        canonical=canonical_settings(key.list, settings, known),
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
    return Resource(key, settings, canonical_settings(TIERS, settings, None), source=source)


def declared_rules(rules: Any) -> list[dict[str, Any]] | None:
    """`rules` with every key there; None where none are declared."""
    if rules is None:
        return None
    return [
        {"methods": plain(rule.get("methods")), "path": str(rule.get("path") or ".*")}
        for rule in rules
    ]


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
