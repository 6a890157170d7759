"""What the service sends -> `Resource`. Pure; the way back is in `bodies`.

Strict on what identity rests on (ids, coordinates), tolerant elsewhere: numbers may come as text,
and absent, null and empty are the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from sys import intern
from typing import Any

from reconciler.core.canonical import ALL_METHODS, canonical_settings, canonical_tier
from reconciler.core.catalogue import Catalogue, Field, PolicyType
from reconciler.core.model import (
    AUTOMATED,
    MULESOFT_GROUP,
    OUTBOUND,
    POLICIES,
    TIERS,
    Instance,
    Resource,
    ResourceKey,
)
from reconciler.core.redact import Secret, holds_password, is_secret_key
from reconciler.core.upstreams import Upstreams, upstream_name
from reconciler.errors import BadAnswer, Incomplete
from reconciler.providers.base import LiveEnvironment, LiveOrganization

Native = Mapping[str, Any]

_IMPLEMENTATION = re.compile(r"-(?:flex|omni|mule)$")
_METHODS = re.compile(r"[A-Za-z]+(?:\|[A-Za-z]+)*")
# Where an automated policy is; the rest of the rule says what it covers.
_PLACE = ("organizationId", "environmentId")


def organizations_from(tree: Native) -> tuple[LiveOrganization, ...]:
    """The tree flattened, the root first, each with its path of names."""
    found: list[LiveOrganization] = []
    waiting: list[tuple[Native, str]] = [(tree, "")]
    seen: set[str] = set()
    while waiting:
        node, above = waiting.pop(0)
        made = _organization(node, above)
        if made.id in seen:
            continue
        seen.add(made.id)
        found.append(made)
        below = node.get("subOrganizations")
        children = below if isinstance(below, list) else []
        waiting += [(child, made.path) for child in children if isinstance(child, Mapping)]
    return tuple(found)


def organization_of_caller(me: Native) -> str:
    """The organization id of the profile, looked for where the facts (3.3) say; else BadAnswer.

    Only `isMaster` marks a root: sub-organizations say `isRoot` too.
    """
    user = _mapping(me.get("user"))
    properties = _mapping(_mapping(user.get("properties")).get("cs_auth"))
    places = [
        _mapping(me.get("client")).get("org_id"),
        _mapping(user.get("organization")).get("id"),
        properties.get("activeOrganizationId"),
        user.get("organizationId"),
    ]
    member_of = user.get("memberOfOrganizations")
    members = map(_mapping, member_of if isinstance(member_of, list) else [])
    places += [each.get("id") for each in members if each.get("isMaster") is True]
    for place in places:
        if isinstance(place, str) and place:
            return place
    raise BadAnswer("the profile of the caller names no organization", path="/accounts/api/me")


def caller_from(me: Native) -> dict[str, str]:
    """`name`, `kind` and `organization` of the profile."""
    client, user = _mapping(me.get("client")), _mapping(me.get("user"))
    is_app = bool(client.get("client_id") or client.get("name"))
    name = (client.get("name") or client.get("client_id")) if is_app else user.get("username")
    return {
        "name": _text(name),
        "kind": "connected app" if is_app else "user",
        "organization": organization_of_caller(me),
    }


def environment_from(native: Native) -> LiveEnvironment:
    """An entry of the environment list."""
    found = _required(native, "id", "an environment")
    return LiveEnvironment(found, _text(native.get("name")), _text(native.get("type")))


def instances_from(asset: Native) -> Iterator[Instance]:
    """The instances of one asset of the list."""
    apis = asset.get("apis")
    if not isinstance(apis, list):
        raise BadAnswer(f"the asset {_text(asset.get('assetId'))} comes without its instances")
    for api in apis:
        yield _instance(_mapping(api), asset)


def upstreams_from(natives: list[Native]) -> dict[str, tuple[str | None, str]]:
    """Label and URI by upstream id."""
    return {
        _required(native, "id", "an upstream"): (
            _text(native.get("label")) or None,
            _text(native.get("uri")),
        )
        for native in natives
    }


def policy_entries(answer: Any) -> list[Native]:
    """The entries of a policy list in any of its three shapes; Incomplete for anything else."""
    entries = answer.get("policies") if isinstance(answer, Mapping) else answer
    if not isinstance(entries, list):
        raise Incomplete("the policy list is neither a list nor an object that holds one")
    for place, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise BadAnswer(f"entry {place + 1} of the policy list is no object")
    return entries


def merged_entries(plain: list[Native], full: list[Native]) -> list[Native]:
    """Both list forms as one, by policy id: the plain entry, with what only the full one has."""
    by_id: dict[str, Native] = {policy_id(entry): entry for entry in full}
    made = []
    for entry in plain:
        other = by_id.pop(policy_id(entry), {})
        extra = {
            key: other[key]
            for key in ("upstreamIds", "label")
            if other.get(key) and not entry.get(key)
        }
        made.append({**entry, **extra})
    return made + list(by_id.values())


def policy_id(native: Native) -> str:
    """The id of a policy entry, `id` or `policyId`, as text."""
    for key in ("id", "policyId"):
        found = _number(native.get(key))
        if found is not None:
            return str(found)
    raise BadAnswer("a policy comes without an id")


_SAYS = (
    "groupId",
    "assetId",
    "assetVersion",
    "version",
    "template",
    "implementationAsset",
    "configurationData",
    "configuration",
    "pointcutData",
    "disabled",
    "label",
)
"""All that `policy_from` reads of an entry without upstreams, but for its id and order."""


def content_of(native: Native) -> str:
    """What a policy entry says, as text; the same for two that differ in id and order alone."""
    return repr([native.get(name) for name in _SAYS])


def order_of(native: Native) -> int | None:
    """The place of a policy among the others of its API."""
    return _number(native.get("order"))


def policy_from(native: Native, catalogue: Catalogue, upstreams: Upstreams) -> Resource:
    """An entry of a policy list, an answer to a create, or a single policy."""
    group, asset, version = _coordinates(native, catalogue)
    known = catalogue.get(group, asset)
    listed = native.get("upstreamIds")
    ids = [_text(each) for each in listed] if isinstance(listed, list) else []
    is_outbound = bool(ids) or (known is not None and known.direction == "outbound")
    settings = _settings(native, version, known)
    if is_outbound:
        settings["upstreams"] = [upstream_name(each, upstreams) for each in ids]
    key = ResourceKey(
        OUTBOUND if is_outbound else POLICIES, group, asset, _text(native.get("label"))
    )
    return _resource(key, settings, known, native)


def automated_from(native: Native, catalogue: Catalogue) -> Resource:
    """An entry of the automated-policy list."""
    group, asset, version = _coordinates(native, catalogue)
    known = catalogue.get(group, asset)
    rule = _mapping(native.get("ruleOfApplication"))
    _check_application(rule, native)
    settings = _settings(native, version, known)
    settings["ruleOfApplication"] = {
        key: value for key, value in rule.items() if key not in _PLACE and value is not None
    }
    made = _resource(ResourceKey(AUTOMATED, group, asset), settings, known, native)
    # Without an environment it is for all of them, and each one lists it.
    return replace(made, shared=not rule.get("environmentId"))


def _check_application(rule: Mapping[str, Any], native: Native) -> None:
    technologies, java = (rule.get(name) or [] for name in ("technologies", "javaVersions"))
    are_lists = isinstance(technologies, list) and isinstance(java, list)
    is_named = are_lists and all(isinstance(each, str) for each in technologies)
    if not is_named or not isinstance(rule.get("range") or {}, Mapping):
        raise BadAnswer(f"the rule of automated policy {policy_id(native)} is not as documented")


def automated_list(natives: Sequence[Native], catalogue: Catalogue) -> list[Resource]:
    """The entries of the automated-policy list. Two of one type carry the kind of gateway that
    they are for as their name, as in the files."""
    made = [automated_from(each, catalogue) for each in natives]
    counts = Counter(each.key for each in made)
    return [
        replace(each, key=replace(each.key, name=_technology(each)))
        if counts[each.key] > 1
        else each
        for each in made
    ]


def _technology(resource: Resource) -> str:
    return ", ".join(resource.canonical["ruleOfApplication"]["technologies"] or ())


def tier_from(native: Native) -> Resource:
    """An entry of the tier list."""
    limits = native.get("limits") or []
    if not isinstance(limits, list) or not all(isinstance(each, Mapping) for each in limits):
        raise BadAnswer(f"the limits of the tier {_text(native.get('name'))} are no list")
    settings = {
        "description": native.get("description"),
        "limits": [_limit(limit) for limit in limits],
        "autoApprove": bool(native.get("autoApprove")),
        "status": _text(native.get("status")) or "ACTIVE",
    }
    tier_id = _number(native.get("id"))
    if tier_id is None:
        raise BadAnswer("a tier comes without an id")
    key = ResourceKey(TIERS, "", "", _required(native, "name", "a tier"))
    applications = _number(native.get("applicationCount")) or 0
    canonical = {**canonical_tier(settings), "description": _text(settings["description"])}
    return Resource(key, settings, canonical, id=str(tier_id), applications=applications)


def secret_paths(known: PolicyType | None) -> frozenset[str]:
    """Patterns, in `settings`, of the fields that the catalogue calls sensitive."""
    return frozenset(_sensitive(known.fields, "config")) if known else frozenset()


def conceal(resource: Resource, secrets: frozenset[str]) -> Resource:
    """The resource with what else is secret in its configuration marked and wrapped: texts that
    hold one of `secrets`, and URLs with a password.

    A file that no longer has a reference does not make what it stood for less of a secret.
    """
    found = frozenset(_telling(resource.settings.get("config"), "config", secrets))
    if not found:
        return resource
    return replace(
        resource,
        settings=hide_secrets(resource.settings, found),
        canonical=hide_secrets(resource.canonical, found),
        secrets=resource.secrets | found,
    )


def _telling(value: Any, path: str, secrets: frozenset[str]) -> Iterator[str]:
    """Patterns of the paths of such texts; a list of texts is marked as a whole."""
    if isinstance(value, str):
        if holds_password(value) or any(secret in value for secret in secrets):
            yield path
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _telling(each, _below(path, key), secrets)
    elif isinstance(value, list):
        for each in value:
            yield from _telling(each, path if isinstance(each, str) else _below(path, "*"), secrets)


def hide_secrets(value: Any, patterns: frozenset[str], path: str = "") -> Any:
    """The value with each leaf whose path matches a pattern wrapped in `Secret`."""
    if value is not None and path in patterns:
        return value if isinstance(value, Secret) else Secret(value)
    if isinstance(value, Mapping):
        return {key: hide_secrets(each, patterns, _below(path, key)) for key, each in value.items()}
    if isinstance(value, list):
        return [hide_secrets(each, patterns, _below(path, "*")) for each in value]
    return value


def _resource(
    key: ResourceKey, settings: dict[str, Any], known: PolicyType | None, native: Native
) -> Resource:
    secrets = secret_paths(known)
    return Resource(
        key,
        settings,
        canonical_settings(key.list, settings, known),
        secrets=secrets,
        write_only=secrets,
        id=policy_id(native),
        order=order_of(native),
    )


def _settings(native: Native, version: str, known: PolicyType | None) -> dict[str, Any]:
    config = native.get("configurationData")
    if config is None:
        config = native.get("configuration")
    config = config or {}
    if not isinstance(config, Mapping):
        raise BadAnswer(f"the configuration of policy {policy_id(native)} is no object")
    return {
        "version": version or None,
        "config": _wrapped(config, known.fields if known else {}),
        "rules": _rules(native),
        "disabled": native.get("disabled") in (True, "true"),
    }


def _wrapped(config: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
    """The configuration with its secrets wrapped: those of the catalogue, and what is named like
    one where the catalogue does not know the key."""
    return {key: _wrapped_value(key, value, fields.get(key)) for key, value in config.items()}


def _wrapped_value(key: str, value: Any, known: Field | None) -> Any:
    if value is not None and known is not None and known.sensitive:
        return Secret(value)
    if isinstance(value, Mapping):
        return _wrapped(value, known.fields if known else {})
    if isinstance(value, list):
        return [_wrapped_value(key, each, known) for each in value]
    if known is None and isinstance(value, str) and value and is_secret_key(key):
        return Secret(value)
    return value


def _rules(native: Native) -> list[dict[str, Any]] | None:
    pointcuts = native.get("pointcutData") or []
    if not isinstance(pointcuts, list) or not all(isinstance(each, Mapping) for each in pointcuts):
        raise BadAnswer(f"the rules of policy {policy_id(native)} are no list of objects")
    return [_rule(each) for each in pointcuts] or None


def _rule(pointcut: Native) -> dict[str, Any]:
    path = _text(pointcut.get("uriTemplateRegex")) or ".*"
    methods = _methods(_text(pointcut.get("methodRegex")))
    return {"path": path} if methods is None else {"methods": methods, "path": path}


def _methods(regex: str) -> list[str] | None:
    """The methods of a regex such as `GET|POST`, None for all; another regex stays one item."""
    if regex in ("", ".*"):
        return None
    if not _METHODS.fullmatch(regex):
        return [regex]
    methods = regex.split("|")
    return None if {method.upper() for method in methods} == set(ALL_METHODS) else methods


def _coordinates(native: Native, catalogue: Catalogue) -> tuple[str, str, str]:
    """Group, asset and version: flat, under `template`, or of the implementation asset alone."""
    for place in (native, _mapping(native.get("template"))):
        group, asset = _text(place.get("groupId")), _text(place.get("assetId"))
        if group and asset:
            return group, asset, _text(place.get("assetVersion") or place.get("version"))
    implementation = _mapping(native.get("implementationAsset"))
    group, asset = _text(implementation.get("groupId")), _text(implementation.get("assetId"))
    if not (group and asset):
        raise BadAnswer(f"policy {policy_id(native)} comes without its group and asset")
    asset = _IMPLEMENTATION.sub("", asset)
    if catalogue.get(group, asset) is None and catalogue.get(MULESOFT_GROUP, asset):
        # Some implementations of MuleSoft's policies live in another group (facts, 7.3).
        group = MULESOFT_GROUP
    return group, asset, _text(implementation.get("version"))


def _organization(node: Native, above: str) -> LiveOrganization:
    name = _text(node.get("name"))
    path = f"{above}/{name}" if above else name
    return LiveOrganization(_required(node, "id", "an organization"), name, path)


def _instance(api: Native, asset: Native) -> Instance:
    number = _number(api.get("id"))
    if number is None:
        raise BadAnswer(f"an instance of {_text(asset.get('assetId'))} comes without an id")
    tags = api.get("tags")
    return Instance(
        id=number,
        asset=_text(api.get("assetId") or asset.get("assetId")),
        group=_once(api.get("groupId") or asset.get("groupId")),
        label=_once(api.get("instanceLabel")) or None,
        version=_once(api.get("productVersion")),
        asset_version=_once(api.get("assetVersion")),
        technology=_once(api.get("technology")) or "mule4",
        tags=tuple(_text(tag) for tag in tags) if isinstance(tags, list) else (),
        status=_once(api.get("status")),
    )


def _once(value: Any) -> str:
    """Text of which an estate has few kinds and very many copies: each is held once."""
    return intern(_text(value))


def _limit(limit: Native) -> dict[str, Any]:
    """A limit with its numbers as numbers."""
    numbers = {key: _number(value) for key, value in limit.items() if key != "visible"}
    made: dict[str, Any] = {
        key: limit[key] if number is None else number for key, number in numbers.items()
    }
    made["visible"] = limit.get("visible") is not False
    return made


def _sensitive(fields: Mapping[str, Field], above: str) -> Iterator[str]:
    for name, known in fields.items():
        path = f"{above}.{name}"
        if known.sensitive:
            yield path
        yield from _sensitive(known.fields, f"{path}.*" if known.type == "array" else path)


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    """Text as it is, numbers as text, anything else as nothing."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    """A whole number, which may come as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _required(native: Native, key: str, what: str) -> str:
    found = _text(native.get(key))
    if not found:
        raise BadAnswer(f"{what} comes without {key}")
    return found
