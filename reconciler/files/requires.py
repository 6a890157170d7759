"""`requires:` of the environments: each names another one of the tree, and none in a circle."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches

from reconciler.core.project import Organization, Requirement
from reconciler.errors import Problem
from reconciler.files.stack import problem_at


def check_requires(
    organizations: Sequence[Organization], folders: Collection[tuple[str, ...]]
) -> Iterator[Problem]:
    """What is wrong with them. folders: all that hold a document, sound or not: what is wrong with
    an environment itself is told elsewhere."""
    wanted = {
        f"{organization.folder}/{environment.folder}": environment.requires
        for organization in organizations
        for environment in organization.environments
    }
    known = {"/".join(path) for path in folders if len(path) == 2} | wanted.keys()
    for address, requires in wanted.items():
        for requirement in requires:
            if requirement.address not in known:
                yield _problem(
                    requirement, "there is no such environment", _near(requirement, known)
                )
            elif address in _below(requirement.address, wanted):
                what = "itself" if requirement.address == address else "what requires it"
                yield _problem(requirement, f"{address} requires {what}", "remove one of them")


def _below(address: str, wanted: Mapping[str, Sequence[Requirement]]) -> set[str]:
    """The environment and all that it requires, directly or not."""
    found: set[str] = set()
    waiting = [address]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += [requirement.address for requirement in wanted.get(one, ())]
    return found


def _near(requirement: Requirement, known: Collection[str]) -> str:
    near = get_close_matches(requirement.address, sorted(known), 2, 0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return "name it by its folders: ORGANIZATION/ENVIRONMENT"


def _problem(requirement: Requirement, message: str, hint: str) -> Problem:
    text = f"{requirement.address}: {message}"
    return problem_at(requirement.source, text, hint, "requires.converged")
