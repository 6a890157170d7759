from __future__ import annotations

from pathlib import Path

import pytest

from tests.files.builders import (
    API,
    ENVIRONMENT,
    GROUP,
    ORGANIZATION,
    StandInSchemas,
    a_tree,
    problems_of,
    write_tree,
)

PROJECT = "apiVersion: reconciler/v1\nkind: Project\n"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("orders.yaml", API),
        ("acme/orders.yaml", API),
        ("acme/orders.yaml", GROUP),
        ("environment.yaml", ENVIRONMENT),
        ("acme/environment.yaml", ENVIRONMENT),
        ("organization.yaml", ORGANIZATION),
        ("acme/production/organization.yaml", ORGANIZATION),
        ("acme/reconciler.yaml", PROJECT),
    ],
)
def test_a_document_at_the_wrong_level_is_refused(tmp_path: Path, place: str, text: str) -> None:
    root = write_tree(a_tree(tmp_path).parent, {place: text})
    (problem,) = problems_of(root)
    assert problem.startswith(f"{place}:1:1: ")
    assert "belongs in" in problem


def test_a_project_stands_at_the_root_whatever_its_name(tmp_path: Path) -> None:
    assert problems_of(write_tree(a_tree(tmp_path).parent, {"limits.yml": PROJECT})) == []


def test_a_second_project_is_refused(tmp_path: Path) -> None:
    root = write_tree(a_tree(tmp_path).parent, {"a.yaml": PROJECT, "b.yaml": PROJECT})
    (problem,) = problems_of(root)
    assert "b.yaml:1:1: the tree has a document of kind Project already" in problem


@pytest.mark.parametrize(
    ("place", "text"), [("acme/o2.yaml", ORGANIZATION), ("acme/production/e2.yaml", ENVIRONMENT)]
)
def test_a_folder_has_one_head(tmp_path: Path, place: str, text: str) -> None:
    found = problems_of(write_tree(a_tree(tmp_path).parent, {place: text}))
    assert any("already" in problem and "the folder acme" in problem for problem in found)


def test_a_folder_without_its_organization_is_said(tmp_path: Path) -> None:
    files = {"acme/production/e.yaml": ENVIRONMENT, "acme/production/orders.yaml": API}
    root = write_tree(tmp_path, files)
    (problem,) = problems_of(root)
    assert problem.startswith(f"{root}/acme: the folder names no organization".split("/")[-1])
    assert "acme/organization.yaml with kind: Organization" in problem


def test_a_folder_without_its_environment_is_said(tmp_path: Path) -> None:
    root = write_tree(tmp_path, {"acme/o.yaml": ORGANIZATION, "acme/prod/orders.yaml": API})
    (problem,) = problems_of(root)
    assert "acme/prod: the folder names no environment" in problem
    assert "acme/prod/environment.yaml" in problem


def test_a_head_that_cannot_be_read_is_not_missed_as_well(tmp_path: Path) -> None:
    files = {"acme/o.yaml": "kind: [", "acme/prod/e.yaml": ENVIRONMENT}
    assert len(problems_of(write_tree(tmp_path, files))) == 1


def test_a_head_of_a_misspelt_kind_is_not_missed_as_well(tmp_path: Path) -> None:
    misspelt = ORGANIZATION.replace("Organization", "Organisation")
    files = {"acme/o.yaml": misspelt + "wrong: 1\n"}
    found = problems_of(write_tree(tmp_path, files), StandInSchemas(wrong=("wrong",)))
    assert len(found) == 1


@pytest.mark.parametrize("kind", ["Guardrail", "Exception", "PolicyTest"])
def test_a_later_kind_is_named_as_not_supported_yet(tmp_path: Path, kind: str) -> None:
    text = f"apiVersion: reconciler/v1\nkind: {kind}\n"
    (problem,) = problems_of(write_tree(a_tree(tmp_path).parent, {"rules/r.yaml": text}))
    assert f"kind: {kind} is not supported by this version yet" in problem
