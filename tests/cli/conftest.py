"""The command with the sample tree, against the worker's emulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.driver import Cli, crm_environment, crm_sample, environment, sample
from tests.emulator.driver import Emulator


@pytest.fixture
def cli(tmp_path: Path, emulator: Emulator) -> Cli:
    """The command in a folder that holds the sample `policies/`."""
    sample(tmp_path)
    return Cli(tmp_path, environment(emulator))


@pytest.fixture
def crm(tmp_path: Path, emulator: Emulator) -> Cli:
    """The command in a folder that holds the sample for Salesforce."""
    crm_sample(tmp_path)
    return Cli(tmp_path, crm_environment(emulator))


@pytest.fixture
def bare(tmp_path: Path, emulator: Emulator) -> Cli:
    """The command in an empty folder."""
    return Cli(tmp_path, environment(emulator))
