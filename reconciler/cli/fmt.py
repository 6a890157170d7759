"""`fmt`: the files in one layout, with their comments."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.output import document
from reconciler.cli.shell import Shell
from reconciler.core.plan import PlanError
from reconciler.core.redact import without
from reconciler.errors import Exit, Problem, UsageError, worst
from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.custom import CustomPolicies
from reconciler.files.format import CannotFormat, formatted
from reconciler.files.secrets import plain_secrets
from reconciler.files.tree import policy_paths, read_regular, shown
from reconciler.files.yaml import parse
from reconciler.run.state import write_atomically
from reconciler.show.clean import clean
from reconciler.show.data import as_json
from reconciler.show.text import Style, error_line

_COLOURS = {"+": "32", "-": "31", "@": "36"}


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is not in the layout; `after` is it in the layout."""

    path: Path
    name: str
    before: str
    after: str


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    paths = list(_paths(args, shell))
    found, errors = _looked(paths)
    is_dry = args.check or args.diff
    if not is_dry:
        errors += _written(found)
    _say(args, shell, found, errors, len(paths))
    codes = [error.exit for error in errors]
    return worst([*codes, *([Exit.CHANGES] if found and is_dry else [])])


def _paths(args: argparse.Namespace, shell: Shell) -> Iterator[Path]:
    """The files asked for, those of a folder, or the whole tree; raises UsageError."""
    for name in args.paths or [args.policies]:
        path = Path(name)
        if (shell.cwd / path).is_dir():
            yield from policy_paths(path)
        elif path.suffix in (".yaml", ".yml"):
            yield path
        else:
            raise UsageError(f"{name}: name a folder, or a file that ends in .yaml")


def _looked(paths: Sequence[Path]) -> tuple[list[_File], list[PlanError]]:
    found: list[_File] = []
    errors: list[PlanError] = []
    for path in paths:
        name = shown(path)
        try:
            data = read_regular(path.resolve())
            after = formatted(data, name)
        except CannotFormat as error:
            errors.append(PlanError(str(error), Exit.INVALID))
            continue
        except OSError as error:
            problem = Problem(name, message=f"cannot be read: {error.strerror}")
            errors.append(PlanError(problem.message, Exit.INVALID, problem=problem))
            continue
        before = data.decode("utf-8")
        if after != before:
            found.append(_File(path, name, before, after))
    return found, errors


def _written(found: Sequence[_File]) -> list[PlanError]:
    errors = []
    for one in found:
        try:
            mode = one.path.stat().st_mode & 0o777
            write_atomically(one.path.resolve(), one.after.encode(), mode=mode)
        except OSError as error:
            problem = Problem(one.name, message=f"cannot be written: {error.strerror}")
            errors.append(PlanError(problem.message, Exit.FAILURE, problem=problem))
    return errors


def _say(
    args: argparse.Namespace,
    shell: Shell,
    found: Sequence[_File],
    errors: Sequence[PlanError],
    files: int,
) -> None:
    names = [one.name for one in found]
    if args.format == "json":
        data = {"summary": {"files": files, "changed": len(found)}, "files": names}
        shell.data(as_json(document(args, data, errors)))
        return
    style = Style(shell.has_colour(shell.out, no_color=args.no_color) and args.format == "text")
    for one in found:
        shell.data(_difference(one, style) if args.diff else f"{clean(one.name)}\n")
    for error in errors:
        shell.err.write(f"error: {error_line(error)}\n")
    verb = "would change" if args.check or args.diff else "changed"
    noun = "file" if files == 1 else "files"
    shell.log(f"{len(found)} of {files} {noun} {verb}")


def _difference(one: _File, style: Style) -> str:
    """What would change, with every secret that stands there as plain text left out."""
    documents, _ = parse(one.before.encode(), one.name)
    catalogue = ShippedCatalogue.load(CustomPolicies())
    secrets = {text for each in documents for text in plain_secrets(each.value, catalogue)}
    lines = difflib.unified_diff(
        one.before.splitlines(), one.after.splitlines(), one.name, one.name, lineterm=""
    )
    told = (
        style.paint(_COLOURS.get(line[0], "0"), clean(without(line, secrets))) for line in lines
    )
    return "".join(f"{line}\n" for line in told)
