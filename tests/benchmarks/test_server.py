"""What is measured against is what the emulator says, and the estate is the same each time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from benchmarks import corpus
from benchmarks.measure import emulating, reconciler, serving
from benchmarks.server import LOGIN, Answers, Learned, learn

APIS = 12


@pytest.fixture(scope="module")
def learned() -> Learned:
    return learn()


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    with emulating(f"scale:{APIS}") as url:
        yield url


def test_it_answers_what_the_emulator_answers(learned: Learned, emulator: str) -> None:
    answers = Answers(learned, APIS)
    token = requests.post(f"{emulator}/accounts/api/v2/oauth2/token", json=LOGIN, timeout=5)
    bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
    paths = [path for path in learned.fixed if not path.endswith("token")]
    paths += [f"{learned.listed}?limit=5&offset={offset}" for offset in (0, 5, 10)]
    paths += [f"{learned.listed}/{20_000_000 + n}/policies?fullInfo=false" for n in (1, 2, 12)]
    for path in paths:
        theirs = requests.get(emulator + path, headers=bearer, timeout=5).json()
        ours = json.loads(answers.body(path) or b"null")
        assert ours == theirs, path


def test_what_nobody_asks_for_in_a_plan_is_not_there(learned: Learned) -> None:
    answers = Answers(learned, APIS)
    assert answers.body("/nothing") is None
    assert answers.whole("/nothing").startswith(b"HTTP/1.1 404 ")


def test_a_plan_of_the_estate_finds_what_was_changed_in_it(tmp_path: Path) -> None:
    corpus.write(tmp_path, APIS, changed_every=4)
    with serving(APIS) as server:
        ran = reconciler("plan", "--format", "json", cwd=tmp_path, environ=server.environ)
    told = json.loads(ran.out[ran.out.index("{\n") :])
    assert (told["summary"]["update"], told["summary"]["unchanged"]) == (12, 36)
    assert told["errors"] == []
    assert ran.cpu_s > 0
    assert ran.peak_mb > 1


def test_the_files_are_the_same_each_time(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "other"):
        root = corpus.write(tmp_path / name, 3)
        texts.append([path.read_text() for path in sorted(root.rglob("*.yaml"))])
    assert texts[0] == texts[1]
    assert len(texts[0]) == 5
