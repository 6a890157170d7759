"""`Resource` -> request bodies. Pure, and the one place where secrets are unwrapped.

Configurations are sent as declared: no defaults are added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.core.canonical import ALL_METHODS
from reconciler.core.model import AUTOMATED, OUTBOUND, Resource, Target
from reconciler.core.redact import Secret, reveal
from reconciler.core.upstreams import Upstreams, find_upstream, unknown_upstream
from reconciler.errors import PolicyError, Problem

Body = dict[str, Any]


def create_policy_body(target: Target, desired: Resource, order: int | None) -> Body:
    """Body of a create of an inbound policy (facts, 6.3); without `order` it goes to the end."""
    body: Body = {
        "configurationData": _config(desired),
        "apiVersionId": int(target.api),
        "pointcutData": pointcuts(desired.settings.get("rules")),
        "policyTemplateId": None,
        **_coordinates(desired),
    }
    if order is not None:
        body["order"] = order
    if desired.key.name:
        body["label"] = desired.key.name
    if desired.settings.get("disabled"):
        body["disabled"] = True
    return body


def create_outbound_body(target: Target, desired: Resource, upstreams: Upstreams) -> Body:
    """Body of a create of an outbound policy; order, disabled and rules are not accepted there
    (facts, 6.10)."""
    body: Body = {
        "configurationData": _config(desired),
        **_coordinates(desired),
        "upstreamIds": upstream_ids(desired, upstreams),
        "apiVersionId": int(target.api),
    }
    if desired.key.name:
        body["label"] = desired.key.name
    return body


def update_policy_body(
    live: Resource, desired: Resource, upstreams: Upstreams, paths: frozenset[str] = frozenset()
) -> Body:
    """Body of an update: the top-level keys that differ, each of them whole; {} for none.

    A secret that the service does not return counts as different, so it is sent again whenever
    the policy is updated; only switching on or off leaves the configuration alone. paths: the
    fields that differ, as the plan has them.
    """
    is_outbound = desired.key.list == OUTBOUND
    old, new = live.canonical, desired.canonical
    is_named_alike = desired.key.name in ("", live.key.name)
    if paths == {"disabled"} and is_named_alike:
        return {"disabled": new.get("disabled")}
    is_version = new.get("version") is not None and new.get("version") != old.get("version")
    is_rules = not is_outbound and new.get("rules") != old.get("rules")
    body: Body = {}
    if is_version:
        body |= _version_keys(desired, is_outbound)
    if is_version or reveal(new.get("config")) != reveal(old.get("config")):
        body["configurationData"] = _config(desired)
    if is_rules or (is_version and not is_outbound and new.get("rules")):
        body["pointcutData"] = pointcuts(desired.settings.get("rules"))
    if is_outbound:
        wanted = upstream_ids(desired, upstreams)
        held = [find_upstream(name, upstreams) for name in live.settings.get("upstreams") or ()]
        if sorted(wanted) != sorted(each or "" for each in held):
            body["upstreamIds"] = wanted
    if desired.key.name and desired.key.name != live.key.name:
        body["label"] = desired.key.name
    if new.get("disabled") != old.get("disabled"):
        body["disabled"] = new.get("disabled")
    return body


def create_automated_body(target: Target, desired: Resource) -> Body:
    """Body of a create of an automated policy (facts, section 8)."""
    return {
        "ruleOfApplication": _rule_of_application(target, desired.settings),
        **_coordinates(desired),
        "configurationData": _config(desired),
        "pointcutData": pointcuts(desired.settings.get("rules")),
    }


def update_automated_body(target: Target, live: Resource, desired: Resource) -> Body:
    """Body of an update of an automated policy: its rule and coordinates must always be there.

    Where the files do not say to what it applies, the live rule is sent back. What files cannot
    say, rules by path and a switch, is left out, and so left as it is.
    """
    version = desired.settings.get("version") or live.settings.get("version")
    settings = desired.settings if desired.settings.get("ruleOfApplication") else live.settings
    return {
        "ruleOfApplication": _rule_of_application(target, settings),
        "groupId": desired.key.group,
        "assetId": desired.key.type,
        "assetVersion": version,
        "configurationData": _config(desired),
    }


def create_tier_body(target: Target, desired: Resource) -> Body:
    """Body of a create of a tier (facts, 9.1)."""
    return {**update_tier_body(desired), "apiVersionId": int(target.api)}


def update_tier_body(desired: Resource) -> Body:
    """Body of a PUT of a tier: the whole of it."""
    settings = desired.settings
    body: Body = {"name": desired.key.name}
    if settings.get("description") is not None:
        body["description"] = settings["description"]
    return body | {
        "autoApprove": bool(settings.get("autoApprove")),
        "status": settings.get("status") or "ACTIVE",
        "limits": [{"visible": True, **limit} for limit in settings.get("limits") or ()],
    }


def pointcuts(rules: Iterable[Mapping[str, Any]] | None) -> list[Body] | None:
    """Rules as the service writes them; None for the whole API. Methods keep their order."""
    made = [
        {
            "methodRegex": "|".join(rule.get("methods") or ALL_METHODS),
            "uriTemplateRegex": rule.get("path") or ".*",
        }
        for rule in rules or ()
    ]
    return made or None


def upstream_ids(desired: Resource, upstreams: Upstreams) -> list[str]:
    """The ids of the desired upstreams, in their order; PolicyError for a name that has none."""
    made = []
    for place, name in enumerate(desired.settings.get("upstreams") or ()):
        found = find_upstream(name, upstreams)
        if found is None:
            raise PolicyError([unknown_upstream(desired, place, name, upstreams)])
        made.append(found)
    return made


def secret_texts(value: Any) -> Iterator[str]:
    """The texts of all known secrets in the value, for errors to leave out."""
    if isinstance(value, Secret):
        yield from _texts(value.reveal())
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from secret_texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from secret_texts(each)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif value is not None and not isinstance(value, bool) and str(value):
        yield str(value)


def _version_keys(desired: Resource, is_outbound: bool) -> Body:
    """What a change of version has to carry; an outbound policy takes its version alone (6.10)."""
    keys = _coordinates(desired)
    return {"assetVersion": keys["assetVersion"]} if is_outbound else keys


def _coordinates(desired: Resource) -> Body:
    version = desired.settings.get("version")
    if not version:
        hint = "give policyRef.version, or pin it under versions:"
        raise PolicyError([_problem(desired, "policyRef", "a new policy needs a version", hint)])
    return {"groupId": desired.key.group, "assetId": desired.key.type, "assetVersion": version}


def _rule_of_application(target: Target, settings: Mapping[str, Any]) -> Body:
    rule = settings.get("ruleOfApplication") or {}
    return {
        "organizationId": target.organization,
        "environmentId": target.environment,
        **{key: value for key, value in reveal(rule).items() if value is not None},
    }


def _config(desired: Resource) -> Body:
    config = desired.settings.get("config") or {}
    kind = "automatedPolicies" if desired.key.list == AUTOMATED else desired.key.segment
    unknown = [
        _problem(desired, path, f"{kind}: {secret.reference or 'a secret'} is not set")
        for path, secret in _secrets(config, "config")
        if not secret.is_known
    ]
    if unknown:
        raise PolicyError(unknown)
    return {str(key): reveal(value) for key, value in config.items()}


def _secrets(value: Any, path: str) -> Iterator[tuple[str, Secret]]:
    if isinstance(value, Secret):
        yield path, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _secrets(each, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from _secrets(each, f"{path}[{place}]")


def _problem(desired: Resource, path: str, message: str, hint: str = "") -> Problem:
    source = desired.source
    if source is None:
        return Problem("(no file)", path=path, message=message, hint=hint)
    return Problem(source.file, source.line, source.column, path, message, hint)
