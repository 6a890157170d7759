"""The command against the worker's emulator, as in `tests/cli`."""

from __future__ import annotations

from tests.cli.conftest import bare, cli

__all__ = ["bare", "cli"]
