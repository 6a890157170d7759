"""`init`: a policies/ tree to start from, with comments; asked for on a terminal, or by flags."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.output import print_document
from reconciler.cli.shell import Shell
from reconciler.errors import Exit, ReconcilerError, UsageError
from reconciler.files.shipped import copy_schemas
from reconciler.files.write import text_of
from reconciler.run.folders import slug
from reconciler.run.state import write_atomically

_PROJECT = """\
# yaml-language-server: $schema=.schemas/project.schema.json
# The root of the tree. Folders give the address of everything below:
#   {org}/{env}/{api}  =  organization / environment / API
apiVersion: reconciler/v1
kind: Project
description: {description}
"""

_ORGANIZATION = """\
# yaml-language-server: $schema=../.schemas/organization.schema.json
# An Anypoint organization (business group). The login is taken from ANYPOINT_CLIENT_ID and
# ANYPOINT_CLIENT_SECRET, unless `auth:` names other variables.
apiVersion: reconciler/v1
kind: Organization
organization: {organization_text}

# The versions of policies in use below. A new version is one changed line here.
versions:
  client-id-enforcement: 1.3.3
  ip-allowlist: 1.1.1
  rate-limiting: 1.4.0
"""

_ENVIRONMENT = """\
# yaml-language-server: $schema=../../.schemas/environment.schema.json
apiVersion: reconciler/v1
kind: Environment
environment: {environment_text}

# true: live policies that no file names are deleted. Keep false until `plan` shows none.
prune: false

# Every API that a file below names gets these.
# defaults:
#   policies:
#     - policyRef: {{name: client-id-enforcement}}
"""

_API = """\
# yaml-language-server: $schema=../../.schemas/api-instance.schema.json
# One API instance and its policies, in the order in which they run.
# `reconciler list apis` shows the assets and labels that are live,
# `reconciler describe ip-allowlist` the fields of a policy.
apiVersion: reconciler/v1
kind: ApiInstance
api: {{asset: {asset_text}}}

policies:
  # Any caller can set this header: say which trusted proxy overwrites it.
  - description: Behind our load balancer, which overwrites x-forwarded-for.
    policyRef: {{name: ip-allowlist}}
    config:
      ipExpression: "#[attributes.headers['x-forwarded-for']]"
      ips: [192.0.2.0/24]

  - policyRef: {{name: rate-limiting}}
    config:
      rateLimits: [{{maximumRequests: 100, timePeriodInMilliseconds: 1000}}]
"""


@dataclass(frozen=True, slots=True)
class _Answers:
    organization: str
    environments: tuple[str, ...]
    asset: str


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    folder = shell.cwd / args.policies
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not args.force:
        raise UsageError(f"{args.policies} exists: name another folder with -f, or say --force")
    answers = _answers(args, shell)
    files = _files(answers)
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text.encode(), mode=0o644)
        copy_schemas(folder / ".schemas")
    except OSError as error:
        raise ReconcilerError(f"cannot write below {folder}: {error.strerror}") from error
    _say(args, shell, files)
    return Exit.OK


def _answers(args: argparse.Namespace, shell: Shell) -> _Answers:
    question = "organization (name or id)"
    organization = _answer(args, shell, args.organization, question, "My Company")
    environments = tuple(args.environment or ())
    if not environments:
        given = _answer(args, shell, None, "environments, by commas", "Sandbox, Production")
        environments = tuple(part.strip() for part in given.split(",") if part.strip())
    asset = _answer(args, shell, args.asset, "asset id of a first API", "orders-api")
    for text in (organization, *environments, asset):
        if not text.strip() or not text.isprintable():
            raise UsageError(f"{text!r} is no name")
    return _Answers(organization, tuple(dict.fromkeys(environments)), asset)


def _answer(
    args: argparse.Namespace, shell: Shell, given: str | None, question: str, default: str
) -> str:
    if given is not None:
        return str(given)
    if args.yes or not shell.is_interactive:
        return default
    return shell.ask(f"{question} [{default}]: ") or default


def _files(answers: _Answers) -> Mapping[str, str]:
    organization = slug(answers.organization)
    stem = slug(answers.asset.removesuffix("-api"))
    first = slug(answers.environments[0])
    description = text_of(f"API policies of {answers.organization}")
    files = {
        "reconciler.yaml": _PROJECT.format(
            org=organization, env=first, api=stem, description=description
        ),
        f"{organization}/organization.yaml": _ORGANIZATION.format(
            organization_text=text_of(answers.organization)
        ),
    }
    for name in answers.environments:
        folder = f"{organization}/{slug(name)}"
        files[f"{folder}/environment.yaml"] = _ENVIRONMENT.format(environment_text=text_of(name))
    files[f"{organization}/{first}/{stem}.yaml"] = _API.format(asset_text=text_of(answers.asset))
    return files


def _say(args: argparse.Namespace, shell: Shell, files: Mapping[str, str]) -> None:
    if args.format == "json":
        print_document(args, shell, {"files": [str(Path(args.policies) / name) for name in files]})
        return
    for name in files:
        shell.data(f"{Path(args.policies) / name}\n")
    flag = "" if args.policies == "policies" else f" -f {json.dumps(args.policies)}"
    shell.log(f"\nnext: reconciler{flag} validate, then reconciler{flag} plan")
