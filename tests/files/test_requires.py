"""`requires:` names another environment of the tree, and none goes in a circle."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.project import Requirement
from reconciler.files.load import load
from reconciler.files.schema import Schemas
from tests.files.builders import ENVIRONMENT, ORGANIZATION, a_resolver, problems_of, write_tree

SCHEMAS = Schemas.load()


def a_tree(root: Path, **requires: str) -> Path:
    """Environments of acme with their `requires:`, each as flow YAML or empty."""
    files = {"acme/organization.yaml": ORGANIZATION}
    for name, said in requires.items():
        text = ENVIRONMENT.replace("Production", name) + (f"requires: {said}\n" if said else "")
        files[f"acme/{name}/environment.yaml"] = text
    return write_tree(root, files)


def problems(root: Path, **requires: str) -> list[str]:
    found = problems_of(a_tree(root, **requires), SCHEMAS)  # type: ignore[arg-type]
    return [text.partition("requires")[2] for text in found]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("{converged: acme/sandbox, within: 30m}", 1800),
        ("{converged: acme/sandbox, within: 12h}", 43200),
        ("{converged: acme/sandbox, within: 7d}", 604800),
        ("{converged: acme/sandbox}", None),
    ],
)
def test_it_is_an_environment_and_a_time(tmp_path: Path, said: str, seconds: int | None) -> None:
    tree = a_tree(tmp_path, production=said, sandbox="")
    (organization,) = load(tree, SCHEMAS, resolver=a_resolver(tmp_path)).organizations
    found = {one.folder: one.requires for one in organization.environments}
    assert found["sandbox"] == ()
    (requirement,) = found["production"]
    assert requirement == Requirement("acme/sandbox", seconds, requirement.source)
    assert requirement.source.line == 4


@pytest.mark.parametrize("within", ["7", "7w", "0d", "-1d", "1.5h", "7 d", "999999d", "''"])
def test_any_other_time_is_refused(tmp_path: Path, within: str) -> None:
    said = f"{{converged: acme/sandbox, within: {within}}}"
    (problem,) = problems(tmp_path, production=said, sandbox="")
    assert "must be a time such as 30m, 12h or 7d" in problem or "write" in problem


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("{converged: sandbox}", "an environment by its folders, such as acme/sandbox"),
        ("{within: 7d}", "converged is missing"),
        ("acme/sandbox", "write a mapping"),
        ("{converged: acme/sandbox, withn: 7d}", "within"),
        ("{converged: acme/sandbx}", "there is no such environment (did you mean acme/sandbox?)"),
        ("{converged: zeta/q}", "there is no such environment (name it by its folders"),
        ("{converged: acme/production}", "requires itself"),
    ],
)
def test_what_does_not_make_sense_is_refused(tmp_path: Path, said: str, message: str) -> None:
    (problem,) = problems(tmp_path, production=said, sandbox="")
    assert message in problem


def test_a_circle_is_refused_wherever_it_is_entered(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        one="{converged: acme/two}",
        two="{converged: acme/three}",
        three="{converged: acme/two}",
    )
    assert len(found) == 2
    assert all("what requires it" in text for text in found)


def test_an_environment_that_is_wrong_itself_is_there(tmp_path: Path) -> None:
    found = problems(tmp_path, production="{converged: acme/sandbox}", sandbox="7")
    assert len(found) == 1
