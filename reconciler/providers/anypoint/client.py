"""One method per endpoint; speaks HTTP, decides nothing.

Facts, sections 3 to 9 and 14. Answers are plain JSON; only their outer shape is checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from reconciler.core.model import Target
from reconciler.errors import BadAnswer, Incomplete, NotAllowed
from reconciler.providers.anypoint.auth import LOGIN, TOKEN, TokenSource
from reconciler.providers.anypoint.pages import Ahead, MadeT, Page, page_of, read_pages
from reconciler.providers.anypoint.shapes import JSONObject, as_object, count, objects
from reconciler.transport import Transport

READS = (LOGIN, TOKEN, r"/audit/v2/organizations/[0-9A-Za-z-]+/query")
"""POSTs that change nothing, as patterns of their paths; nothing in them can climb or end one."""

_API, _XAPI = "/apimanager/api/v1", "/apimanager/xapi/v1"
_ENVIRONMENTS_PER_PAGE = 500
_ASSETS_PER_PAGE = 100
_TIERS_PER_PAGE = 250
_READINGS = 3


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission: its name in the user interface and its id (facts, section 3.2)."""

    title: str
    id: str


READ_APIS = Scope("View APIs Configuration", "read:api_configuration")
READ_POLICIES = Scope("View Policies", "read:api_policies")
WRITE_POLICIES = Scope("Manage Policies", "manage:api_policies")
READ_TIERS = Scope("View Contracts", "read:api_contracts")
WRITE_TIERS = Scope("Manage Contracts", "manage:api_contracts")


class Client:
    """Calls with a token, renewed once where it is refused. `Target.api` may be empty for calls
    that are about an environment."""

    def __init__(self, transport: Transport, tokens: TokenSource) -> None:
        self._transport = transport
        self._tokens = tokens

    @property
    def host(self) -> str:
        return self._transport.base_url

    @property
    def budget(self) -> Mapping[str, str]:
        return self._transport.budget

    def close(self) -> None:
        self._transport.close()

    def me(self) -> JSONObject:
        return as_object(self._call("GET", "/accounts/api/me"), "the profile of the caller")

    def hierarchy(self, organization: str) -> JSONObject:
        path = f"/accounts/api/organizations/{_part(organization)}/hierarchy"
        return as_object(self._call("GET", path), "the tree of organizations")

    def environments(self, organization: str) -> list[JSONObject]:
        path = f"/accounts/api/organizations/{_part(organization)}/environments"
        where = Target("", organization, "")
        return self._pages(path, "data", _ENVIRONMENTS_PER_PAGE, where, None, _as_is)

    def assets(self, target: Target, made: Callable[[JSONObject], MadeT]) -> list[MadeT]:
        """What is made of each asset of the environment, with all its instances under `apis`."""
        path = f"{_environment(_API, target)}/apis"
        return self._pages(path, "assets", _ASSETS_PER_PAGE, target, READ_APIS, made)

    def upstreams(self, target: Target) -> list[JSONObject]:
        answer = self._call("GET", f"{_instance(_API, target)}/upstreams", target, READ_APIS)
        what = f"the upstreams of API {target.api}"
        return objects(as_object(answer, what).get("upstreams"), what)

    def policies(self, target: Target, *, full: bool) -> Any:
        """The policy list. Not `full`: also disabled policies; `full`: also outbound ones, with
        their upstreams. The shape differs (facts, section 6.1)."""
        params = {"fullInfo": "true" if full else "false"}
        path = f"{_instance(_API, target)}/policies"
        return self._call("GET", path, target, READ_POLICIES, params=params)

    def policy(self, target: Target, policy: str) -> JSONObject:
        path = f"{_instance(_API, target)}/policies/{_part(policy)}"
        return as_object(self._call("GET", path, target, READ_POLICIES), f"policy {policy}")

    def instance(self, target: Target) -> JSONObject:
        answer = self._call("GET", _instance(_API, target), target, READ_APIS)
        return as_object(answer, f"API {target.api}")

    def create_policy(
        self, target: Target, body: JSONObject, *, duplicate: bool, hide: Sequence[str] = ()
    ) -> Any:
        params = {"allowDuplicated": "true"} if duplicate else None
        path = f"{_instance(_API, target)}/policies"
        return self._write("POST", path, target, body, params=params, hide=hide)

    def create_outbound_policy(
        self, target: Target, body: JSONObject, *, duplicate: bool, hide: Sequence[str] = ()
    ) -> Any:
        params = {"allowDuplicated": "true"} if duplicate else None
        path = f"{_instance(_XAPI, target)}/policies/outbound-policies"
        return self._write("POST", path, target, body, params=params, hide=hide)

    def update_policy(
        self, target: Target, policy: str, body: JSONObject, *, hide: Sequence[str] = ()
    ) -> None:
        path = f"{_instance(_API, target)}/policies/{_part(policy)}"
        self._write("PATCH", path, target, body, hide=hide)

    def delete_policy(self, target: Target, policy: str) -> None:
        self._write("DELETE", f"{_instance(_API, target)}/policies/{_part(policy)}", target)

    def order_policies(self, target: Target, orders: Sequence[JSONObject]) -> None:
        self._write("PATCH", f"{_instance(_API, target)}/policies", target, list(orders))

    def tiers(self, target: Target) -> list[JSONObject]:
        path = f"{_instance(_API, target)}/tiers"
        return self._pages(path, "tiers", _TIERS_PER_PAGE, target, READ_TIERS, _as_is)

    def create_tier(self, target: Target, body: JSONObject) -> Any:
        return self._write("POST", f"{_instance(_API, target)}/tiers", target, body, WRITE_TIERS)

    def update_tier(self, target: Target, tier: str, body: JSONObject) -> None:
        path = f"{_instance(_API, target)}/tiers/{_part(tier)}"
        self._write("PUT", path, target, body, WRITE_TIERS)

    def delete_tier(self, target: Target, tier: str) -> None:
        path = f"{_instance(_API, target)}/tiers/{_part(tier)}"
        self._write("DELETE", path, target, None, WRITE_TIERS)

    def automated_policies(self, target: Target) -> list[JSONObject]:
        params = {"environmentId": target.environment}
        answer = self._call("GET", _automated(target), target, READ_POLICIES, params=params)
        what = f"the automated policies of environment {target.environment}"
        listed = as_object(answer, what)
        found = objects(listed.get("automatedPolicies"), what)
        if len(found) < (count(listed.get("total")) or 0):
            raise Incomplete(f"{what}: {len(found)} came of {listed['total']}")
        return found

    def automated_policy(self, target: Target, policy: str) -> JSONObject:
        path = f"{_automated(target)}/{_part(policy)}"
        return as_object(self._call("GET", path, target, READ_POLICIES), f"policy {policy}")

    def create_automated_policy(
        self, target: Target, body: JSONObject, *, hide: Sequence[str] = ()
    ) -> Any:
        return self._write("POST", _automated(target), target, body, hide=hide)

    def update_automated_policy(
        self, target: Target, policy: str, body: JSONObject, *, hide: Sequence[str] = ()
    ) -> None:
        path = f"{_automated(target)}/{_part(policy)}"
        self._write("PATCH", path, target, body, hide=hide)

    def delete_automated_policy(self, target: Target, policy: str) -> None:
        self._write("DELETE", f"{_automated(target)}/{_part(policy)}", target)

    def templates(
        self, organization: str, *, newest: bool = False, injection: str = ""
    ) -> list[JSONObject]:
        """The policy templates without their configurations."""
        params = {"includeConfiguration": "false", "latest": "true" if newest else "false"}
        if injection:
            params["injectionPoint"] = injection
        where = Target("", organization, "")
        answer = self._call("GET", _templates(where), where, READ_POLICIES, params=params)
        return objects(answer, "the policy templates")

    def template(self, organization: str, group: str, name: str, version: str) -> JSONObject:
        """One template with its configuration, in either of its shapes (facts, 7.2)."""
        where = Target("", organization, "")
        path = "/".join([_templates(where), *map(_part, (group, name, version))])
        params = {"splitModel": "true"}
        answer = self._call("GET", path, where, READ_POLICIES, params=params)
        return as_object(answer, f"the policy template {name} {version}")

    def _pages(
        self,
        path: str,
        items: str,
        limit: int,
        target: Target,
        scope: Scope | None,
        made: Callable[[JSONObject], MadeT],
    ) -> list[MadeT]:
        """All items of a paged list, read anew where its total moved while it was read. What is
        made of each is made as its page comes: the pages of a large list take much room."""

        def ask(offset: int) -> Page[MadeT]:
            params = {"limit": str(limit), "offset": str(offset)}
            answer = self._call("GET", path, target, scope, params=params)
            return page_of(as_object(answer, f"{path} {items}"), items, path, made)

        for _ in range(_READINGS):
            with Ahead(ask) as ahead:
                found = read_pages(ahead, items, limit, path)
            if found is not None:
                return found
        raise Incomplete("the list kept changing while it was read", method="GET", path=path)

    def _write(
        self,
        method: str,
        path: str,
        target: Target,
        body: Any = None,
        scope: Scope = WRITE_POLICIES,
        *,
        params: Mapping[str, str] | None = None,
        hide: Sequence[str] = (),
    ) -> Any:
        # Facts list 200 beside 201 and 204 for several writes (6.3, 6.6, 9.1).
        ok = (200, 201, 204)
        return self._call(method, path, target, scope, params=params, body=body, ok=ok, hide=hide)

    def _call(
        self,
        method: str,
        path: str,
        target: Target | None = None,
        scope: Scope | None = None,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        ok: Collection[int] = (200,),
        hide: Sequence[str] = (),
    ) -> Any:
        def send(token: str) -> Any:
            try:
                return self._transport.request(
                    method,
                    path,
                    params=params,
                    json=body,
                    token=token,
                    headers=_headers(target),
                    ok=ok,
                    hide=hide,
                )
            except NotAllowed as error:
                raise _explained(error, target, scope) from None

        return self._tokens.call(send)


def _as_is(item: JSONObject) -> JSONObject:
    return item


def _headers(target: Target | None) -> dict[str, str]:
    """Organization and environment; optional by the facts (section 2), sent where known."""
    if target is None:
        return {}
    sent = {"X-ANYPNT-ORG-ID": target.organization, "X-ANYPNT-ENV-ID": target.environment}
    return {name: value for name, value in sent.items() if value}


def _explained(error: NotAllowed, target: Target | None, scope: Scope | None) -> NotAllowed:
    """A 403 with the permission that is missing and where."""
    if error.status != 403:
        return error
    return error.saying(f"{_missing(target, scope)} ({error.message})")


def _missing(target: Target | None, scope: Scope | None) -> str:
    where = f" in organization {target.organization}" if target else ""
    if target and target.environment:
        where += f", environment {target.environment}"
    if scope is None:
        return f"not permitted{where}"
    return f'not permitted{where}: the login needs "{scope.title}" ({scope.id}) there'


def _part(value: str) -> str:
    """A path segment: one that would climb or vanish is none."""
    if value.strip(".") == "":
        raise BadAnswer(f"{value!r} cannot be an id")
    return quote(value, safe="")


def _environment(tree: str, target: Target) -> str:
    place = f"organizations/{_part(target.organization)}/environments/{_part(target.environment)}"
    return f"{tree}/{place}"


def _instance(tree: str, target: Target) -> str:
    return f"{_environment(tree, target)}/apis/{_part(target.api)}"


def _automated(target: Target) -> str:
    return f"{_API}/organizations/{_part(target.organization)}/automated-policies"


def _templates(target: Target) -> str:
    return f"{_XAPI}/organizations/{_part(target.organization)}/exchange-policy-templates"
