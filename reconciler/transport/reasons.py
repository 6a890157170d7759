"""What broke below us, in our own words: theirs may hold a proxy's password or a header."""

from __future__ import annotations

import re
from typing import NamedTuple

import requests
from urllib3.exceptions import (
    DecodeError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)

from reconciler.errors import BadAnswer, Incomplete, ProviderError, Unreachable
from reconciler.transport.sessions import BadSetting

_REFUSED_BY_PROXY = re.compile(r"Tunnel connection failed: ([0-9]{3})\b")


class Reason(NamedTuple):
    """is_passing: the same call may fare better a moment later."""

    message: str
    kind: type[ProviderError]
    is_passing: bool


def reason_of(error: Exception, host: str, timeout_s: float) -> Reason:
    """Why there is no answer of `host`."""
    match error:
        case BadSetting():
            return Reason(str(error), Unreachable, False)
        case requests.exceptions.ConnectTimeout():
            return Reason(f"no connection to {host} in time", Unreachable, True)
        case requests.exceptions.ReadTimeout() | ReadTimeoutError():
            message = f"no answer from {host} within {timeout_s:.3g} s"
            return Reason(message, Unreachable, True)
        case requests.exceptions.ProxyError():
            return _of_proxy(error, host)
        case requests.exceptions.SSLError():
            hint = "REQUESTS_CA_BUNDLE can name a file with your own authority"
            return Reason(f"no trusted TLS connection to {host} ({hint})", Unreachable, False)
        case requests.exceptions.ConnectionError():
            return Reason(_of_connection(error, host), Unreachable, True)
        case DecodeError() | requests.exceptions.ContentDecodingError():
            return Reason("an answer whose compression is broken", BadAnswer, False)
        case requests.exceptions.InvalidHeader():
            message = "a header, perhaps the token, holds characters no header can"
            return Reason(message, BadAnswer, False)
        case HTTPError():
            message = f"{host} broke off in the middle of its answer"
            return Reason(message, Incomplete, True)
        case _:
            hint = "check the URL, the proxy and REQUESTS_CA_BUNDLE"
            return Reason(f"the call could not be made: {hint}", Unreachable, False)


def _of_proxy(error: Exception, host: str) -> Reason:
    found = _REFUSED_BY_PROXY.search(str(error))
    status = int(found[1]) if found else 0
    message = f"the proxy gave no connection to {host}"
    if status == 407:
        hint = "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT, percent-encoded"
        return Reason(f"{message}: it asks for a name and password ({hint})", Unreachable, False)
    if status:
        message += f": it answered {status}"
    return Reason(message, Unreachable, not 400 <= status < 500 or status == 429)


def _of_connection(error: Exception, host: str) -> str:
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(cause, NameResolutionError):
        return f"the host name of {host} does not resolve"
    if isinstance(cause, NewConnectionError):
        return f"nothing answers at {host}: the connection was refused or has no route"
    return f"{host} closed the connection before it answered; the call may have been carried out"
