"""Files read in a process of their own give what they give here, and are told of meanwhile."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from reconciler.core.project import ApiDocument, Organization
from reconciler.errors import PolicyError
from reconciler.files.load import load
from reconciler.run import aside
from reconciler.run.aside import can_be_aside, load_aside
from tests.files.builders import (
    ENVIRONMENT,
    ORGANIZATION,
    StandInSchemas,
    a_resolver,
    write_tree,
)
from tests.run.fake import an_api_file, an_entry

FILES = {
    "acme/organization.yaml": ORGANIZATION,
    "acme/production/environment.yaml": ENVIRONMENT,
    **{
        f"acme/production/a{number}.yaml": an_api_file(
            an_entry(config=f"{{n: {number % 3}, t: 1.10}}"), asset=f"a{number}"
        )
        for number in range(130)
    },
    "acme/production/several.yaml": "---\n".join(an_api_file(asset=name) for name in ("x", "y")),
}


class Seen:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.heads: list[Organization] = []
        self.apis: list[tuple[Sequence[str], str | None]] = []

    def head(self, organization: Organization) -> None:
        assert not self.apis
        self.heads.append(organization)

    def api(self, folders: Sequence[str], document: ApiDocument) -> None:
        self.apis.append((tuple(folders), document.selector.asset))


def a_tree(tmp_path: Path, files: dict[str, str]) -> Path:
    return write_tree(tmp_path, files)


def test_it_gives_the_project_that_loading_here_gives(tmp_path: Path) -> None:
    root, seen = a_tree(tmp_path, FILES), Seen()
    here = load(root, StandInSchemas(), resolver=a_resolver())
    beside = load_aside(root, StandInSchemas(), resolver=a_resolver(), watcher=seen)
    assert beside == here
    bodies = [
        e.body
        for api in beside.organizations[0].environments[0].apis
        for e in api.layer.lists.get("policies", ())
    ]
    assert len({id(body.content) for body in bodies}) == 3  # type: ignore[attr-defined]
    assert [len(head.environments) for head in seen.heads] == [1]
    assert len(seen.apis) == 132
    assert {folders for folders, _ in seen.apis} == {("acme", "production")}


def test_what_is_wrong_is_told_with_its_place(tmp_path: Path) -> None:
    files = {**FILES, "acme/production/a5.yaml": "a: [", "acme/production/a7.yaml": "kind: Nothing"}
    root = a_tree(tmp_path, files)
    with pytest.raises(PolicyError) as here:
        load(root, StandInSchemas(), resolver=a_resolver())
    with pytest.raises(PolicyError) as beside:
        load_aside(root, StandInSchemas(), resolver=a_resolver(), watcher=Seen())
    assert beside.value.problems == here.value.problems


def test_where_the_other_process_dies_the_files_are_read_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = os.getpid()
    real = load

    def dying(*args: object, **options: object) -> object:
        if os.getpid() != ours:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(aside, "load", dying)
    root = a_tree(tmp_path, FILES)
    found = load_aside(root, StandInSchemas(), resolver=a_resolver(), watcher=Seen())
    assert found == real(root, StandInSchemas(), resolver=a_resolver())


def test_a_few_files_are_read_here(tmp_path: Path) -> None:
    assert not can_be_aside(a_tree(tmp_path, FILES))
    assert not can_be_aside(tmp_path / "nothing")
