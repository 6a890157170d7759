"""A read-only login cannot write: proven for each method of the client, found by looking.

What arrives is looked at, not what was said of it: Metadata is read and written at one path. A
method that is added is called as well, and has to send reads alone or to be named in WRITES.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, get_type_hints

import pytest

from reconciler.core.redact import Secret
from reconciler.errors import ProviderError, Refusal
from reconciler.providers.salesforce import soap
from reconciler.providers.salesforce.auth import Grant
from reconciler.providers.salesforce.client import READS, Client, connect
from reconciler.providers.salesforce.nodes import Node, leaf, parsed
from reconciler.transport import Body, Transport
from tests.providers.salesforce.natives import APP, ORG, USER, an_envelope
from tests.providers.salesforce.scene import SECRETS

METHODS = sorted(
    name
    for name, member in inspect.getmembers(Client, inspect.isfunction)
    if not name.startswith("_") and name not in ("close", "holding")
)
# So that a client which sends nothing at all is no proof.
WRITES = {
    "create",
    "update",
    "delete",
    "create_many",
    "update_many",
    "delete_many",
    "revoke",
    "update_metadata",
    "deploy",
}
COMPONENT = Node("metadata", type="ConnectedApp", children=(leaf("fullName", "A"),))
Request = tuple[str, str, bytes]


class Server:
    """Keeps method, path and body of each request; its answers suit nobody."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[Request] = []

    def written(self) -> list[Request]:
        """The requests that change something, told by what they hold."""
        return [request for request in self.requests if not _is_asking(*request)]


def _is_asking(method: str, path: str, body: bytes) -> bool:
    if method == "GET" or path == "/services/oauth2/token":
        return True
    if not path.startswith("/services/Soap/m/"):
        return False
    operations = parsed(body).child("Body")
    return operations is not None and [
        node.name.startswith(("read", "list", "describe", "retrieve", "check"))
        for node in operations.children
    ] == [True]


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            made.requests.append((self.command, self.path, body))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        made = Server(f"http://127.0.0.1:{listening.server_address[1]}")
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        listening.shutdown()
        thread.join()


def call(server: Server, name: str, *, read_only: bool) -> Exception | None:
    """Calls a method with made-up arguments; the error that it raised."""
    client, _ = connect(server.url, SECRETS, read_only=read_only)
    method = getattr(client.holding(Grant(Secret("t0k"), server.url, ORG, USER)), name)
    try:
        method(**_arguments(method))
    except (ProviderError, Refusal) as error:
        return error
    finally:
        client.close()
    return None


def _arguments(method: Callable[..., Any]) -> dict[str, Any]:
    """An argument for each parameter without a default, by its type; a new type needs a line."""
    values: dict[Any, Any] = {
        str: "ConnectedApplication",
        bool: False,
        bytes: b"PK",
        Secret: Secret("t"),
        Mapping[str, Any]: {"a": 1},
        Sequence[str]: ["A"],
        Sequence[Node]: [COMPONENT],
        Sequence[Mapping[str, Any]]: [{"id": APP}],
    }
    hints = get_type_hints(method)
    named = {"id": APP, "ids": [APP]}
    needed = {
        name
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.default is parameter.empty
    }
    return {name: named.get(name, values[hints[name]]) for name in needed}


@pytest.mark.parametrize("name", METHODS)
def test_a_read_only_login_sends_reads_alone(server: Server, name: str) -> None:
    call(server, name, read_only=False)
    assert server.requests
    is_write = bool(server.written())
    server.requests.clear()
    error = call(server, name, read_only=True)
    assert isinstance(error, Refusal) == is_write
    assert server.written() == []
    assert bool(server.requests) == (not is_write)
    assert is_write == (name in WRITES)


def test_every_write_is_looked_at() -> None:
    assert set(METHODS) >= WRITES


@pytest.mark.parametrize(
    "path",
    [
        "/services/oauth2/revoke",
        "/services/oauth2/token/",
        "/services/oauth2/token?x=1",
        "/services/oauth2/token/../revoke",
        "/services/data/v64.0/sobjects/SetupEntityAccess",
        "/services/data/v64.0/composite",
        "/services/data/v64.0/metadata/deployRequest",
        "/services/Soap/m/64.0/",
        "/services/Soap/u/64.0",
        "/services/Soap/m/64.0/../../u/64.0",
        "/services/Soap/m/64.0\n",
        "/x/services/Soap/m/64.0",
    ],
)
def test_nothing_but_the_closed_list_is_sent(server: Server, path: str) -> None:
    body = soap.envelope(soap.read_metadata("ConnectedApp", ["A"]), "t")
    transport = Transport(server.url, read_only=True, reads=READS)
    for method in ("POST", "PUT", "PATCH", "DELETE", "get", "HEAD"):
        with pytest.raises(Refusal, match="only reads"):
            transport.request(method, path, body=body)
    transport.close()
    assert server.requests == []


@pytest.mark.parametrize(
    "content",
    [
        soap.envelope(soap.update_metadata([COMPONENT]), "t").content,
        an_envelope("<readMetadata/><updateMetadata/>").encode(),
        an_envelope("<readMetadata/>").replace("<soapenv:Body>", "<Body/><soapenv:Body>").encode(),
        b"",
    ],
)
def test_what_is_said_beside_the_envelope_does_not_count(server: Server, content: bytes) -> None:
    transport = Transport(server.url, read_only=True, reads=READS)
    with pytest.raises(Refusal, match="only reads"):
        transport.request(
            "POST",
            "/services/Soap/m/64.0",
            body=Body(content, "text/xml"),
            headers={"SOAPAction": "readMetadata"},
        )
    transport.close()
    assert server.requests == []
