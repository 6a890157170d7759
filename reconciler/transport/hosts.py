"""Where credentials may go. Pure: the allow-list comes in as an argument."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from urllib.parse import SplitResult, urlsplit

from reconciler.core.hosts import is_loopback
from reconciler.errors import Refusal

_CONTROL_PLANES = {
    # Facts, section 1. The staging hosts there are not for customers.
    "anypoint": re.compile(
        r"(?:(?:eu1|gov)\.)?anypoint\.mulesoft\.com|[a-z]{2}[0-9]{1,2}\.platform\.mulesoft\.com"
    ),
    "salesforce": re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+salesforce\.com"),
}
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?")
_PLAIN = re.compile(r"[!-~]+")


def check_host(base_url: str, allow: Sequence[str] = (), *, platform: str = "anypoint") -> str:
    """The base URL to use, without a trailing slash; Refusal for one that may get no credentials.

    Allowed are the platform's own control planes over https, loopback, and host names that match
    a glob of `allow` (RECONCILER_ALLOW_HOSTS). A bare host name means https.
    """
    parts = _split(base_url)
    host = parts.hostname or ""
    if parts.scheme == "http" and not is_loopback(host):
        raise _refusal(base_url, "http is for loopback only; use https")
    if is_loopback(host):
        return _joined(parts)
    if _CONTROL_PLANES[platform].fullmatch(host):
        if parts.port not in (None, 443) or parts.path.strip("/"):
            raise _refusal(base_url, "a control plane is named by its host alone")
        return _joined(parts)
    if any(fnmatchcase(host, glob.strip().lower()) for glob in allow if glob.strip()):
        return _joined(parts)
    raise _refusal(
        base_url,
        f"{host or 'it'} is no control plane of {platform}; no credentials are sent there. "
        f"If it should be, set RECONCILER_ALLOW_HOSTS={host}",
    )


def _split(base_url: str) -> SplitResult:
    """The parts of the URL. What two parsers could read in two ways is refused here."""
    text = base_url if "://" in base_url else f"https://{base_url}"
    if not _PLAIN.fullmatch(text) or any(mark in text for mark in "\\?#%"):
        raise _refusal(base_url, "it holds characters that a base URL does not need")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise _refusal(base_url, "it is no URL") from None
    if "@" in parts.netloc:
        raise _refusal(base_url, "it holds user information; use auth: or the variables")
    if parts.scheme not in ("http", "https"):
        raise _refusal(base_url, "it is neither https nor, for loopback, http")
    if not (_HOST.fullmatch(host) or (":" in host and is_loopback(host))):
        raise _refusal(base_url, "it names no host")
    if any(segment in (".", "..") for segment in parts.path.split("/")):
        raise _refusal(base_url, "its path has dot segments")
    return parts


def _joined(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _refusal(base_url: str, why: str) -> Refusal:
    """Before an `@` may stand a password, whatever else is wrong with the URL."""
    base_url = "(hidden)" if "@" in base_url else base_url
    shown = "".join(char if char.isprintable() else "?" for char in base_url)[:200]
    return Refusal(f"host {shown}: {why}")
