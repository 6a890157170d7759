"""Fixtures for the whole suite; the emulator runs in a real process, one per xdist worker."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import s3
from tests.emulator.driver import Emulator, running

# The same examples each time, so that a red build is about the commit; `soak` looks further.
settings.register_profile(
    "quick",
    derandomize=True,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.register_profile(
    "soak",
    settings.get_profile("quick"),
    derandomize=False,
    max_examples=int(os.environ.get("SOAK_EXAMPLES", "1000")),
    print_blob=True,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every law, so that `make soak` finds it."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.law)


@pytest.fixture(scope="session")
def emulator_process() -> Iterator[Emulator]:
    """The worker's own emulator; tests take `emulator`, which resets it."""
    with running() as emulator:
        yield emulator


@pytest.fixture
def emulator(emulator_process: Emulator) -> Emulator:
    """A running emulator at the demo seed, with no faults, no requests and default settings."""
    emulator_process.reset()
    return emulator_process


@pytest.fixture(scope="session")
def _s3_process() -> Iterator[str]:
    with s3.serving() as url:
        yield url


@pytest.fixture
def s3_server(_s3_process: str) -> str:
    """The URL of an S3 server that holds one empty bucket."""
    s3.reset(_s3_process)
    return _s3_process
