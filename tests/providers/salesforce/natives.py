"""Answers as the service gives them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import responses

HOST = "https://acme--uat.sandbox.my.salesforce.com"
DATA_URL = f"{HOST}/services/data/v64.0"
QUERY_URL = f"{DATA_URL}/query"
SOAP_URL = f"{HOST}/services/Soap/m/64.0"
TOKEN_URL = f"{HOST}/services/oauth2/token"
ORG, USER = "00D5g000000AbCdEAK", "0055g000003XyZaAAK"
APP, PERMISSION_SET, GRANT = "0H45g0000004C97CAE", "0PS5g000001aBcDGAU", "0J05g00000DfGhJCAV"

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns="http://soap.sforce.com/2006/04/metadata"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body>{}</soapenv:Body></soapenv:Envelope>"
)


def a_token(number: int = 1, **changes: Any) -> dict[str, Any]:
    """The answer of the token endpoint."""
    made = {
        "access_token": f"00D5g000000AbCd!token-{number}",
        "instance_url": HOST,
        "id": f"https://test.salesforce.com/id/{ORG}/{USER}",
        "token_type": "Bearer",
        "scope": "api",
    }
    return made | changes


def text_of(number: int = 1) -> str:
    return str(a_token(number)["access_token"])


def an_error(code: str, message: str = "no") -> list[dict[str, Any]]:
    return [{"message": message, "errorCode": code}]


def rows(*records: Any, total: int | None = None, after: str | None = None) -> dict[str, Any]:
    """A page of a query; `after` is the address of the next one."""
    count = len(records) if total is None else total
    page = {"totalSize": count, "done": after is None, "records": list(records)}
    return page if after is None else {**page, "nextRecordsUrl": after}


def an_envelope(body: str) -> str:
    return _ENVELOPE.format(body)


def a_response(operation: str, result: str) -> str:
    return an_envelope(f"<{operation}Response>{result}</{operation}Response>")


def a_fault(code: str, text: str) -> str:
    return an_envelope(
        f"<soapenv:Fault><faultcode>{code}</faultcode><faultstring>{text}</faultstring>"
        "</soapenv:Fault>"
    )


def answer_soap(body: str, status: int = 200) -> None:
    """What the next call of the Metadata API gets."""
    responses.post(SOAP_URL, body=body, status=status, content_type="text/xml;charset=UTF-8")


def sent_json(index: int = -1) -> Any:
    return json.loads(responses.calls[index].request.body or "null")


def query_of(index: int = -1) -> dict[str, str]:
    """The parameters of a call that was made."""
    query = parse_qs(urlsplit(str(responses.calls[index].request.url)).query)
    return {name: values[0] for name, values in query.items()}
