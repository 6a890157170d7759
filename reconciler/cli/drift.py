"""`drift`: compare and write nothing; its connection admits only reads."""

from __future__ import annotations

import argparse
from dataclasses import replace

from reconciler.cli.outputs import check_places, places_of, tell
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for, engine_for, now
from reconciler.core.plan import Plan
from reconciler.errors import Exit, worst
from reconciler.run.context import Context
from reconciler.run.converge import compare
from reconciler.run.drift import environments_data, with_authors
from reconciler.run.refusals import loosenings
from reconciler.show.data import as_json, drift_data
from reconciler.show.findings import Result
from reconciler.show.markdown import plan_markdown
from reconciler.show.text import Style, plan_text


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    check_places(args, shell)
    engine = engine_for(args, shell)
    context = context_for(args, shell, read_only=True, is_early=engine is None)
    compared = compare(context, causes=True, engine=engine)
    # Nothing is to be applied, so nothing is refused.
    plan = with_authors(compared.plan(context, now(), refuses=False), context, compared)
    said = (f"{error.address}: {error.message}" for error in loosenings(context))
    plan = replace(plan, warnings=(*plan.warnings, *said))
    data = drift_data(plan, environments_data(context, compared))
    if args.format == "json":
        shell.data(as_json(data))
    elif args.format == "markdown":
        shell.data(plan_markdown(plan, drift=True))
    else:
        style = Style(shell.has_colour(shell.out, no_color=args.no_color))
        shell.data(plan_text(plan, style, drift=True))
    told = Result("drift", plan, data, places=places_of(context.project))
    codes = tell(args, shell, told)
    codes += [error.exit for error in plan.errors]
    if plan.changes or _has_unwanted(args, context, plan):
        codes.append(Exit.CHANGES)
    return worst(codes)


def _has_unwanted(args: argparse.Namespace, context: Context, plan: Plan) -> bool:
    """Whether unmanaged policies count: where the flag says so, or the environment is protected."""
    protected = {
        (organization.folder, environment.folder)
        for organization in context.project.organizations
        for environment in organization.environments
        if environment.protected
    }
    places = {tuple(item.address.split("/")[:2]) for item in plan.unmanaged}
    return bool(places) and (args.fail_on_unmanaged or bool(places & protected))
