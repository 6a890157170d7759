"""`promote`: what one environment has that another one has not, by the files alone."""

from __future__ import annotations

import argparse
from collections import Counter
from difflib import get_close_matches
from typing import Any

from reconciler.cli.output import print_document, print_rows
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for
from reconciler.errors import Exit, UsageError
from reconciler.run.promote import (
    DIFFERS,
    ONLY_FROM,
    ONLY_TO,
    Gap,
    Promotion,
    compare_environments,
)
from reconciler.run.requires import Places, environments
from reconciler.show.clean import clean, value

_HAS_NOT = "-"


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    context = context_for(args, shell, read_only=True, offline=True)
    places = environments(context.project.organizations)
    from_, to = (_known(address.strip("/"), places) for address in (args.from_, args.to))
    if from_ == to:
        raise UsageError("name two environments: they are the same")
    found = compare_environments(context, places, from_, to)
    if args.format == "json":
        print_document(args, shell, _data(found, from_, to), warnings=found.warnings)
    else:
        _print(args, shell, found, from_, to)
    return Exit.CHANGES if found.gaps and args.detailed_exitcode else Exit.OK


def _known(address: str, places: Places) -> str:
    if address in places:
        return address
    near = get_close_matches(address, list(places), 2, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(places)}"
    raise UsageError(f"no environment has the address {address}; {hint}")


def _print(args: argparse.Namespace, shell: Shell, found: Promotion, from_: str, to: str) -> None:
    if found.gaps:
        print_rows(
            args,
            shell,
            [_row(gap, from_, to) for gap in found.gaps],
            ("api", "policy", "field", from_, to),
        )
    for text in found.warnings:
        shell.log(f"warning: {clean(text)}")
    apis = len({gap.api for gap in found.gaps})
    shell.data(f"{'' if not found.gaps else chr(10)}{apis} different, {found.same} the same.\n")


def _row(gap: Gap, from_: str, to: str) -> dict[str, Any]:
    row = {"api": gap.api, "policy": gap.policy or None, "field": gap.field or None}
    if gap.state == DIFFERS:
        return {**row, from_: value(gap.from_), to: value(gap.to)}
    held = gap.from_ if gap.state == ONLY_FROM else gap.to
    shown = ", ".join(held) or "(no policies)" if held is not None else "yes"
    sides = (shown, _HAS_NOT) if gap.state == ONLY_FROM else (_HAS_NOT, shown)
    return {**row, from_: sides[0], to: sides[1]}


def _data(found: Promotion, from_: str, to: str) -> dict[str, Any]:
    counts = Counter(gap.state for gap in found.gaps)
    return {
        "from": from_,
        "to": to,
        "summary": {
            **{state: counts[state] for state in (ONLY_FROM, ONLY_TO, DIFFERS)},
            "same": found.same,
        },
        "items": [
            {
                "api": gap.api,
                "policy": gap.policy or None,
                "field": gap.field or None,
                "state": gap.state,
                "from": gap.from_,
                "to": gap.to,
            }
            for gap in found.gaps
        ],
    }
