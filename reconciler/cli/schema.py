"""`schema pull`: the organization's own policies as schemas: they are checked like others then."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from reconciler.cli.output import print_document
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for, schema_dir
from reconciler.core.catalogue import PolicyType
from reconciler.errors import Exit, ReconcilerError, UsageError, worst
from reconciler.files.custom import custom_path
from reconciler.files.policy_schema import schema_of
from reconciler.run.shelf import Pulled, pull
from reconciler.run.state import write_atomically
from reconciler.show.clean import clean
from reconciler.show.text import error_line


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    if args.env or args.api:
        raise UsageError("`schema pull` takes no --env and --api: policies are an organization's")
    args.schema_dir = args.to or args.schema_dir
    folder = schema_dir(args, shell)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{args.schema_dir} is no folder")
    # Broken schemas of before must not be in the way of new ones.
    pulled = pull(context_for(args, shell, read_only=True, has_custom=False))
    written, warnings = _write(folder, pulled)
    _say(args, shell, pulled, written, warnings)
    return worst(error.exit for error in pulled.errors)


def _write(folder: Path, pulled: Pulled) -> tuple[list[str], list[str]]:
    """The paths written, and a warning for each policy whose name could be no file."""
    written, warnings = [], []
    for known in pulled.policies:
        below = custom_path(known.group, known.name)
        if below is None:
            name = clean(f"{known.group}/{known.name}")
            warnings.append(f"{name}: left out, since its name could be no file")
            continue
        _write_one(folder, below, known)
        written.append(below)
    return written, warnings


def _write_one(folder: Path, below: str, known: PolicyType) -> None:
    path = folder / below
    text = json.dumps(schema_of(known), indent=2, ensure_ascii=False) + "\n"
    try:
        # A link in the place of the group's folder would lead elsewhere.
        if not path.parent.resolve().is_relative_to(folder.resolve()):
            raise ReconcilerError(f"{path.parent} links out of the folder of schemas")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode("utf-8", "backslashreplace"), mode=0o644)
    except OSError as error:
        raise ReconcilerError(f"cannot write {path}: {error.strerror}") from error


def _say(
    args: argparse.Namespace,
    shell: Shell,
    pulled: Pulled,
    written: list[str],
    warnings: list[str],
) -> None:
    if args.format == "json":
        print_document(args, shell, {"files": written}, pulled.errors, warnings)
        return
    shell.data("".join(f"{args.schema_dir}/{below}\n" for below in written))
    for text in warnings:
        shell.log(f"warning: {text}")
    for error in pulled.errors:
        shell.err.write(f"error: {error_line(error)}\n")
    noun = "policy" if len(written) == 1 else "policies"
    shell.log(f"{len(written)} own {noun}; next: reconciler validate")
