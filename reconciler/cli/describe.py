"""`describe`: fields, defaults, allowed values and an example of a policy."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from reconciler.cli.output import print_document, print_rows, print_text, style_of
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import custom_policies
from reconciler.core.catalogue import MISSING, Catalogue, Field, PolicyType
from reconciler.core.model import MULESOFT_GROUP
from reconciler.errors import Exit, UsageError
from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.write import to_yaml
from reconciler.show.text import Style


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    catalogue = ShippedCatalogue.load(custom_policies(args, shell))
    if not args.policy:
        rows = [_row(known) for name in catalogue.names() if (known := _find(catalogue, name))]
        print_rows(args, shell, rows, ("policy", "category", "gateways", "direction", "versions"))
        return Exit.OK
    known = _find(catalogue, args.policy)
    if known is None:
        near = get_close_matches(args.policy, catalogue.names(), 3, 0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else "`reconciler describe` lists all"
        raise UsageError(f"the catalogue has no policy {args.policy!r}; {hint}")
    if args.policy_version and args.policy_version not in known.versions:
        versions = ", ".join(known.versions) or "none"
        raise UsageError(
            f"version {args.policy_version} of {known.name} is not in the catalogue ({versions})"
        )
    if args.format == "json":
        print_document(args, shell, _data(known, args.policy_version))
    else:
        print_text(args, shell, _text(known, args.policy_version, style_of(args, shell)))
    return Exit.OK


def _find(catalogue: Catalogue, name: str) -> PolicyType | None:
    group, _, name = name.rpartition("/")
    return catalogue.get(group or MULESOFT_GROUP, name)


def _row(known: PolicyType) -> dict[str, Any]:
    return {
        "policy": known.name,
        "category": known.category,
        "gateways": sorted(known.gateways),
        "direction": known.direction,
        "versions": list(known.versions),
    }


def _data(known: PolicyType, version: str | None) -> dict[str, Any]:
    return {
        **_row(known),
        "title": known.title,
        "groupId": known.group,
        "version": version,
        "rules": known.rules,
        "complete": known.complete,
        "fields": [_field_data(item) for item in known.fields.values()],
        "example": dict(known.example),
    }


def _field_data(item: Field) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": item.name,
        "type": item.type,
        "title": item.title,
        "required": item.required,
        "secret": item.sensitive,
        "unordered": item.unordered,
        "items": item.item_type,
        "enum": list(item.enum),
        "minimum": item.minimum,
        "maximum": item.maximum,
        "dependsOn": dict(item.depends_on),
        "fields": [_field_data(nested) for nested in item.fields.values()],
    }
    if item.default is not MISSING:
        data["default"] = item.default
    return {key: value for key, value in data.items() if value not in ("", None, [], {})}


def _text(known: PolicyType, version: str | None, style: Style) -> str:
    gateways = ", ".join(sorted(known.gateways)) or "gateways that are not known"
    lines = [
        f"{style.bold(known.name)}  {known.title}",
        style.dim(f"{known.category}; {known.direction or 'in- or outbound'}; runs on {gateways}"),
        style.dim(f"known versions: {', '.join(known.versions) or 'none'}"),
        "",
    ]
    lines += _fields(known.fields, style, 1) or ["  no configuration"]
    if not known.complete:
        lines += ["", "  the list of fields is not complete; others are sent as they are written"]
    if not known.rules:
        lines += ["", "  runs on the whole API: takes no `rules`"]
    lines += ["", style.bold("example"), "", _example(known, version)]
    return "\n".join(lines)


def _fields(fields: Mapping[str, Field], style: Style, depth: int) -> list[str]:
    lines: list[str] = []
    for item in fields.values():
        pad = "  " * depth
        head = f"{pad}{style.paint('36', item.name)}  {_kind(item)}"
        lines.append(f"{head}  {style.dim(item.title)}".rstrip() if item.title else head)
        detail = _detail(item)
        if detail:
            lines.append(f"{pad}    {style.dim(detail)}")
        lines += _fields(item.fields, style, depth + 2)
    return lines


def _kind(item: Field) -> str:
    kind = f"list of {item.item_type}" if item.type == "array" and item.item_type else item.type
    marks = [kind]
    if item.required and item.default is MISSING:
        marks.append("required")
    if item.sensitive:
        marks.append("secret")
    if item.unordered:
        marks.append("order does not matter")
    return ", ".join(marks)


def _detail(item: Field) -> str:
    parts = []
    if item.default is not MISSING:
        parts.append(f"default {json.dumps(item.default)}")
    if item.enum:
        parts.append(f"one of {', '.join(map(str, item.enum))}")
    if item.minimum is not None:
        parts.append(f"at least {item.minimum:g}")
    if item.maximum is not None:
        parts.append(f"at most {item.maximum:g}")
    if item.depends_on:
        when = " and ".join(f"{key} is {json.dumps(val)}" for key, val in item.depends_on.items())
        parts.append(f"where {when}")
    return "; ".join(parts)


def _example(known: PolicyType, version: str | None) -> str:
    own = {} if known.group == MULESOFT_GROUP else {"groupId": known.group}
    reference: dict[str, Any] = {**own, "name": known.name}
    if version or known.versions:
        reference["version"] = version or known.versions[-1]
    entry: dict[str, Any] = {"policyRef": reference}
    if known.example:
        entry["config"] = dict(known.example)
    list_name = "outboundPolicies" if known.direction == "outbound" else "policies"
    text = to_yaml({list_name: [entry]})
    return "".join(f"  {line}\n" for line in text.splitlines())
