"""Starts the emulator in a process of its own and drives it over HTTP."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import requests

ACME = "0a3c1f6e-5b7d-4a7e-9c21-6f1d2e3b4a01"
PAYMENTS = "0a3c1f6e-5b7d-4a7e-9c21-6f1d2e3b4a02"
PRODUCTION = "5d0e7b52-1c3f-4c8b-8a44-90f1c2d3e401"
SANDBOX = "5d0e7b52-1c3f-4c8b-8a44-90f1c2d3e402"
DESIGN = "5d0e7b52-1c3f-4c8b-8a44-90f1c2d3e403"
PAYMENTS_PRODUCTION = "5d0e7b52-1c3f-4c8b-8a44-90f1c2d3e404"
MULESOFT = "68ef9520-24e9-4cf2-b2f5-620025690913"

_TIMEOUT_S = 30


class Emulator:
    """A running emulator. `get`, `post` and so on are authenticated calls of the service."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        # Whatever proxy the machine has is not for loopback.
        self._session.trust_env = False
        self._token: str | None = None

    # Controls

    def reset(self, seed: Any = "demo") -> None:
        self.control("reset", {"seed": seed})
        # A test may have ended the life of this one.
        self._token = None

    def control(self, name: str, body: Any = None) -> Any:
        """GET of a control without a body, POST with one; the answer must be a success."""
        method = "GET" if body is None else "POST"
        url = f"{self.url}/_emulator/{name}"
        answer = self._session.request(method, url, json=body, timeout=_TIMEOUT_S)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self) -> Any:
        """The whole state of Anypoint, secrets included."""
        return self.control("state")["anypoint"]

    def stored(self, api_id: int) -> Any:
        """What the state holds of one API instance."""
        return next(api for api in self.state()["apis"] if api["id"] == api_id)

    def logged(self) -> list[Any]:
        """The logged requests since the last reset, oldest first."""
        log: list[Any] = self.control("requests")["log"]
        return log

    def writes(self) -> list[Any]:
        """The logged requests that change something: no GET, no sign-in."""
        signs_in = ("/accounts/login", "/accounts/api/login", "/accounts/api/v2/oauth2/token")
        return [
            entry
            for entry in self.logged()
            if entry["method"] not in ("GET", "HEAD") and entry["path"] not in signs_in
        ]

    def faults(self, *rules: Any) -> None:
        """Replaces the faults; without a rule clears them."""
        self.control("faults", list(rules))

    def fail(self, fault: Any, *, times: int | None = None, **match: str) -> None:
        """One fault: `fail({"status": 503}, times=1, method="GET", path="/apis")`."""
        rule = {"match": match, "fault": fault}
        self.faults(rule if times is None else {**rule, "times": times})

    def tamper(self, **order: Any) -> Any:
        return self.control("tamper", order)

    def settings(self, **changes: Any) -> Any:
        return self.control("settings", changes)

    # The service

    def token(self, client: str = "demo", secret: str | None = None) -> str:
        body = {
            "grant_type": "client_credentials",
            "client_id": client,
            "client_secret": client if secret is None else secret,
        }
        url = f"{self.url}/accounts/api/v2/oauth2/token"
        answer = self._session.post(url, json=body, timeout=_TIMEOUT_S)
        value: str = answer.json()["access_token"]
        return value

    def request(
        self, method: str, path: str, *, token: str | None = None, **options: Any
    ) -> requests.Response:
        """A call with a token: the given one, or the demo client's."""
        if token is None:
            self._token = token = self._token or self.token()
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        return self._session.request(
            method, self.url + path, headers=headers, timeout=_TIMEOUT_S, **options
        )

    def anonymous(self, method: str, path: str, **options: Any) -> requests.Response:
        """A call without a token."""
        return self._session.request(method, self.url + path, timeout=_TIMEOUT_S, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.request("POST", path, json=json, **options)

    def patch(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.request("PATCH", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.request("PUT", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.request("DELETE", path, **options)

    def policies(self, api_id: int, environment: str = PRODUCTION) -> Any:
        """The flat list of one instance, as a client reads it."""
        return self.get(api_path(api_id, environment) + "/policies?fullInfo=false").json()


def apis_path(environment: str = PRODUCTION, organization: str = ACME) -> str:
    return f"/apimanager/api/v1/organizations/{organization}/environments/{environment}/apis"


def api_path(api_id: int, environment: str = PRODUCTION, organization: str = ACME) -> str:
    return f"{apis_path(environment, organization)}/{api_id}"


def xapi(path: str) -> str:
    """The same path in the other tree."""
    return path.replace("/apimanager/api/", "/apimanager/xapi/", 1)


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[Emulator]:
    """An emulator on a free port, stopped and checked for a clean end on leaving."""
    command = [sys.executable, "-m", "reconciler.emulator", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http"), "the emulator did not start"
            yield Emulator(url)
        finally:
            process.terminate()
        assert process.wait(_TIMEOUT_S) == 0
