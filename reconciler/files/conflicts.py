"""Policies of one API that do not go together, or not with the API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from reconciler.core.catalogue import GATEWAYS, Catalogue
from reconciler.core.model import MULESOFT_GROUP, POLICIES, TIERS, Resource, ResourceKey, Source
from reconciler.errors import Problem
from reconciler.files.stack import Chain, place_text, problem_at

_NEEDS_TIERS = (POLICIES, MULESOFT_GROUP, "rate-limiting-sla-based")
BASIC, BEARER = "a user name and password", "a token"
_ALWAYS = {
    "http-basic-authentication": BASIC,
    "ldap-authentication": BASIC,
    "oauth2-token-introspection": BEARER,
    "external-oauth2-access-token-enforcement": BEARER,
    "openidconnect-access-token-enforcement": BEARER,
    "openam-access-token-enforcement": BEARER,
    "pingfederate-access-token-enforcement": BEARER,
    "oauth2-access-token-enforcement": BEARER,
}
_READS_HEADER = re.compile(r"\bauthorization\b", re.IGNORECASE)
# From the first of these on, a pattern may stand for more than its own characters. The character
# before a quantifier may be left out too.
_SPECIAL = re.compile(r"[^/]?[*?{]|[.\[\](){}*+?|^$\\]")


@dataclass(frozen=True, slots=True)
class _Switch:
    """Reads the Authorization header where `key` has this value, or where `expression` does."""

    key: str
    value: str
    expression: str
    wants: str


_SOMETIMES = {
    "client-id-enforcement": _Switch(
        "credentialsOriginHasHttpBasicAuthenticationHeader",
        "httpBasicAuthenticationHeader",
        "clientIdExpression",
        BASIC,
    ),
    "jwt-validation": _Switch(
        "jwtOrigin", "httpBearerAuthenticationHeader", "jwtExpression", BEARER
    ),
}


def check_logins(policies: Sequence[Resource]) -> Iterator[Problem]:
    """A warning for each policy that reads the Authorization header of requests of which an
    earlier one reads it too: it holds one set of credentials."""
    readers = [(policy, wants) for policy in policies if (wants := _wanted(policy))]
    for (first, one), (second, other) in combinations(readers, 2):
        if not may_overlap(first.settings.get("rules"), second.settings.get("rules")):
            continue
        source, earlier = second.source or Source(""), first.source or Source("")
        named = f"{first.key.segment} ({place_text(earlier)})"
        if one != other:
            message = (
                f"wants {other} in the Authorization header, where {named} wants {one}: "
                "no request passes both"
            )
        else:
            message = f"reads {one} from the Authorization header, as {named} does: both must pass"
        hint = "exclude one of them, or give each its own requests with rules:"
        yield problem_at(source, message, hint, second.key.segment)


def check_gateways(
    chains: Mapping[ResourceKey, Chain], catalogue: Catalogue, technology: str
) -> tuple[list[Problem], list[Problem]]:
    """Errors for policies that do not run on the API's gateway; warnings where no document says
    on which they run. Neither where the technology is not known: it is empty."""
    refused: list[Problem] = []
    odd: list[Problem] = []
    for key, chain in chains.items():
        known = catalogue.get(key.group, key.type) if key.type and technology else None
        if known is None or not known.gateways or technology in known.gateways:
            continue
        gateways = ", ".join(sorted(known.gateways))
        is_sure = known.gateways_documented and technology in GATEWAYS
        runs = "runs" if is_sure else "is known to run"
        message = f"{key.type} {runs} on {gateways}, and this API is {technology}"
        hint = f"exclude it here, or let a group match technology: {gateways}"
        problem = problem_at(chain[-1].entry.source, message, hint, key.segment)
        (refused if is_sure else odd).append(problem)
    return refused, odd


def check_tiers(resources: Sequence[Resource], *, is_managed: bool) -> Iterator[Problem]:
    """A problem for each policy that takes its quotas from tiers, where no tier is declared.

    is_managed: some file declares the list of tiers, so that there are none for sure.
    """
    if any(resource.key.list == TIERS for resource in resources):
        return
    for resource in resources:
        key, source = resource.key, resource.source
        if (key.list, key.group, key.type) != _NEEDS_TIERS or source is None:
            continue
        where = "tiers: is empty" if is_managed else "no file declares tiers:"
        message = f"takes each client's quota from its SLA tier, and {where}"
        yield problem_at(source, message, "add tiers: to the API's document", key.segment)


def _wanted(policy: Resource) -> str:
    """What a policy reads from the Authorization header; empty where it does not read it."""
    key, settings = policy.key, policy.settings
    if key.list != POLICIES or key.group != MULESOFT_GROUP or settings.get("disabled"):
        return ""
    switch = _SOMETIMES.get(key.type)
    if switch is None:
        return _ALWAYS.get(key.type, "")
    config: Mapping[str, Any] = policy.canonical.get("config") or {}
    if config.get(switch.key) == switch.value:
        return switch.wants
    expression = config.get(switch.expression)
    is_custom = config.get(switch.key) == "customExpression" and isinstance(expression, str)
    return switch.wants if is_custom and _READS_HEADER.search(str(expression)) else ""


def may_overlap(one: Any, other: Any) -> bool:
    """Whether two lists of rules, as in `settings`, may hold for one and the same request.

    Paths are compared by what stands before their first special character. Sure of no only
    where the beginnings or the methods differ.
    """
    if not one or not other:
        return True
    return any(_may_meet(first, second) for first in one for second in other)


def _may_meet(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    if not set(first["methods"] or ()) & set(second["methods"] or ()):
        return False
    starts = [_start(str(rule["path"])) for rule in (first, second)]
    return starts[0].startswith(starts[1]) or starts[1].startswith(starts[0])


def _start(pattern: str) -> str:
    return "" if "|" in pattern else _SPECIAL.split(pattern, maxsplit=1)[0]
