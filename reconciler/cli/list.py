"""`list`: what the login can see, with ids. Filters match live names."""

from __future__ import annotations

import argparse

from reconciler.cli.narrow import filters
from reconciler.cli.output import print_rows
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for_live
from reconciler.errors import Exit, UsageError, worst
from reconciler.run.inventory import inventory

_COLUMNS = {
    "orgs": ("organization", "id", "path"),
    "envs": ("organization", "environment", "type", "id"),
    "apis": ("organization", "environment", "asset", "label", "version", "technology", "id"),
    "policies": ("organization", "environment", "api", "order", "policy", "version", "state", "id"),
}

# A filter that narrows nothing would seem to have matched.
_UNUSED = {"orgs": ("env", "api"), "envs": ("api",), "apis": (), "policies": ()}


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    live = context_for_live(args, shell)
    unused = _UNUSED[args.what]
    if any(getattr(args, name) for name in unused):
        flags = " and ".join(f"--{name}" for name in unused)
        raise UsageError(f"`list {args.what}` takes no {flags}")
    found = inventory(live, args.what)
    if not found.items and not found.errors and any(live.scope.data().values()):
        raise UsageError(f"nothing live matches {filters(live.scope)}")
    print_rows(args, shell, found.items, _COLUMNS[args.what], found.errors)
    return worst(error.exit for error in found.errors)
