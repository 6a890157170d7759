"""What a process on another machine does with a slice: it compares, as `converge.here` would.

Its credentials and the values of secrets are those of its own environment. Before it answers for
anything it makes sure that it is the same program, that it finds the same secrets, and that its
login sees the same organization of the same host: where one of these differs it refuses, because
its answers could differ too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from reconciler import __version__
from reconciler.core.project import Project
from reconciler.core.redact import Redactor, reveal
from reconciler.errors import ReconcilerError, Refusal
from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.custom import CustomPolicies
from reconciler.files.layers import Layering
from reconciler.files.schema import Schemas
from reconciler.files.values import Resolver
from reconciler.providers.base import Provider
from reconciler.run.context import Context
from reconciler.run.converge import Compared, compare_unit, coverage_of
from reconciler.run.converged import Converged
from reconciler.run.engines.slices import Slice, Unit, bare
from reconciler.run.locate import Job
from reconciler.run.memory import SecretMemory
from reconciler.run.platforms import Platforms
from reconciler.run.side_by_side import side_by_side
from reconciler.transport import Bounds, Host

KEY = "RECONCILER_SECRET_KEY"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a whole run has in common, as it is sent to every worker; nothing in it is secret.

    calls: side by side to one host, by one process at most. max_time_s: what is left of the run.
    references: keyed digests of what each text with a reference comes to, by file and text.
    """

    version: str
    key_id: str
    timeout_s: float
    max_time_s: float
    calls: int
    finds_rate: bool
    resend: tuple[str, ...]
    allow_empty: bool
    custom: CustomPolicies
    references: Mapping[tuple[str, str], str]


def reference_digests(
    named: frozenset[tuple[str, str]], resolver: Resolver, redactor: Redactor
) -> dict[tuple[str, str], str]:
    """What each text comes to here, as keyed digests; empty where that is not known."""
    found = {}
    for file, text in named:
        value = reveal(resolver.resolve(text, file, (1, 1), "").value)
        found[file, text] = "" if value is None else redactor.digest(value)
    return found


class Hand:
    """A worker process during a run. Used by several threads.

    on_throttled: told where a host throttles this process, so that the others hear of it.
    """

    def __init__(
        self,
        terms: Terms,
        environ: Mapping[str, str],
        cwd: Path,
        on_throttled: Callable[[Host, float | None], None],
    ) -> None:
        self._terms = terms
        self._lock = Lock()
        self._seen: set[tuple[str, str]] = set()
        self._is_over = False
        key = environ.get(KEY, "").encode()
        redactor = Redactor(lambda: key)
        catalogue = ShippedCatalogue.load(terms.custom)
        resolver = Resolver(environ=environ, cwd=cwd, state_dir=cwd / ".reconciler")
        self._bounds = Bounds(
            terms.timeout_s,
            terms.max_time_s,
            terms.calls,
            finds_rate=terms.finds_rate,
            on_throttled=on_throttled,
        )
        platforms = Platforms(
            environ=environ,
            catalogue=catalogue,
            resolver=resolver,
            bounds=self._bounds,
            read_only=True,
        )
        self._context = Context(
            project=Project("", ()),
            layering=Layering(Schemas.load(terms.custom), catalogue, resolver),
            redactor=redactor,
            connect=platforms.connect,
            resend=terms.resend,
            allow_empty=terms.allow_empty,
            deadline=self._bounds.deadline,
        )
        self._coverage = coverage_of(self._context)
        self._refusal = _refusal(terms, redactor, resolver, has_key=bool(key))

    def compare(self, part: Slice, calls: int) -> tuple[Compared, ...]:
        """Each unit of the slice, in the form in which it goes back; `calls` side by side.

        Raises Refusal where this process must not answer, and what connecting raises.
        """
        if self._refusal:
            raise Refusal(self._refusal)
        provider = self._provider(part)
        context = self._context_of(part)

        def work(unit: Unit) -> Compared:
            if self._is_over:
                raise Refusal("the run is over")
            job = Job(
                unit.address, unit.target, part.organization, part.environment, provider, unit.match
            )
            return bare(compare_unit(context, job, self._coverage, part.asks))

        return tuple(side_by_side(work, part.units, calls))

    def tell(self, host: Host, quiet_s: float | None) -> None:
        """Another process of the run was throttled by a host."""
        self._bounds.budgets.tell(host, quiet_s)

    def stop(self) -> None:
        """Begins nothing more: nobody waits for it."""
        self._is_over = True

    def _context_of(self, part: Slice) -> Context:
        base = self._context
        folders = (part.organization.folder, part.environment.folder)
        known = {folders: part.known} if part.known else {}
        return Context(
            project=base.project,
            layering=base.layering,
            redactor=base.redactor,
            connect=base.connect,
            resend=base.resend,
            allow_empty=base.allow_empty,
            deadline=base.deadline,
            known=Converged.holding(base.redactor, known),
            memory=SecretMemory.holding(part.sent),
        )

    def _provider(self, part: Slice) -> Provider:
        """The provider of the slice's organization, once it has shown that it sees the same."""
        provider = self._context.connect(part.organization)
        place = part.units[0].target
        if provider.host != place.host:
            raise Refusal(f"it asks {provider.host} and not {place.host}: set ANYPOINT_HOST alike")
        with self._lock:
            if (place.host, place.organization) not in self._seen:
                if all(one.id != place.organization for one in provider.organizations()):
                    raise Refusal(
                        f"its login does not see the organization {part.organization.organization}"
                        ": give all workers the same credentials"
                    )
                self._seen.add((place.host, place.organization))
        return provider


def _refusal(terms: Terms, redactor: Redactor, resolver: Resolver, *, has_key: bool) -> str:
    """Why this process must not answer, or nothing."""
    if terms.version != __version__:
        return f"it runs reconciler {__version__}, and {terms.version} asks: install the same"
    if not has_key:
        return f"{KEY} is not set there: give all workers the same environment"
    if terms.key_id != redactor.key_id:
        return f"its {KEY} is another one: give all workers the same environment"
    named = frozenset(terms.references)
    found = reference_digests(named, resolver, redactor)
    others = sorted(
        {text for (file, text) in named if found[file, text] != terms.references[file, text]}
    )
    if others:
        return (
            f"it finds another value for {', '.join(others[:5])}{', ...' if others[5:] else ''}, "
            "or none: give all workers the same environment and files"
        )
    return ""


def outcome(hand: Hand, part: Slice, calls: int) -> tuple[Compared, ...] | ReconcilerError:
    """What comes of a slice; a failure in a form that travels: its words and its exit code."""
    try:
        return hand.compare(part, calls)
    except ReconcilerError as error:
        failure = ReconcilerError(str(error))
        failure.exit = error.exit
        return failure
