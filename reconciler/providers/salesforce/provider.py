"""The protocols of `providers.base`, for one login to one org.

Every write is sent once and read back: success is no proof, and an answer that is lost is no
failure (facts, section 5.1). What the org does not take is an error.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from reconciler.core.access import CONNECTED_APP, PROFILE, DesiredAccess, LiveAccess
from reconciler.core.diff import Step
from reconciler.core.lockout import WAY_OUT
from reconciler.core.model import (
    APPS,
    BYPASS,
    GRANTS,
    SETTINGS,
    Instance,
    LiveUnit,
    Resource,
    Target,
    UnitAddress,
)
from reconciler.core.project import Org
from reconciler.core.trail import TrailEntry
from reconciler.core.use import Usage
from reconciler.errors import (
    BadAnswer,
    CannotSee,
    Conflict,
    LockedOut,
    NotAllowed,
    NotFound,
    ProviderError,
    Refusal,
)
from reconciler.providers.base import LiveEnvironment, LiveOrganization
from reconciler.providers.salesforce import client as client_
from reconciler.providers.salesforce import convert, soql
from reconciler.providers.salesforce.auth import (
    PATIENCE_S,
    Credentials,
    TokenSource,
    credentials_from,
)
from reconciler.providers.salesforce.client import Client
from reconciler.providers.salesforce.failures import kind_of
from reconciler.providers.salesforce.files import Files, is_by_file
from reconciler.providers.salesforce.nodes import Node, leaf
from reconciler.providers.salesforce.reading import Reader
from reconciler.providers.salesforce.results import ItemResult
from reconciler.providers.salesforce.usage import UseReader, fetch_holders
from reconciler.providers.salesforce.writing import Writer
from reconciler.transport import Bounds

__all__ = ["SalesforceProvider", "connect", "credentials_from"]

_NOWHERE = UnitAddress("", "", "")
# A page of a query: more would be more calls.
_MOST_CHANGES = 2000

Made = TypeVar("Made")


def connect(
    org: Org,
    url: str,
    credentials: Credentials,
    *,
    allow_hosts: Sequence[str] = (),
    bounds: Bounds | None = None,
    read_only: bool = False,
    rehearses: bool = False,
) -> SalesforceProvider:
    """A provider for one login to one org; nothing is sent yet. Refusal for a foreign host.

    url: where the org's APIs answer. rehearses: a read-only one may `rehearse`.
    """
    bounds = bounds or Bounds()
    client, tokens = client_.connect(
        url,
        credentials,
        is_sandbox=org.is_sandbox,
        org_id=org.id,
        version=org.version,
        allow_hosts=allow_hosts,
        bounds=bounds,
        read_only=read_only,
        rehearses=rehearses,
    )
    return SalesforceProvider(client, tokens, credentials.client_id, org, bounds)


class SalesforceProvider:
    """See `providers.base`: `Provider`, `AccessPlatform`, `AuditLog`, `UsePlatform`. Remembers
    the org."""

    def __init__(
        self, client: Client, tokens: TokenSource, client_id: str, org: Org, bounds: Bounds
    ) -> None:
        self._client = client
        self._tokens = tokens
        self._client_id = client_id
        self._org = org
        self._writer = Writer(bounds)
        self._files = Files(client, bounds, org.version)
        self._lock = threading.Lock()
        self._found: LiveOrganization | None = None

    @property
    def host(self) -> str:
        return self._client.host

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def budget(self) -> Mapping[str, str]:
        return self._client.budget

    def caller(self) -> Mapping[str, Any]:
        grant = self._tokens.token()
        (row,) = self._rows(soql.user(grant.user), 1)
        name = str(row.get("Username") or grant.user)
        return {"name": name, "kind": "user", "organization": grant.organization}

    def organizations(self) -> tuple[LiveOrganization, ...]:
        """The org; raises Refusal where it is not the one that the files name."""
        with self._lock:
            if self._found is None:
                self._found = self._read_org()
            return (self._found,)

    def _read_org(self) -> LiveOrganization:
        (row,) = self._rows(soql.organization(), 1)
        is_sandbox = row.get("IsSandbox")
        if is_sandbox is not self._org.is_sandbox:
            there, said = ("a sandbox", "none") if is_sandbox else ("no sandbox", "one")
            raise Refusal(
                f"salesforce: the org {row.get('Name')} is {there}, and the files say {said}: "
                "correct sandbox or instanceUrl"
            )
        return LiveOrganization(self._tokens.token().organization, str(row.get("Name") or ""))

    def environments(self, organization: str) -> tuple[LiveEnvironment, ...]:
        kind = "sandbox" if self._org.is_sandbox else "production"
        (found,) = self.organizations()
        return (LiveEnvironment(kind, found.name, kind),)

    def instances(self, organization: str, environment: str) -> tuple[Instance, ...]:
        return ()

    def fetch(self, target: Target, lists: frozenset[str], technology: str) -> LiveUnit:
        return self.fetch_access(target, DesiredAccess(_NOWHERE, target, (), lists))

    def fetch_access(self, target: Target, desired: DesiredAccess) -> LiveAccess:
        user = self._tokens.token().user
        return Reader(self._client, self._files, user, self._client_id, desired).read(target)

    def changes_since(self, target: Target, since: datetime) -> tuple[TrailEntry, ...]:
        rows = self._client.query(soql.setup_changes(since, _MOST_CHANGES))
        return tuple(map(convert.trail_entry, rows))

    def fetch_use(self, target: Target, days: int, now: datetime) -> Usage:
        return UseReader(self._client, self._tokens.token().user).read(days, now)

    def fetch_holders(
        self, target: Target, parents: Collection[str]
    ) -> Mapping[str, frozenset[str]]:
        return fetch_holders(self._client, parents)

    def count_profiles(self, target: Target) -> int:
        return self._client.count(soql.profile_count())

    def _rows(self, query: str, count: int) -> tuple[Mapping[str, Any], ...]:
        rows = self._client.query(query)
        if len(rows) != count:
            message = f"{len(rows)} rows came in place of {count}"
            raise CannotSee(message, service="salesforce", method="GET", path="/query")
        return rows

    def prove_access(self, target: Target) -> None:
        user = self._tokens.token().user
        try:
            grant = self._tokens.fresh(PATIENCE_S)
            fresh = self._client.holding(grant)
            fresh.limits()
            fresh.query(soql.organization())
        except NotAllowed as error:
            raise LockedOut(
                f"this login gets in no more ({error.message}); {WAY_OUT}",
                service="salesforce",
                method=error.method,
                path=error.path,
                status=error.status,
                request_id=error.request_id,
            ) from None
        if grant.user != user:
            raise LockedOut(
                f"a new token is for another user ({grant.user}, was {user})", service="salesforce"
            )

    def holds(self, target: Target, listed: str, resource: str) -> bool:
        try:
            return self._holds(listed, resource)
        except (NotFound, CannotSee, ValueError):
            return False

    def _holds(self, listed: str, resource: str) -> bool:
        if listed == BYPASS:
            parent, _, permission = resource.partition("/")
            column = f"Permissions{convert.PERMISSIONS[permission]}"
            return self._client.record("PermissionSet", parent, [column]).get(column) is True
        if listed == APPS:
            self._client.record(convert.app_sobject(resource), resource, ["Id"])
            return True
        if listed == GRANTS:
            self._client.record("SetupEntityAccess", resource, ["Id"])
        return listed == GRANTS

    def has_instance(self, target: Target) -> bool:
        return False

    def create(
        self, target: Target, desired: Resource, *, order: int | None, duplicate: bool
    ) -> Resource:
        """A grant or a bypass; one that is there already counts as created."""
        if desired.key.list == BYPASS:
            return self._set_permission(desired, enabled=True)
        parent, app = str(desired.settings["parentId"]), str(desired.settings["appId"])
        self._grant(parent, app)
        found = self._grants_of(app).get(parent)
        if found is None:
            raise _not_taken("the grant is not there")
        return Resource(desired.key, desired.settings, {}, id=found)

    @property
    def max_records(self) -> int:
        return client_.MAX_RECORDS

    def create_many(
        self, target: Target, desired: Sequence[Resource]
    ) -> tuple[Resource | ProviderError, ...]:
        """Grants, in one call of sObject Collections (facts, section 4)."""
        wanted = [(str(one.settings["parentId"]), str(one.settings["appId"])) for one in desired]
        records = [{"ParentId": parent, "SetupEntityId": app} for parent, app in wanted]
        results = self._client.create_many("SetupEntityAccess", records, all_or_none=False)
        there = self._grants()
        return tuple(
            Resource(one.key, one.settings, {}, id=there[row])
            if row in there
            else _failed(result, "the grant is not there")
            for one, row, result in zip(desired, wanted, results, strict=True)
        )

    def delete_many(
        self, target: Target, live: Sequence[Resource]
    ) -> tuple[ProviderError | None, ...]:
        results = self._client.delete_many([one.id for one in live], all_or_none=False)
        there = set(self._grants().values())
        return tuple(
            _failed(result, "the grant is still there") if one.id in there else None
            for one, result in zip(live, results, strict=True)
        )

    def _grants(self) -> dict[tuple[str, str], str]:
        """Ids of all grants by permission set and app."""
        rows = self._client.query(soql.grants())
        return {(str(row["ParentId"]), str(row["SetupEntityId"])): str(row["Id"]) for row in rows}

    def _grant(self, parent: str, app: str) -> None:
        fields = {"ParentId": parent, "SetupEntityId": app}
        # Somebody may have been quicker, or the answer to an earlier call was lost.
        with suppress(Conflict):
            self._writer.when_free(lambda: self._client.create("SetupEntityAccess", fields))

    def _grants_of(self, app: str) -> dict[str, str]:
        """Ids of the grants of an app by the set that has it."""
        rows = self._client.query(soql.grants_of(app))
        return {str(row["ParentId"]): str(row["Id"]) for row in rows}

    def update(
        self, target: Target, live: Resource, desired: Resource, *, paths: frozenset[str]
    ) -> None:
        if live.key.list == SETTINGS:
            self._switch(target, live.key.type, on=bool(desired.canonical["enabled"]))
            return
        policy = {name: desired.canonical[name] for name in paths if name in desired.canonical}
        if live.key.group == CONNECTED_APP:
            self._change_connected(target, live, policy)
        else:
            self._change_external(target, live, policy)

    def _switch(self, target: Target, name: str, *, on: bool) -> None:
        kind, element = convert.SETTINGS_TYPE, convert.ELEMENTS[name]

        def is_set() -> bool:
            look = partial(self._component, kind, convert.SETTINGS_NAME)
            return self._read_back(target, look).flag(element) is on

        self._save(convert.switch_component(name, on=on), is_set)
        if not is_set():
            raise _not_taken(f"{element} is as before")

    def _change_connected(self, target: Target, live: Resource, policy: Mapping[str, Any]) -> None:
        """Reads, changes and sends the whole component; grants that it lost come back at once."""
        kind, name = convert.CONNECTED_TYPE, str(live.settings["fullName"])
        before = self._grants_of(live.id)
        left = partial(self._left, target, kind, name, convert.policy_of_connected, policy)
        made = convert.connected_component(self._component(kind, name), policy)
        self._save(made, lambda: not left())
        # Whether lists that are left out are kept is not known (facts, section 5.2).
        now = self._read_back(target, lambda: self._grants_of(live.id))
        for parent in before.keys() - now.keys():
            self._grant(parent, live.id)
        _check_taken(left())

    def _change_external(self, target: Target, live: Resource, policy: Mapping[str, Any]) -> None:
        kind, name = convert.POLICY_TYPE, str(live.settings["fullName"])
        left = partial(self._left, target, kind, name, convert.policy_of_external, policy)
        made = convert.external_component(self._component(kind, name), policy)
        self._save(made, lambda: not left())
        _check_taken(left())

    def _left(
        self,
        target: Target,
        kind: str,
        name: str,
        policy_of: Callable[[Node], Mapping[str, Any]],
        policy: Mapping[str, Any],
    ) -> list[str]:
        """The fields of a component's policy that are not as they should be."""
        held = policy_of(self._read_back(target, partial(self._component, kind, name)))
        return sorted(field for field, value in policy.items() if held.get(field) != value)

    def _read_back(self, target: Target, look: Callable[[], Made]) -> Made:
        """What a write may have ended is this very session: then a new one looks, or it is told
        that none is let in."""
        try:
            return look()
        except NotAllowed:
            self.prove_access(target)
        return look()

    def _component(self, kind: str, name: str) -> Node:
        try:
            (found,) = self._client.read_metadata(kind, [name])
        except ProviderError as error:
            if not is_by_file(kind, error):
                raise
            found = self._files.read(kind, name)
        if found is None:
            raise NotFound(f"there is no {kind} {name} any more", service="salesforce")
        return found

    def _save(self, component: Node, is_there: Callable[[], bool]) -> None:
        def send() -> None:
            try:
                (result,) = self._client.update_metadata([component])
                _check_saved(result)
            except ProviderError as error:
                if not is_by_file(str(component.type), error):
                    raise
                self._files.save(component)

        self._writer.write(send, is_there)

    def delete(self, target: Target, live: Resource) -> None:
        if live.key.list == BYPASS:
            self._set_permission(live, enabled=False)
            return
        app = str(live.settings["appId"])

        def send() -> None:
            with suppress(NotFound):
                self._client.delete("SetupEntityAccess", live.id)

        def is_gone() -> bool:
            return live.id not in self._grants_of(app).values()

        self._writer.write(send, is_gone)
        if not is_gone():
            raise _not_taken("the grant is still there")

    def _set_permission(self, bypass: Resource, *, enabled: bool) -> Resource:
        """Gives a permission to a permission set or profile, or takes it away."""
        permission, parent = convert.PERMISSIONS[bypass.key.type], str(bypass.settings["parentId"])

        def is_set() -> bool:
            rows = self._client.query(soql.permission_givers(permission))
            return (parent in {str(row["Id"]) for row in rows}) is enabled

        if bypass.key.group == PROFILE:
            self._save(self._profile(bypass.key.name, permission, enabled=enabled), is_set)
        else:
            column = {f"Permissions{permission}": enabled}
            send = partial(self._client.update, "PermissionSet", parent, column)
            self._writer.write(send, is_set)
        if not is_set():
            raise _not_taken(f"{permission} is as it was")
        return Resource(bypass.key, bypass.settings, {}, id=f"{parent}/{bypass.key.type}")

    def _profile(self, name: str, permission: str, *, enabled: bool) -> Node:
        """What changes one permission of a profile; its name there is not the one that Setup
        shows (facts, section 14)."""
        queries = soql.holders([], [name])
        rows = [row for query in queries for row in self._client.query(query)]
        ids = {str(row.get("ProfileId")) for row in rows}
        for one in self._client.list_metadata(["Profile"]):
            if one.id in ids:
                given = Node(
                    "userPermissions",
                    children=(leaf("enabled", enabled), leaf("name", permission)),
                )
                children = (leaf("fullName", one.full_name), given)
                return Node("metadata", children=children, type="Profile")
        raise CannotSee(f"the profile {name!r} is no component", service="salesforce")

    def rehearse(self, target: Target, steps: Sequence[Step]) -> tuple[str, ...]:
        """By a deployment that only checks (facts, section 5.3); of what files can hold."""
        whole: dict[tuple[str, str], Node] = {}
        for step in filter(_is_by_file, steps):
            made = self._rehearsed(step, whole)
            whole[str(made.type), str(made.value("fullName"))] = made
        return self._files.check(tuple(whole.values())) if whole else ()

    def _rehearsed(self, step: Step, before: Mapping[tuple[str, str], Node]) -> Node:
        """The component after a step; before: those that earlier steps left. Both switches are in
        one."""
        live, desired = step.live, step.desired
        assert live is not None and desired is not None
        if desired.key.list == SETTINGS:
            place = (convert.SETTINGS_TYPE, convert.SETTINGS_NAME)
            held = before.get(place) or self._component(*place)
            element = convert.ELEMENTS[desired.key.type]
            made = held.set(element, bool(desired.canonical["enabled"]))
            return Node("metadata", children=made.children, type=convert.SETTINGS_TYPE)
        policy = {one.path: one.desired for one in step.change.fields}
        held = self._component(convert.CONNECTED_TYPE, str(live.settings["fullName"]))
        return convert.connected_component(held, policy)

    def reorder(self, target: Target, ids: tuple[str, ...]) -> None:
        raise ProviderError("nothing here has an order", service="salesforce")


def _is_by_file(step: Step) -> bool:
    """Whether a step changes a component that is a file of its own."""
    if step.live is None or step.desired is None:
        return False
    key = step.desired.key
    return key.list == SETTINGS or (key.list == APPS and key.group == CONNECTED_APP)


def _check_saved(result: ItemResult) -> None:
    if not result.is_success:
        raise _failed(result, "")


def _failed(result: ItemResult, what: str) -> ProviderError:
    """Why an item of many is not as it should be."""
    if result.is_success:
        return _not_taken(what)
    reasons = "; ".join(map(str, result.errors))
    kind = kind_of(result.errors[0].code)
    return kind(f"not saved: {reasons}", service="salesforce", code=result.errors[0].code)


def _check_taken(left: Sequence[str]) -> None:
    if left:
        raise _not_taken(f"{', '.join(left)} as before")


def _not_taken(what: str) -> BadAnswer:
    return BadAnswer(f"the org took the call and not the change: {what}", service="salesforce")
