"""What a run found, written to files in several forms at once, and told to a build server."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.shell import Shell
from reconciler.core.model import Source
from reconciler.core.plan import Plan
from reconciler.core.project import Project
from reconciler.errors import Exit, ReconcilerError, UsageError
from reconciler.run.state import write_atomically
from reconciler.show.clean import clean
from reconciler.show.data import as_json, failure_data, failure_errors
from reconciler.show.findings import Result, findings
from reconciler.show.github import workflow_commands
from reconciler.show.junit import junit
from reconciler.show.markdown import LIMITS, files_markdown, outcomes_markdown, plan_markdown
from reconciler.show.sarif import sarif

_MODE = 0o644
_SUMMARY_LIMIT = 1_000_000
"""Of a step's summary GitHub shows 1 MiB (docs.github.com, Job summaries, 2026)."""

_HOSTS = {"GITLAB_CI": "gitlab", "BITBUCKET_BUILD_NUMBER": "bitbucket", "GITHUB_ACTIONS": "github"}


@dataclass(frozen=True, slots=True)
class Output:
    """A file to write. kind: one of KINDS."""

    kind: str
    name: str


def outputs_of(args: argparse.Namespace) -> tuple[Output, ...]:
    """Those of `--out KIND=FILE`; raises UsageError for an unknown kind."""
    given = getattr(args, "out", None) or ()
    return tuple(_output(text) for text in given if "=" in text or args.command != "plan")


def plan_file_of(args: argparse.Namespace) -> str | None:
    """The plan file of `-o FILE`; raises UsageError where there are several."""
    names = [text for text in args.out or () if "=" not in text]
    if len(names) > 1:
        raise UsageError(f"one plan file is written, not {' and '.join(names)}")
    return names[0] if names else None


def _output(text: str) -> Output:
    kind, _, name = text.partition("=")
    if kind not in KINDS:
        raise UsageError(f"--out {text}: write KIND=FILE; there is {', '.join(KINDS)}")
    if not name:
        raise UsageError(f"--out {text}: name a file, such as {kind}=out.{kind}")
    return Output(kind, name)


def check_places(args: argparse.Namespace, shell: Shell, *names: str | None) -> None:
    """Raises UsageError where a file cannot be written: what is plain before is said before."""
    for name in (*names, *(one.name for one in outputs_of(args))):
        if name is None:
            continue
        path = shell.cwd / name
        if path.is_dir():
            raise UsageError(f"{name} is a folder: name a file")
        if not path.parent.is_dir():
            raise UsageError(f"there is no folder for {name}: make it first")


def places_of(project: Project) -> Mapping[str, Source]:
    """Where organizations, environments and APIs are described, by address."""
    found: dict[str, Source] = {}
    for organization in project.organizations:
        found[organization.folder] = organization.source
        for environment in organization.environments:
            place = f"{organization.folder}/{environment.folder}"
            found[place] = environment.source
            found.update((f"{place}/{api.name}", api.source) for api in environment.apis)
            if environment.access is not None:
                found[f"{place}/{environment.access.name}"] = environment.access.source
    return found


def tell(args: argparse.Namespace, shell: Shell, result: Result) -> list[Exit]:
    """Writes each file that was asked for, and tells GitHub where that is who runs this; the exit
    codes that this asks for: of a file that cannot be written."""
    codes = []
    for one in outputs_of(args):
        try:
            text = KINDS[one.kind](result, shell.environ)
            write_atomically(shell.cwd / one.name, text.encode(), mode=_MODE)
        except OSError as error:
            shell.err.write(f"error: cannot write {clean(one.name)}: {error.strerror}\n")
            codes.append(Exit.FAILURE)
    if shell.environ.get("GITHUB_ACTIONS") == "true":
        _tell_github(shell, result)
    return codes


def tell_failure(args: argparse.Namespace, shell: Shell, error: ReconcilerError) -> None:
    """The same of a command that could not do its work."""
    with suppress(UsageError):  # it may be what failed
        plan = Plan((), errors=tuple(failure_errors(error)))
        tell(args, shell, Result(args.command, plan, failure_data(args.command, error)))


def _tell_github(shell: Shell, result: Result) -> None:
    shell.err.command(workflow_commands(findings(result)))
    summary = shell.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with suppress(OSError), Path(summary).open("a", encoding="utf-8") as file:
            file.write(_markdown(result, _SUMMARY_LIMIT) + "\n")


def _markdown(result: Result, limit: int) -> str:
    if result.command == "apply" and result.outcomes:
        return outcomes_markdown(result.outcomes, result.plan.errors, limit=limit)
    if result.command == "validate":
        return files_markdown(result.plan, limit=limit)
    return plan_markdown(result.plan, drift=result.is_drift, limit=limit)


def _limit(environ: Mapping[str, str]) -> int:
    """How long a comment may be on the host whose job this is; the shortest of the usual else."""
    for variable, host in _HOSTS.items():
        if environ.get(variable):
            return LIMITS[host]
    return LIMITS["github"]


KINDS: Mapping[str, Callable[[Result, Mapping[str, str]], str]] = {
    "json": lambda result, _: as_json(result.data),
    "markdown": lambda result, environ: _markdown(result, _limit(environ)),
    "sarif": lambda result, _: as_json(sarif(result)),
    "junit": lambda result, _: junit(result),
}
