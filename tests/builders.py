"""Desired and live values for the tests of the core and of the run, every field defaulted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.core.canonical import canonical_settings
from reconciler.core.catalogue import Field
from reconciler.core.diff import UnitDiff, diff_unit
from reconciler.core.model import (
    AUTOMATED,
    MULESOFT_GROUP,
    OUTBOUND,
    POLICIES,
    TIERS,
    Absent,
    DesiredUnit,
    LiveUnit,
    Resource,
    ResourceKey,
    Source,
    Target,
    UnitAddress,
)
from reconciler.core.redact import Redactor
from tests.files.builders import a_catalogue, a_type

ADDRESS = UnitAddress("acme", "production", "orders")
TARGET = Target("https://anypoint.mulesoft.com", "org", "env", "1")
REDACTOR = Redactor(lambda: b"a key for tests")
CATALOGUE = a_catalogue(
    a_type(
        "alpha",
        Field("limit", "integer", default=10, strengthens_when="higher"),
        Field("expression", "expression"),
        protects="traffic",
    ),
    a_type("beta", Field("ips", "array", unordered=True, item_type="string")),
    a_type("gamma"),
    a_type("cors", ordered=False),
    a_type("login", Field("user", "string"), Field("password", "string", sensitive=True)),
    a_type("outward", direction="outbound"),
)


def a_policy(
    type_: str = "alpha",
    name: str = "",
    config: Mapping[str, Any] | None = None,
    *,
    listed: str = POLICIES,
    group: str = MULESOFT_GROUP,
    version: str | None = "1.0.0",
    rules: Sequence[Mapping[str, Any]] | None = None,
    disabled: bool = False,
    secrets: Sequence[str] = (),
    write_only: Sequence[str] = (),
    line: int = 7,
    **more: Any,
) -> Resource:
    """A desired policy."""
    settings = {
        "version": version,
        "config": dict(config or {}),
        "rules": rules,
        "disabled": disabled,
        **more,
    }
    return Resource(
        ResourceKey(listed, group, type_, name),
        settings,
        canonical_settings(listed, settings, CATALOGUE.get(group, type_)),
        secrets=frozenset((*secrets, *write_only)),
        write_only=frozenset(write_only),
        source=Source("orders.yaml", line, 3),
    )


def a_live_policy(
    type_: str = "alpha",
    name: str = "",
    config: Mapping[str, Any] | None = None,
    *,
    id_: int = 1,
    order: int | None = 1,
    **more: Any,
) -> Resource:
    """A live policy; `order` None where the service orders none."""
    made = a_policy(type_, name, config, **more)
    return Resource(
        made.key,
        made.settings,
        made.canonical,
        made.secrets,
        made.write_only,
        id=str(id_),
        order=order,
    )


def a_tier(name: str = "Gold", *, id_: int | None = None, limit: int = 10, **more: Any) -> Resource:
    """A tier, live where it has an id."""
    limits = [{"maximumRequests": limit, "timePeriodInMilliseconds": 1000}]
    settings = {"description": None, "limits": limits, "autoApprove": False, **more}
    canonical = canonical_settings(TIERS, settings, None)
    key = ResourceKey(TIERS, "", "", name)
    if id_ is not None:
        return Resource(key, settings, canonical, id=str(id_))
    return Resource(key, settings, canonical, source=Source("orders.yaml", 20, 3))


def a_desired(
    *resources: Resource,
    managed: Sequence[str] = (POLICIES, OUTBOUND, TIERS, AUTOMATED),
    absent: Sequence[Absent] = (),
    prune: bool = False,
    address: UnitAddress = ADDRESS,
    target: Target = TARGET,
) -> DesiredUnit:
    source = Source("orders.yaml", 1, 1)
    lists = frozenset(managed)
    return DesiredUnit(address, target, resources, lists, tuple(absent), prune, source=source)


def a_live(*resources: Resource, target: Target = TARGET, **more: Any) -> LiveUnit:
    return LiveUnit(target, resources, frozenset((POLICIES, OUTBOUND, TIERS, AUTOMATED)), **more)


def an_absent(type_: str = "alpha", name: str = "", *, listed: str = POLICIES) -> Absent:
    source = Source("orders.yaml", 30, 3)
    return Absent(listed, MULESOFT_GROUP, type_, name, "not wanted", source)


def diff(
    desired: Sequence[Resource],
    live: Sequence[Resource],
    redactor: Redactor = REDACTOR,
    **more: Any,
) -> UnitDiff:
    """The difference of two lists of resources in one unit."""
    return diff_unit(a_desired(*desired, **more), a_live(*live), CATALOGUE, redactor)


def actions(found: UnitDiff) -> list[tuple[str, str]]:
    """Action and last part of the address of each step, in order."""
    return [
        (str(step.change.action), step.change.address.rpartition("/")[2]) for step in found.steps
    ]
