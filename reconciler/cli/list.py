"""`list`: what the login can see, with ids. Filters match live names."""

from __future__ import annotations

import argparse

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


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    live = context_for_live(args, shell)
    found = inventory(live, args.what)
    if not found.items and not found.errors and (args.org or args.env or args.api):
        raise UsageError(f"nothing matches {_filters(args)}")
    print_rows(args, shell, found.items, _COLUMNS[args.what], found.errors)
    return worst(error.exit for error in found.errors)


def _filters(args: argparse.Namespace) -> str:
    given = (("org", args.org), ("env", args.env), ("api", args.api))
    return " ".join(f"--{name} {glob}" for name, globs in given for glob in globs)
