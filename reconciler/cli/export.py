"""`export`: live policies to files in this format; filters match live names."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.cli.narrow import filters
from reconciler.cli.output import print_document
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for_live, custom_policies
from reconciler.errors import Exit, ReconcilerError, UsageError, worst
from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.entry_check import EntryChecker
from reconciler.files.hosts import DEFAULT_HOST
from reconciler.files.schema import Schemas
from reconciler.files.write import to_yaml
from reconciler.run.export import Exported, export
from reconciler.run.state import write_atomically
from reconciler.show.clean import clean
from reconciler.show.text import error_line


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    folder = shell.cwd / args.to
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{args.to} is not a folder")
    if folder.is_dir() and any(folder.iterdir()) and not args.force:
        raise UsageError(f"{args.to} is not empty: name another folder, or say --force")
    live = context_for_live(args, shell)
    custom = custom_policies(args, shell)
    check = EntryChecker(Schemas.load(custom))
    exported = export(live, ShippedCatalogue.load(custom), check, DEFAULT_HOST, fold=args.fold)
    if not exported.files and not exported.errors:
        raise UsageError(f"nothing live matches {filters(live.scope)}".rstrip())
    _write(folder, exported.files)
    _say(args, shell, exported)
    return worst(error.exit for error in exported.errors)


def _write(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    try:
        for name, document in sorted(files.items()):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, to_yaml(document).encode(), mode=0o644)
    except OSError as error:
        raise ReconcilerError(f"cannot write below {folder}: {error.strerror}") from error


def _say(args: argparse.Namespace, shell: Shell, exported: Exported) -> None:
    if args.format == "json":
        data = {"files": sorted(exported.files), "variables": list(exported.variables)}
        print_document(args, shell, data, exported.errors, exported.warnings)
        return
    shell.data("".join(f"{args.to}/{name}\n" for name in sorted(exported.files)))
    if exported.variables:
        names = "\n  ".join(exported.variables)
        shell.log(f"\nsecrets are not returned by the service; set before applying:\n  {names}")
    for warning in exported.warnings:
        shell.err.write(f"warning: {clean(warning)}\n")
    for error in exported.errors:
        shell.err.write(f"error: {error_line(error)}\n")
    shell.log(f"\nwrote {len(exported.files)} files; next: reconciler -f {args.to} plan")
