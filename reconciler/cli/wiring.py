"""Arguments -> the values that a run works with."""

from __future__ import annotations

import argparse
import os
import secrets
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from reconciler.cli.progress import progress_for
from reconciler.cli.shell import Shell
from reconciler.core.redact import Redactor
from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.custom import CustomPolicies
from reconciler.files.layers import Layering
from reconciler.files.load import load
from reconciler.files.schema import Schemas
from reconciler.files.values import Resolver
from reconciler.run.context import Context, Scope
from reconciler.run.inventory import Live
from reconciler.run.memory import SecretMemory
from reconciler.run.platforms import Platforms


def context_for(
    args: argparse.Namespace,
    shell: Shell,
    *,
    read_only: bool,
    offline: bool = False,
    scope: Scope | None = None,
    has_custom: bool = True,
) -> Context:
    """Loads the files and prepares the way to the platforms; raises PolicyError.

    has_custom: whether the folder of custom schemas is looked at.
    """
    custom = custom_policies(args, shell) if has_custom else CustomPolicies()
    schemas = Schemas.load(custom)
    catalogue = ShippedCatalogue.load(custom)
    resolver = resolver_for(args, shell, offline=offline)
    project = load(Path(args.policies), schemas, resolver=resolver)
    platforms = Platforms(
        environ=shell.environ,
        catalogue=catalogue,
        resolver=resolver,
        timeout_s=args.timeout,
        connections=args.parallelism,
        read_only=read_only,
    )
    redactor = Redactor(cache(lambda: secret_key(args, shell)))
    return Context(
        project=project,
        layering=Layering(schemas, catalogue, resolver),
        redactor=redactor,
        memory=SecretMemory(state_dir(args, shell), redactor),
        resend=tuple(getattr(args, "resend_secrets", None) or ()),
        connect=platforms.connect,
        scope=scope or Scope(tuple(args.org), tuple(args.env), tuple(args.api)),
        parallelism=args.parallelism,
        progress=progress_for(shell, no_color=args.no_color),
        max_deletes=getattr(args, "max_deletes", None),
    )


def context_for_live(args: argparse.Namespace, shell: Shell) -> Live:
    """A read-only login with the ANYPOINT_* variables; filters are over live names."""
    platforms = Platforms(
        environ=shell.environ,
        catalogue=ShippedCatalogue.load(custom_policies(args, shell)),
        resolver=resolver_for(args, shell, offline=False),
        timeout_s=args.timeout,
        connections=args.parallelism,
        read_only=True,
    )
    return Live(
        platforms.login("", None),
        Scope(tuple(args.org), tuple(args.env), tuple(args.api)),
        args.parallelism,
        progress_for(shell, no_color=args.no_color),
    )


def resolver_for(args: argparse.Namespace, shell: Shell, *, offline: bool) -> Resolver:
    """What gives references their values; `offline` looks nothing up."""
    return Resolver(
        environ=shell.environ,
        cwd=shell.cwd,
        state_dir=state_dir(args, shell),
        offline=offline,
    )


def state_dir(args: argparse.Namespace, shell: Shell) -> Path:
    return shell.cwd / Path(args.state_dir).expanduser()


def schema_dir(args: argparse.Namespace, shell: Shell) -> Path:
    return shell.cwd / Path(args.schema_dir).expanduser()


def custom_policies(args: argparse.Namespace, shell: Shell) -> CustomPolicies:
    """The organization's own policies, as `schema pull` has written them."""
    return CustomPolicies(schema_dir(args, shell), args.schema_dir)


def secret_key(args: argparse.Namespace, shell: Shell) -> bytes:
    """The key of shown digests: RECONCILER_SECRET_KEY, else a random one in the state folder.

    Where the folder cannot be written the key lasts for this run only.
    """
    given = shell.environ.get("RECONCILER_SECRET_KEY")
    if given:
        return given.encode()
    path = state_dir(args, shell) / "secret-key"
    try:
        return _kept_key(path)
    except OSError as error:
        shell.log(f"warning: no lasting key for secrets' digests: {error.strerror}")
        return secrets.token_bytes(32)


def _kept_key(path: Path) -> bytes:
    try:
        kept = path.read_bytes()
        if len(kept) >= 32:
            return kept
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = secrets.token_bytes(32)
    write_atomically(path, key)
    return path.read_bytes()


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """The whole file or none of it, by default readable by its owner only."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def now() -> str:
    """This second in UTC, as in plans."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def run_id() -> str:
    """A name for a run that sorts by time and is not given twice."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
