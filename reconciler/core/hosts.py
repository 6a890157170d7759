"""What a host name says by its very spelling."""

from __future__ import annotations

import ipaddress


def is_loopback(name: str) -> bool:
    """Whether a host name (no brackets) is this machine: 127.0.0.0/8, ::1, localhost."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
