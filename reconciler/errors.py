"""The whole exception tree, and the exit code that each branch means.

ReconcilerError
├── UsageError            64  the command line does not make sense
├── PolicyError            3  the files are wrong: carries every Problem found
├── ProviderError          1  a service or the network failed
│   ├── BadAnswer          1  an answer that is not what the service documents
│   │   └── Incomplete     1  half of one, or a list without some of its items
│   ├── Unreachable        1  no answer at all
│   ├── NotFound           1  404
│   ├── Conflict           1  409
│   ├── Throttled          1  429 or 503
│   ├── OutOfTime          1  not sent: the run has taken as long as it may
│   └── NotAllowed         4  401, 403, or a login that is no login
│       ├── NoCredentials  4  nothing to sign in with
│       ├── LockedOut      4  a login that was let in before and is not any more
│       └── CannotSee      4  the answer hides what the login may not see
├── Refusal                5  it could be done, and is not: limit, host, another plan
└── StalePlan              6  the live state is no longer what the plan was made from
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """Exit codes of the command; `worst` picks the one to give where several hold."""

    OK = 0
    FAILURE = 1
    CHANGES = 2
    INVALID = 3
    NOT_ALLOWED = 4
    REFUSED = 5
    STALE = 6
    PARTIAL = 7
    USAGE = 64
    INTERRUPTED = 130


_LONGEST = 1000

_PRECEDENCE = (
    Exit.INTERRUPTED,
    Exit.USAGE,
    Exit.INVALID,
    Exit.NOT_ALLOWED,
    Exit.REFUSED,
    Exit.STALE,
    Exit.PARTIAL,
    Exit.FAILURE,
    Exit.CHANGES,
    Exit.OK,
)


def worst(codes: Iterable[Exit]) -> Exit:
    """The code to exit with where all of `codes` hold; OK for none."""
    return min(codes, key=_PRECEDENCE.index, default=Exit.OK)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in the files: where, what, and what to do about it.

    `line` and `column` count from 1; 0 means that the whole file is meant. `path` is the place
    in the document, such as `policies[0].config.ips`. Texts from a file that are too long to be
    read are shortened.
    """

    file: str
    line: int = 0
    column: int = 0
    path: str = ""
    message: str = ""
    hint: str = ""

    def __post_init__(self) -> None:
        for name in ("path", "message", "hint"):
            text = getattr(self, name)
            if len(text) > _LONGEST:
                object.__setattr__(self, name, f"{text[:_LONGEST]}...")

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        path = f" {self.path}:" if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}:{path} {self.message}{hint}"


class ReconcilerError(Exception):
    """Anything this package raises on purpose."""

    exit = Exit.FAILURE


class UsageError(ReconcilerError):
    """The command line does not make sense; the message says what would."""

    exit = Exit.USAGE


class PolicyError(ReconcilerError):
    """The files are wrong. `problems` holds all of them, sorted by place."""

    exit = Exit.INVALID

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ProviderError(ReconcilerError):
    """A call to a service failed; says which, and never holds a body with a secret in it.

    `status` is 0 where there was no answer; `code` is the service's own word for the failure,
    where it has one.
    """

    def __init__(
        self,
        message: str,
        *,
        service: str = "anypoint",
        method: str = "",
        path: str = "",
        status: int = 0,
        request_id: str = "",
        code: str = "",
    ) -> None:
        self.message = message
        self.service = service
        self.method = method
        self.path = path
        self.status = status
        self.request_id = request_id
        self.code = code
        call = f": {method} {path}" if method else ""
        code = f" -> {status}" if status else ""
        request = f" [request {request_id}]" if request_id else ""
        super().__init__(f"{service}{call}{code}: {message}{request}")

    def saying(self, message: str) -> Self:
        """The same failure of the same call, in other words."""
        return type(self)(
            message,
            service=self.service,
            method=self.method,
            path=self.path,
            status=self.status,
            request_id=self.request_id,
            code=self.code,
        )


class BadAnswer(ProviderError):
    """An answer that the service does not document: HTML, half a JSON, a redirect elsewhere."""


class Incomplete(BadAnswer):
    """Half an answer, or a list that is not whole by its own word."""


class Unreachable(ProviderError):
    """No answer: refused, reset, unresolved or timed out."""


class NotFound(ProviderError):
    """404."""


class Conflict(ProviderError):
    """409: what was to be created is there already."""


class Throttled(ProviderError):
    """429, or the 503 that Anypoint answers in its place."""


class OutOfTime(ProviderError):
    """The call was not sent: the run has taken as long as it may."""


class NotAllowed(ProviderError):
    """401 or 403 after one renewal, or a login that gave no token."""

    exit = Exit.NOT_ALLOWED


class NoCredentials(NotAllowed):
    """Nothing is there to sign in with, or not all of it; nothing was sent."""


class LockedOut(NotAllowed):
    """This login gets in no more; the message says the way out."""


class CannotSee(NotAllowed):
    """The login may not see what was asked for. It may well be there: never to be read as none."""


class Refusal(ReconcilerError):
    """It could be done and is not done; the message says what to type if it should be."""

    exit = Exit.REFUSED


class StalePlan(ReconcilerError):
    """The live state moved since the plan was made; the message names the differing fields."""

    exit = Exit.STALE
