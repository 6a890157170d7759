"""`--drift-result`: what another run of `drift` found, from its JSON."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reconciler.cli.json_file import read_json
from reconciler.errors import PolicyError, Problem
from reconciler.run.context import Proof
from reconciler.run.requires import DriftResultError, proofs_from


def drift_results(names: Iterable[str], folder: Path) -> tuple[Proof, ...]:
    """What the files prove; raises UsageError or PolicyError for one that is no drift result."""
    return tuple(proof for name in names for proof in _proofs(folder / name, name))


def _proofs(path: Path, name: str) -> tuple[Proof, ...]:
    try:
        return proofs_from(read_json(path, name, "drift result"))
    except DriftResultError as error:
        raise PolicyError([Problem(name, message=str(error))]) from error
