"""Arguments -> the values that a run works with."""

from __future__ import annotations

import argparse
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from reconciler.cli.arguments import STATE_DIR
from reconciler.cli.drift_result import drift_results
from reconciler.cli.progress import progress_for
from reconciler.cli.shell import Shell
from reconciler.core.limits import is_allowed
from reconciler.core.project import Project
from reconciler.core.redact import Redactor
from reconciler.core.stricter import Loosening, guards_digest, stricter
from reconciler.core.use import USUAL_DAYS
from reconciler.errors import UsageError
from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.custom import CustomPolicies
from reconciler.files.layers import Layering
from reconciler.files.load import load
from reconciler.files.schema import Schemas
from reconciler.files.values import Resolver
from reconciler.run.aside import can_be_aside, load_aside
from reconciler.run.baseline import load_baseline, load_revision
from reconciler.run.changed import reached
from reconciler.run.context import Asked, Context, Scope, Unasked
from reconciler.run.converge import Engine
from reconciler.run.converged import Converged
from reconciler.run.early import Early
from reconciler.run.inventory import Live
from reconciler.run.memory import SecretMemory
from reconciler.run.platforms import Platforms
from reconciler.run.state import FolderStore, Store
from reconciler.transport import Bounds

_SCHEME = "://"
_KEY, _KEY_BYTES = "secret-key", 32


def context_for(
    args: argparse.Namespace,
    shell: Shell,
    *,
    read_only: bool,
    offline: bool = False,
    scope: Scope | None = None,
    has_custom: bool = True,
    rehearses: bool = False,
    is_early: bool = False,
) -> Context:
    """Loads the files and prepares the way to the platforms; raises PolicyError.

    has_custom: whether the folder of custom schemas is looked at. rehearses: as of `Platforms`.
    is_early: the platforms may be asked while the files of a large estate are still being read.
    """
    custom = custom_policies(args, shell) if has_custom else CustomPolicies()
    schemas = Schemas.load(custom)
    catalogue = ShippedCatalogue.load(custom)
    resolver = resolver_for(args, shell, offline=offline)
    bounds = bounds_for(args)
    platforms = Platforms(
        environ=shell.environ,
        catalogue=catalogue,
        resolver=resolver,
        bounds=bounds,
        read_only=read_only,
        rehearses=rehearses,
    )
    scope = scope or Scope(tuple(args.org), tuple(args.env), tuple(args.api))
    early = Early(platforms.connect, scope, args.parallelism.calls) if is_early else None
    project, asked = _load(Path(args.policies), schemas, resolver, early)
    allow_weakening = tuple(getattr(args, "allow_weakening", None) or ())
    held = _against_baseline(args, shell, project, schemas, allow_weakening)
    store = store_for(args, shell)
    redactor = Redactor(cache(lambda: secret_key(store, shell)))
    return Context(
        project=held.project,
        layering=Layering(schemas, catalogue, resolver),
        redactor=redactor,
        memory=SecretMemory(store, redactor),
        known=Converged(store, redactor),
        resend=tuple(getattr(args, "resend_secrets", None) or ()),
        connect=platforms.connect,
        connect_org=platforms.connect_org,
        break_glass_ok=bool(getattr(args, "break_glass_ok", None)),
        accept_outage=tuple(getattr(args, "accept_outage", None) or ()),
        use_days=getattr(args, "use_days", None) or USUAL_DAYS,
        scope=scope,
        asked=asked,
        parallelism=args.parallelism.calls,
        progress=progress_for(shell, bounds.budgets, no_color=args.no_color),
        max_deletes=getattr(args, "max_deletes", None),
        allow_empty=bool(getattr(args, "allow_empty", None)),
        deadline=bounds.deadline,
        allow_weakening=allow_weakening,
        baseline=held.digest,
        loosened=held.loosened,
        proofs=drift_results(getattr(args, "drift_result", None) or (), shell.cwd),
    )


def _load(
    root: Path, schemas: Schemas, resolver: Resolver, early: Early | None
) -> tuple[Project, Asked]:
    """The project, and what was asked of the platforms while it was read."""
    if early is None or not can_be_aside(root):
        return load(root, schemas, resolver=resolver), Unasked()
    try:
        return load_aside(root, schemas, resolver=resolver, watcher=early), early
    except BaseException:
        early.stop()
        raise


class _Held(NamedTuple):
    """The files as they hold against the baseline, if there is one."""

    project: Project
    digest: str = ""
    loosened: tuple[Loosening, ...] = ()


def _against_baseline(
    args: argparse.Namespace,
    shell: Shell,
    project: Project,
    schemas: Schemas,
    allowed: tuple[str, ...],
) -> _Held:
    name = getattr(args, "baseline", None)
    if name is None:
        return _Held(project)
    baseline = load_baseline(name, Path(args.policies), schemas, shell.environ, shell.cwd)
    found = stricter(project, baseline, lambda address: is_allowed(address, allowed))
    said = tuple(f"{one.address}: by the baseline it {one.what}" for one in found.allowed)
    held = replace(found.project, warnings=(*found.project.warnings, *said))
    return _Held(held, guards_digest(baseline), found.refused)


def changed_since(
    args: argparse.Namespace, shell: Shell, context: Context
) -> tuple[Context, tuple[str, ...]]:
    """The context of the units that differ from `--changed-since`, and what was left behind."""
    schemas = Schemas.load(custom_policies(args, shell))
    tree = Path(args.policies)
    before = load_revision(args.changed_since, tree, schemas, shell.environ, shell.cwd)
    found = reached(context, before)
    return found.context, found.released


def context_for_live(args: argparse.Namespace, shell: Shell) -> Live:
    """A read-only login with the ANYPOINT_* variables; filters are over live names."""
    bounds = bounds_for(args)
    platforms = Platforms(
        environ=shell.environ,
        catalogue=ShippedCatalogue.load(custom_policies(args, shell)),
        resolver=resolver_for(args, shell, offline=False),
        bounds=bounds,
        read_only=True,
    )
    return Live(
        platforms.login("", None),
        Scope(tuple(args.org), tuple(args.env), tuple(args.api)),
        args.parallelism.calls,
        progress_for(shell, bounds.budgets, no_color=args.no_color),
    )


def engine_for(args: argparse.Namespace, shell: Shell) -> Engine | None:
    """Where units are compared, as `--engine` says; None for this process."""
    if args.engine is None:
        return None
    try:
        dask = import_module("reconciler.run.engines.dask")  # takes a second
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--engine {args.engine} needs the package {error.name}: pip install 'reconciler[dask]'"
        ) from None
    engine: Engine = dask.DaskEngine(
        args.engine,
        f"reconciler-{run_id()}",
        resolver_for(args, shell, offline=False),
        custom_policies(args, shell),
        args.parallelism.calls,
        args.timeout,
        args.parallelism.is_auto,
    )
    return engine


def bounds_for(args: argparse.Namespace) -> Bounds:
    """What bounds all calls of this run; its time begins now."""
    asked = args.parallelism
    return Bounds(args.timeout, args.max_time, asked.calls, finds_rate=asked.is_auto)


def resolver_for(args: argparse.Namespace, shell: Shell, *, offline: bool) -> Resolver:
    """What gives references their values; `offline` looks nothing up."""
    return Resolver(
        environ=shell.environ,
        cwd=shell.cwd,
        state_dir=state_dir(args, shell),
        offline=offline,
    )


def state_dir(args: argparse.Namespace, shell: Shell) -> Path:
    """The folder of state, which no configuration may read; for a URL the usual one."""
    name = STATE_DIR if _SCHEME in args.state_dir else args.state_dir
    return shell.cwd / Path(name).expanduser()


def schema_dir(args: argparse.Namespace, shell: Shell) -> Path:
    return shell.cwd / Path(args.schema_dir).expanduser()


def custom_policies(args: argparse.Namespace, shell: Shell) -> CustomPolicies:
    """The organization's own policies, as `schema pull` has written them."""
    return CustomPolicies(schema_dir(args, shell), args.schema_dir)


def store_for(args: argparse.Namespace, shell: Shell) -> Store:
    """Where lasting state is kept; raises UsageError for a place that cannot be one."""
    place = args.state_dir
    if _SCHEME not in place:
        return FolderStore(state_dir(args, shell))
    if not place.startswith("s3://"):
        raise UsageError(f"--state-dir {place}: write a folder, or s3://BUCKET/PREFIX")
    try:
        s3 = import_module("reconciler.run.s3")  # asyncio and botocore take a while
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--state-dir {place} needs the package {error.name}: pip install 'reconciler[s3]'"
        ) from None
    store: Store = s3.S3Store(place)
    return store


def secret_key(store: Store, shell: Shell) -> bytes:
    """The key of shown digests: RECONCILER_SECRET_KEY, else a random one in the state.

    Where that cannot be written the key lasts for this run only.
    """
    given = shell.environ.get("RECONCILER_SECRET_KEY")
    if given:
        return given.encode()
    try:
        return _kept_key(store)
    except OSError as error:
        shell.log(f"warning: no lasting key for secrets' digests: {error.strerror}")
        return secrets.token_bytes(_KEY_BYTES)


def _kept_key(store: Store) -> bytes:
    """The key in the store; of two runs that make one at once, both take the first."""
    kept = store.read(_KEY) or b""
    if not kept:
        store.create(_KEY, secrets.token_bytes(_KEY_BYTES))
        kept = store.read(_KEY) or b""
    if len(kept) < _KEY_BYTES:
        store.write(_KEY, kept := secrets.token_bytes(_KEY_BYTES))
    return kept


def now() -> str:
    """This second in UTC, as in plans."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def run_id() -> str:
    """A name for a run that sorts by time and is not given twice."""
    time = datetime.now(UTC)
    return f"{time:%Y%m%dT%H%M%S}{time.microsecond // 1000:03d}Z-{secrets.token_hex(3)}"
