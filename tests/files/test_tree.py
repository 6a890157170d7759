from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.errors import Problem
from reconciler.files.tree import PolicyFile, read_files
from tests.files.builders import API, ENVIRONMENT, ORGANIZATION, a_tree, write_tree


def read_tree(root: Path) -> tuple[list[PolicyFile], list[Problem]]:
    problems: list[Problem] = []
    return list(read_files(root, problems)), problems


def messages(root: Path) -> list[str]:
    return [str(problem).replace(f"{root}/", "") for problem in read_tree(root)[1]]


def test_files_come_sorted_with_their_folders(tmp_path: Path) -> None:
    files, problems = read_tree(a_tree(tmp_path, orders=API, billing=API))
    assert problems == []
    assert [(one.folders, one.stem) for one in files] == [
        (("acme",), "organization"),
        (("acme", "production"), "billing"),
        (("acme", "production"), "env"),
        (("acme", "production"), "orders"),
    ]


def test_file_names_are_as_the_user_types_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_tree(tmp_path)
    monkeypatch.chdir(tmp_path)
    files, _ = read_tree(Path("policies/"))
    assert files[0].file == "policies/acme/organization.yaml"


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    assert "there is no such folder" in messages(tmp_path / "nowhere")[0]


def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "policies").write_text("")
    assert "this is not a folder" in messages(tmp_path / "policies")[0]


def test_an_empty_tree_is_said(tmp_path: Path) -> None:
    assert "there is no policy file in here" in messages(write_tree(tmp_path, {}))[0]


def test_hidden_and_other_files_are_not_read(tmp_path: Path) -> None:
    others = {
        ".hidden.yaml": "[",
        ".git/x.yaml": "[",
        "acme/production/.orders.yaml.swp": "[",
        "acme/production/orders.yaml~": "[",
        "keys/partner.pem": "key",
    }
    root = write_tree(tmp_path, {"acme/organization.yml": ORGANIZATION} | others)
    files, problems = read_tree(root)
    assert problems == []
    assert [one.stem for one in files] == ["organization"]


def test_a_suffix_in_capitals_is_not_passed_over(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"acme/organization.YAML": ORGANIZATION})
    assert messages(root) == [
        "acme/organization.YAML: a suffix in capitals is not accepted here (rename it to .yaml)"
    ]


def test_a_file_too_deep_is_refused(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"acme/production/team/orders.yaml": API})
    assert "acme/production/team/orders.yaml: this file lies too deep" in messages(root)[0]


def test_a_link_out_of_the_tree_is_refused(tmp_path: Path) -> None:
    root = a_tree(tmp_path)
    (tmp_path / "outside.yaml").write_text(API)
    (root / "acme/production/orders.yaml").symlink_to(tmp_path / "outside.yaml")
    assert "orders.yaml: this link leads out of the tree" in messages(root)[0]


def test_a_link_inside_the_tree_is_read(tmp_path: Path) -> None:
    root = a_tree(tmp_path, orders=API)
    (root / "acme/production/copy.yaml").symlink_to("orders.yaml")
    files, problems = read_tree(root)
    assert problems == []
    assert "copy" in [one.stem for one in files]


@pytest.mark.parametrize("target", ["/etc", "acme"])
def test_a_link_to_a_folder_is_refused(tmp_path: Path, target: str) -> None:
    root = a_tree(tmp_path)
    (root / "linked").symlink_to(target)
    assert "linked: a link to a folder is not accepted here" in messages(root)[0]


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    root = a_tree(tmp_path)
    (root / "a.yaml").symlink_to("a.yaml")
    assert "a.yaml: this link leads nowhere" in messages(root)[0]


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    root = a_tree(tmp_path)
    os.mkfifo(root / "acme/production/orders.yaml")
    assert "orders.yaml: this is not a regular file" in messages(root)[0]


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"acme/production/orders.yaml": b"#" * (1024 * 1024 + 1)})
    assert "the file has 1,048,577 bytes" in messages(root)[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_said(tmp_path: Path) -> None:
    root = a_tree(tmp_path, orders=API)
    (root / "acme/production/orders.yaml").chmod(0)
    assert "orders.yaml: cannot be read" in messages(root)[0]


@pytest.mark.parametrize("name", [b"or\xffders.yaml", b"or\nders.yaml", b"or\x1b[2Jders.yaml"])
def test_a_name_that_cannot_be_shown_is_refused(tmp_path: Path, name: bytes) -> None:
    root = a_tree(tmp_path)
    (root / os.fsdecode(b"acme/production/" + name)).write_text(API)
    (problem,) = messages(root)
    assert "is not accepted here (rename it)" in problem
    assert problem.isprintable()


def test_a_broken_file_keeps_its_sound_documents(tmp_path: Path) -> None:
    root = a_tree(tmp_path, orders=API + "---\na: [")
    files, problems = read_tree(root)
    assert [len(one.documents) for one in files if one.broken] == [1]
    assert len(problems) == 1


def test_the_environment_document_may_have_any_name(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"acme/a.yaml": ORGANIZATION, "acme/p/b.yml": ENVIRONMENT})
    assert read_tree(root)[1] == []
