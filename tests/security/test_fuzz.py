"""Generated files and answers that mean harm: our own errors with a place, in time, in memory.

`make test` looks at some hundreds, `make soak` at more than 20,000 of each.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.redact import Secret
from reconciler.errors import PolicyError, Problem, ReconcilerError
from reconciler.files.catalogue import ShippedCatalogue
from reconciler.files.entry_check import EntryChecker
from reconciler.files.layers import Layering
from reconciler.files.load import load
from reconciler.files.offline import effective_offline
from reconciler.files.schema import Schemas
from reconciler.files.values import Resolver
from reconciler.files.write import to_yaml
from reconciler.files.yaml import parse
from reconciler.providers.anypoint.auth import Credentials, TokenSource
from reconciler.providers.anypoint.client import Client
from reconciler.providers.anypoint.provider import AnypointProvider
from reconciler.run.export import export
from reconciler.run.inventory import Live, inventory
from tests.cli.driver import ROOT
from tests.providers.anypoint.natives import recorded
from tests.security.memory import at_most
from tests.security.mutations import mutated_answer, mutated_file, torn

_SECONDS = 5
_MEGABYTES = 200
_PARTS = 21
_PER_PART = 1_000
_NAMES = ("organization.yaml", "production/environment.yaml", "production/payments.yaml",
          "production/orders.yaml", "production/orders-partners.yaml")  # fmt: skip
_SAMPLES: Mapping[str, str] = {
    name: (ROOT / "policies/acme" / name).read_text("utf-8") for name in _NAMES
}
_SCHEMAS, _CATALOGUE = Schemas.load(), ShippedCatalogue.load()


def hostile_tree(root: Path, seed: int) -> None:
    """The sample with one file in which something is wrong."""
    random = Random(seed)
    wrong = random.choice(_NAMES)
    for name, text in _SAMPLES.items():
        path = root / "policies/acme" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode()
        if name == wrong and random.random() < 0.6:
            made = mutated_file(yaml.safe_load(text), random)
            data = yaml.safe_dump(made, allow_unicode=True, sort_keys=False).encode()
        elif name == wrong:
            data = torn(data, random)
        path.write_bytes(data)


def look_at_files(root: Path) -> int:
    """Loads, checks and layers the tree; the number of problems, each with its place."""
    resolver = Resolver({"KEY": "v", "A": "w"}, root, root / ".reconciler")
    found: list[Problem] = []
    try:
        project = load(root / "policies", _SCHEMAS, resolver=resolver)
        for unit in effective_offline(project, Layering(_SCHEMAS, _CATALOGUE, resolver)):
            found += unit.effective[1]
    except PolicyError as error:
        found += error.problems
    for problem in found:
        assert problem.file.endswith(".yaml") or problem.file.startswith(str(root)), problem
        assert problem.message, problem
        assert len(str(problem)) < 5_000
        str(problem).encode()
    return len(found)


@at_most(_MEGABYTES)
def many_files(root: Path, seeds: range) -> None:
    for seed in seeds:
        hostile_tree(root, seed)
        started = time.process_time()
        try:
            look_at_files(root)
        except ReconcilerError as error:
            raise AssertionError(f"seed {seed}") from error
        except Exception as bug:
            raise AssertionError(f"seed {seed}: {type(bug).__name__}") from bug
        assert time.process_time() - started < _SECONDS, f"seed {seed}"


def test_hostile_files_are_refused_with_a_place(tmp_path: Path) -> None:
    many_files(tmp_path, range(200))


@pytest.mark.soak
@pytest.mark.parametrize("part", range(_PARTS))
def test_hostile_files_for_long(tmp_path: Path, part: int) -> None:
    many_files(tmp_path, range(part * _PER_PART, (part + 1) * _PER_PART))


@given(
    st.binary(max_size=400)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
)
def test_any_bytes_are_parsed_or_refused_with_a_place(data: bytes) -> None:
    documents, problems = parse(data, "f.yaml")
    assert all(problem.file == "f.yaml" and problem.message for problem in problems)
    assert all(document.at > (0, 0) for document in documents)


class _Stub:
    """A transport whose answers are the recorded ones, one kind of them mutated."""

    base_url = "http://127.0.0.1:1"
    budget: Mapping[str, str] = {}

    def __init__(self, random: Random) -> None:
        self._random = random
        self._wrong = random.choice(list(_RECORDED))

    def request(self, method: str, path: str, **_: Any) -> Any:
        kind = _kind(urlsplit(path).path)
        body = _RECORDED[kind]
        if kind != self._wrong:
            return body
        made = mutated_answer(body, self._random)
        # As it comes off the wire: plain JSON, no two places the same object.
        return json.loads(json.dumps(made))

    def close(self) -> None:
        pass


_RECORDED: Mapping[str, Any] = {
    "/me": recorded("me"),
    "/hierarchy": recorded("hierarchy"),
    "/environments": recorded("environments"),
    "/apis": recorded("instances"),
    "/policies": recorded("policies_plain"),
    "/upstreams": recorded("upstreams"),
    "/automated-policies": recorded("automated"),
    "/tiers": {"tiers": [recorded("tier_created")], "total": 1},
}


def _kind(path: str) -> str:
    return next((name for name in _RECORDED if path.endswith(name)), "/policies")


def look_at_answers(seed: int) -> None:
    """Lists and exports all that a service with one wrong answer has."""
    token = Credentials("token", Secret(""), Secret("t0k"))
    stub: Any = _Stub(Random(seed))
    live = Live(AnypointProvider(Client(stub, TokenSource(stub, token)), _CATALOGUE), parallelism=1)
    for what in ("orgs", "envs", "apis", "policies"):
        try:
            json.dumps(inventory(live, what).items)
        except ReconcilerError as error:
            assert str(error)
    try:
        exported = export(
            live, _CATALOGUE, EntryChecker(_SCHEMAS), stub.base_url, fold=seed % 2 == 0
        )
    except ReconcilerError as error:
        assert str(error)
        return
    for name, document in exported.files.items():
        assert ".." not in name
        _, problems = parse(to_yaml(document).encode(), name)
        assert problems == []


@at_most(_MEGABYTES)
def many_answers(seeds: range) -> None:
    for seed in seeds:
        started = time.process_time()
        try:
            look_at_answers(seed)
        except Exception as bug:
            raise AssertionError(f"seed {seed}: {type(bug).__name__}") from bug
        assert time.process_time() - started < _SECONDS, f"seed {seed}"


def test_hostile_answers_are_our_errors() -> None:
    many_answers(range(200))


@pytest.mark.soak
@pytest.mark.parametrize("part", range(_PARTS))
def test_hostile_answers_for_long(part: int) -> None:
    many_answers(range(part * _PER_PART, (part + 1) * _PER_PART))
