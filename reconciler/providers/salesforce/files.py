"""Components by file: the older route, for an org that does not take them one by one.

Retrieve and deploy are begun and then asked after (facts, section 5.3). A deployment that only
checks says what the org thinks of a change, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from reconciler.errors import BadAnswer, ProviderError
from reconciler.providers.salesforce.archive import (
    BadArchive,
    component_from,
    document,
    manifest,
    packed,
    unpacked,
)
from reconciler.providers.salesforce.client import Client
from reconciler.providers.salesforce.nodes import BadXml, Node
from reconciler.providers.salesforce.results import Deployment
from reconciler.providers.salesforce.soap import Retrieval
from reconciler.transport import Bounds

_POLL_S = 1.0
_PATIENCE_S = 600.0

State = TypeVar("State", Retrieval, Deployment)


class _Route(NamedTuple):
    """type: as a manifest names it; where a file of it is in an archive."""

    type: str
    folder: str
    suffix: str

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}.{self.suffix}"


_ROUTES: Mapping[str, _Route] = {
    "ConnectedAppSettings": _Route("Settings", "settings", "settings"),
    "ConnectedApp": _Route("ConnectedApp", "connectedApps", "connectedApp"),
}


def is_by_file(kind: str, error: ProviderError) -> bool:
    """Whether an org that refused a call for this type may take it as a file."""
    return kind in _ROUTES and error.code == "INVALID_TYPE"


@dataclass(frozen=True, slots=True)
class Files:
    """Reads and writes components as files; used by several threads."""

    client: Client
    bounds: Bounds
    version: str

    def read(self, kind: str, name: str) -> Node | None:
        """The component, or None where there is none that can be seen."""
        route = _ROUTES[kind]
        id = self.client.retrieve(route.type, [name])
        state = self._wait(lambda: self.client.retrieval(id))
        if not state.is_success or state.archive is None:
            message = f"not retrieved: {state.message or state.status}"
            raise ProviderError(message, service="salesforce")
        try:
            for path, content in unpacked(state.archive).items():
                if path.endswith(route.path(name)):
                    return component_from(content, kind, name)
        except (BadArchive, BadXml) as error:
            message = f"a file that was retrieved cannot be read: {error}"
            raise BadAnswer(message, service="salesforce") from None
        return None

    def save(self, component: Node) -> None:
        """Deploys a component, with what the org holds of it besides; raises ProviderError with
        every problem that the org has with it."""
        kind, name = str(component.type), str(component.value("fullName"))
        held = self.read(kind, name)
        whole = component
        if held is not None and kind == "ConnectedAppSettings":
            whole = Node("metadata", children=held.children, type=kind)
            for child in component.children:
                whole = whole.put(child.name, child)
        if problems := self._deploy([whole], check_only=False):
            message = f"not deployed: {'; '.join(problems)}"
            raise ProviderError(message, service="salesforce")

    def check(self, components: Sequence[Node]) -> tuple[str, ...]:
        """What the org would have against these components, all together; changes nothing."""
        return self._deploy(components, check_only=True)

    def _deploy(self, components: Sequence[Node], *, check_only: bool) -> tuple[str, ...]:
        files: dict[str, bytes] = {}
        members: dict[str, list[str]] = {}
        for one in components:
            route, name = _ROUTES[str(one.type)], str(one.value("fullName"))
            files[route.path(name)] = document(one)
            members.setdefault(route.type, []).append(name)
        archive = packed(files, manifest(members, self.version))
        began = self.client.deploy(archive, check_only=check_only)
        state = self._wait(lambda: self.client.deployment(began.id))
        if state.is_success:
            return ()
        return state.problems or (f"the deployment ended as {state.status}, and says no more",)

    def _wait(self, ask: Callable[[], State]) -> State:
        timing = self.bounds.timing
        until = timing.clock() + _PATIENCE_S
        while not (state := ask()).is_done:
            if timing.clock() > until or self.bounds.deadline.left_s() < _POLL_S:
                message = f"the org is not done with it yet ({state.status})"
                raise ProviderError(message, service="salesforce")
            timing.sleep(_POLL_S)
        return state
