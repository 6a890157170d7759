"""A service in front of the emulator that takes canaries for credentials, hands out one as token,
and in its failures says all that it was sent."""

from __future__ import annotations

import base64
import contextlib
import html
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import quote

import requests

_LOGINS = ("/accounts/login", "/accounts/api/v2/oauth2/token")
_NOT_FORWARDED = frozenset(("connection", "content-length", "transfer-encoding", "host"))
_TIMEOUT_S = 30

FAILURES = (
    "400 json",
    "401 text",
    "403 json",
    "409 json",
    "500 json",
    "500 html",
    "500 coded",
    "500 lines",
    "redirect",
    "headers",
    "half",
    "html",
    "slow",
)


@dataclass
class Echo:
    """`failure` is what calls get whose method and path match `where`, as `GET /path`."""

    inner: str
    token: str
    url: str = ""
    failure: str = ""
    where: re.Pattern[str] = field(default_factory=lambda: re.compile("$^"))
    received: str = ""
    session: requests.Session = field(default_factory=requests.Session)
    _inner_token: str = ""

    def fail(self, failure: str, where: str) -> None:
        self.failure, self.where = failure, re.compile(where)

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any, bytes]:
        text = json.dumps(dict(headers.items())) + body.decode("utf-8", "replace")
        self.received += text
        if self.where.search(f"{method} {path}"):
            return self._failed(f"{method} {path} {text}", dict(headers.items()), body)
        if path in _LOGINS:
            return 200, {}, json.dumps({"access_token": self._signed_in()}).encode()
        kept = {
            name: value for name, value in headers.items() if name.lower() not in _NOT_FORWARDED
        }
        kept["Authorization"] = (
            f"Bearer {self._inner_token or self._signed_in() and self._inner_token}"
        )
        got = self.session.request(
            method, self.inner + path, headers=kept, data=body, timeout=_TIMEOUT_S
        )
        return got.status_code, {"Content-Type": got.headers.get("Content-Type", "")}, got.content

    def _signed_in(self) -> str:
        body = {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo"}
        got = self.session.post(f"{self.inner}{_LOGINS[1]}", json=body, timeout=_TIMEOUT_S)
        self._inner_token = got.json()["access_token"]
        return self.token

    def _failed(self, text: str, headers: dict[str, str], body: bytes) -> tuple[int, Any, bytes]:
        # What matters most comes first: messages are cut.
        said = f"{headers.get('Authorization', '')} {body.decode('utf-8', 'replace')} {text}"
        kind, plain = self.failure.split()[-1], {"Content-Type": "text/plain"}
        status = int(self.failure[:3]) if self.failure[:3].isdigit() else 200
        match kind:
            case "json":
                return status, {}, json.dumps({"message": said, "name": said}).encode()
            case "text":
                return status, plain, said.encode()
            case "html":
                page = f"<html><body>{html.escape(said)}{said}</body></html>"
                return status, {"Content-Type": "text/html"}, page.encode()
            case "coded":
                return status, plain, "\n".join(_coded(headers, body)).encode()
            case "lines":
                values = _values(body)
                return (
                    status,
                    plain,
                    "\n".join(line for v in values for line in v.split("\n")).encode(),
                )
            case "redirect":
                token = headers.get("Authorization", "").removeprefix("Bearer ")
                place = f"http://127.0.0.1:9/{'x' * 170}/{quote(token)}?{quote(said[:2000])}"
                return 302, {"Location": place}, b""
            case "headers":
                token = headers.get("Authorization", "").removeprefix("Bearer ")
                told = {"X-Request-Id": token, "Content-Type": f"text/{token}"}
                return 500, told, b"{}"
            case "half":
                return 200, {}, f'{{"message": {json.dumps(said)}'.encode()
        time.sleep(1.5)
        return 200, {}, json.dumps({"message": said}).encode()


EchoT = TypeVar("EchoT", bound=Echo)


def _values(body: bytes) -> list[str]:
    """All texts in a body."""
    found: list[str] = []

    def note(value: Any) -> None:
        if isinstance(value, str):
            found.append(value)
        for item in (
            value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        ):
            note(item)

    with contextlib.suppress(ValueError):
        note(json.loads(body))
    return found


def _coded(headers: dict[str, str], body: bytes) -> list[str]:
    texts = [headers.get("Authorization", "").removeprefix("Bearer "), *_values(body)]
    # A secret is longer than what else is sent, and the message is cut.
    texts = sorted((text for text in texts if text.startswith("cnry") or "KEY--" in text), key=len)
    lines = []
    for text in texts:
        lines += [quote(text), json.dumps(json.dumps(text)), html.escape(text), text.encode().hex()]
        for before in ("", "a", "ab"):
            lines.append(base64.b64encode((before + text).encode()).decode())
            lines.append(base64.urlsafe_b64encode((before + text).encode()).decode())
    return lines


def _handler(echo: Echo) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, content = echo.answer(self.command, self.path, self.headers, body)
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextlib.contextmanager
def echoing(inner: str, token: str, kind: type[EchoT]) -> Iterator[EchoT]:
    """The service on a free port of this machine while the block lasts."""
    echo = kind(inner, token)
    echo.session.trust_env = False
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(echo)) as server, echo.session:
        server.daemon_threads = True
        echo.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield echo
        finally:
            server.shutdown()
            thread.join()
