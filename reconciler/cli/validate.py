"""`validate`: everything that can be said of the files without a connection, or with `--online`."""

from __future__ import annotations

import argparse
from pathlib import Path

from reconciler.cli.narrow import filters, narrow
from reconciler.cli.output import document
from reconciler.cli.outputs import check_places, tell
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for, schema_dir
from reconciler.core.coverage import conflicts
from reconciler.core.model import DesiredUnit
from reconciler.core.plan import Plan, PlanError
from reconciler.errors import Exit, PolicyError, ReconcilerError, UsageError, worst
from reconciler.files.offline import effective_offline
from reconciler.providers.base import Rehearsal
from reconciler.run.context import Context
from reconciler.run.converge import coverage_of, desired_unit, diff, fetch, locate_all
from reconciler.run.coverage import Coverage
from reconciler.run.known_good import Good, KnownGood
from reconciler.run.locate import Job, as_errors
from reconciler.run.refusals import loosenings
from reconciler.show.alike import folded
from reconciler.show.clean import clean
from reconciler.show.data import as_json
from reconciler.show.findings import Result
from reconciler.show.text import error_lines

_DECIDING = ("RECONCILER_ENV_ALLOW", "RECONCILER_SECRET_DIRS")


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    check_places(args, shell)
    known = None if args.online or args.baseline else _known(args, shell)
    good = known.recall() if known else None
    if good is not None:
        return worst(_say(args, shell, [], list(good.warnings), good.documents))
    errors, warnings, units = _looked(args, shell)
    if known and not errors:
        known.keep(Good(units, tuple(warnings)))
    codes = _say(args, shell, errors, warnings, units)
    return worst([*codes, *(error.exit for error in errors)])


def _known(args: argparse.Namespace, shell: Shell) -> KnownGood | None:
    """What is known of just this: these files, this program, and all else that decides."""
    if args.no_cache:
        return None
    variables = {name: shell.environ.get(name) for name in _DECIDING}
    filters = (args.org, args.env, args.api)
    places = (args.policies, str(shell.cwd), args.state_dir, args.schema_dir)
    return KnownGood.of(
        Path(args.policies), schema_dir(args, shell), shell.environ, (variables, filters, places)
    )


def _looked(args: argparse.Namespace, shell: Shell) -> tuple[list[PlanError], list[str], int]:
    """Errors, warnings, and how many documents there are."""
    context = narrow(
        context_for(args, shell, read_only=True, offline=not args.online, rehearses=args.online)
    )
    warnings = list(context.project.warnings)
    errors = _online(context, warnings) if args.online else _offline(context, warnings)
    errors += loosenings(context)
    units = sum(
        len(environment.apis) + len(environment.groups) + (environment.access is not None)
        for organization in context.project.organizations
        for environment in organization.environments
    )
    return errors, sorted(set(warnings)), units


def _offline(context: Context, warnings: list[str]) -> list[PlanError]:
    problems = []
    for unit in effective_offline(context.project, context.layering):
        _, found, said = unit.effective
        problems += found
        warnings += said
    return as_errors(PolicyError(problems), "")


def _online(context: Context, warnings: list[str]) -> list[PlanError]:
    """Also finds every organization, environment and API, and gives references their values."""
    located = locate_all(context)
    errors = list(located.errors)
    if not located.jobs and not errors and context.scope.apis:
        raise UsageError(f"no API matches {filters(context.scope)}")
    coverage = coverage_of(context)
    for job in located.jobs:
        try:
            desired, said = desired_unit(context, job)
        except ReconcilerError as error:
            errors += as_errors(error, str(job.address))
            continue
        warnings += said
        if job.match is not None:
            errors += _covered(desired, job, coverage, warnings)
        if job.is_access:
            errors += _rehearsed(context, job, desired)
    return list(dict.fromkeys(errors))


def _rehearsed(context: Context, job: Job, desired: DesiredUnit) -> list[PlanError]:
    """An error for everything that the platform would refuse of what is to be done there."""
    address = str(job.address)
    try:
        found = diff(context, desired, fetch(context, job, desired))
        if found.problems:
            raise PolicyError(found.problems)
        if not isinstance(job.provider, Rehearsal):
            return []
        said = job.provider.rehearse(job.target, found.steps)
    except ReconcilerError as error:
        return as_errors(error, address)
    return [PlanError(f"the org would refuse it: {text}", Exit.FAILURE, address) for text in said]


def _covered(
    desired: DesiredUnit, job: Job, coverage: Coverage, warnings: list[str]
) -> list[PlanError]:
    """An error for each policy that an automated one, declared or live, takes the place of."""
    known = coverage.of(job)
    problems, said = conflicts(desired, None, known.lasting, job.technology)
    warnings += [*said, *([known.failure] if known.failure else [])]
    return as_errors(PolicyError(problems), str(job.address))


def _say(
    args: argparse.Namespace,
    shell: Shell,
    errors: list[PlanError],
    warnings: list[str],
    units: int,
) -> list[Exit]:
    """Prints it; the exit codes that printing asks for."""
    data = document(args, {"summary": {"documents": units}}, errors, warnings)
    plan = Plan((), errors=tuple(errors), warnings=tuple(warnings))
    codes = tell(args, shell, Result("validate", plan, data))
    if args.format == "json":
        shell.data(as_json(data))
        return codes
    for text in folded(list(map(clean, warnings))):
        shell.log(f"warning: {text}")
    for text in error_lines(errors):
        shell.err.write(f"error: {text}\n")
    if errors:
        noun = "error" if len(errors) == 1 else "errors"
        shell.data(f"{args.policies}: {len(errors)} {noun}\n")
    else:
        noun = "document" if units == 1 else "documents"
        shell.data(f"{args.policies}: {units} API {noun}, no errors\n")
    return codes
