"""One login for many threads: asked for when first needed, renewed once where it is refused."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

from reconciler.errors import NotAllowed

# Renewals in a row that did not help the call that asked for them: a part of the service that
# refuses every token is not to cause a login for each call to it.
_MAX_VAIN = 3

Token = TypeVar("Token")
Result = TypeVar("Result")

log = logging.getLogger(__name__)


class Login(ABC, Generic[Token]):
    """Holds what a login gave. An implementer says how to ask for it, and which refusals of a
    call mean that it is not valid any more."""

    service: ClassVar[str]

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._is_renewed = False
        self._vain = 0
        self._refusal: NotAllowed | None = None

    @abstractmethod
    def _ask(self) -> Token:
        """A new token; raises NotAllowed where the login is refused."""

    def _is_stale(self, error: NotAllowed) -> bool:
        return error.status == 401

    def token(self) -> Token:
        """The token; logs in on first use. Raises NotAllowed where that fails."""
        with self._lock:
            if self._token is None:
                self._token = self._log_in()
            return self._token

    def call(self, send: Callable[[Token], Result]) -> Result:
        """What `send` gives for the token; sent once more with a new one where it is refused."""
        token = self.token()
        try:
            result = send(token)
        except NotAllowed as error:
            if not self._is_stale(error):
                raise
            return self._call_again(self.renew(token), send)
        self.accepted(token)
        return result

    def _call_again(self, token: Token, send: Callable[[Token], Result]) -> Result:
        try:
            result = send(token)
        except NotAllowed as error:
            if self._is_stale(error):
                raise error.saying(f"a renewed token is refused too ({error.message})") from None
            self.helped()
            raise
        self.helped()
        self.accepted(token)
        return result

    def accepted(self, token: Token) -> None:
        """To be told of each call that worked: a later 401 may then be answered by a renewal."""
        if token == self._token:
            self._is_renewed = False

    def helped(self) -> None:
        """To be told where a renewed token was not refused to the call that asked for it."""
        self._vain = 0

    def renew(self, rejected: Token) -> Token:
        """A token other than the rejected one; threads that share it cause one login.

        Raises NotAllowed where the rejected token is itself fresh from a renewal, and where
        renewals keep being in vain.
        """
        with self._lock:
            if self._token is not None and self._token != rejected:
                return self._token
            if self._is_renewed or self._vain >= _MAX_VAIN:
                message = "the service refuses even a new token"
                raise NotAllowed(message, service=self.service, status=401)
            log.info("%s: the token was refused; logging in again", self.service)
            self._token = self._log_in()
            self._is_renewed = True
            self._vain += 1
            return self._token

    def _log_in(self) -> Token:
        """A new token. A login that was refused is not tried again: tries count against the
        account, and many threads would all have theirs."""
        if self._refusal:
            raise self._refusal.saying(self._refusal.message)
        try:
            return self._ask()
        except NotAllowed as error:
            self._refusal = error
            raise
