"""What only MuleSoft's own command line calls."""

from __future__ import annotations

from reconciler.emulator.anypoint.call import Call, no_content
from reconciler.emulator.wire import Response


def analytics(_: Call) -> Response:
    """Usage reports are taken and forgotten."""
    return no_content()
