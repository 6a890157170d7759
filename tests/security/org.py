"""An org whose secrets are canaries, and a service in front of it that tells all it was sent."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tests.cli.crm import unused
from tests.cli.driver import crm_sample
from tests.emulator.driver import Emulator
from tests.security.canaries import Canary, a_plain, a_token
from tests.security.echo import Echo

LOGINS = ("secret", "key")
FAULT = "500 fault"
_TOKEN = "/services/oauth2/token"
_NOT_FORWARDED = frozenset(("connection", "content-length", "transfer-encoding"))
_TIMEOUT_S = 30
_FAULT = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    "<soapenv:Fault><faultcode>sf:UNKNOWN_EXCEPTION</faultcode><faultstring>{}</faultstring>"
    "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)


@dataclass
class OrgEcho(Echo):
    """Lets the org answer, and keeps the tokens and assertions that pass."""

    tokens: list[Canary] = field(default_factory=list)

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any, bytes]:
        text = json.dumps(dict(headers.items())) + body.decode("utf-8", "replace")
        self.received += text
        if assertion := dict(parse_qsl(body.decode("utf-8", "replace"))).get("assertion"):
            self.tokens.append(Canary("assertion", assertion))
        if self.where.search(f"{method} {path}"):
            return self._told(f"{method} {path} {text}", dict(headers.items()), body)
        kept = {
            name: value for name, value in headers.items() if name.lower() not in _NOT_FORWARDED
        }
        got = self.session.request(
            method, self.inner + path, headers=kept, data=body, timeout=_TIMEOUT_S
        )
        if path.endswith(_TOKEN) and got.status_code == 200:
            self.tokens.append(Canary("access token", got.json()["access_token"]))
        return got.status_code, {"Content-Type": got.headers.get("Content-Type", "")}, got.content

    def _told(self, text: str, headers: dict[str, str], body: bytes) -> tuple[int, Any, bytes]:
        if self.failure != FAULT:
            return self._failed(text, headers, body)
        said = html.escape(f"{body.decode('utf-8', 'replace')[-3000:]} {text}")
        return 500, {"Content-Type": "text/xml"}, _FAULT.format(said).encode()


@dataclass(frozen=True, slots=True)
class Planted:
    """The canaries, and the variables of each way to log in."""

    canaries: list[Canary]
    environ: dict[str, dict[str, str]] = field(repr=False)


def planted(folder: Path, emulator: Emulator, url: str) -> Planted:
    """Writes the sample below `folder` and puts secrets into the org, reached at `url`."""
    pem = files("reconciler.emulator.salesforce").joinpath("demo.key").read_text("utf-8").strip()
    secret, other = a_token("client secret"), a_token("other secret")
    key = a_plain("other consumer key")
    _plant(emulator, secret, other, key)
    crm_sample(folder)
    (folder / "own.key").write_text(pem + "\n")
    head = {"SALESFORCE_INSTANCE_URL": f"{url}/salesforce", "SALESFORCE_CLIENT_ID": "demo"}
    by_key = {
        "SALESFORCE_USERNAME": "reconciler@acme.example",
        "SALESFORCE_PRIVATE_KEY_FILE": str(folder / "own.key"),
    }
    return Planted(
        [secret, other, key, Canary("private key", pem)],
        {
            "secret": {**head, "SALESFORCE_CLIENT_SECRET": secret.text},
            "key": {**head, **by_key},
        },
    )


def _plant(emulator: Emulator, secret: Canary, other: Canary, key: Canary) -> None:
    unused(emulator)
    org = emulator.control("state")["salesforce"]
    for row in org["ConnectedApp"]:
        if row["consumerKey"] == "demo":
            row["consumerSecret"] = secret.text
        elif row["metadata"]["label"] == "Billing Sync":
            row |= {"consumerSecret": other.text, "consumerKey": key.text}
    emulator.reset({"anypoint": "demo", "salesforce": org})
