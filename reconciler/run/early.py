"""Reads that are begun while the files are still being read.

Of a large estate the files take seconds to read and the platform takes seconds to answer: as soon
as the heads of the folders say where to look, the APIs are listed, and of each API whose document
has been read the policies are asked for. What came is taken by the run that follows, which decides
on it as if it had asked itself; what failed, or was not begun, it asks for again. Nothing is asked
for that the run would not ask for, unless the files turn out to be wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

from reconciler.core.model import POLICIES, Instance, LiveUnit, Target
from reconciler.core.project import ApiDocument, Environment, Organization
from reconciler.errors import ReconcilerError
from reconciler.files.match import Match, candidates, matches_filter
from reconciler.files.platforms import SALESFORCE
from reconciler.providers.base import LiveEnvironment, Provider
from reconciler.run.context import Scope
from reconciler.run.locate import find

_POLICIES = frozenset((POLICIES,))


@dataclass(slots=True)
class _Listed:
    """The APIs of an environment, by asset and by id, and where they live."""

    provider: Provider
    place: Target
    instances: tuple[Instance, ...]
    by_asset: dict[str, list[Instance]] = field(default_factory=lambda: defaultdict(list))
    by_id: dict[int, Instance] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for instance in self.instances:
            self.by_asset[instance.asset].append(instance)
            self.by_id[instance.id] = instance


class Early:
    """What has been asked for before it is needed. Used by threads.

    Its own threads are not waited for at the end: where the files are wrong, nobody wants what a
    slow service may say.
    """

    def __init__(
        self, connect: Callable[[Organization], Provider], scope: Scope, parallelism: int
    ) -> None:
        self._connect = connect
        self._scope = scope
        self._lock = Lock()
        self._listing = Lock()
        self._is_over = False
        self._heads = 0
        self._all_listed = Event()
        self._all_listed.set()
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._seen: dict[str, tuple[LiveEnvironment, ...]] = {}
        self._environments: dict[str, tuple[LiveEnvironment, ...]] = {}
        self._listed: dict[tuple[str, str], _Listed] = {}
        self._waiting: dict[tuple[str, str], list[ApiDocument]] = defaultdict(list)
        self._instances: dict[tuple[str, str], tuple[Instance, ...]] = {}
        self._units: dict[Target, Future[LiveUnit]] = {}
        self._unstarted = max(parallelism, 1)

    def head(self, organization: Organization) -> None:
        """An organization and its environments, without their documents."""
        is_asked = self._scope.has_organization(organization.folder)
        if organization.platform != SALESFORCE and is_asked:
            with self._lock:
                self._heads += 1
                self._all_listed.clear()
            self._work.put(partial(self._list, organization))
            self._start()

    def api(self, folders: Sequence[str], document: ApiDocument) -> None:
        """A document has been read; its policies are asked for once its API is known."""
        place = (folders[0], folders[1])
        with self._lock:
            listed = self._listed.get(place)
            if listed is None:
                self._waiting[place].append(document)
                return
        self._ask(listed, document)

    def environments(self, organization: str) -> tuple[LiveEnvironment, ...] | None:
        """The environments of an organization, by its id, if they came; only once."""
        self._all_listed.wait()
        return self._environments.pop(organization, None)

    def instances(self, organization: str, environment: str) -> tuple[Instance, ...] | None:
        """The APIs of an environment, by the ids of both, if they came; only once."""
        self._all_listed.wait()
        with self._lock:  # all documents have been told of: what was for them is not needed
            self._listed.clear()
            self._waiting.clear()
        return self._instances.pop((organization, environment), None)

    def unit(self, target: Target, lists: frozenset[str]) -> LiveUnit | None:
        """The unit, if it came or is about to; only once."""
        with self._lock:
            coming = self._units.pop(target, None)
        if coming is None or coming.cancel() or lists != _POLICIES:
            return None
        try:
            return coming.result()
        except ReconcilerError:
            return None

    def stop(self) -> None:
        """Begins nothing more."""
        self._is_over = True
        self._all_listed.set()

    def _start(self) -> None:
        """Not before there is something to do: to fork is safe only without threads."""
        while self._unstarted:
            self._unstarted -= 1
            Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while not self._is_over:
            self._work.get()()

    def _list(self, organization: Organization) -> None:
        try:
            self._list_organization(organization)
        except ReconcilerError:
            pass  # the run asks again, and says what is wrong
        finally:
            with self._lock:
                self._heads -= 1
                if not self._heads:
                    self._all_listed.set()

    def _list_organization(self, organization: Organization) -> None:
        with self._listing:
            provider = self._connect(organization)
            found = provider.organizations()
            live = find("organization", organization.organization, found, organization.source)
            environments = self._seen.get(live.id)
            if environments is None:
                environments = self._seen[live.id] = tuple(provider.environments(live.id))
                self._environments[live.id] = environments
        for environment in organization.environments:
            if self._scope.has_environment(environment.folder):
                name, source = environment.environment, environment.source
                inner = find("environment", name, environments, source)
                place = Target(provider.host, live.id, inner.id)
                self._list_environment(organization, environment, provider, place)

    def _list_environment(
        self,
        organization: Organization,
        environment: Environment,
        provider: Provider,
        place: Target,
    ) -> None:
        found = tuple(provider.instances(place.organization, place.environment))
        listed = _Listed(provider, place, found)
        folders = (organization.folder, environment.folder)
        self._instances[place.organization, place.environment] = found
        with self._lock:
            self._listed[folders] = listed
            waiting = self._waiting.pop(folders, [])
        for document in waiting:
            self._ask(listed, document)

    def _ask(self, listed: _Listed, document: ApiDocument) -> None:
        found = candidates(document.selector, listed.by_asset, listed.by_id)
        if len(found) != 1:
            return  # the run says what is wrong
        (instance,) = found
        if not matches_filter(Match(document.name, instance, document), self._scope.apis):
            return
        at = listed.place
        target = Target(at.host, at.organization, at.environment, str(instance.id))
        coming: Future[LiveUnit] = Future()
        with self._lock:
            if target in self._units:
                return
            self._units[target] = coming
        read = partial(listed.provider.fetch, target, _POLICIES, instance.technology)
        self._work.put(partial(_fulfil, coming, read))


def _fulfil(coming: Future[Any], read: Callable[[], Any]) -> None:
    if not coming.set_running_or_notify_cancel():
        return
    try:
        coming.set_result(read())
    except BaseException as error:
        coming.set_exception(error)
