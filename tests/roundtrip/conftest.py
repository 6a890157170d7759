"""One world per worker: each example of a property begins it anew."""

from __future__ import annotations

import pytest

from tests.emulator.driver import Emulator
from tests.roundtrip.world import World


@pytest.fixture(scope="session")
def world(emulator_process: Emulator, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Shares the worker's emulator with the other tests, which reset it too."""
    return World(emulator_process, tmp_path_factory.mktemp("world"))
