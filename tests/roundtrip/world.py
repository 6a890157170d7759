"""An emulator with two APIs, and the run of the product against it in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Any

from reconciler.core.plan import Plan
from reconciler.core.redact import Redactor
from reconciler.errors import PolicyError
from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.entry_check import EntryChecker
from reconciler.files.hosts import DEFAULT_HOST
from reconciler.files.layers import Layering
from reconciler.files.load import load
from reconciler.files.schema import Schemas
from reconciler.files.values import Resolver
from reconciler.files.write import to_yaml
from reconciler.providers.base import Provider
from reconciler.run.apply import Work, apply
from reconciler.run.context import Context
from reconciler.run.converge import Compared, compare
from reconciler.run.export import Exported, export
from reconciler.run.inventory import Live
from reconciler.run.memory import SecretMemory
from reconciler.run.platforms import Platforms
from reconciler.run.state import FolderStore
from reconciler.transport import Bounds
from tests.emulator.driver import ACME, PRODUCTION, Emulator

MULE, FLEX = 101, 102
BACKEND = "7e1a90c4-0000-4b6b-9d11-0000000000b1"
_CATALOGUE = ShippedCatalogue.load()
_SCHEMAS = Schemas.load()
_REDACTOR = Redactor(lambda: b"a key for tests")
_HEAD = "apiVersion: reconciler/v1\n"


class World:
    """`files` of each example stand in a folder of its own; the emulator is started once."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self._emulator = emulator
        self._folder = folder
        self._environ: dict[str, str] = {}
        emulator.reset("empty")
        self._empty = emulator.state()
        variables = {
            "ANYPOINT_HOST": emulator.url,
            "ANYPOINT_CLIENT_ID": "demo",
            "ANYPOINT_CLIENT_SECRET": "demo",
        }
        self._platforms = Platforms(
            environ=variables,
            catalogue=_CATALOGUE,
            resolver=self._resolver(),
            bounds=Bounds(calls=2),
            read_only=False,
        )

    @property
    def provider(self) -> Provider:
        return self._platforms.login("", None)

    def begin(self, environ: Mapping[str, str], **settings: Any) -> None:
        """Two APIs without policies; nothing is remembered; no files."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._environ = dict(environ)
        self.put({**self._empty, "apis": [_api(MULE, "mule4"), _api(FLEX, "flexGateway")]})
        if settings:
            self._emulator.settings(**settings)

    def put(self, state: Mapping[str, Any]) -> None:
        """Makes this the live state."""
        self._emulator.reset({"anypoint": state})

    def hold(self, apis: Sequence[Mapping[str, Any]]) -> None:
        """Makes these the live APIs."""
        self.put({**self._empty, "apis": apis})

    def respell(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Puts what `change` makes of it in the place of each stored policy."""
        state = self._emulator.state()
        for api in state["apis"]:
            api["policies"] = [change(policy) for policy in api["policies"]]
        self.put(state)

    def declare(self, api: int, **lists: Any) -> None:
        """The files say this of an API, and nothing of the others."""
        document = {"kind": "ApiInstance", "api": {"id": api}, **lists}
        self.write("policies", {"acme/production/api.yaml": document})

    def write(self, tree: str, documents: Mapping[str, Mapping[str, Any]]) -> None:
        heads = {
            "acme/organization.yaml": {"kind": "Organization", "organization": "Acme Corp"},
            "acme/production/environment.yaml": {
                "kind": "Environment",
                "environment": "Production",
            },
        }
        for name, document in {**heads, **documents}.items():
            path = self._folder / tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            given = {key: value for key, value in document.items() if key != "apiVersion"}
            path.write_text(_HEAD + to_yaml(given), "utf-8", newline="")

    def set(self, **environ: str) -> None:
        self._environ |= environ

    def plan(self, tree: str = "policies") -> Plan:
        """The plan of the files; fails where anything could not be compared."""
        context = self._context(tree)
        plan = compare(context).plan(context, "now")
        assert plan.errors == (), plan.errors
        return plan

    def shown(self, tree: str = "policies") -> list[str]:
        """What the plan shows: `update config.ips`, one for each field."""
        return [
            f"{change.action} {field.path}"
            for change in self.plan(tree).changes
            for field in change.fields or ()
        ]

    def apply(self) -> list[tuple[str, str]]:
        """Carries out the plan; outcome and reason of each change."""
        context = self._context("policies")
        compared = compare(context, notes=True)
        assert compared.errors == (), compared.errors
        outcomes = apply(context, _works(compared), Event())
        return [(outcome.outcome, outcome.reason) for outcome in outcomes]

    def export(self, *, fold: bool = False) -> Exported:
        """What `export` writes, written to the tree `exported`."""
        live = Live(self.provider, parallelism=1)
        made = export(live, _CATALOGUE, EntryChecker(_SCHEMAS), DEFAULT_HOST, fold=fold)
        assert made.errors == (), made.errors
        shutil.rmtree(self._folder / "exported", ignore_errors=True)
        for name, document in made.files.items():
            path = self._folder / "exported" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(to_yaml(document), "utf-8", newline="")
        return made

    def _context(self, tree: str) -> Context:
        resolver = self._resolver()
        try:
            project = load(self._folder / tree, _SCHEMAS, resolver=resolver)
        except PolicyError as error:
            raise AssertionError("\n".join(map(str, error.problems))) from error
        return Context(
            project=project,
            layering=Layering(_SCHEMAS, _CATALOGUE, resolver),
            redactor=_REDACTOR,
            connect=self._platforms.connect,
            parallelism=1,
            memory=SecretMemory(FolderStore(self._folder / "state"), _REDACTOR),
        )

    def _resolver(self) -> Resolver:
        return Resolver(self._environ, self._folder, self._folder / "state")


def _works(compared: Compared) -> list[Work]:
    jobs = {job.address: job for job in compared.jobs}
    return [Work(jobs[diff.desired.address], diff) for diff in compared.diffs if diff.steps]


def _api(number: int, technology: str) -> dict[str, Any]:
    upstream = {"id": BACKEND, "label": "backend", "uri": "https://backend.example.com"}
    return {
        "id": number,
        "environmentId": PRODUCTION,
        "groupId": ACME,
        "assetId": f"{technology.lower()}-api",
        "technology": technology,
        "upstreams": [upstream] if technology == "flexGateway" else [],
    }
