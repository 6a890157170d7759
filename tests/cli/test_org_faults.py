"""Whatever fails of an org, the run tells the truth, a second one converges with nothing doubled,
and this tool still gets in."""

from __future__ import annotations

import pytest

from tests.cli.driver import Cli
from tests.cli.org_faults import CELLS, FEW, expected_exit, run_cell
from tests.emulator.driver import Emulator


def check(crm: Cli, emulator: Emulator, operation: str, fault: str) -> None:
    cell = run_cell(crm, emulator, operation, fault)
    assert cell.first.code == expected_exit(operation, fault), cell.first
    assert cell.was_true, cell.first
    assert cell.second.code == 0, cell.second
    assert cell.doubled == []
    assert cell.has_converged
    assert cell.keeps


@pytest.mark.parametrize(("operation", "fault"), FEW)
def test_a_fault_is_told_and_the_next_run_converges(
    crm: Cli, emulator: Emulator, operation: str, fault: str
) -> None:
    check(crm, emulator, operation, fault)


@pytest.mark.soak
@pytest.mark.parametrize(("operation", "fault"), sorted(set(CELLS) - set(FEW)))
def test_so_does_every_other_pair(crm: Cli, emulator: Emulator, operation: str, fault: str) -> None:
    check(crm, emulator, operation, fault)
