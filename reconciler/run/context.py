"""What a run works with; made once by the command and handed down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Protocol

from reconciler.core.diff import Step, UnitDiff
from reconciler.core.limits import MAX_DELETES, DeleteLimit
from reconciler.core.model import Instance, LiveUnit, Target
from reconciler.core.outcome import Outcome
from reconciler.core.project import Environment, Organization, Project
from reconciler.core.redact import Redactor
from reconciler.core.stricter import Loosening
from reconciler.core.use import USUAL_DAYS
from reconciler.errors import ReconcilerError
from reconciler.files.layers import Layering
from reconciler.providers.base import LiveEnvironment, Provider
from reconciler.run.converged import Converged
from reconciler.run.memory import SecretMemory
from reconciler.transport import Deadline


class Progress(Protocol):
    """Told of work that takes a while."""

    def begin(self, label: str, total: int) -> None:
        """A new stage of `total` steps."""

    def advance(self) -> None:
        """One step is done; called from any thread."""

    def end(self) -> None:
        """The stage is over."""


class Silent:
    """Progress that nobody watches."""

    def begin(self, label: str, total: int) -> None:
        pass

    def advance(self) -> None:
        pass

    def end(self) -> None:
        pass


class Account(Protocol):
    """Told of each call before it is sent and after it, and of what became of each change."""

    @property
    def halted(self) -> str:
        """Why nothing more may be sent, or nothing."""

    def announce(self, unit: UnitDiff, step: Step) -> None:
        """A call is about to be made; told again it does nothing."""

    def refusal(self, step: Step) -> str:
        """Why the announced call may not be made, or nothing; asked directly before it."""

    def answered(self, step: Step, resource_id: str) -> None:
        """The call was answered with success; the id of what it made or changed."""

    def became(self, unit: UnitDiff, outcomes: Sequence[Outcome]) -> None:
        """The outcomes of all steps of a unit, in their order."""


class Unwritten:
    """An account that nobody keeps."""

    halted = ""

    def announce(self, unit: UnitDiff, step: Step) -> None:
        pass

    def refusal(self, step: Step) -> str:
        return ""

    def answered(self, step: Step, resource_id: str) -> None:
        pass

    def became(self, unit: UnitDiff, outcomes: Sequence[Outcome]) -> None:
        pass


class Asked(Protocol):
    """What was asked of a platform before it is needed; each answer is given once, or None."""

    def environments(self, organization: str) -> tuple[LiveEnvironment, ...] | None:
        """The environments of an organization, by its id."""

    def instances(self, organization: str, environment: str) -> tuple[Instance, ...] | None:
        """The APIs of an environment, by the ids of both."""

    def unit(self, target: Target, lists: frozenset[str]) -> LiveUnit | None:
        """A unit with these lists."""


class Unasked:
    """Nothing was asked before it is needed."""

    def environments(self, organization: str) -> tuple[LiveEnvironment, ...] | None:
        return None

    def instances(self, organization: str, environment: str) -> tuple[Instance, ...] | None:
        return None

    def unit(self, target: Target, lists: frozenset[str]) -> LiveUnit | None:
        return None


@dataclass(frozen=True, slots=True)
class Scope:
    """Globs over organization folders, environment folders and APIs; empty means all.

    units: the addresses of those to compare, of all that the globs name; None means all of them.
    """

    orgs: tuple[str, ...] = ()
    envs: tuple[str, ...] = ()
    apis: tuple[str, ...] = ()
    units: frozenset[str] | None = None

    @property
    def names_apis(self) -> bool:
        """Whether some of an environment may be left out."""
        return bool(self.apis) or self.units is not None

    def has_place(self, organization: str, environment: str) -> bool:
        """Whether there can be anything of it, by its folders."""
        if not self.has_environment(environment):
            return False
        place = f"{organization}/{environment}/"
        return self.units is None or any(unit.startswith(place) for unit in self.units)

    def has_unit(self, address: str) -> bool:
        """Whether a unit that the globs name is to be compared."""
        return self.units is None or address in self.units

    def has_organization(self, folder: str) -> bool:
        return _is_named(folder, self.orgs)

    def has_environment(self, folder: str) -> bool:
        return _is_named(folder, self.envs)

    def data(self) -> dict[str, Any]:
        """For a plan file."""
        globs = {"org": list(self.orgs), "env": list(self.envs), "api": list(self.apis)}
        return globs if self.units is None else {**globs, "units": sorted(self.units)}


def _is_named(name: str, globs: tuple[str, ...]) -> bool:
    return not globs or any(fnmatchcase(name, glob) for glob in globs)


@dataclass(frozen=True, slots=True)
class Proof:
    """That an environment, by its folders, has converged: on this host, on files with this
    digest, at this time (ISO 8601)."""

    address: str
    host: str
    content: str
    at: str


def _now() -> datetime:
    return datetime.now(UTC)


def _no_org(organization: Organization, environment: Environment) -> Provider:
    place = f"{organization.folder}/{environment.folder}"
    raise ReconcilerError(f"{place}: nothing connects to its org")


@dataclass(frozen=True, slots=True)
class Context:
    """A loaded project and everything needed to compare it with what is live.

    connect: the provider of an organization; the same one for the same host and credentials.
    connect_org: that of an environment with an org of its own. break_glass_ok: somebody else can
    repair it if this tool is locked out. accept_outage: globs of apps that may be taken from those
    who used them in the last use_days days.
    max_deletes: what was said explicitly, or None. allow_weakening: globs of addresses that may be
    weakened although they are protected. allow_empty: lists may be empty that were not. memory:
    which secrets were last sent. resend: globs of addresses whose secrets are sent where that is
    not known. known: what the last converged run left. deadline: of the whole run. proofs: of
    environments that have converged, from files that were given. baseline: digest of what guards
    in the baseline, or empty without one. loosened: what the files guard less than it, where
    nobody said that this is meant; what the baseline says holds in `project`. account: what is
    told of each write. asked: what was asked of the platforms already.
    """

    project: Project
    layering: Layering
    redactor: Redactor
    connect: Callable[[Organization], Provider]
    connect_org: Callable[[Organization, Environment], Provider] = _no_org
    scope: Scope = field(default_factory=Scope)
    parallelism: int = 8
    progress: Progress = field(default_factory=Silent)
    max_deletes: int | None = None
    memory: SecretMemory = field(default_factory=SecretMemory)
    resend: tuple[str, ...] = ()
    allow_weakening: tuple[str, ...] = ()
    allow_empty: bool = False
    break_glass_ok: bool = False
    accept_outage: tuple[str, ...] = ()
    use_days: int = USUAL_DAYS
    known: Converged = field(default_factory=Converged)
    deadline: Deadline = field(default_factory=Deadline)
    proofs: tuple[Proof, ...] = ()
    clock: Callable[[], datetime] = _now
    baseline: str = ""
    loosened: tuple[Loosening, ...] = ()
    account: Account = field(default_factory=Unwritten)
    asked: Asked = field(default_factory=Unasked)

    def provider(self, organization: Organization, environment: Environment) -> Provider:
        """Where an environment lives; raises as `Platforms.connect`."""
        if environment.org is not None:
            return self.connect_org(organization, environment)
        return self.connect(organization)

    def said(self) -> dict[str, Any]:
        """The filters and flags that a plan is made with, for the plan and its digest."""
        flags: dict[str, Any] = {"resendSecrets": list(self.resend)} if self.resend else {}
        if self.allow_weakening:
            flags["allowWeakening"] = list(self.allow_weakening)
        if self.allow_empty:
            flags["allowEmpty"] = True
        if self.break_glass_ok:
            flags["breakGlassOk"] = True
        if self.accept_outage:
            flags["acceptOutage"] = list(self.accept_outage)
        if self.use_days != USUAL_DAYS:
            flags["useDays"] = self.use_days
        if self.baseline:
            flags["baseline"] = self.baseline
        if self.max_deletes is not None:
            flags["maxDeletes"] = self.max_deletes
        return {**self.scope.data(), **flags}

    @property
    def delete_limit(self) -> DeleteLimit:
        given = self.project.max_deletes
        return DeleteLimit(MAX_DELETES if given is None else given, self.max_deletes)
