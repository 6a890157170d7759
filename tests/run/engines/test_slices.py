"""What travels to a worker: everything that it takes to compare, and no secret."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.cli.arguments import parse
from reconciler.cli.shell import process_shell
from reconciler.cli.wiring import context_for
from reconciler.core.redact import Secret
from reconciler.run.context import Context
from reconciler.run.converge import Asks, compare_unit, coverage_of, locate_all
from reconciler.run.engines.slices import bare, slices, split
from tests.cli.driver import SECRETS, Cli, environment, sample
from tests.emulator.driver import Emulator

KEY = "0123456789abcdef0123456789abcdef"
PLAIN = "never-to-be-seen-elsewhere"
OWN = f"""\
apiVersion: reconciler/v1
kind: ApiInstance
api: {{asset: inventory-api}}
policies:
  - policyRef: {{name: http-basic-authentication, version: 1.3.2}}
    config: {{username: me, password: {PLAIN}}}
"""


@pytest.fixture
def cli(tmp_path: Path, emulator: Emulator) -> Cli:
    sample(tmp_path)
    return Cli(tmp_path, {**environment(emulator), "RECONCILER_SECRET_KEY": KEY})


def context_of(cli: Cli) -> Context:
    shell = replace(process_shell(), environ=cli.environ, cwd=cli.folder)
    args = parse(["plan", "-f", str(cli.folder / "policies")], cli.environ)
    return context_for(args, shell, read_only=True)


def test_no_secret_travels_there_or_back(cli: Cli) -> None:
    cli.run("apply", "--yes", "--max-deletes", "3", "--resend-secrets")
    cli.write({"policies/acme/production/inventory.yaml": OWN})
    context = context_of(cli)
    away, stay, named = split(context, locate_all(context).jobs)
    assert [str(job.address) for job in stay] == ["acme/production/inventory"]
    assert {text for _, text in named.references} == {f"${{env:{name}}}" for name in SECRETS}
    parts = list(slices(context, away, 3, Asks(causes=True)))
    assert [len(part.units) for part in parts][:1] == [3]
    there = b"".join(map(pickle.dumps, parts))
    coverage = coverage_of(context)
    found = [compare_unit(context, job, coverage, Asks(causes=True)) for job in away]
    back = b"".join(pickle.dumps(bare(one)) for one in found)
    for secret in (*SECRETS.values(), PLAIN, KEY, cli.environ["ANYPOINT_CLIENT_SECRET"] * 3):
        assert secret.encode() not in there + back
    assert b"${env:PARTNER_JWT_KEY}" in there


def test_a_secret_in_defaults_keeps_all_below_at_home(cli: Cli) -> None:
    defaults = "\ndefaults:\n  policies:\n" + OWN.partition("policies:\n")[2]
    path = cli.folder / "policies/acme/sandbox/environment.yaml"
    text = path.read_text()
    path.write_text(text.partition("defaults:")[0] + defaults)
    context = context_of(cli)
    _, stay, _ = split(context, locate_all(context).jobs)
    assert {job.address.environment for job in stay} == {"sandbox"}


def test_a_secret_cannot_travel_by_mistake() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("x"))
