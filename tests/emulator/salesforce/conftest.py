"""The org of the demo seed, signed in to as the reconciler."""

from __future__ import annotations

import pytest

from tests.emulator.driver import Emulator
from tests.emulator.salesforce.driver import Org


@pytest.fixture
def org(emulator: Emulator) -> Org:
    return Org(emulator)
