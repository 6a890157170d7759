"""Whatever fails, the run tells the truth, and a second one converges with nothing doubled."""

from __future__ import annotations

import pytest

from tests.cli.driver import Cli
from tests.cli.faults import FAULTS, OPERATIONS, REFUSED, expected_exit, run_cell
from tests.emulator.driver import Emulator


@pytest.mark.parametrize("fault", [REFUSED, *FAULTS])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_fault_is_told_and_the_next_run_converges(
    bare: Cli, emulator: Emulator, operation: str, fault: str
) -> None:
    cell = run_cell(bare, emulator, operation, fault)
    assert cell.first.code == expected_exit(operation, fault), cell.first
    assert cell.was_true, cell.first
    assert cell.second.code == 0, cell.second
    assert cell.duplicates == []
    assert cell.has_converged
