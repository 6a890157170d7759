"""The protocol of `providers.base`, for one login to one control plane."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from reconciler.core.catalogue import Catalogue, PolicyType
from reconciler.core.model import (
    AUTOMATED,
    LISTS,
    OUTBOUND,
    POLICIES,
    TIERS,
    Instance,
    LiveUnit,
    Resource,
    Target,
)
from reconciler.core.upstreams import Upstreams
from reconciler.errors import BadAnswer, Conflict, NotFound, OutOfTime, ProviderError
from reconciler.providers.anypoint import bodies, convert, templates
from reconciler.providers.anypoint.auth import Credentials, TokenSource
from reconciler.providers.anypoint.client import READS, Client
from reconciler.providers.base import LiveEnvironment, LiveOrganization, OfferedPolicy
from reconciler.transport import Bounds, Transport, check_host

_MOST_ALIKE = 4096
"""Policies of different content that are kept for those that say the same."""


def connect(
    base_url: str,
    credentials: Credentials,
    catalogue: Catalogue,
    *,
    allow_hosts: Sequence[str] = (),
    bounds: Bounds | None = None,
    read_only: bool = False,
    secrets: frozenset[str] = frozenset(),
) -> AnypointProvider:
    """A provider for one login to one host; nothing is sent yet. Refusal for a foreign host.

    secrets: texts that are secret in whichever live field they stand.
    """
    host = check_host(base_url, allow_hosts)
    transport = Transport(host, bounds=bounds, read_only=read_only, reads=READS)
    client = Client(transport, TokenSource(transport, credentials))
    return AnypointProvider(client, catalogue, secrets)


class AnypointProvider:
    """See `providers.base.Provider`. Remembers the caller, the tree of organizations, and the
    upstreams of the APIs that it read: files name an upstream by label, writes need its id."""

    def __init__(
        self, client: Client, catalogue: Catalogue, secrets: frozenset[str] = frozenset()
    ) -> None:
        self._client = client
        self._secrets = secrets
        self._catalogue = catalogue
        self._lock = threading.Lock()
        self._me: Mapping[str, str] | None = None
        self._tree: tuple[LiveOrganization, ...] | None = None
        self._upstreams: dict[Target, Upstreams] = {}
        self._alike: dict[str, Resource] = {}

    @property
    def host(self) -> str:
        return self._client.host

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def budget(self) -> Mapping[str, str]:
        return self._client.budget

    def caller(self) -> Mapping[str, Any]:
        with self._lock:
            return self._caller()

    def organizations(self) -> tuple[LiveOrganization, ...]:
        with self._lock:
            if self._tree is None:
                tree = self._client.hierarchy(self._caller()["organization"])
                self._tree = convert.organizations_from(tree)
            return self._tree

    def environments(self, organization: str) -> tuple[LiveEnvironment, ...]:
        natives = self._client.environments(organization)
        by_id = {each.id: each for each in map(convert.environment_from, natives)}
        return tuple(by_id.values())

    def instances(self, organization: str, environment: str) -> tuple[Instance, ...]:
        where = Target(self.host, organization, environment)
        listed = self._client.assets(where, lambda asset: tuple(convert.instances_from(asset)))
        by_id = {each.id: each for of_asset in listed for each in of_asset}
        return tuple(by_id[number] for number in sorted(by_id))

    def fetch(self, target: Target, lists: frozenset[str], technology: str) -> LiveUnit:
        found: list[Resource] = []
        upstreams: Upstreams = {}
        hidden: frozenset[str] = frozenset()
        with _reading(target):
            if lists & {POLICIES, OUTBOUND}:
                upstreams = self._read_upstreams(target) if OUTBOUND in lists else {}
                policies, hidden = self._policies(target, lists, upstreams)
                found += policies
            if TIERS in lists:
                found += map(self._concealed, map(convert.tier_from, self._client.tiers(target)))
            if AUTOMATED in lists:
                natives = self._client.automated_policies(target)
                listed = convert.automated_list(natives, self._catalogue)
                found += map(self._concealed, listed)
        resources = tuple(sorted(found, key=_place))
        return LiveUnit(target, resources, lists, upstreams, hides_disabled=hidden)

    def holds(self, target: Target, listed: str, resource: str) -> bool:
        if listed == TIERS:
            return False  # the list says how many there are, and was held against that
        read = self._client.automated_policy if listed == AUTOMATED else self._client.policy
        try:
            read(target, resource)
        except NotFound:
            return False
        return True

    def has_instance(self, target: Target) -> bool:
        try:
            self._client.instance(target)
        except NotFound:
            return False
        return True

    def create(
        self, target: Target, desired: Resource, *, order: int | None, duplicate: bool
    ) -> Resource:
        if desired.key.list == TIERS:
            return self._create_tier(target, desired)
        if desired.key.list == AUTOMATED:
            return self._create_automated(target, desired)
        if desired.key.list == OUTBOUND:
            return self._create_outbound(target, desired, duplicate=duplicate)
        answer = self._client.create_policy(
            target,
            bodies.create_policy_body(target, desired, order),
            duplicate=duplicate,
            hide=_hidden(desired),
        )
        made = convert.policy_from(_created(answer, "policies", desired), self._catalogue, {})
        return _with_secrets_of(desired, made)

    def update(
        self, target: Target, live: Resource, desired: Resource, *, paths: frozenset[str]
    ) -> None:
        hide = _hidden(desired)
        if desired.key.list == TIERS:
            self._client.update_tier(target, live.id, bodies.update_tier_body(desired))
        elif desired.key.list == AUTOMATED:
            body = bodies.update_automated_body(target, live, desired)
            self._client.update_automated_policy(target, live.id, body, hide=hide)
        else:
            upstreams = self._known_upstreams(target) if desired.key.list == OUTBOUND else {}
            body = bodies.update_policy_body(live, desired, upstreams, paths)
            if body:
                self._client.update_policy(target, live.id, body, hide=hide)

    def delete(self, target: Target, live: Resource) -> None:
        send: Callable[[Target, str], None] = {
            TIERS: self._client.delete_tier,
            AUTOMATED: self._client.delete_automated_policy,
        }.get(live.key.list, self._client.delete_policy)
        try:
            send(target, live.id)
        except NotFound:
            return

    def reorder(self, target: Target, ids: tuple[str, ...]) -> None:
        """Numbers the policies from 1; `ids` are all of the API that the service orders."""
        orders = [{"id": int(each), "order": place} for place, each in enumerate(ids, 1)]
        self._client.order_policies(target, orders)

    def offered(
        self, organization: str, *, newest: bool = False, injection: str = ""
    ) -> tuple[OfferedPolicy, ...]:
        natives = self._client.templates(organization, newest=newest, injection=injection)
        return templates.offered_from(natives)

    def policy_type(self, organization: str, group: str, name: str, version: str) -> PolicyType:
        native = self._client.template(organization, group, name, version)
        asked = {"groupId": group, "assetId": name, "version": version}
        return templates.type_from({**native, **asked})

    def _caller(self) -> Mapping[str, str]:
        if self._me is None:
            self._me = convert.caller_from(self._client.me())
        return self._me

    def _policies(
        self, target: Target, lists: frozenset[str], upstreams: Upstreams
    ) -> tuple[list[Resource], frozenset[str]]:
        """The policies of the lists asked for, and the lists that may hide disabled ones.

        Whether the plain list has outbound policies is not known (facts, 6.1), so for those the
        full one is read too; that one leaves out what is disabled."""
        entries = convert.policy_entries(self._client.policies(target, full=False))
        full: list[convert.Native] = []
        if OUTBOUND in lists:
            full = convert.policy_entries(self._client.policies(target, full=True))
        merged = convert.merged_entries(entries, full)
        made = [self._policy(each, upstreams) for each in merged]
        plain = made[: len(entries)]
        is_hiding = OUTBOUND in lists and all(each.key.list != OUTBOUND for each in plain)
        hidden = frozenset((OUTBOUND,)) if is_hiding else frozenset[str]()
        return [each for each in made if each.key.list in lists], hidden

    def _policy(self, native: convert.Native, upstreams: Upstreams) -> Resource:
        """A listed policy; of those that say the same, which are most of a large estate, one is
        converted, and the others share what came of it."""
        if native.get("upstreamIds"):
            return self._concealed(convert.policy_from(native, self._catalogue, upstreams))
        said = convert.content_of(native)
        known = self._alike.get(said)
        if known is None:
            known = self._concealed(convert.policy_from(native, self._catalogue, upstreams))
            if len(self._alike) < _MOST_ALIKE:
                self._alike[said] = known
            return known
        return known.found_as(convert.policy_id(native), convert.order_of(native))

    def _concealed(self, resource: Resource) -> Resource:
        return convert.conceal(resource, self._secrets)

    def _read_upstreams(self, target: Target) -> Upstreams:
        found = convert.upstreams_from(self._client.upstreams(target))
        with self._lock:
            self._upstreams[target] = found
        return found

    def _known_upstreams(self, target: Target) -> Upstreams:
        with self._lock:
            found = self._upstreams.get(target)
        return self._read_upstreams(target) if found is None else found

    def _create_outbound(self, target: Target, desired: Resource, *, duplicate: bool) -> Resource:
        """A create, and where it is to be disabled updates: the create cannot say it, and may
        make a policy for each upstream."""
        upstreams = self._known_upstreams(target)
        hide = _hidden(desired)
        body = bodies.create_outbound_body(target, desired, upstreams)
        try:
            answer = self._client.create_outbound_policy(
                target, body, duplicate=duplicate, hide=hide
            )
        except Conflict as error:
            raise _unlisted(error) from None
        native = _created(answer, "policies", desired)
        if desired.settings.get("disabled"):
            disabled = {"disabled": True}
            try:
                for each in answer if isinstance(answer, list) else [native]:
                    self._client.update_policy(target, convert.policy_id(each), disabled, hide=hide)
            except OutOfTime as error:
                # That one was not sent; the create was.
                raise ProviderError(f"created, but not switched off: {error.message}") from None
            native = {**native, **disabled}
        return _with_secrets_of(desired, convert.policy_from(native, self._catalogue, upstreams))

    def _create_tier(self, target: Target, desired: Resource) -> Resource:
        answer = self._client.create_tier(target, bodies.create_tier_body(target, desired))
        return convert.tier_from(_created(answer, "tiers", desired))

    def _create_automated(self, target: Target, desired: Resource) -> Resource:
        body = bodies.create_automated_body(target, desired)
        answer = self._client.create_automated_policy(target, body, hide=_hidden(desired))
        native = _created(answer, "automatedPolicies", desired)
        return _with_secrets_of(desired, convert.automated_from(native, self._catalogue))


def _place(resource: Resource) -> tuple[int, bool, int, str, int]:
    """Sorts by list, then order (what the service does not order runs first), name and id."""
    return (
        LISTS.index(resource.key.list),
        resource.order is not None,
        resource.order or 0,
        resource.key.name if resource.key.list == TIERS else "",
        int(resource.id),
    )


def _created(answer: Any, items: str, desired: Resource) -> convert.Native:
    """The created thing: alone, or in a list of one per upstream, or in the list's own shape."""
    if isinstance(answer, Mapping) and isinstance(answer.get(items), list):
        answer = answer[items]
    if isinstance(answer, list) and answer:
        named = [each for each in answer if _name(each) == desired.key.name]
        answer = (named or answer)[0]
    if not isinstance(answer, Mapping):
        raise BadAnswer(f"{desired.key.segment} was sent, and the answer does not say what became")
    return answer


def _unlisted(error: Conflict) -> Conflict:
    """The service has an outbound policy that it lists nowhere: what to do about it."""
    return error.saying(
        "the service says that it is there already, and lists it in none of its lists, as it may "
        f"do with what is switched off: switch it on or delete it in the console ({error.message})"
    )


def _name(native: Any) -> str:
    found = native.get("label", native.get("name")) if isinstance(native, Mapping) else None
    return found if isinstance(found, str) else ""


def _with_secrets_of(desired: Resource, made: Resource) -> Resource:
    """The answer to a create echoes what was sent: what was secret there is secret here."""
    patterns = desired.secrets | made.secrets
    return Resource(
        made.key,
        convert.hide_secrets(made.settings, patterns),
        convert.hide_secrets(made.canonical, patterns),
        patterns,
        desired.write_only | made.write_only,
        made.id,
        made.order,
    )


def _hidden(desired: Resource) -> tuple[str, ...]:
    return tuple(bodies.secret_texts(desired.settings))


@contextmanager
def _reading(target: Target) -> Iterator[None]:
    """Says of which API an answer is broken."""
    try:
        yield
    except BadAnswer as error:
        if error.method or not target.api:
            raise
        raise type(error)(f"API {target.api}: {error.message}") from None
