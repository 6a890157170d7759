"""1,000 files with one mistake each: `validate` names file, line, field and remedy of every one.

`python -m tests.files.test_mistakes` prints the table that stands in docs/proof.md.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.files.builders import a_tree
from tests.files.mistakes.emit import emit
from tests.files.mistakes.kinds import Broken, Kind, kinds
from tests.files.mistakes.sound import ALL, a_document

SEED, EACH = 20261123, 40
KINDS = tuple(kinds())
_WARNING = re.compile(r"(?P<file>[^:]+):(?P<line>\d+):\d+: (?:(?P<path>[^ ]+): )?(?P<message>.*)")


@dataclass(frozen=True, slots=True)
class Said:
    """What `validate` says of a file."""

    line: int
    path: str
    text: str


def validate(root: Path) -> dict[str, list[Said]]:
    """Errors and warnings of a tree by the stem of the file, from one run of the command."""
    environ = {key: value for key, value in os.environ.items() if "ANYPOINT" not in key}
    command = [sys.executable, "-m", "reconciler", "validate", "-f", "policies", "--format", "json"]
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, check=False)
    document = json.loads(done.stdout)
    found: dict[str, list[Said]] = defaultdict(list)
    for error in document["errors"]:
        text = f"{error['message']} ({error.get('hint', '')})"
        said = Said(error["line"], error.get("path", ""), text)
        found[Path(error["file"]).stem].append(said)
    for stem, warned in map(_of_warning, document["warnings"]):
        found[stem].append(warned)
    return found


def _of_warning(text: str) -> tuple[str, Said]:
    match = _WARNING.fullmatch(text)
    assert match, text
    said = Said(int(match["line"]), match["path"] or "", match["message"])
    return Path(match["file"]).stem, said


def write(root: Path, texts: dict[str, str]) -> Path:
    root.mkdir(parents=True)
    a_tree(root, **texts)
    return root


def generated(count: int) -> Iterator[tuple[Kind, str, Broken]]:
    """`count` files of each kind: the kind, the stem of the file and what is in it."""
    random = Random(SEED)
    for index, kind in enumerate(KINDS):
        for number in range(count):
            serial = index * count + number
            yield kind, f"f{serial:04}", kind.make(serial, random)


def missed(root: Path, count: int) -> list[tuple[Kind, str]]:
    """The kind of each file of which not exactly its mistake is said, and what is."""
    cases = list(generated(count))
    said: dict[str, list[Said]] = {}
    # An error of a single file hides what only the merged layers show.
    for name, is_whole in (("files", False), ("whole", True)):
        texts = {stem: made.text for kind, stem, made in cases if kind.is_whole is is_whole}
        said |= validate(write(root / name, texts))
    return [
        (kind, f"{stem}: expected {made.line} {made.path} {made.remedy}, got {said.get(stem)}")
        for kind, stem, made in cases
        if not _is_found(made, said.get(stem, []))
    ]


def _is_found(made: Broken, said: list[Said]) -> bool:
    return len(said) == 1 and (
        said[0].line == made.line and said[0].path == made.path and made.remedy in said[0].text
    )


def test_files_without_a_mistake_are_sound(tmp_path: Path) -> None:
    random = Random(SEED)
    texts = {
        f"f{number:04}": emit(a_document(number, policy, random)).text
        for number, policy in enumerate(ALL * 2)
    }
    assert validate(write(tmp_path / "sound", texts)) == {}


def test_every_generated_mistake_is_found_with_its_remedy(tmp_path: Path) -> None:
    assert len(KINDS) * EACH == 1000
    found = missed(tmp_path, EACH)
    if found:
        shown = "\n".join(f"{kind.name}: {text}" for kind, text in found[:20])
        pytest.fail(f"{len(found)} of 1000 missed\n{shown}")


def table(root: Path, count: int) -> str:
    """Kinds, files and how many were found, as Markdown."""
    not_found = [kind for kind, _ in missed(root, count)]
    rows = [(kind.name, count, count - not_found.count(kind)) for kind in KINDS]
    rows.append(("**all**", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    lines = ["| mistake | files | found |", "| --- | ---: | ---: |"]
    return "\n".join([*lines, *(f"| {name} | {files} | {found} |" for name, files, found in rows)])


def main(arguments: Any = None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(table(Path(folder), EACH) + "\n")


if __name__ == "__main__":
    main()
