"""`versions`: policies in use, their versions, and whether ours would fit the newest."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from reconciler.cli.output import print_document, print_rows, style_of
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for
from reconciler.core.model import MULESOFT_GROUP
from reconciler.errors import Exit, worst
from reconciler.run.versions import Used, Versions, by_policy, versions
from reconciler.show.clean import clean
from reconciler.show.markdown import code
from reconciler.show.text import Style

_COLUMNS = ("organization", "environment", "policy", "pinned", "live", "newest", "state")


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    found = versions(context_for(args, shell, read_only=True))
    if args.format == "json":
        data = {"items": [_data(item) for item in found.items]}
        print_document(args, shell, data, found.errors, found.warnings)
    else:
        _print(args, shell, found)
    codes = [error.exit for error in found.errors]
    if args.detailed_exitcode and any(item.is_behind for item in found.items):
        codes.append(Exit.CHANGES)
    return worst(codes)


def _print(args: argparse.Namespace, shell: Shell, found: Versions) -> None:
    print_rows(args, shell, [_row(item) for item in found.items], _COLUMNS, found.errors)
    is_text = args.format == "text"
    shell.data("".join(_misfits(found.items, style_of(args, shell), is_text=is_text)))
    for text in found.warnings:
        shell.log(f"warning: {clean(text)}")


def _name(item: Used) -> str:
    return item.policy if item.group == MULESOFT_GROUP else f"{item.group}/{item.policy}"


def _row(item: Used) -> dict[str, Any]:
    return {
        "organization": item.organization,
        "environment": item.environment,
        "policy": _name(item),
        "pinned": list(item.pinned) or None,
        "live": list(item.live) or None,
        "newest": item.newest,
        "state": _state(item),
    }


def _state(item: Used) -> str:
    if item.newest is None:
        return "not offered"
    if not item.is_behind:
        return "newest"
    words = {True: ", ours fits", False: ", ours does not fit", None: ""}[item.fits]
    return "behind" + (", ours may not fit" if item.fits is None and item.misfits else words)


def _data(item: Used) -> dict[str, Any]:
    return {
        "organization": item.organization,
        "environment": item.environment,
        "policy": item.policy,
        "groupId": item.group,
        "pinned": list(item.pinned),
        "live": list(item.live),
        "newest": item.newest,
        "behind": item.is_behind,
        "fits": item.fits,
        "misfits": [
            {"address": each.address, "path": each.path, "message": each.message}
            for each in item.misfits
        ],
    }


def _misfits(items: tuple[Used, ...], style: Style, *, is_text: bool) -> Iterator[str]:
    """For each policy that does not fit: its address and, field by field, why."""
    for item in items:
        for address, found in by_policy(item.misfits):
            head = f"{address} and {_name(item)} {item.newest}"
            yield f"\n{style.bold(clean(head))}\n" if is_text else f"\n{code(head)}\n\n"
            for each in found:
                line = f"{each.path}: {each.message}"
                yield f"  {clean(line)}\n" if is_text else f"- {code(line)}\n"
