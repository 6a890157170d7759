"""Every path of the platform that is emulated."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.emulator.anypoint import (
    accounts,
    auditlog,
    automated,
    contracts,
    exchange,
    instances,
    organizations,
    outbound,
    policies,
    tiers,
    upstreams,
    vendorcli,
)
from reconciler.emulator.anypoint.call import Handler

PUBLIC = "public"
TOKEN = "token"
READING_POSTS = "reading"


@dataclass(frozen=True, slots=True)
class Route:
    """`access` says whether a token is needed, and whether a POST only reads."""

    method: str
    pattern: str
    handler: Handler
    access: str = TOKEN


_ORG = "/accounts/api/organizations/{organizationId}"
_API = "/apimanager/api/v1/organizations/{organizationId}"
_XAPI = "/apimanager/xapi/v1/organizations/{organizationId}"
_ENV = "/environments/{environmentId}"
_INSTANCE = _API + _ENV + "/apis/{apiId}"
_XINSTANCE = _XAPI + _ENV + "/apis/{apiId}"
_AUDIT = "/audit/v2/organizations/{organizationId}"

_ACCOUNTS = (
    Route("POST", "/accounts/login", accounts.login, PUBLIC),
    Route("POST", "/accounts/api/login", accounts.login, PUBLIC),
    Route("POST", "/accounts/api/v2/oauth2/token", accounts.token, PUBLIC),
    Route("GET", "/accounts/api/me", accounts.me),
    Route("GET", "/accounts/api/users/me", accounts.users_me),
    Route("GET", _ORG, organizations.get_organization),
    Route("GET", _ORG + "/hierarchy", organizations.get_hierarchy),
    Route("GET", _ORG + "/environments", organizations.list_environments),
    Route("GET", _ORG + _ENV, organizations.get_environment),
)

_INSTANCES = (
    Route("GET", _API + _ENV + "/apis", instances.list_instances),
    Route("POST", _API + _ENV + "/apis", instances.create_instance),
    Route("GET", _XAPI + _ENV + "/apis", instances.list_flat),
    Route("POST", _XAPI + _ENV + "/apis", instances.create_instance),
    Route("GET", _INSTANCE, instances.get_instance),
    Route("PATCH", _INSTANCE, instances.patch_instance),
    Route("DELETE", _INSTANCE, instances.delete_instance),
    Route("GET", _XINSTANCE, instances.get_instance),
    Route("PUT", _INSTANCE + "/tags/{tag}", instances.put_tag),
    Route("DELETE", _INSTANCE + "/tags/{tag}", instances.delete_tag),
    Route("GET", _INSTANCE + "/upstreams", upstreams.list_upstreams),
    Route("POST", _INSTANCE + "/upstreams", upstreams.create_upstream),
    Route("GET", _INSTANCE + "/upstreams/{upstreamId}", upstreams.get_upstream),
    Route("PATCH", _INSTANCE + "/upstreams/{upstreamId}", upstreams.patch_upstream),
    Route("DELETE", _INSTANCE + "/upstreams/{upstreamId}", upstreams.delete_upstream),
)

_POLICY = _INSTANCE + "/policies/{policyId}"
_XPOLICY = _XINSTANCE + "/policies/{policyId}"

_POLICIES = (
    Route("GET", _INSTANCE + "/policies", policies.list_policies),
    Route("POST", _INSTANCE + "/policies", policies.create_policy),
    Route("PATCH", _INSTANCE + "/policies", policies.order_policies),
    Route("GET", _POLICY, policies.get_policy),
    Route("PATCH", _POLICY, policies.patch_policy),
    Route("DELETE", _POLICY, policies.delete_policy),
    Route("POST", _POLICY + "/implementationAsset", policies.upgrade_implementation),
    Route("POST", _XPOLICY + "/enable", policies.enable_policy),
    Route("POST", _XPOLICY + "/disable", policies.disable_policy),
    Route("POST", _XINSTANCE + "/policies/outbound-policies", outbound.create_outbound),
)

_AUTOMATED_ONE = _API + "/automated-policies/{automatedPolicyId}"

_AUTOMATED = (
    Route("GET", _API + "/automated-policies", automated.list_automated),
    Route("POST", _API + "/automated-policies", automated.create_automated),
    Route("GET", _XAPI + "/automated-policies", automated.list_automated),
    Route("GET", _AUTOMATED_ONE, automated.get_automated),
    Route("PATCH", _AUTOMATED_ONE, automated.patch_automated),
    Route("PUT", _AUTOMATED_ONE, automated.put_automated),
    Route("DELETE", _AUTOMATED_ONE, automated.delete_automated),
    Route("GET", _AUTOMATED_ONE + "/apis", automated.list_covered),
    Route("POST", _AUTOMATED_ONE + "/implementationAssets", automated.upgrade_implementations),
)

_TIERS = (
    Route("GET", _INSTANCE + "/tiers", tiers.list_tiers),
    Route("POST", _INSTANCE + "/tiers", tiers.create_tier),
    Route("PUT", _INSTANCE + "/tiers/{tierId}", tiers.put_tier),
    Route("DELETE", _INSTANCE + "/tiers/{tierId}", tiers.delete_tier),
)

_APPLICATIONS = "/exchange/api/v2/organizations/{organizationId}/applications"

_CONTRACTS = (
    Route("GET", _INSTANCE + "/contracts", contracts.list_contracts),
    Route("POST", _INSTANCE + "/contracts", contracts.create_contract),
    Route("GET", _INSTANCE + "/contracts/{contractId}", contracts.get_contract),
    Route("DELETE", _INSTANCE + "/contracts/{contractId}", contracts.delete_contract),
    Route("POST", _XINSTANCE + "/contracts/{contractId}/{action}", contracts.act),
    Route("GET", _APPLICATIONS, contracts.list_applications),
    Route("POST", _APPLICATIONS, contracts.create_application),
)

_TEMPLATE = _XAPI + "/exchange-policy-templates/{groupId}/{assetId}/{assetVersion}"

_EXCHANGE = (
    Route("GET", _XAPI + "/exchange-policy-templates", exchange.list_templates),
    Route("GET", _TEMPLATE, exchange.get_template),
    Route("GET", _API + "/policy-templates", exchange.list_legacy_templates),
    Route("GET", _API + "/policy-templates/{templateId}", exchange.get_legacy_template),
    Route("GET", "/exchange/api/v2/assets/search", exchange.search_assets),
)

_AUDITLOG = (
    Route("POST", _AUDIT + "/query", auditlog.query, READING_POSTS),
    Route("GET", _AUDIT + "/platforms", auditlog.platforms),
    Route("GET", _AUDIT + "/objectTypes", auditlog.object_types),
    Route("GET", _AUDIT + "/actions", auditlog.actions),
)

_FILE = "/exchange/files/{groupId}/{assetId}/{version}/policy-definition.yaml"

_VENDOR_CLI = (
    Route("POST", "/graph/api/v2/graphql", vendorcli.graphql, PUBLIC),
    Route("GET", _FILE, vendorcli.definition, PUBLIC),
    Route("POST", "/cli/api/v1/analytics/event", vendorcli.analytics, PUBLIC),
    Route("POST", "/cli/api/v1/analytics/error", vendorcli.analytics, PUBLIC),
)

ROUTES = (
    *_ACCOUNTS,
    *_INSTANCES,
    *_POLICIES,
    *_AUTOMATED,
    *_TIERS,
    *_CONTRACTS,
    *_EXCHANGE,
    *_AUDITLOG,
    *_VENDOR_CLI,
)
