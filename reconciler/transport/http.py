"""Connections, time-outs and repeats over `requests`; every failure of it becomes ours."""

from __future__ import annotations

import json as jsonlib
import logging
import random as randomlib
import re
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import (
    DecodeError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)

from reconciler import __version__
from reconciler.errors import BadAnswer, Incomplete, ProviderError, Refusal, Throttled, Unreachable
from reconciler.transport.answers import Answer, Call, decode, failure
from reconciler.transport.backoff import Backoff, asked_wait_s, told_budget

MAX_ANSWER_BYTES = 64 * 1024 * 1024

_CHUNK_BYTES = 64 * 1024
_CONNECT_S = 10.0
_AGAIN = frozenset([429, 502, 503, 504])

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Lost:
    """No whole answer came. is_passing: the same call may fare better a moment later."""

    error: ProviderError
    is_passing: bool


@dataclass(frozen=True, slots=True)
class _Message:
    """What is sent, the same at each attempt."""

    params: Mapping[str, str] | None
    body: bytes | None
    headers: Mapping[str, str]
    token: str | None


class _Bearer(requests.auth.AuthBase):
    """Sets the token, or nothing; being there, it keeps `requests` from asking ~/.netrc."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Session(requests.Session):
    """A session that knows no redirects: even unfollowed ones `requests` would read and parse."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class Transport:
    """Calls to one host, from any thread; connections are kept, one session to a call at a time.

    read_only: only GET, and POSTs to paths that match one of `reads`, leave the machine.
    clock gives epoch seconds. Proxies and CA bundle come from the environment as `requests` reads
    it. Raises ProviderError and its kin, and Refusal; nothing of `requests`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        service: str = "anypoint",
        user_agent: str = f"reconciler/{__version__}",
        timeout_s: float = 30.0,
        max_connections: int = 8,
        read_only: bool = False,
        reads: Sequence[str] = (),
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = randomlib.random,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._service = service
        self._host = urlsplit(base_url).netloc
        self._agent = user_agent
        self._timeout_s = timeout_s
        self._slots = threading.BoundedSemaphore(max_connections)
        self._read_only = read_only
        self._reads = tuple(re.compile(pattern) for pattern in reads)
        self._backoff = backoff or Backoff()
        self._clock, self._sleep, self._random = clock, sleep, random
        self._idle: list[requests.Session] = []
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()
        self._budget: Mapping[str, str] = {}

    @property
    def budget(self) -> Mapping[str, str]:
        """`limit`, `remaining` and `reset` of the last X-RateLimit-* headers, as far as told."""
        return self._budget

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        ok: Collection[int] = (200,),
        repeatable: bool | None = None,
        hide: Sequence[str] = (),
    ) -> Any:
        """The decoded JSON of an answer with a status in `ok`; None where it has no body.

        Repeated on 429, and if `repeatable` (by default: not a POST) also on a broken connection
        and where a gateway answers for the service. `hide`: texts that no error may hold.
        """
        self._refuse_writes(method, path)
        request_id = str(uuid.uuid4())
        hidden = tuple(hide) + ((token,) if token else ())
        call = Call(self._service, method, path, request_id, hidden)
        sent = self._message(call, params, json, headers, token)
        again = method != "POST" if repeatable is None else repeatable
        started = self._clock()
        for attempt in range(self._backoff.attempts):
            came = self._attempt(call, sent)
            if isinstance(came, Answer) and came.status in ok:
                return decode(call, came)
            self._pause(call, came, attempt, started, repeatable=again)
        raise AssertionError("the last attempt raises")

    def close(self) -> None:
        """Closes all connections."""
        with self._lock:
            for session in self._sessions:
                session.close()

    def _refuse_writes(self, method: str, path: str) -> None:
        if not self._read_only or method == "GET":
            return
        if method == "POST" and any(pattern.fullmatch(path) for pattern in self._reads):
            return
        raise Refusal(f"{self._service}: {method} {path} would write, and this run only reads")

    def _message(
        self,
        call: Call,
        params: Mapping[str, str] | None,
        json: Any,
        headers: Mapping[str, str] | None,
        token: str | None,
    ) -> _Message:
        made = {"User-Agent": self._agent, "Accept": "application/json"}
        made |= {"X-Request-Id": call.request_id, **(headers or {})}
        if json is None:
            return _Message(params, None, made, token)
        try:
            body = jsonlib.dumps(json, allow_nan=False).encode()
        except (TypeError, ValueError):
            raise call.error(ProviderError, "the body cannot be written as JSON") from None
        return _Message(params, body, made | {"Content-Type": "application/json"}, token)

    def _attempt(self, call: Call, sent: _Message) -> Answer | _Lost:
        started = self._clock()
        with self._slots:
            try:
                came: Answer | _Lost = self._send(call, sent)
            except (OSError, ValueError, HTTPError) as error:
                came = self._lost(call, error)
        if isinstance(came, Answer):
            self._budget = told_budget(came.headers) or self._budget
        word = came.status if isinstance(came, Answer) else "no answer"
        spent_ms = (self._clock() - started) * 1000
        log.debug("%s %s -> %s, %.0f ms [%s]", *_name(call), word, spent_ms, call.request_id)
        return came

    def _send(self, call: Call, sent: _Message) -> Answer | _Lost:
        with (
            self._session() as session,
            session.request(
                call.method,
                self.base_url + call.path,
                params=sent.params,
                data=sent.body,
                headers=sent.headers,
                auth=_Bearer(sent.token),
                timeout=(min(_CONNECT_S, self._timeout_s), self._timeout_s),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            body = self._body(call, response)
            if isinstance(body, _Lost):
                return body
            return Answer(response.status_code, response.headers, body)

    def _body(self, call: Call, response: requests.Response) -> bytes | _Lost:
        """The body, bounded in size and, against one that trickles, in time."""
        body = bytearray()
        until = self._clock() + self._timeout_s * 2
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                message = f"an answer of more than {MAX_ANSWER_BYTES} bytes"
                return _Lost(call.error(BadAnswer, message), is_passing=False)
            if self._clock() > until:
                message = f"the answer of {self._host} came too slowly"
                return _Lost(call.error(Unreachable, message), is_passing=True)
        return bytes(body)

    @contextmanager
    def _session(self) -> Iterator[requests.Session]:
        """A session that nobody else uses meanwhile; threads come and go, connections stay."""
        with self._lock:
            session = self._idle.pop() if self._idle else None
        if session is None:
            session = _new_session(self.base_url)
            with self._lock:
                self._sessions.append(session)
        try:
            yield session
        finally:
            with self._lock:
                self._idle.append(session)

    def _lost(self, call: Call, error: Exception) -> _Lost:
        """Says what broke in our own words: theirs may hold a proxy's password or a header."""
        message, kind, is_passing = _reason(error, self._host, self._timeout_s)
        return _Lost(call.error(kind, message), is_passing)

    def _pause(
        self,
        call: Call,
        came: Answer | _Lost,
        attempt: int,
        started: float,
        *,
        repeatable: bool,
    ) -> None:
        """Waits before the next attempt; raises where there is to be none."""
        error = failure(call, came) if isinstance(came, Answer) else came.error
        if attempt + 1 >= self._backoff.attempts or not _may_repeat(came, repeatable):
            raise error
        now = self._clock()
        asked_s = asked_wait_s(came.headers, now) if isinstance(came, Answer) else None
        wait_s = self._backoff.wait_s(attempt, asked_s, self._random())
        if now - started + wait_s > self._backoff.total_s:
            raise _too_long(error, wait_s)
        log.debug("%s %s: %s; again in %.2f s", *_name(call), error.message, wait_s)
        self._sleep(wait_s)


def _name(call: Call) -> tuple[str, str]:
    return call.method, call.path


def _may_repeat(came: Answer | _Lost, repeatable: bool) -> bool:
    if isinstance(came, _Lost):
        return repeatable and came.is_passing
    return came.status == 429 or (repeatable and came.status in _AGAIN)


def _too_long(error: ProviderError, wait_s: float) -> ProviderError:
    if not isinstance(error, Throttled):
        return error
    return Throttled(
        f"{error.message} (not waited for: {wait_s:.0f} s)",
        service=error.service,
        method=error.method,
        path=error.path,
        status=error.status,
        request_id=error.request_id,
    )


def _new_session(base_url: str) -> requests.Session:
    """A session for one host and one thread, with the environment's settings read once.

    Cookies are not kept: the token alone says who calls.
    """
    session = _Session()
    settings = session.merge_environment_settings(base_url, {}, None, None, None)
    session.trust_env = False
    session.proxies = settings["proxies"]
    session.verify = settings["verify"]
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=1))
    session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=1))
    return session


def _reason(error: Exception, host: str, timeout_s: float) -> tuple[str, type[ProviderError], bool]:
    """Message, kind, and whether it may pass, of a failure below us."""
    match error:
        case requests.exceptions.ConnectTimeout():
            return f"no connection to {host} in time", Unreachable, True
        case requests.exceptions.ReadTimeout() | ReadTimeoutError():
            return f"no answer from {host} within {timeout_s:g} s", Unreachable, True
        case requests.exceptions.ProxyError():
            return f"the proxy gave no connection to {host}", Unreachable, True
        case requests.exceptions.SSLError():
            hint = "REQUESTS_CA_BUNDLE can name a file with your own authority"
            return f"no trusted TLS connection to {host} ({hint})", Unreachable, False
        case requests.exceptions.ConnectionError():
            return _connection_reason(error, host), Unreachable, True
        case DecodeError() | requests.exceptions.ContentDecodingError():
            return "an answer whose compression is broken", BadAnswer, False
        case requests.exceptions.InvalidHeader():
            return "a header, perhaps the token, holds characters no header can", BadAnswer, False
        case HTTPError():
            return f"{host} broke off in the middle of its answer", Incomplete, True
        case _:
            hint = "check the URL, the proxy and REQUESTS_CA_BUNDLE"
            return f"the call could not be made: {hint}", Unreachable, False


def _connection_reason(error: Exception, host: str) -> str:
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(cause, NameResolutionError):
        return f"the host name of {host} does not resolve"
    if isinstance(cause, NewConnectionError):
        return f"nothing answers at {host}: the connection was refused or has no route"
    return f"{host} closed the connection before it answered; the call may have been carried out"
