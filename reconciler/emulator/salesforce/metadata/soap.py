"""`/services/Soap/m`: envelopes, the session in their header, and faults.

The operation is the first child of the body, whatever the path or SOAPAction say.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from reconciler.emulator.salesforce.call import Call
from reconciler.emulator.salesforce.errors import Failure, api_disabled, session_not_for_api
from reconciler.emulator.salesforce.gate import Caller, admit
from reconciler.emulator.salesforce.metadata.desk import Desk
from reconciler.emulator.salesforce.metadata.operations import OPERATIONS, Asked
from reconciler.emulator.salesforce.metadata.xml import (
    NAMESPACE,
    child,
    flag_of,
    local,
    read_xml,
    text_of,
)
from reconciler.emulator.salesforce.rest import VERSIONS
from reconciler.emulator.wire import Response

_TYPE = (b"content-type", b"text/xml;charset=UTF-8")
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
)
_ANSWER = (
    f'{_HEAD} xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
)
_FAULT = (
    f'{_HEAD} xmlns:sf="{NAMESPACE}"><soapenv:Body><soapenv:Fault>'
    "<faultcode>{code}</faultcode><faultstring>{text}</faultstring>"
    "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
)


def metadata(call: Call) -> Response:
    """One operation; every refusal is a fault with status 500."""
    try:
        name, answer = _answer(call)
    except Failure as failure:
        return _fault(_in_soap(failure))
    body = f"<{name}Response>{answer}</{name}Response>"
    return Response(200, _ANSWER.format(body=body).encode(), (_TYPE,))


def _answer(call: Call) -> tuple[str, str]:
    version = _version(call.version)
    envelope = read_xml(call.request.body)
    header, body = child(envelope, "Header"), child(envelope, "Body")
    element = body[0] if body is not None and len(body) else None
    if local(envelope) != "Envelope" or element is None:
        raise Failure("soapenv:Client", "no operation in the body of the envelope")
    caller = admit(call.store, text_of(child(header, "SessionHeader"), "sessionId"))
    operation = OPERATIONS.get(local(element))
    if operation is None:
        raise Failure("soapenv:Client", f"No operation available for request {local(element)}")
    _may(caller)
    return local(element), operation(_asked(call, caller, version, header, element))


def _asked(
    call: Call, caller: Caller, version: float, header: Element | None, element: Element
) -> Asked:
    all_or_none = flag_of(child(header, "AllOrNoneHeader"), "allOrNone")
    return Asked(Desk(call.store, caller, version), element, all_or_none)


def _version(text: str) -> float:
    """From 31 on; `64.0` or `64`."""
    number = text.removesuffix(".0")
    if not (number.isascii() and number.isdigit()) or int(number[:4]) not in VERSIONS:
        raise Failure("UNSUPPORTED_API_VERSION", f"Invalid Api version specified on URL: {text}")
    return float(number)


def _may(caller: Caller) -> None:
    if not caller.may_any("ModifyMetadata", "ModifyAllData"):
        text = "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata"
        raise Failure("INSUFFICIENT_ACCESS", text + " permissions")


def _in_soap(failure: Failure) -> Failure:
    """The same refusal in the words of this protocol."""
    if failure.message == session_not_for_api().message:
        return Failure(failure.code, "This session is not valid for use with the API")
    if failure.message == api_disabled().message:
        return Failure(failure.code, "API is not enabled for this Organization or Partner")
    if failure.code == "INVALID_SESSION_ID":
        text = "Invalid Session ID found in SessionHeader: Illegal Session"
        return Failure(failure.code, text)
    return failure


def _fault(failure: Failure) -> Response:
    is_bare = failure.code.startswith("soapenv:")
    code = failure.code if is_bare else f"sf:{failure.code}"
    text = failure.message if is_bare else f"{failure.code}: {failure.message}"
    return Response(500, _FAULT.format(code=code, text=escape(text)).encode(), (_TYPE,))
