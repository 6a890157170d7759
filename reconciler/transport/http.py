"""Calls to one host: what is sent, what may be sent again, and when. Reads go beneath `requests`
where they may, everything else over it, by the same rules."""

from __future__ import annotations

import json as jsonlib
import logging
import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from reconciler import __version__
from reconciler.errors import BadAnswer, OutOfTime, ProviderError, Refusal, Throttled
from reconciler.transport.answers import Answer, Call, decode, failure
from reconciler.transport.backoff import (
    Backoff,
    asked_wait_s,
    spent_wait_s,
    told_allowance,
    told_budget,
)
from reconciler.transport.bodies import Body, Reading
from reconciler.transport.bounds import Bounds
from reconciler.transport.direct import Direct, may_be_direct
from reconciler.transport.reasons import reason_of
from reconciler.transport.sessions import BadSetting, Bearer, Route, new_session, route_to

if TYPE_CHECKING:
    from tenacity import RetryCallState, Retrying

MAX_ANSWER_BYTES = 64 * 1024 * 1024

_CHUNK_BYTES = 64 * 1024
_CONNECT_S = 10.0
# What is left to a read at the end of the run's time: 0 would mean to wait for ever.
_LEAST_S = 0.05
_AGAIN = frozenset([429, 502, 503, 504])
# A wait from here on is told without being asked for twice.
_LONG_S = 5.0

Failure = Callable[[Call, Answer], ProviderError]
"""The error that an answer means which is none of those asked for."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Lost:
    """No whole answer came. is_passing: the same call may fare better a moment later."""

    error: ProviderError
    is_passing: bool


@dataclass(frozen=True, slots=True)
class _Message:
    """What is sent, the same at each attempt. Body and token are in no `repr`."""

    params: Mapping[str, str] | None
    body: bytes | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    token: str | None = field(repr=False)


@dataclass(slots=True)
class _Sending:
    """One call on its way, through all its attempts.

    began: when it first left, by the transport's clock. came: what came of the last attempt.
    """

    call: Call
    message: _Message
    ok: Collection[int]
    is_repeatable: bool
    failure: Failure
    began: float | None = None
    came: Answer | _Lost | None = None
    is_first: bool = True

    @property
    def is_done(self) -> bool:
        return isinstance(self.came, Answer) and self.came.status in self.ok

    def error(self) -> ProviderError:
        """What the last attempt failed of."""
        assert self.came is not None
        came = self.came
        return self.failure(self.call, came) if isinstance(came, Answer) else came.error


class Transport:
    """Calls to one host, from any thread; connections are kept, one session to a call at a time.

    read_only: only GET, and POSTs that one of `reads` covers (a text: by their path), leave the
    machine. failure: how this service says what went wrong. bounds are those of the run. Proxies
    and authorities come from the environment (`sessions`). Raises ProviderError and its kin, and
    Refusal; nothing of `requests`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        service: str = "anypoint",
        read_only: bool = False,
        reads: Sequence[str | Reading] = (),
        failure: Failure = failure,
        bounds: Bounds | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._service = service
        self._host = urlsplit(base_url).netloc
        self._read_only = read_only
        self._reads = tuple(
            reading if isinstance(reading, Reading) else Reading(reading) for reading in reads
        )
        self._failure = failure
        self._bounds = bounds or Bounds()
        self._pace = self._bounds.budgets.of(self.base_url)
        self._backoff = backoff or Backoff()
        self._timing = self._bounds.timing
        self._route: Route | None = None
        self._beneath: Direct | None = None
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
        body: Body | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        ok: Collection[int] = (200,),
        repeatable: bool | None = None,
        hide: Sequence[str] = (),
        read: Callable[[Call, Answer], Any] = decode,
    ) -> Any:
        """What `read` makes of an answer with a status in `ok`: its decoded JSON, None where it has
        no body. Sent is `json`, or `body` as it is.

        Repeated on 429, and if `repeatable` (by default: not a POST) also on a broken connection
        and where a gateway answers for the service. `hide`: texts that no error may hold. Raises
        OutOfTime where the run's time does not allow to send it at all.
        """
        hidden = tuple(hide) + ((token,) if token else ())
        call = Call(self._service, method, path, str(uuid.uuid4()), hidden)
        body = body or _json_body(call, json)
        self._refuse_writes(method, path, body)
        message = _message(call, params, body, headers, token)
        again = method != "POST" if repeatable is None else repeatable
        sending = _Sending(call, message, ok, again, self._failure)
        # Nearly all calls are sent once; what decides on a second time is not asked before.
        if _may_repeat(self._attempt(sending)):
            self._retrying()(self._attempt_again, sending)
        if sending.is_done and isinstance(sending.came, Answer):
            return read(call, sending.came)
        raise sending.error()

    def close(self) -> None:
        """Closes all connections."""
        with self._lock:
            for session in self._sessions:
                session.close()
            if self._beneath:
                self._beneath.close()

    def _refuse_writes(self, method: str, path: str, body: Body | None) -> None:
        if not self._read_only or method == "GET":
            return
        content = body.content if body else b""
        if method == "POST" and any(reading.covers(path, content) for reading in self._reads):
            return
        raise Refusal(f"{self._service}: {method} {path} would write, and this run only reads")

    def _retrying(self) -> Retrying:
        # Most runs send nothing twice, and its import takes longer than all else of HTTP.
        from tenacity import Retrying, retry_if_result

        return Retrying(
            retry=retry_if_result(_may_repeat),
            wait=self._wait_s,
            stop=self._is_to_stop,
            retry_error_callback=self._give_up,
            before_sleep=_tell,
            sleep=self._timing.sleep,
        )

    def _wait_s(self, state: RetryCallState) -> float:
        came = _sending(state).came
        asked_s = self._asked_s(came) if isinstance(came, Answer) else None
        return self._backoff.wait_s(state.attempt_number - 1, asked_s, self._timing.random())

    def _is_to_stop(self, state: RetryCallState) -> bool:
        if state.attempt_number >= self._backoff.attempts:
            return True
        wait_s = state.upcoming_sleep
        left_s = min(self._patience_s(_sending(state)), self._bounds.deadline.left_s())
        return wait_s > left_s

    def _give_up(self, state: RetryCallState) -> NoReturn:
        """The last error, which also says which wait was too long."""
        error, wait_s = _sending(state).error(), state.upcoming_sleep
        if state.attempt_number >= self._backoff.attempts:
            raise error
        if wait_s > self._bounds.deadline.left_s():
            raise error.saying(f"{error.message} (no time is left: {self._bounds.deadline})")
        if isinstance(error, Throttled):
            raise error.saying(f"{error.message} (not waited for: {wait_s:.0f} s)")
        raise error

    def _patience_s(self, sending: _Sending) -> float:
        """How long the call may still wait, by its own back-off."""
        if sending.began is None:
            return self._backoff.total_s
        return self._backoff.total_s - (self._timing.clock() - sending.began)

    def _allow(self, sending: _Sending, wait_s: float) -> None:
        """Raises where the run or the call may not wait that long before it is sent."""
        deadline = self._bounds.deadline
        left_s = deadline.left_s()
        kind: type[ProviderError] = OutOfTime
        if left_s <= 0:
            why = f"the run took longer than it may ({deadline})"
        elif wait_s > self._patience_s(sending):
            kind, why = Throttled, f"the service asked to be left alone for {wait_s:.0f} s"
        elif wait_s > left_s:
            why = f"the service asked to be left alone for {wait_s:.0f} s, "
            why += f"and the run has {left_s:.0f} s left ({deadline})"
        else:
            return
        if sending.came is None:
            raise sending.call.error(kind, f"not sent: {why}")
        last = sending.error()
        raise last.saying(f"{last.message} (not sent again: {why})")

    def _attempt_again(self, sending: _Sending) -> _Sending:
        """What came of the first attempt, then each further one."""
        if sending.is_first:
            sending.is_first = False
            return sending
        return self._attempt(sending)

    def _attempt(self, sending: _Sending) -> _Sending:
        """Sends the call once and notes what came of it."""
        ticket = self._pace.enter(lambda wait_s: self._allow(sending, wait_s))
        status, quiet_s, told = 0, None, None
        try:
            if sending.began is None:
                sending.began = self._timing.clock()
            came = sending.came = self._sent(sending)
            if isinstance(came, Answer):
                status, quiet_s = came.status, self._quiet_s(came)
                if self._pace.finds_rate:
                    told = told_allowance(came.headers, self._timing.epoch())
        finally:
            self._pace.leave(ticket, status, quiet_s, told)
        return sending

    def _quiet_s(self, answer: Answer) -> float | None:
        """How long everybody is to leave the host alone."""
        if answer.status in _AGAIN:
            return self._asked_s(answer)
        spent_s = spent_wait_s(answer.headers, self._timing.epoch())
        # Only a hint, so that an hour is no reason to give up.
        return spent_s if spent_s is not None and spent_s <= self._backoff.total_s else None

    def _asked_s(self, answer: Answer) -> float | None:
        return asked_wait_s(answer.headers, self._timing.epoch(), answer.status)

    def _sent(self, sending: _Sending) -> Answer | _Lost:
        call, started = sending.call, self._timing.clock()
        timeout_s = self._timeout_s(call.method)
        try:
            came: Answer | _Lost = self._send(call, sending.message, timeout_s)
        except (OSError, ValueError, HTTPError, BadSetting) as error:
            reason = reason_of(error, self._host, timeout_s)
            came = _Lost(call.error(reason.kind, reason.message), reason.is_passing)
        if isinstance(came, Answer):
            self._budget = told_budget(came.headers) or self._budget
        word = came.status if isinstance(came, Answer) else "no answer"
        spent_ms = (self._timing.clock() - started) * 1000
        log.debug("%s %s -> %s, %.0f ms [%s]", *_name(call), word, spent_ms, call.request_id)
        return came

    def _timeout_s(self, method: str) -> float:
        """A read ends with the run's time; a write in flight is not cut, or its answer is lost."""
        if method != "GET":
            return self._bounds.timeout_s
        return min(self._bounds.timeout_s, max(self._bounds.deadline.left_s(), _LEAST_S))

    def _send(self, call: Call, message: _Message, timeout_s: float) -> Answer | _Lost:
        if call.method == "GET" and message.body is None and (direct := self._direct()):
            times_s = (min(_CONNECT_S, timeout_s), timeout_s)
            with direct.get(
                call.path, message.params, message.headers, message.token, times_s
            ) as raw:
                return _read(call, raw, raw.status, raw.headers)
        with (
            self._session() as session,
            session.request(
                call.method,
                self.base_url + call.path,
                params=message.params,
                data=message.body,
                headers=message.headers,
                auth=Bearer(message.token),
                timeout=(min(_CONNECT_S, timeout_s), timeout_s),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            return _read(call, response.raw, response.status_code, response.headers)

    def _direct(self) -> Direct | None:
        """The connections for reads beneath `requests`, where there may be such."""
        route = self._known_route()
        return self._beneath if may_be_direct(self.base_url, route) else None

    def _known_route(self) -> Route:
        if self._route is None:
            with self._lock:
                route = route_to(self.base_url)
                self._beneath = self._beneath or Direct(self.base_url, route)
                self._route = route
        return self._route

    @contextmanager
    def _session(self) -> Iterator[requests.Session]:
        """A session that nobody else uses meanwhile; threads come and go, connections stay."""
        route = self._known_route()
        with self._lock:
            session = self._idle.pop() if self._idle else None
            if session is None:
                session = new_session(route)
                self._sessions.append(session)
        try:
            yield session
        finally:
            with self._lock:
                self._idle.append(session)


def _read(call: Call, raw: Any, status: int, headers: Mapping[str, str]) -> Answer | _Lost:
    """The answer with its body, of no more than may be."""
    body = bytearray()
    while chunk := raw.read1(_CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            words = f"an answer of more than {MAX_ANSWER_BYTES} bytes"
            return _Lost(call.error(BadAnswer, words), is_passing=False)
    return Answer(status, headers, bytes(body))


def _json_body(call: Call, json: Any) -> Body | None:
    if json is None:
        return None
    try:
        return Body(jsonlib.dumps(json, allow_nan=False).encode(), "application/json")
    except (TypeError, ValueError):
        raise call.error(ProviderError, "the body cannot be written as JSON") from None


def _message(
    call: Call,
    params: Mapping[str, str] | None,
    body: Body | None,
    headers: Mapping[str, str] | None,
    token: str | None,
) -> _Message:
    made = {"User-Agent": f"reconciler/{__version__}", "Accept": "application/json"}
    made |= {"X-Request-Id": call.request_id, **(headers or {})}
    if body is None:
        return _Message(params, None, made, token)
    return _Message(params, body.content, made | {"Content-Type": body.content_type}, token)


def _name(call: Call) -> tuple[str, str]:
    return call.method, call.path


def _sending(state: RetryCallState) -> _Sending:
    sending: _Sending = state.args[0]
    return sending


def _may_repeat(sending: _Sending) -> bool:
    came = sending.came
    if sending.is_done or came is None:
        return False
    if isinstance(came, _Lost):
        return sending.is_repeatable and came.is_passing
    return came.status == 429 or (sending.is_repeatable and came.status in _AGAIN)


def _tell(state: RetryCallState) -> None:
    sending, wait_s = _sending(state), state.upcoming_sleep
    level = logging.INFO if wait_s >= _LONG_S else logging.DEBUG
    error = sending.error().message
    log.log(level, "%s %s: %s; again in %.2f s", *_name(sending.call), error, wait_s)
