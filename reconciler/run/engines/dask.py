"""Units compared by the workers of a Dask scheduler, with the result that one machine gives.

The only user of `distributed`. Dask hands out slices, notices a worker that is lost, and gives its
slice to another. Of the calls that the run may make side by side each slice gets its share, so that
all workers together keep to the budget of one; where a host throttles one worker, all of them hear.
"""

from __future__ import annotations

import logging
import math
import os
from asyncio import CancelledError
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from distributed import (
    Client,
    KilledWorker,
    Security,
    WorkerPlugin,
    as_completed,
    get_worker,
)
from distributed.client import FutureCancelledError

from reconciler import __version__
from reconciler.errors import Exit, ReconcilerError, UsageError
from reconciler.files.custom import CustomPolicies
from reconciler.files.values import Resolver
from reconciler.run.context import Context
from reconciler.run.converge import Asks, Compared, here
from reconciler.run.engines.slices import Named, Slice, slices, split
from reconciler.run.engines.worker import KEY, Hand, Terms, outcome, reference_digests
from reconciler.run.locate import Job
from reconciler.transport import Host

_SMALLEST, _LARGEST = 20, 500
_ROUNDS = 8
"""So many slices for each place of work, so that the last ones end together."""

_CONNECT_S = 10.0


SCHEME = "dask"


@dataclass(frozen=True, slots=True)
class DaskEngine:
    """Compares through the scheduler at `address` (`dask://HOST:PORT`); called as
    `converge.here` is.

    run: names this run among others on the same cluster. custom: the organization's own policies.
    calls: side by side to one host, by all workers together. Raises UsageError for an address that
    is none, and without the key by which workers show that they find the same secrets.
    """

    address: str
    run: str
    resolver: Resolver
    custom: CustomPolicies
    calls: int
    timeout_s: float
    finds_rate: bool = False

    def __post_init__(self) -> None:
        _address(self.address)
        if not self.resolver.environ.get(KEY):
            raise UsageError(
                f"--engine needs {KEY}, the same here and for the workers: by it they show that "
                "they find the same secrets"
            )

    def __call__(self, context: Context, jobs: Sequence[Job], asks: Asks) -> Iterator[Compared]:
        """Each unit as it was compared, as they come; raises ReconcilerError where there is no
        scheduler, no worker, or one refuses."""
        away, stay, named = split(context, jobs)
        if away:
            with _connected(_address(self.address)) as client:
                crew = _Crew.of(client, self.calls)
                terms = self._terms(context, named, crew)
                with _at_work(client, self.run, terms):
                    parts = slices(context, away, crew.size(len(away)), asks)
                    yield from _answers(client, self.run, crew, parts, terms.max_time_s)
        # Not meanwhile: their calls would come on top of those of the workers.
        yield from here(context, stay, asks)

    def _terms(self, context: Context, named: Named, crew: _Crew) -> Terms:
        return Terms(
            __version__,
            context.redactor.key_id,
            self.timeout_s,
            context.deadline.left_s(),
            crew.shares[0] * crew.threads_each,
            self.finds_rate,
            context.resend,
            context.allow_empty,
            self.custom.only(named.policies),
            reference_digests(named.references, self.resolver, context.redactor),
        )


@dataclass(frozen=True, slots=True)
class _Crew:
    """The workers as they were when the run began.

    shares: for each slice in work, how many calls it may make side by side. threads_each: how many
    slices one process may work on.
    """

    shares: tuple[int, ...]
    threads_each: int

    @classmethod
    def of(cls, client: Client, calls: int) -> _Crew:
        """Raises ReconcilerError where there is none."""
        try:
            client.wait_for_workers(1, timeout=_CONNECT_S)
        except TimeoutError:
            raise ReconcilerError(
                f"the scheduler at {client.scheduler.address} has no worker: start one with "
                f"`dask worker {client.scheduler.address}`"
            ) from None
        threads = list(client.nthreads().values())
        places = max(1, min(sum(threads), calls))
        shares = tuple(calls // places + (number < calls % places) for number in range(places))
        return cls(shares, max(threads))

    def size(self, units: int) -> int:
        """How many units make a slice."""
        return max(_SMALLEST, min(_LARGEST, units // (len(self.shares) * _ROUNDS)))


def _address(text: str) -> str:
    """The scheduler's address in Dask's own words: `tls://` where its configuration names a
    certificate for clients."""
    parts = urlsplit(text)
    try:
        is_whole = parts.scheme == SCHEME and parts.hostname and parts.port
    except ValueError:
        is_whole = False
    if not is_whole or parts.path.strip("/") or parts.query or "@" in parts.netloc:
        raise UsageError(f"--engine {text!r}: write {SCHEME}://HOST:PORT")
    return f"{'tls' if Security().tls_client_cert else 'tcp'}://{parts.netloc}"


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise ReconcilerError(
            f"no Dask scheduler answers at {address}: start one with `dask scheduler`"
        ) from error
    try:
        yield client
    finally:
        with suppress(Exception):  # it may be the scheduler that is gone
            client.close(timeout=1)


@contextmanager
def _at_work(client: Client, run: str, terms: Terms) -> Iterator[None]:
    """While it lasts every worker, also one that joins later, knows the run."""
    try:
        client.register_plugin(_Plugin(run, terms))
    except ImportError as error:
        raise ReconcilerError(
            f"the workers cannot import {error.name or error}: install reconciler[dask] there, the "
            f"same version ({__version__}), and here"
        ) from None
    try:
        yield
    finally:
        with suppress(Exception):
            client.unregister_worker_plugin(run)


def _answers(
    client: Client, run: str, crew: _Crew, parts: Iterable[Slice], max_time_s: float
) -> Iterator[Compared]:
    """What comes of all parts, with as many in work as there are places."""
    source = enumerate(parts)
    shares: dict[str, int] = {}

    def submitted(share: int) -> Iterator[Any]:
        for number, part in islice(source, 1):
            name = f"{run}-{number}"
            shares[name] = share
            # Not pure: Dask keeps no answer for another run.
            yield client.submit(_compared, run, part, share, key=name, pure=False)

    try:
        first = [future for share in crew.shares for future in submitted(share)]
        done = as_completed(first, client.loop, timeout=_finite(max_time_s))
        for future in done:
            worker, found = future.result()
            future.release()
            done.update(list(submitted(shares.pop(future.key))))
            if isinstance(found, ReconcilerError):
                raise _failed(f"worker {worker}: {found}", found.exit)
            yield from found
    except KilledWorker as error:
        raise ReconcilerError(
            f"{error.allowed_failures + 1} workers in a row were lost with the same part of the "
            "work, the last of them at "
            f"{error.last_worker.address}: see their logs, and give them more memory"
        ) from None
    except TimeoutError:
        raise ReconcilerError("the run has taken as long as it may (--max-time)") from None
    except (CancelledError, FutureCancelledError, OSError) as error:
        raise ReconcilerError(f"the Dask scheduler was lost: {error or 'no answer'}") from None


def _failed(message: str, code: Exit) -> ReconcilerError:
    error = ReconcilerError(message)
    error.exit = code
    return error


def _finite(seconds: float) -> float | None:
    return None if seconds == math.inf else max(seconds, 0.0)


def _compared(
    run: str, part: Slice, calls: int
) -> tuple[str, tuple[Compared, ...] | ReconcilerError]:
    """Runs on a worker: the worker's address and what comes of the slice."""
    worker = get_worker()
    return worker.address, worker.plugins[run].answer(part, calls)


class _Plugin(WorkerPlugin):  # type: ignore[misc]
    """What each worker holds during a run; sent to it as a name and the terms."""

    def __init__(self, name: str, terms: Terms) -> None:
        self.name = name
        self._terms = terms
        self._hand: Hand | None = None

    async def setup(self, worker: Any) -> None:
        self._worker = worker
        self._lock = Lock()
        # Only a client hears of what is told to all.
        self._client = await Client(
            worker.scheduler.address,
            asynchronous=True,
            set_as_default=False,
            security=worker.security,
        )
        self._client.subscribe_topic(self.name, self._heard)

    async def teardown(self, worker: Any) -> None:
        if self._hand:
            self._hand.stop()
        await self._client.close()

    def answer(self, part: Slice, calls: int) -> tuple[Compared, ...] | ReconcilerError:
        with self._lock:
            if self._hand is None:
                self._hand = Hand(self._terms, os.environ, Path.cwd(), self._tell)
        return outcome(self._hand, part, calls)

    def _tell(self, host: Host, quiet_s: float | None) -> None:
        self._worker.log_event(self.name, (self._worker.address, host, quiet_s))

    def _heard(self, event: tuple[float, Any]) -> None:
        teller, host, quiet_s = event[1]
        if self._hand and teller != self._worker.address:
            self._hand.tell(tuple(host), quiet_s)
