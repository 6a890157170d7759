"""`explain`: the effective policies of one API, each field with the place that set it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any
from urllib.parse import unquote

from reconciler.cli.output import print_document, print_text, style_of
from reconciler.cli.shell import Shell
from reconciler.cli.wiring import context_for
from reconciler.core.fields import (
    Path,
    comparable,
    concrete_paths,
    differing_fields,
    dotted,
    redact_at,
    walk,
)
from reconciler.core.model import ACCESS_LISTS, BYPASS, GRANTS, LiveUnit, Resource
from reconciler.core.pairing import pair
from reconciler.core.project import Environment, Layer
from reconciler.core.redact import Redactor
from reconciler.errors import Exit, PolicyError, UsageError
from reconciler.files.access_origins import access_origins, shown_holder
from reconciler.files.layers import EffectivePolicy
from reconciler.files.offline import layers_offline
from reconciler.run.context import Context, Scope
from reconciler.run.converge import desired_unit, fetch, locate_all
from reconciler.run.locate import Job
from reconciler.show.clean import clean, value
from reconciler.show.text import Style

# A longer value pushes what follows aside in its own line only.
_WIDEST = 48


@dataclass(frozen=True, slots=True)
class _Row:
    """One field; `layer` is empty where no file says anything of its policy."""

    path: str
    desired: Any
    live: Any
    differs: bool
    layer: str
    place: str


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    parts = [unquote(part) for part in args.address.strip("/").split("/")]
    if len(parts) < 3:
        raise UsageError("an address has three parts, such as acme/production/orders")
    scope = Scope((parts[0],), (parts[1],))
    context = context_for(args, shell, read_only=True, offline=not args.live, scope=scope)
    policies, unit = _found(args, context, parts)
    problems = [problem for policy in policies for problem in policy.problems]
    if problems:
        raise PolicyError(problems)
    explained = list(_explained(policies, unit, context.redactor))
    if args.format == "json":
        print_document(args, shell, {"address": args.address, "policies": _data(explained)})
    else:
        text = _text(args.address, explained, style_of(args, shell), has_live=args.live)
        print_text(args, shell, text)
    return Exit.OK


def _found(
    args: argparse.Namespace, context: Context, parts: Sequence[str]
) -> tuple[Sequence[EffectivePolicy], LiveUnit | None]:
    """What the files say of the address, and what is live there where that is asked for."""
    if not args.live:
        access = _access(context, parts)
        return (
            (access, None)
            if access is not None
            else (context.layering.origins(_offline(context, parts)), None)
        )
    job, live = _live(context, "/".join(parts[:3]))
    if job.environment.access is not None:
        said = access_origins(job.organization, job.environment.access, notes=False)
        return said, _shown(live)
    assert job.match is not None
    return context.layering.origins(job.match.layers(job.organization, job.environment)), live


def _access(context: Context, parts: Sequence[str]) -> list[EffectivePolicy] | None:
    """What an ApiAccess says; None where the address is of none."""
    for organization in context.project.organizations:
        for environment in organization.environments:
            place = organization.folder, environment.folder
            access = environment.access
            if access and (*place, access.name) == tuple(parts[:3]):
                return access_origins(organization, access)
    return None


def _shown(live: LiveUnit) -> LiveUnit:
    shown = [
        shown_holder(one) if one.key.list in (GRANTS, BYPASS) else one for one in live.resources
    ]
    return replace(live, resources=tuple(shown))


def _offline(context: Context, parts: Sequence[str]) -> tuple[Layer, ...]:
    found = layers_offline(context.project, *parts[:3])
    if found is None:
        hint = "`--live` also finds APIs that only a group reaches"
        raise _unknown(context, "/".join(parts[:3]), hint)
    return found


def _live(context: Context, address: str) -> tuple[Job, LiveUnit]:
    located = locate_all(context)
    job = next((job for job in located.jobs if unquote(str(job.address)) == address), None)
    if job is None:
        reasons = "; ".join(error.message for error in located.errors)
        raise _unknown(context, address, reasons or "no document reaches such an API")
    desired, _ = desired_unit(context, job)
    return job, fetch(context, job, desired)


def _unknown(context: Context, address: str, hint: str) -> UsageError:
    known = [
        f"{organization.folder}/{environment.folder}/{name}"
        for organization in context.project.organizations
        for environment in organization.environments
        for name in _names(environment)
    ]
    near = get_close_matches(address, known, 3, 0.5)
    did_you_mean = f"did you mean {' or '.join(near)}? " if near else ""
    return UsageError(f"no API has the address {address}; {did_you_mean}{hint}")


def _names(environment: Environment) -> Iterator[str]:
    yield from (api.name for api in environment.apis)
    if environment.access is not None:
        yield environment.access.name


_Explained = tuple[EffectivePolicy | None, Resource | None, list[_Row]]


def _explained(
    policies: Sequence[EffectivePolicy], unit: LiveUnit | None, redactor: Redactor
) -> Iterator[_Explained]:
    """Each policy with its live counterpart, then live ones that no file names."""
    pairing = pair([item.resource for item in policies], unit.resources if unit else ())
    live_of = {id(desired): live for desired, live in pairing.pairs}
    for policy in policies:
        live = live_of.get(id(policy.resource))
        yield policy, live, list(_rows(policy, live, redactor))
    for resource in pairing.only_live:
        yield None, resource, list(_held(resource, redactor))


def _rows(policy: EffectivePolicy, live: Resource | None, redactor: Redactor) -> Iterator[_Row]:
    """What the files say, then what differs although no file says it: a default."""
    desired = policy.resource
    ours, theirs = comparable(desired, live) if live else (None, None)
    secrets = desired.secrets | (live.secrets if live else frozenset())
    said: list[Path] = []
    for pattern, origin in policy.origins.items():
        for path in concrete_paths(desired.settings, pattern):
            said.append(path)
            yield _Row(
                dotted(path),
                redact_at(walk(desired.settings, path), path, secrets, redactor),
                redact_at(walk(live.canonical, path) if live else None, path, secrets, redactor),
                live is not None and walk(ours, path) != walk(theirs, path),
                origin.layer,
                f"{origin.source.file}:{origin.source.line}",
            )
    # What no file says of an app is not managed, and has no default.
    has_defaults = desired.key.list not in ACCESS_LISTS
    for path in differing_fields(theirs, ours) if has_defaults and ours != theirs else ():
        if not any(path[: len(other)] == other[: len(path)] for other in said):
            wanted = redact_at(walk(ours, path), path, secrets, redactor)
            held = redact_at(walk(theirs, path), path, secrets, redactor)
            yield _Row(dotted(path), wanted, held, True, "default", "")


def _held(live: Resource, redactor: Redactor) -> Iterator[_Row]:
    """All that the service holds of a policy that no file names."""
    paths: list[Path] = [
        *((name,) for name in live.canonical if live.key.list in ACCESS_LISTS),
        ("version",),
        *(("config", key) for key in live.settings.get("config", ())),
    ]
    for path in (*paths, ("rules",), ("disabled",)):
        if (held := walk(live.settings, path)) not in (None, False):
            yield _Row(
                dotted(path), None, redact_at(held, path, live.secrets, redactor), True, "", ""
            )


def _data(explained: Sequence[_Explained]) -> list[dict[str, Any]]:
    items = []
    for policy, live, rows in explained:
        resource = policy.resource if policy else live
        assert resource is not None
        items.append(
            {
                "policy": resource.key.segment,
                "managed": policy is not None,
                "id": live.id if live else None,
                "fields": [
                    {
                        "path": row.path,
                        "desired": row.desired,
                        "live": row.live,
                        "layer": row.layer,
                        "source": row.place,
                    }
                    for row in rows
                ],
            }
        )
    return items


def _text(address: str, explained: Sequence[_Explained], style: Style, *, has_live: bool) -> str:
    blocks = [style.bold(clean(address))]
    for number, (policy, live, rows) in enumerate(explained, 1):
        resource = policy.resource if policy else live
        assert resource is not None
        note = ""
        if has_live and live is None:
            note = style.paint("32", "  not live yet")
        if policy is None:
            note = style.dim("  live, in no file")
        head = f"{number:>2} {style.bold(clean(resource.key.segment))}{note}"
        lines = _lines(rows, style, has_live=has_live and live is not None)
        blocks.append("\n".join([head, *lines]))
    return "\n\n".join(blocks) + "\n"


def _lines(rows: Sequence[_Row], style: Style, *, has_live: bool) -> list[str]:
    paths = max((len(row.path) for row in rows), default=0)
    values = max((n for row in rows if (n := len(value(row.desired))) <= _WIDEST), default=0)
    layers = max((len(row.layer) for row in rows), default=0)
    lines = []
    for row in rows:
        path = f"   {clean(row.path):<{paths}}"
        live = style.paint("33", f"live: {value(row.live)}")
        if not row.layer:
            lines.append(f"{path}  {live}")
            continue
        origin = style.dim(f"{row.layer:<{layers}}  {clean(row.place)}".rstrip())
        lines.append(f"{path}  {value(row.desired):<{values}}  {origin}")
        if has_live and row.differs:
            lines.append(f"   {'':<{paths}}  {live}")
    return lines
