"""Fixtures for the whole suite; the emulator runs in a real process, one per xdist worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.driver import Emulator, running


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
