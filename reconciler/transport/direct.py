"""Reads beneath `requests`: on connections of the same kind, without what it does for each call.

A plan is one read for each API. `requests` prepares, merges and wraps each anew, which takes twice
the time of the read itself (docs/performance.md). Here the same pool, the same time-outs and the
same authorities are used by themselves, and what fails is said in the words of `requests`, so
that all that follows is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, Retry, Timeout
from urllib3.exceptions import (
    ClosedPoolError,
    ConnectTimeoutError,
    InvalidHeader,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.response import BaseHTTPResponse

from reconciler.transport.sessions import HTTPPool, HTTPSPool, Route, context_of

_KEPT = 256
"""Connections that are kept; how many there are is bounded by the budget of the host."""

_ONCE = Retry(0, read=False)
_HEADERS = {"Accept-Encoding": "gzip, deflate", "Connection": "keep-alive"}
_SEND = HTTPAdapter.send


def may_be_direct(base_url: str, route: Route) -> bool:
    """Whether reads may go beneath `requests`: not over a proxy, and not around somebody who has
    put himself in its way, as tests and tracers do."""
    return HTTPAdapter.send is _SEND and not route.proxy_to(base_url)


class Direct:
    """Connections to one host for reads, for all threads."""

    def __init__(self, base_url: str, route: Route) -> None:
        parts = urlsplit(base_url)
        self._above = parts.path
        host = parts.hostname or ""
        self._pool: HTTPConnectionPool
        if parts.scheme == "https":
            self._pool = HTTPSPool(
                host,
                parts.port,
                maxsize=_KEPT,
                ssl_context=context_of(route.verify),
                cert_reqs="CERT_REQUIRED",
            )
        else:
            self._pool = HTTPPool(host, parts.port, maxsize=_KEPT)

    @contextmanager
    def get(
        self,
        path: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str],
        token: str | None,
        timeout_s: tuple[float, float],
    ) -> Iterator[BaseHTTPResponse]:
        """The answer, its body unread; raises as `requests` does. timeout_s: to connect, to read.

        What is left of it afterwards closes its connection; read to the end, it gives it back.
        """
        target = self._above + path + (f"?{urlencode(params)}" if params else "")
        sent = {**_HEADERS, **headers}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        with _as_requests():
            response = self._pool.urlopen(
                "GET",
                target,
                headers=sent,
                retries=_ONCE,
                redirect=False,
                assert_same_host=False,
                timeout=Timeout(*timeout_s),
                preload_content=False,
                decode_content=False,
            )
        try:
            yield response
        finally:
            response.close()

    def close(self) -> None:
        """Closes the connections that nobody uses."""
        self._pool.close()


@contextmanager
def _as_requests() -> Iterator[None]:
    """What urllib3 raises before there is an answer, as `requests` would raise it."""
    known = requests.exceptions
    try:
        yield
    except MaxRetryError as error:
        reason = error.reason
        if isinstance(reason, ConnectTimeoutError) and not isinstance(reason, NewConnectionError):
            raise known.ConnectTimeout(error) from None
        if isinstance(reason, SSLError):
            raise known.SSLError(error) from None
        raise known.ConnectionError(error) from None
    except SSLError as error:
        raise known.SSLError(error) from None
    except ReadTimeoutError as error:
        raise known.ReadTimeout(error) from None
    except (InvalidHeader, UnicodeError) as error:
        raise known.InvalidHeader(str(type(error))) from None
    except (ProtocolError, ClosedPoolError, OSError) as error:
        raise known.ConnectionError(error) from None
    except ValueError as error:
        if type(error) is ValueError:  # of http.client, for a header that is none
            raise known.InvalidHeader("a header that is none") from None
        raise
