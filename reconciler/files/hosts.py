"""The base URL of a platform, as a file or a variable gives it."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from reconciler.core.hosts import is_loopback

DEFAULT_HOST = "https://anypoint.mulesoft.com"
_PATH = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def base_url(text: str) -> str:
    """`https://host[:port]`, without a trailing slash; a bare host name means https.

    Raises ValueError, with a message for the user, for anything but a host. Whether credentials
    may go there is decided elsewhere.
    """
    if not text.isprintable() or not text.isascii() or any(char in text for char in " \\@"):
        raise ValueError("a host has no spaces, user names or special characters")
    parts = urlsplit(text if "://" in text else f"https://{text}")
    try:
        name, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("the port is no number up to 65535") from None
    if parts.scheme not in ("https", "http"):
        raise ValueError(f"{parts.scheme}: is not supported; use https")
    if parts.path not in ("", "/") or parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError("only scheme, host and port are wanted, without a path")
    if not _is_name(name) or parts.netloc.endswith(":"):
        raise ValueError("this is no host name")
    if parts.scheme == "http" and not is_loopback(name):
        raise ValueError("http:// is for loopback only; use https://")
    shown = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")


def org_url(text: str) -> str:
    """The base URL of a Salesforce org; raises ValueError as `base_url`.

    On this machine it may have a path: there the emulator serves it below one.
    """
    _, slash, path = text.rpartition("://")[2].partition("/")
    host = base_url(text.removesuffix(f"/{path}") if slash else text)
    plain = path.strip("/")
    if not plain:
        return host
    if not is_loopback(urlsplit(host).hostname or "") or not _PATH.fullmatch(plain):
        raise ValueError("only scheme, host and port are wanted, without a path")
    return f"{host}/{plain}"


def _is_name(name: str) -> bool:
    if ":" in name:
        try:
            return bool(ipaddress.IPv6Address(name))
        except ValueError:
            return False
    return len(name) <= 253 and all(_LABEL.fullmatch(part) for part in name.split("."))
