"""A read-only login cannot write: proven for each method of the client, found by looking.

A method that is added is called as well: it has to send reads alone, or to be refused before
anything leaves the machine and to be named in WRITES.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_type_hints

import pytest

from reconciler.core.model import Target
from reconciler.core.redact import Secret
from reconciler.errors import ProviderError, Refusal
from reconciler.providers.anypoint.auth import Credentials, TokenSource
from reconciler.providers.anypoint.client import READS, Client
from reconciler.providers.anypoint.pages import MadeT
from reconciler.transport import Backoff, Transport
from tests.cli.standin import Answer, StandIn, standing_in

TOKEN = Credentials("token", Secret(""), Secret("t0k"))
METHODS = sorted(
    name
    for name, member in inspect.getmembers(Client, inspect.isfunction)
    if not name.startswith("_") and name != "close"
)
# So that a client which sends nothing at all is no proof.
WRITES = {
    "create_policy",
    "create_outbound_policy",
    "update_policy",
    "delete_policy",
    "order_policies",
    "create_tier",
    "update_tier",
    "delete_tier",
    "create_automated_policy",
    "update_automated_policy",
    "delete_automated_policy",
}


@pytest.fixture
def server() -> Iterator[StandIn]:
    """Counts what arrives; its answers suit nobody."""
    with standing_in(lambda method, path: Answer(body="{}")) as stand_in:
        yield stand_in


def call(server: StandIn, name: str, *, read_only: bool) -> Exception | None:
    """Calls a method with made-up arguments; the error that it raised."""
    backoff = Backoff(attempts=1)
    transport = Transport(server.url, read_only=read_only, reads=READS, backoff=backoff)
    client = Client(transport, TokenSource(transport, TOKEN))
    method = getattr(client, name)
    try:
        method(**_arguments(method, server.url))
    except (ProviderError, Refusal) as error:
        return error
    finally:
        client.close()
    return None


def _arguments(method: Callable[..., Any], host: str) -> dict[str, Any]:
    """An argument for each parameter without a default, by its type; a new type needs a line."""
    values: dict[Any, Any] = {
        Target: Target(host, "org", "env", "1"),
        str: "1",
        bool: False,
        Callable[[Mapping[str, Any]], MadeT]: dict,
        Mapping[str, Any]: {"a": 1},
        Sequence[Mapping[str, Any]]: [{"id": 1, "order": 1}],
    }
    hints = get_type_hints(method)
    needed = {
        name
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.default is parameter.empty
    }
    return {name: values[hints[name]] for name in needed}


def sent(server: StandIn) -> list[str]:
    return [method for method, _, _ in server.requests]


@pytest.mark.parametrize("name", METHODS)
def test_a_read_only_login_sends_reads_alone(server: StandIn, name: str) -> None:
    call(server, name, read_only=False)
    is_write = set(sent(server)) != {"GET"}
    server.requests.clear()
    error = call(server, name, read_only=True)
    assert isinstance(error, Refusal) == is_write
    assert sent(server) == ([] if is_write else ["GET"] * len(server.requests))
    assert is_write == (name in WRITES)


def test_every_write_is_looked_at() -> None:
    assert set(METHODS) >= WRITES


@pytest.mark.parametrize(
    "path",
    [
        "/apimanager/api/v1/organizations/o/environments/e/apis/1/policies",
        "/accounts/login/",
        "/accounts/login/../../apimanager",
        "/accounts/login?x=/accounts/login",
        "/accounts/login\n",
        "//accounts/login",
        "/audit/v2/organizations/o/p/query",
        "/audit/v2/organizations/../query",
        "/audit/v2/organizations/o?x/query",
        "/audit/v2/organizations/o#/query",
        "/x/audit/v2/organizations/o/query",
    ],
)
def test_nothing_but_the_closed_list_is_sent(server: StandIn, path: str) -> None:
    transport = Transport(server.url, read_only=True, reads=READS)
    for method in ("POST", "PUT", "PATCH", "DELETE", "get", "HEAD", "TRACE", ""):
        with pytest.raises(Refusal, match="only reads"):
            transport.request(method, path, repeatable=True)
    transport.close()
    assert server.requests == []


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/login",
        "/accounts/api/v2/oauth2/token",
        "/audit/v2/organizations/0a1b2c3d-0000-4000-8000-000000000001/query",
    ],
)
def test_posts_that_read_are_sent(server: StandIn, path: str) -> None:
    transport = Transport(server.url, read_only=True, reads=READS)
    assert transport.request("POST", path, json={}) == {}
    transport.close()
    assert sent(server) == ["POST"]
