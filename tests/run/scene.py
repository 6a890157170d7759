"""A tree of files over a running emulator, as a run sees it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

from reconciler.core.outcome import Outcome
from reconciler.core.plan import Plan
from reconciler.files.layers import Layering
from reconciler.files.load import load
from reconciler.files.schema import Schemas
from reconciler.files.values import Resolver
from reconciler.files.write import to_yaml
from reconciler.providers.base import Provider
from reconciler.run.apply import Work, apply
from reconciler.run.context import Context
from reconciler.run.converge import Compared, compare
from tests.builders import REDACTOR
from tests.emulator.driver import Emulator
from tests.providers.suite import SHIPPED, connected

SCHEMAS = Schemas.load()
Documents = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Scene:
    """Files are written, and the emulator holds a seed."""

    emulator: Emulator
    context: Context

    def compare(self) -> Compared:
        return compare(self.context, notes=True)

    def plan(self) -> Plan:
        return self.compare().plan(self.context, "now")

    def apply(self, provider: Provider | None = None) -> list[Outcome]:
        """Plans and carries out; through `provider` where one is given."""
        compared = self.compare()
        jobs = {job.address: job for job in compared.jobs}
        if provider:
            jobs = {address: replace(job, provider=provider) for address, job in jobs.items()}
        works = [Work(jobs[diff.desired.address], diff) for diff in compared.diffs if diff.steps]
        works.sort(key=lambda work: work.job.address)
        return list(apply(self.context, works, Event()))


@contextmanager
def staged(
    emulator: Emulator, seed: Any, documents: Documents, environ: Mapping[str, str], **more: Any
) -> Iterator[Scene]:
    """Resets the emulator to the seed and writes the documents; takes both down at the end."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root / "policies", documents)
        emulator.reset(seed)
        with connected(emulator) as provider:
            yield Scene(emulator, a_context(root, provider, environ, **more))


def write(root: Path, documents: Documents) -> None:
    for name, document in documents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_yaml(document), "utf-8")


def a_context(root: Path, provider: Provider, environ: Mapping[str, str], **more: Any) -> Context:
    """The files below `root`, loaded for real; one call at a time unless more is said."""
    resolver = Resolver(environ, root, root / ".reconciler", False)
    return Context(
        load(root / "policies", SCHEMAS, resolver=resolver),
        Layering(SCHEMAS, SHIPPED, resolver),
        REDACTOR,
        lambda organization: provider,
        **({"parallelism": 1} | more),
    )
