"""401 once is renewed once, 401 for ever is given up at once: many threads, real sockets."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.core.redact import Secret
from reconciler.errors import NotAllowed
from reconciler.providers.anypoint.auth import TOKEN, Credentials, TokenSource
from reconciler.providers.anypoint.client import READS, Client
from reconciler.transport import Transport
from tests.cli.standin import Answer, StandIn, standing_in
from tests.providers.anypoint.natives import TARGET

APP = Credentials("connected app", Secret("id"), Secret("hunter2"))
THREADS, CALLS = 8, 60
ONE_LOGIN = 1


class Service:
    """Hands out token-1, token-2 ...; `refuses(path, token)` says which call gets a 401."""

    def __init__(self, refuses: Callable[[str, int], bool]) -> None:
        self.refuses = refuses
        self.numbers = itertools.count(1)
        self.newest = 0
        self.lock = threading.Lock()

    def __call__(self, method: str, path: str) -> Answer:
        with self.lock:
            if path == TOKEN:
                self.newest = next(self.numbers)
                return Answer(body=f'{{"access_token": "token-{self.newest}"}}')
            return Answer(401) if self.refuses(path, self.newest) else Answer(body="{}")


def many_calls(service: Service) -> tuple[list[str], StandIn]:
    """What came of calls by many threads, and what the service saw."""
    with standing_in(service) as server:
        transport = Transport(server.url, reads=READS)
        client = Client(transport, TokenSource(transport, APP))

        def call(number: int) -> str:
            try:
                if number % 3:
                    client.policies(TARGET, full=False)
                else:
                    client.me()
            except NotAllowed as error:
                assert error.status == 401
                return "401"
            return "ok"

        with ThreadPoolExecutor(THREADS) as pool:
            told = list(pool.map(call, range(CALLS)))
        client.close()
    return told, server


def logins(server: StandIn) -> int:
    return sum(path == TOKEN for _, path, _ in server.requests)


def test_a_token_that_ran_out_is_renewed_once_for_all() -> None:
    told, server = many_calls(Service(lambda path, token: token == 1))
    assert set(told) == {"ok"}
    assert logins(server) == ONE_LOGIN + 1


def test_a_service_that_refuses_every_token_is_given_up() -> None:
    told, server = many_calls(Service(lambda path, token: True))
    assert set(told) == {"401"}
    assert logins(server) == ONE_LOGIN + 1


def test_one_part_that_refuses_every_token_does_not_cause_login_after_login() -> None:
    told, server = many_calls(Service(lambda path, token: "/policies" in path))
    assert [word for number, word in enumerate(told) if number % 3] == ["401"] * (CALLS * 2 // 3)
    assert {word for number, word in enumerate(told) if not number % 3} == {"ok"}
    assert logins(server) <= ONE_LOGIN + 3


@pytest.mark.parametrize("method", ["create", "update"])
def test_a_write_that_was_refused_is_sent_with_the_new_token(method: str) -> None:
    with standing_in(Service(lambda path, token: token == 1)) as server:
        transport = Transport(server.url)
        client = Client(transport, TokenSource(transport, APP))
        if method == "create":
            client.create_policy(TARGET, {"a": 1}, duplicate=False)
        else:
            client.update_policy(TARGET, "1", {"a": 1})
        client.close()
    assert len(server.requests) == 4
