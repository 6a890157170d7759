"""Drives the emulated Salesforce org over HTTP, with bodies as the documentation has them."""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from collections.abc import Mapping
from importlib.resources import files
from typing import Any
from xml.etree.ElementTree import Element

import requests
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from defusedxml.ElementTree import fromstring

from tests.emulator.driver import Emulator

DATA = "/salesforce/services/data/v64.0"
SOAP = "/salesforce/services/Soap/m/64.0"
TOKEN = "/salesforce/services/oauth2/token"
REVOKE = "/salesforce/services/oauth2/revoke"
USERINFO = "/salesforce/services/oauth2/userinfo"
JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

RECONCILER = "reconciler@acme.example"
BROWSER = "00D5g000000Acme!browser"
USE_SET = "0PS5g000000RUseGAG"
BILLING_SET = "0PS5g000000BUseGAG"
BREAK_GLASS = "0PS5g000000BrkGGAS"
RECONCILER_APP = "0H45g000000RcncCAC"
BILLING_APP = "0H45g000000BillCAC"

_ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:met="http://soap.sforce.com/2006/04/metadata"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Header><met:SessionHeader><met:sessionId>{session}</met:sessionId></met:SessionHeader>
 {header}</soapenv:Header><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"""


class Org:
    """The org as one user of it sees it, by default the reconciler's own."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.session: str = self.token()["access_token"]

    # OAuth

    def grant(self, **form: str) -> requests.Response:
        return self.emulator.anonymous("POST", TOKEN, data=form)

    def token(self, key: str = "demo", secret: str | None = None) -> Any:
        """The answer to client credentials; the secret is the key where none is given."""
        return self.grant(
            grant_type="client_credentials",
            client_id=key,
            client_secret=key if secret is None else secret,
        ).json()

    def by_jwt(self, key: str = "demo", user: str = RECONCILER, **claims: Any) -> requests.Response:
        return self.grant(grant_type=JWT, assertion=assertion(key, user, **claims))

    # REST

    def call(
        self, method: str, path: str, *, session: str | None = None, **options: Any
    ) -> requests.Response:
        headers = {
            "Authorization": f"Bearer {session or self.session}",
            **options.pop("headers", {}),
        }
        where = path if path.startswith("/salesforce") else DATA + path
        return self.emulator.anonymous(method, where, headers=headers, **options)

    def ask(self, soql: str, **options: Any) -> requests.Response:
        return self.call("GET", "/query", params={"q": soql}, **options)

    def query(self, soql: str) -> list[Any]:
        """The records of a query that is answered in one page."""
        answer = self.ask(soql)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page["done"] is True
        records: list[Any] = page["records"]
        return records

    def refusal(self, soql: str) -> str:
        """The code of a query that is refused."""
        answer = self.ask(soql)
        assert answer.status_code == 400, answer.text
        code: str = answer.json()[0]["errorCode"]
        return code

    def allow(self, parent: str, app: str, **more: Any) -> requests.Response:
        body = {"ParentId": parent, "SetupEntityId": app, **more}
        return self.call("POST", "/sobjects/SetupEntityAccess", json=body)

    # Metadata

    def soap(
        self, body: str, *, header: str = "", path: str = SOAP, session: str | None = None
    ) -> requests.Response:
        envelope = _ENVELOPE.format(session=session or self.session, header=header, body=body)
        return self.emulator.anonymous("POST", path, data=envelope.encode())

    def done(self, body: str, **options: Any) -> list[Element]:
        """The `result` elements of an operation that succeeds, without namespaces."""
        answer = self.soap(body, **options)
        assert answer.status_code == 200, answer.text
        return plain(answer.text).findall("Body/*/result")

    def fault(self, body: str, **options: Any) -> str:
        answer = self.soap(body, **options)
        assert answer.status_code == 500, answer.text
        return plain(answer.text).findtext("Body/Fault/faultcode") or ""

    def read(self, kind: str, name: str, **options: Any) -> Element:
        return self.done(read_body(kind, name), **options)[0][0]

    def update(self, kind: str, name: str, inner: str, **options: Any) -> Element:
        return self.done(update_body(kind, name, inner), **options)[0]

    def switches(self) -> dict[str, str]:
        record = self.read("ConnectedAppSettings", "ConnectedApp")
        return {item.tag: item.text or "" for item in record if item.tag != "fullName"}

    def turn(self, switch: str, value: bool) -> Element:
        inner = f"<met:{switch}>{str(value).lower()}</met:{switch}>"
        return self.update("ConnectedAppSettings", "ConnectedApp", inner)

    # Controls

    def state(self) -> Any:
        return self.emulator.control("state")["salesforce"]

    def tamper(self, resource: str, key: str | None = None, **patch: Any) -> Any:
        return self.emulator.tamper(platform="salesforce", resource=resource, id=key, patch=patch)


def read_body(kind: str, *names: str) -> str:
    shown = "".join(f"<met:fullNames>{name}</met:fullNames>" for name in names)
    return f"<met:readMetadata><met:type>{kind}</met:type>{shown}</met:readMetadata>"


def update_body(kind: str, name: str, inner: str, operation: str = "updateMetadata") -> str:
    return (
        f'<met:{operation}><met:metadata xsi:type="met:{kind}">'
        f"<met:fullName>{name}</met:fullName>{inner}</met:metadata></met:{operation}>"
    )


def plain(text: str) -> Element:
    """The document without its namespaces."""
    root: Element = fromstring(text)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def demo_key() -> bytes:
    return files("reconciler.emulator.salesforce").joinpath("demo.key").read_bytes()


def assertion(key: str, user: str, **claims: Any) -> str:
    """A JWT signed with the key that the emulator ships."""
    body = {
        "iss": key,
        "sub": user,
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 60,
        **claims,
    }
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": "RS256"}, body))
    private = load_pem_private_key(demo_key(), None)
    assert isinstance(private, RSAPrivateKey)
    return f"{signed}.{_encoded(private.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def zipped(files: Mapping[str, str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return target.getvalue()
