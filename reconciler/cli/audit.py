"""`audit`: the review of who may call an org's APIs, by which app and why; reads only."""

from __future__ import annotations

import argparse

from reconciler.cli.output import print_document, style_of
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for
from reconciler.core.audit import OVERDUE
from reconciler.errors import Exit, UsageError, worst
from reconciler.files.platforms import SALESFORCE
from reconciler.run.audit import Audited, audit
from reconciler.show.audit import audit_csv, audit_data, audit_markdown, audit_text
from reconciler.show.text import error_line


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    context = context_for(args, shell, read_only=True)
    orgs = [one for one in context.project.organizations if one.platform == SALESFORCE]
    if not orgs:
        raise UsageError(
            "audit is for organizations with platform: salesforce; the files have none"
        )
    found = audit(context, args.unused_days)
    _print(args, shell, found)
    codes = [error.exit for error in found.errors]
    if any(one.of(OVERDUE) for one in found.reviews):
        codes.append(Exit.CHANGES)
    return worst(codes)


def _print(args: argparse.Namespace, shell: Shell, found: Audited) -> None:
    if args.format == "json":
        print_document(args, shell, audit_data(found.reviews), found.errors)
        return
    if args.format == "csv":
        shell.data(audit_csv(found.reviews))
    elif args.format == "markdown":
        shell.data(audit_markdown(found.reviews))
    else:
        shell.data(audit_text(found.reviews, style_of(args, shell)))
    for error in found.errors:
        shell.err.write(f"error: {error_line(error)}\n")
