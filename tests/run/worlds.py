"""Worlds for the laws: what some API holds, and what somebody wants of it, of any kind.

A world is plain data: a seed of the emulator, and documents of the file format. What is left out is
what no tool could settle: two live policies that nothing tells apart, a policy that an automated
one of its type covers, an outbound policy that is switched off and so may be in no list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from reconciler.core.model import AUTOMATED, MULESOFT_GROUP, OUTBOUND, POLICIES, TIERS
from tests.emulator.driver import ACME, PRODUCTION
from tests.providers.suite import one_api

SECRETS = {"BASIC_PASSWORD": "hunter-of-snarks", "BACKEND_PASSWORD": "bread-and-butter"}
_BASIC, _BACKEND = "${env:BASIC_PASSWORD}", "${env:BACKEND_PASSWORD}"
_UPSTREAMS = {
    "backend": ("7e1a90c4-0000-4b6b-9d11-0000000000b1", "https://backend.example"),
    "other": ("7e1a90c4-0000-4b6b-9d11-0000000000b2", "https://other.example"),
}
_IPS = ["10.0.0.0/8", "1.1.1.1", "2.2.2.2"]
_HEADERS = ["server", "x-powered-by", "via"]

Strategy = st.SearchStrategy[Any]

_numbers = st.integers(1, 3)
_quota = st.fixed_dictionaries(
    {"maximumRequests": _numbers, "timePeriodInMilliseconds": st.sampled_from([1000, 60000])}
)
_line = st.fixed_dictionaries(
    {
        "itemName": st.sampled_from(["one", "two"]),
        "itemData": st.fixed_dictionaries(
            {"message": st.just("#[payload]"), "level": st.sampled_from(["INFO", "WARN"])},
            optional={"secondSection": st.booleans(), "category": st.just("audit")},
        ),
    }
)


def _some(items: Sequence[Any]) -> Strategy:
    return st.lists(st.sampled_from(items), min_size=1, unique=True)


_CONFIGS: Mapping[str, tuple[Sequence[str], Strategy]] = {
    "rate-limiting": (
        ("1.0.0", "1.4.0"),
        st.fixed_dictionaries(
            {"rateLimits": st.lists(_quota, min_size=1, max_size=2)},
            optional={"exposeHeaders": st.booleans()},
        ),
    ),
    "ip-allowlist": (("1.1.1", "1.1.2"), st.fixed_dictionaries({"ips": _some(_IPS)})),
    "header-removal": (("1.1.2",), st.fixed_dictionaries({"outboundHeaders": _some(_HEADERS)})),
    "json-threat-protection": (
        ("1.2.1",),
        st.fixed_dictionaries({}, optional={"maxContainerDepth": st.sampled_from([-1, 5])}),
    ),
    "http-caching": (
        ("1.0.5", "1.1.1"),
        st.fixed_dictionaries(
            {}, optional={"ttl": st.sampled_from([600, 60]), "distributed": st.booleans()}
        ),
    ),
    "http-basic-authentication": (
        ("1.3.1", "1.3.2"),
        st.fixed_dictionaries({"username": st.sampled_from("ab"), "password": st.just(_BASIC)}),
    ),
    "cors": (
        ("1.3.2",),
        st.fixed_dictionaries(
            {"publicResource": st.just(True), "originGroups": st.just([])},
            optional={"supportCredentials": st.booleans()},
        ),
    ),
}
_INBOUND = sorted(_CONFIGS)
_DOUBLED = ("rate-limiting", "ip-allowlist")
_WITHOUT_RULES = ("cors",)
_AUTOMATED_CONFIGS: Mapping[str, tuple[Sequence[str], Strategy]] = {
    "message-logging": (
        ("2.0.1", "2.0.2"),
        st.fixed_dictionaries({"loggingConfiguration": st.lists(_line, min_size=1, max_size=2)}),
    ),
    "spike-control": (
        ("1.2.1",),
        st.fixed_dictionaries({"maximumRequests": _numbers}, optional={"queuingLimit": _numbers}),
    ),
}
_INJECTION = st.fixed_dictionaries(
    {"username": st.sampled_from("ab"), "password": st.just(_BACKEND), "overwrite": st.booleans()}
)
_rules = st.none() | st.lists(
    st.fixed_dictionaries(
        {"methods": _some(["GET", "POST", "PUT"]), "path": st.sampled_from(["/a/.*", "/b"])}
    ),
    min_size=1,
    max_size=2,
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "policyListShape": st.sampled_from(["documented", "compact"]),
        "outboundInList": st.sampled_from(["full", "flat", "both"]),
        "fillDefaults": st.booleans(),
        "keepSecrets": st.booleans(),
        "nullOrderWhenDisabled": st.booleans(),
    },
)


@dataclass(frozen=True)
class World:
    """seed: a whole state of the emulator. documents: by path in the tree of files."""

    seed: Mapping[str, Any]
    documents: Mapping[str, Mapping[str, Any]]

    def entries(self, api: Mapping[str, Any], listed: str) -> list[Mapping[str, Any]]:
        """What the file of an API of the seed wants in one of its lists."""
        document = self.documents.get(f"acme/production/api-{api['id']}.yaml", {})
        return list(document.get(listed) or [])


@st.composite
def worlds(draw: st.DrawFn, *, apis: int = 3) -> World:
    """Up to `apis` APIs, each with a file or without one, and what belongs to the environment."""
    count, settings = draw(st.integers(1, apis)), draw(SETTINGS)
    sees_all = settings.get("outboundInList") in ("flat", "both")
    seeds: list[dict[str, Any]] = []
    documents: dict[str, Mapping[str, Any]] = {}
    for number in range(1, count + 1):
        seed, document = draw(_apis(number, sees_all))
        seeds.append(seed)
        if number == 1 or draw(st.booleans()):
            documents[f"acme/production/api-{number}.yaml"] = document
    environment, automated = draw(_environments())
    documents["acme/production/environment.yaml"] = environment
    documents["acme/organization.yaml"] = _document("Organization", organization="Acme Corp")
    state = {**one_api(), "apis": seeds, "automatedPolicies": automated, "settings": settings}
    return World(state, documents)


def _document(kind: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "reconciler/v1", "kind": kind, **more}


@st.composite
def _apis(draw: st.DrawFn, number: int, sees_all: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    technology = draw(st.sampled_from(["mule4", "flexGateway"]))
    live: list[dict[str, Any]] = []
    wanted: list[dict[str, Any]] = []
    for type_ in draw(st.lists(st.sampled_from(_INBOUND), unique=True, max_size=5)):
        held, desired = draw(_kinds(type_))
        live.extend(held)
        wanted.extend(desired)
    document = _document(
        "ApiInstance",
        api={"asset": f"api-{number}", "label": None},
        prune=draw(st.booleans()),
    )
    is_declared = draw(st.booleans())
    if wanted or is_declared:
        document[POLICIES] = list(draw(st.permutations(wanted)))
    seed: dict[str, Any] = {
        "id": number,
        "environmentId": PRODUCTION,
        "groupId": ACME,
        "assetId": f"api-{number}",
        "technology": technology,
        "policies": draw(_ordered(live)),
    }
    if technology == "flexGateway":
        draw(_outbound(seed, document, sees_all))
    draw(_with_tiers(seed, document))
    return seed, document


@st.composite
def _kinds(draw: st.DrawFn, type_: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What is live and what is wanted of one policy type: once each at most, or under names."""
    if type_ in _DOUBLED and draw(st.booleans()):
        names = st.lists(st.sampled_from(["one", "two"]), unique=True)
        return (
            [draw(_live(type_, name)) for name in draw(names)],
            [draw(_entry(type_, name)) for name in draw(names)],
        )
    label = draw(st.sampled_from(["", "one"]))
    live = [draw(_live(type_, label))] if draw(st.booleans()) else []
    wanted = [draw(_entry(type_, ""))] if draw(st.booleans()) else []
    return live, wanted


@st.composite
def _entry(draw: st.DrawFn, type_: str, name: str) -> dict[str, Any]:
    versions, configs = _CONFIGS[type_]
    entry: dict[str, Any] = {"name": name} if name else {}
    reference = {"name": type_, "version": draw(st.sampled_from(versions))}
    entry |= {"policyRef": reference, "config": draw(configs)}
    rules = None if type_ in _WITHOUT_RULES else draw(_rules)
    if rules:
        entry["rules"] = rules
    if draw(st.booleans()):
        entry["disabled"] = draw(st.booleans())
    return entry


@st.composite
def _live(draw: st.DrawFn, type_: str, name: str) -> dict[str, Any]:
    entry = draw(_entry(type_, name))
    native = _native(entry["policyRef"], entry["config"])
    if name:
        native["label"] = name
    if "rules" in entry:
        native["pointcutData"] = [
            {"methodRegex": "|".join(rule["methods"]), "uriTemplateRegex": rule["path"]}
            for rule in entry["rules"]
        ]
    return {**native, "disabled": entry.get("disabled", False)}


def _native(reference: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    secret = {"password": "an-old-one"} if "password" in config else {}
    return {
        "groupId": MULESOFT_GROUP,
        "assetId": reference["name"],
        "assetVersion": reference["version"],
        "configurationData": {**config, **secret},
    }


@st.composite
def _ordered(draw: st.DrawFn, live: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The policies shuffled, numbered with gaps."""
    size = len(live)
    numbers = draw(st.lists(st.integers(1, 20), min_size=size, max_size=size, unique=True))
    return [{**native, "order": number} for native, number in zip(live, numbers, strict=True)]


@st.composite
def _outbound(
    draw: st.DrawFn, seed: dict[str, Any], document: dict[str, Any], sees_all: bool
) -> None:
    seed["upstreams"] = [
        {"id": id_, "label": label, "uri": uri} for label, (id_, uri) in _UPSTREAMS.items()
    ]
    reference = {"name": "credential-injection-basic-auth", "version": "1.0.1"}
    for label in draw(_some_or_none):
        native = _native(reference, draw(_INJECTION))
        disabled = sees_all and draw(st.booleans())
        more = {"upstreamIds": [_UPSTREAMS[label][0]], "order": 30, "disabled": disabled}
        seed["policies"] = [*seed["policies"], {**native, **more}]
    wanted = draw(_some_or_none)
    if wanted:
        names = [draw(st.sampled_from([label, _UPSTREAMS[label][1]])) for label in wanted]
        entry = {"policyRef": reference, "config": draw(_INJECTION), "upstreams": names}
        if sees_all and any("upstreamIds" in native for native in seed["policies"]):
            entry["disabled"] = draw(st.booleans())
        document[OUTBOUND] = [entry]
    elif draw(st.booleans()):
        document[OUTBOUND] = []


_some_or_none = st.lists(st.sampled_from(sorted(_UPSTREAMS)), unique=True)
_tier = st.fixed_dictionaries(
    {
        "limits": st.lists(_quota, min_size=1, max_size=2),
        "autoApprove": st.booleans(),
        "status": st.sampled_from(["ACTIVE", "DEPRECATED"]),
    },
    optional={"description": st.sampled_from(["", "for partners"])},
)
_tiers = st.dictionaries(st.sampled_from(["Gold", "Silver"]), _tier, max_size=2)


@st.composite
def _with_tiers(draw: st.DrawFn, seed: dict[str, Any], document: dict[str, Any]) -> None:
    seed["tiers"] = [{"name": name, **tier} for name, tier in draw(_tiers).items()]
    if draw(st.booleans()):
        document[TIERS] = [{"name": name, **tier} for name, tier in draw(_tiers).items()]


@st.composite
def _environments(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The document of the environment, and the live automated policies."""
    document = _document("Environment", environment="Production", prune=draw(st.booleans()))
    live, wanted = [], []
    for type_ in sorted(_AUTOMATED_CONFIGS):
        if draw(st.booleans()):
            live.append(draw(_automated(type_, is_live=True)))
        if draw(st.booleans()):
            wanted.append(draw(_automated(type_, is_live=False)))
    if draw(st.booleans()):
        document[AUTOMATED] = wanted
    return document, live


@st.composite
def _automated(draw: st.DrawFn, type_: str, *, is_live: bool) -> dict[str, Any]:
    versions, configs = _AUTOMATED_CONFIGS[type_]
    reference = {"name": type_, "version": draw(st.sampled_from(versions))}
    rule: dict[str, Any] = {"technologies": [draw(st.sampled_from(["mule4", "flexGateway"]))]}
    if draw(st.booleans()):
        rule["range"] = {"from": draw(st.sampled_from(["4.1.1", "4.4.0"]))}
    if not is_live:
        return {"policyRef": reference, "config": draw(configs), "ruleOfApplication": rule}
    place = {"organizationId": ACME, "environmentId": PRODUCTION}
    return {**_native(reference, draw(configs)), "ruleOfApplication": {**rule, **place}}
