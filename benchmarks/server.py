"""A server that costs next to nothing: what the emulator answers, made ready beforehand.

It answers each read of a plan of an estate of any size. The emulator is asked for two APIs, of
which it gives one to each kind of gateway; what it says of them is the pattern for all.
`python -m benchmarks.server --apis 1000 --latency-ms 50`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qs, urlsplit

import requests
import uvloop

from benchmarks.corpus import asset
from benchmarks.measure import emulating

_TOKEN = "/accounts/api/v2/oauth2/token"
_FIRST_API, _FIRST_POLICY, _FIRST_ASSET = 20_000_001, 30_000_001, 2_000_001
_POLICIES = 4
_OF_API = re.compile(r"^(/.*/apis)/(\d+)/policies$")
_NUMBERS = re.compile(rb"(2000000\d|3000000\d|200000\d|api-0000\d)")
_KINDS = 2
LOGIN = {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo"}


@dataclass(frozen=True, slots=True)
class Learned:
    """What the emulator says of an estate of two APIs.

    fixed: whole answers by path. listed: the path of the list of APIs. assets, policies: the assets
    of that list, and the policies of their APIs, with their numbers cut out.
    """

    fixed: Mapping[str, bytes]
    listed: str
    assets: tuple[tuple[bytes, ...], ...]
    policies: tuple[tuple[bytes, ...], ...]

    def page(self, apis: int, offset: int, limit: int) -> bytes:
        """A page of the list of APIs."""
        last = min(offset + limit, apis)
        items = b",".join(_filled(self.assets, number) for number in range(offset, last))
        return b'{"total":%d,"assets":[%s]}' % (apis, items)

    def policies_of(self, api: int) -> bytes:
        """The policies of an API, by its id."""
        return _filled(self.policies, api - _FIRST_API)


def _filled(patterns: tuple[tuple[bytes, ...], ...], index: int) -> bytes:
    """The pattern of its kind with the numbers of the API at that place, counted from 0."""
    made = []
    kind = index % _KINDS
    for part in patterns[kind]:
        if part.startswith(b"api-0000"):
            made.append(asset(index + 1).encode())
        elif _NUMBERS.fullmatch(part):
            number = int(part)
            step = _POLICIES if number >= _FIRST_POLICY else 1
            made.append(b"%d" % (number + (index - kind) * step))
        else:
            made.append(part)
    return b"".join(made)


def learn() -> Learned:
    """Asks the emulator."""
    with emulating(f"scale:{_KINDS}") as url, requests.Session() as session:
        token = session.post(url + _TOKEN, json=LOGIN)
        session.headers["Authorization"] = f"Bearer {token.json()['access_token']}"

        def get(path: str) -> bytes:
            answer = session.get(url + path)
            answer.raise_for_status()
            return answer.content

        me = get("/accounts/api/me")
        organization = json.loads(me)["user"]["organizationId"]
        above = f"/accounts/api/organizations/{organization}"
        tree, environments = get(f"{above}/hierarchy"), get(f"{above}/environments")
        found = json.loads(environments)["data"]
        production = next(one["id"] for one in found if one["name"] == "Production")
        listed = f"/apimanager/api/v1/organizations/{organization}/environments/{production}/apis"
        assets = json.loads(get(listed))["assets"]
        policies = [
            get(f"{listed}/{_FIRST_API + kind}/policies?fullInfo=false") for kind in range(_KINDS)
        ]
    fixed = {
        _TOKEN: token.content,
        "/accounts/api/me": me,
        f"{above}/hierarchy": tree,
        f"{above}/environments": environments,
    }
    texts = (json.dumps(one, separators=(",", ":")).encode() for one in assets)
    return Learned(fixed, listed, tuple(map(_cut, texts)), tuple(map(_cut, policies)))


def _cut(text: bytes) -> tuple[bytes, ...]:
    return tuple(part for part in _NUMBERS.split(text) if part)


class Answers:
    """What is answered to each path, as it leaves."""

    def __init__(self, learned: Learned, apis: int) -> None:
        self._learned = learned
        self._apis = apis

    def body(self, target: str) -> bytes | None:
        """The body for a path with its query; None where there is nothing."""
        parts = urlsplit(target)
        known = self._learned.fixed.get(parts.path)
        if known is not None:
            return known
        if parts.path == self._learned.listed:
            asked = parse_qs(parts.query)
            offset, limit = (int(asked.get(name, ["0"])[0]) for name in ("offset", "limit"))
            return self._learned.page(self._apis, offset, limit or self._apis)
        of_api = _OF_API.match(parts.path)
        return self._learned.policies_of(int(of_api[2])) if of_api else None

    def whole(self, target: str) -> bytes:
        body = self.body(target)
        status, content = (b"404 Not Found", b"{}") if body is None else (b"200 OK", body)
        head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        return head % (status, len(content)) + content


class _Protocol(asyncio.Protocol):
    """Answers each request after the latency, several on one connection one after the other."""

    def __init__(self, answers: Answers, latency_s: float) -> None:
        self._answers = answers
        self._latency_s = latency_s
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            answer = self._answers.whole(head.split(b" ", 2)[1].decode())
            loop = asyncio.get_running_loop()
            if self._latency_s:
                loop.call_later(self._latency_s, self._transport.write, answer)
            else:
                self._transport.write(answer)


async def _serve(arguments: argparse.Namespace) -> None:
    answers = Answers(learn(), arguments.apis)
    context = None
    if arguments.tls_cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.tls_cert, arguments.tls_key)
    server = await asyncio.get_running_loop().create_server(
        lambda: _Protocol(answers, arguments.latency_ms / 1000),
        "127.0.0.1",
        arguments.port,
        ssl=context,
        backlog=1024,
    )
    port = server.sockets[0].getsockname()[1]
    name = "localhost" if context else "127.0.0.1"
    print(f"{'https' if context else 'http'}://{name}:{port}", answers._learned.listed, flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apis", type=int, default=1000)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    uvloop.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
