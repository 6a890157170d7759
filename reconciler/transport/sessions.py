"""Connections of `requests` as we want them: bounded in time, to one host, over the proxy and with
the authorities that the environment names, and with nothing of ~/.netrc or of cookies.
"""

from __future__ import annotations

import io
import os
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies, select_proxy
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.ssl_ import create_urllib3_context

from reconciler.core.hosts import is_loopback

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
# How many time-outs the head and body of an answer may take together.
_WHOLE = 2


class BadSetting(Exception):
    """A variable of the environment leads to no connection; the message names it and its cure."""


@dataclass(frozen=True, slots=True)
class Route:
    """How the environment says that a host is reached. A proxy may hold a password."""

    proxies: Mapping[str, str] = field(repr=False)
    verify: str | bool

    def proxy_to(self, url: str) -> str:
        """The proxy that calls to the URL go over, or nothing."""
        return select_proxy(url, self.proxies) or ""


def route_to(base_url: str) -> Route:
    """The route to a host; BadSetting where the environment gives none that works.

    Loopback goes through no proxy, whatever NO_PROXY says: plain http is allowed there because
    nothing leaves the machine.
    """
    parts = urlsplit(base_url)
    if is_loopback(parts.hostname or ""):
        proxies: Mapping[str, str] = {}
    else:
        proxies = get_environ_proxies(base_url)
    proxy = select_proxy(base_url, proxies) or ""
    if proxy.lower().startswith("socks"):
        raise BadSetting("a SOCKS proxy is not supported; HTTPS_PROXY takes http://HOST:PORT")
    if proxy and not _has_host(proxy):
        raise BadSetting("the proxy names no host; HTTPS_PROXY takes http://HOST:PORT")
    return Route(proxies, _authorities(os.environ) if parts.scheme == "https" else True)


def _has_host(proxy: str) -> bool:
    try:
        return bool(urlsplit(proxy if "://" in proxy else f"http://{proxy}").hostname)
    except ValueError:
        return False


def _authorities(environ: Mapping[str, str]) -> str | bool:
    """The bundle that the first variable names, whole and readable; True where none is set.

    There is no way to say that nothing is to be verified: an empty variable is an unset one.
    """
    for name in _BUNDLES:
        if path := environ.get(name):
            _check_bundle(name, path)
            return path
    return True


def _check_bundle(name: str, path: str) -> None:
    if os.path.isdir(path):
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        why = "it holds no certificates in PEM"
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it cannot be read"
    else:
        return
    raise BadSetting(
        f"{name} is {path}, and that does not serve to verify TLS: {why}. "
        f"Name a PEM file with the authorities to trust, or unset {name}"
    )


class Bearer(requests.auth.AuthBase):
    """Sets the token, or nothing; being there, it keeps `requests` from asking ~/.netrc."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def new_session(route: Route) -> requests.Session:
    """A session for one host, used by one call at a time.

    Cookies are not kept: the token alone says who calls.
    """
    session = _Session()
    session.trust_env = False
    session.proxies = dict(route.proxies)
    session.verify = route.verify
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", _Adapter(pool_connections=1, pool_maxsize=1))
    session.mount("http://", _Adapter(pool_connections=1, pool_maxsize=1))
    return session


class _Session(requests.Session):
    """A session that knows no redirects: even unfollowed ones `requests` would read and parse."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Bounded(io.RawIOBase):
    """What comes from a socket, as long as there is time: its own time-out begins anew with every
    byte, so that a host that trickles would never be given up."""

    def __init__(self, raw: Any, sock: Any) -> None:
        self._raw, self._sock = raw, sock
        self._each_s = sock.gettimeout()
        self._until = time.monotonic() + _WHOLE * (self._each_s or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._each_s is not None:
            left_s = self._until - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("the answer came too slowly")
            self._sock.settimeout(min(self._each_s, left_s))
        count: int | None = self._raw.readinto(buffer)
        return count

    def fileno(self) -> int:
        number: int = self._raw.fileno()
        return number

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """An answer whose head and body together are bounded in time."""

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_Bounded(self.fp.detach(), sock))


class _HTTPConnection(HTTPConnection):
    response_class = _Response


class _HTTPSConnection(HTTPSConnection):
    response_class = _Response


class HTTPPool(HTTPConnectionPool):
    """Connections of our kind to a host."""

    ConnectionCls = _HTTPConnection


class HTTPSPool(HTTPSConnectionPool):
    """Connections of our kind to a host, over TLS."""

    ConnectionCls = _HTTPSConnection


_POOLS = {"http": HTTPPool, "https": HTTPSPool}


@cache
def context_of(verify: str | bool) -> ssl.SSLContext:
    """What verifies the certificates of all connections; made once, since to read the authorities
    takes some 20 ms. verify: a file or folder of them, or True for those that come with requests.
    """
    place = certifi.where() if verify is True else str(verify)
    context = create_urllib3_context()
    if os.path.isdir(place):
        context.load_verify_locations(capath=place)
    else:
        context.load_verify_locations(cafile=place)
    return context


class _Adapter(HTTPAdapter):
    """Hands out our connections, with a proxy and without, all with one context for TLS."""

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, options = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] != "https":
            return host, options
        return host, {"cert_reqs": "CERT_REQUIRED", "ssl_context": context_of(verify)}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing: the context says it all, and would read the authorities again if told."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager
