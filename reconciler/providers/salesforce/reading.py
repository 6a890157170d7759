"""Everything that an org holds of API Access Control, in as few calls as it takes.

An ordinary org takes twelve at most, plus pages (facts, section 10): of the apps' components only
those are read that the files name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from reconciler.core.access import (
    APPROVE_UNINSTALLED,
    EXTERNAL_CLIENT_APP,
    NARROW,
    OTHER_APP,
    PERMISSION_SET,
    PROFILE,
    USE_ANY_API_CLIENT,
    DesiredAccess,
    Holder,
    LiveAccess,
    holder_of,
)
from reconciler.core.model import ACCESS_LISTS, APPS, BYPASS, GRANTS, Resource, Target
from reconciler.errors import BadAnswer, CannotSee
from reconciler.providers.salesforce import convert, soql
from reconciler.providers.salesforce.client import Client
from reconciler.providers.salesforce.convert import Row, Sets
from reconciler.providers.salesforce.files import Files, is_by_file
from reconciler.providers.salesforce.nodes import Node


@dataclass(slots=True)
class Reader:
    """Reads an org once. user: id of the login's own. client_id: the consumer key of its app.
    warnings: what could not be seen and is no matter for the rest."""

    client: Client
    files: Files
    user: str
    client_id: str
    desired: DesiredAccess
    warnings: list[str] = field(default_factory=list)
    _sets: Sets = field(default_factory=Sets)
    _unread: set[str] = field(default_factory=set)
    _sees_external: bool = True

    def read(self, target: Target) -> LiveAccess:
        """The whole of it. Raises CannotSee where rights are missing for any part that matters."""
        switches = tuple(convert.switches(self._settings()))
        apps, own_app = self._apps()
        names = {one.id: one.key.type for one in apps}
        grants = tuple(convert.grants(self.client.query(soql.grants()), names, self._sets))
        bypasses = tuple(self._holders(is_activated=bool(switches)))
        held = self._held()
        identity = convert.identity(held, self.user, own_app)
        rescuers = self._rescuers(identity.username, is_activated=bool(switches))
        sessions = convert.session_based(held)
        parents = {
            holder: replace(parent, is_session_based=True) if parent.id in sessions else parent
            for holder, parent in self._sets.parents.items()
        }
        return LiveAccess(
            target,
            tuple(sorted((*switches, *apps, *grants, *bypasses), key=_place)),
            frozenset(ACCESS_LISTS),
            warnings=tuple(self.warnings),
            identity=identity,
            is_activated=bool(switches),
            parents=parents,
            assignments=tuple(convert.assignments(held)),
            rescuers=rescuers,
            sees_external=self._sees_external,
            unread=frozenset(self._unread),
        )

    def _held(self) -> tuple[Row, ...]:
        """What the login's own user holds; of a group the members (facts, section 14)."""
        rows = self.client.query(soql.assignments_of(self.user))
        queries = soql.members_of(convert.groups(rows))
        members = [row for query in queries for row in self.client.query(query)]
        return convert.with_members(rows, members)

    def _settings(self) -> Node:
        kind, name = convert.SETTINGS_TYPE, convert.SETTINGS_NAME
        try:
            (found,) = self.client.read_metadata(kind, [name])
        except CannotSee as error:
            if not is_by_file(kind, error):
                raise
            found = self.files.read(kind, name)
        if found is None:
            raise CannotSee(
                "the settings of connected apps cannot be seen; give the login's user Modify "
                "Metadata Through Metadata API Functions and Customize Application",
                service="salesforce",
            )
        return found

    def _apps(self) -> tuple[tuple[Resource, ...], str]:
        """All apps, and the name of the one that this login goes through."""
        rows = self.client.query(soql.connected_apps())
        components = self._components([str(row.get("Name")) for row in rows])
        connected = [convert.connected_app(row, components.get(str(row["Name"]))) for row in rows]
        external, keys = self._external()
        keys |= {label: convert.consumer_key(node) for label, node in components.items()}
        through = [label for label, key in keys.items() if key == self.client_id]
        return (*connected, *external), through[0] if through else self._unseen_app(keys)

    def _unseen_app(self, keys: dict[str, str]) -> str:
        """The app of the login where no key that was read is its: empty if one is hidden."""
        own = keys.get(self.desired.self_app)
        return OTHER_APP if own else ""

    def _components(self, labels: Collection[str]) -> dict[str, Node]:
        """The components of the apps that matter, by label: two of one label are none."""
        wanted = {one.key.type for one in self.desired.of(APPS)} & set(labels)
        if self.desired.unlisted == NARROW:
            wanted |= set(labels)
        if not wanted:
            return {}
        listed = [one.full_name for one in self.client.list_metadata([convert.CONNECTED_TYPE])]
        likely = [name for label in wanted for name in convert.likely_names(listed, label)]
        found = self._read(sorted(set(likely)))
        if wanted - found.keys():
            # A full name says nothing for sure of the label that Setup shows.
            found |= self._read([name for name in listed if name not in likely])
        return {label: found[label] for label in wanted if label in found}

    def _read(self, names: Sequence[str]) -> dict[str, Node]:
        found = self.client.read_metadata(convert.CONNECTED_TYPE, names) if names else ()
        nodes = [node for node in found if node is not None]
        labels = [convert.label_of(node) for node in nodes]
        return {
            label: node
            for label, node in zip(labels, nodes, strict=True)
            if labels.count(label) < 2
        }

    def _external(self) -> tuple[list[Resource], dict[str, str]]:
        """External client apps, and the consumer keys of those that matter, by name."""
        declared = {
            one.key.type for one in self.desired.of(APPS) if one.key.group == EXTERNAL_CLIENT_APP
        }
        try:
            rows = self.client.query(soql.external_apps())
            policies = self.client.query(soql.external_app_policies()) if rows else ()
        except CannotSee:
            self._sees_external = False
            if not declared:
                self.warnings.append(
                    "external client apps cannot be seen, or the org has none: nothing is said of "
                    "them"
                )
            return [], {}
        components = self._policies(declared) if rows and self._wants_policies(declared) else {}
        by_app = {str(row.get("ExternalClientApplicationId")): row for row in policies}
        made = [
            convert.external_app(
                row, by_app.get(str(row["Id"])), components.get(str(row.get("DeveloperName")))
            )
            for row in rows
        ]
        return made, self._external_keys(rows, declared)

    def _wants_policies(self, declared: Collection[str]) -> bool:
        return bool(declared) or self.desired.unlisted == NARROW

    def _policies(self, declared: Collection[str]) -> dict[str, Node]:
        """Components of policies by the developer name of their app; their own names tell nothing
        (facts, section 7)."""
        listed = [one.full_name for one in self.client.list_metadata([convert.POLICY_TYPE])]
        found = self.client.read_metadata(convert.POLICY_TYPE, listed) if listed else ()
        return {node.value("externalClientApplication") or "": node for node in found if node}

    def _external_keys(self, rows: Iterable[Row], declared: Collection[str]) -> dict[str, str]:
        """The consumer key of this tool's own app where that is an external client app."""
        own = self.desired.self_app
        developer = [str(row["DeveloperName"]) for row in rows if row.get("MasterLabel") == own]
        if own not in declared or not developer:
            return {}
        try:
            listed = [one.full_name for one in self.client.list_metadata([convert.GLOBAL_TYPE])]
            found = self.client.read_metadata(convert.GLOBAL_TYPE, listed) if listed else ()
        except (CannotSee, BadAnswer):
            return {own: ""}
        keys = {
            node.value("externalClientApplication"): node.value("consumerKey") or ""
            for node in found
            if node
        }
        return {own: keys.get(developer[0], "")}

    def _holders(self, *, is_activated: bool) -> Iterable[Resource]:
        """Looks up the holders that the files name, and gives who gets around it all. Where the
        feature is not activated nobody may use any API client (facts, section 0)."""
        named = {holder_of(one) for listed in (GRANTS, BYPASS) for one in self.desired.of(listed)}
        found = self._named(named, USE_ANY_API_CLIENT if is_activated else "")
        convert.holders(found, self._sets)
        if is_activated:
            givers = [row for row in found if convert.gives(row, USE_ANY_API_CLIENT)]
            yield from convert.bypasses(givers, USE_ANY_API_CLIENT, self._sets)
        if APPROVE_UNINSTALLED in self.desired.bypassed:
            yield from self._approvers()

    def _named(self, named: Collection[Holder], permission: str) -> list[Row]:
        sets = {name.rpartition("__")[2] for name in _names(named, PERMISSION_SET)}
        profiles, column = _names(named, PROFILE), convert.PERMISSIONS.get(permission, "")
        try:
            queries = soql.holders(sorted(sets), profiles, column)
            return [row for query in queries for row in self.client.query(query)]
        except CannotSee as error:
            if not column or error.code != "INVALID_FIELD":
                raise
            self._unread.add(permission)
            return self._named(named, "")

    def _approvers(self) -> Iterable[Resource]:
        try:
            query = soql.permission_givers(convert.PERMISSIONS[APPROVE_UNINSTALLED])
            rows = self.client.query(query)
        except CannotSee:
            self._unread.add(APPROVE_UNINSTALLED)
            return ()
        return tuple(convert.bypasses(rows, APPROVE_UNINSTALLED, self._sets))

    def _rescuers(self, own: str, *, is_activated: bool) -> tuple[str, ...] | None:
        """Who else may use any API client; None where that cannot be seen."""
        if not is_activated:
            return ()
        try:
            query = soql.permission_holders(convert.PERMISSIONS[USE_ANY_API_CLIENT])
            rows = self.client.query(query)
        except CannotSee:
            return None
        names = convert.usernames(rows)
        return tuple(name for name in names if name.lower() != own.lower())


def _names(holders: Iterable[Holder], kind: str) -> list[str]:
    return sorted(holder.name for holder in holders if holder.kind == kind)


def _place(resource: Resource) -> tuple[int, str, str]:
    return ACCESS_LISTS.index(resource.key.list), resource.key.segment, resource.id
