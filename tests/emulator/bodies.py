"""Bodies that create things, with all fields defaulted."""

from __future__ import annotations

from typing import Any

from tests.emulator.driver import ACME, MULESOFT, PRODUCTION


def a_policy(
    asset_id: str = "ip-allowlist",
    version: str = "1.1.1",
    configuration: Any = None,
    **others: Any,
) -> dict[str, Any]:
    """A policy of MuleSoft's; without a configuration an address list."""
    allowlist = {"ipExpression": "#[attributes.headers['x-forwarded-for']]", "ips": ["1.1.1.1"]}
    return {
        "groupId": MULESOFT,
        "assetId": asset_id,
        "assetVersion": version,
        "configurationData": allowlist if configuration is None else configuration,
        **others,
    }


def a_cors() -> dict[str, Any]:
    return a_policy("cors", "1.3.2", {"publicResource": True, "originGroups": []})


def a_basic_auth(password: str = "hunter2") -> dict[str, Any]:
    configuration = {"username": "svc", "password": password}
    return a_policy("http-basic-authentication", "1.3.2", configuration)


def an_injection(*upstream_ids: str, **others: Any) -> dict[str, Any]:
    """An outbound policy."""
    configuration = {"username": "svc", "password": "hunter2", "overwrite": False}
    body = a_policy("credential-injection-basic-auth", "1.0.1", configuration)
    return {**body, "upstreamIds": list(upstream_ids), **others}


def an_automated_policy(environment: str = PRODUCTION, **others: Any) -> dict[str, Any]:
    rule = {"organizationId": ACME, "environmentId": environment, "technologies": ["mule4"]}
    injection = {"inboundHeaders": [{"key": "x-team", "value": "a"}], "outboundHeaders": []}
    body = a_policy("header-injection", "1.3.1", injection)
    return {**body, "ruleOfApplication": rule, **others}


def a_tier(name: str = "Silver", **others: Any) -> dict[str, Any]:
    limits = [{"visible": True, "maximumRequests": 100, "timePeriodInMilliseconds": 1000}]
    return {"name": name, "status": "ACTIVE", "limits": limits, **others}


def an_api(asset_id: str = "billing-api", **others: Any) -> dict[str, Any]:
    spec = {"groupId": ACME, "assetId": asset_id, "version": "2.1.0"}
    return {"spec": spec, "technology": "mule4", **others}
