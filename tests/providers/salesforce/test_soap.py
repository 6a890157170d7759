"""Envelopes, and which of them only ask."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import BadAnswer, Incomplete, NotAllowed, ProviderError, Throttled
from reconciler.providers.salesforce import soap
from reconciler.providers.salesforce.nodes import Node, leaf, parsed
from reconciler.providers.salesforce.results import ItemError, ItemResult
from reconciler.transport.answers import Answer, Call
from tests.providers.salesforce.natives import a_fault, a_response, an_envelope
from tests.providers.salesforce.test_nodes import BOMB

CALL = Call("salesforce", "POST", "/services/Soap/m/64.0", "id", ("t0k3n",))
SETTINGS = Node(
    "metadata",
    type="ConnectedAppSettings",
    children=(leaf("fullName", "ConnectedApp"), leaf("enableAdminApprovedAppsOnly", True)),
)
READS = (
    soap.read_metadata("ConnectedApp", ["A"]),
    soap.list_metadata(["ConnectedApp"], "64.0"),
    soap.retrieve("Settings", ["ConnectedApp"], "64.0"),
    soap.check_retrieve_status("09S5g00000LmNoP"),
)


def read(operation: str, make: Any, body: str | bytes, content_type: str = "text/xml") -> Any:
    content = body if isinstance(body, bytes) else body.encode()
    answer = Answer(200, {"Content-Type": content_type}, content)
    return soap.reader(operation, make)(CALL, answer)


def test_an_envelope_is_as_documented() -> None:
    body = soap.envelope(soap.update_metadata([SETTINGS]), "00D!x&y")
    assert body.content_type == "text/xml; charset=UTF-8"
    assert body.content.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope'
        ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:met="http://soap.sforce.com/2006/04/metadata"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        "<soapenv:Header><met:SessionHeader><met:sessionId>00D!x&amp;y</met:sessionId>"
        "</met:SessionHeader></soapenv:Header><soapenv:Body><met:updateMetadata>"
        '<met:metadata xsi:type="met:ConnectedAppSettings">'
        "<met:fullName>ConnectedApp</met:fullName>"
        "<met:enableAdminApprovedAppsOnly>true</met:enableAdminApprovedAppsOnly></met:metadata>"
        "</met:updateMetadata></soapenv:Body></soapenv:Envelope>"
    )


@pytest.mark.parametrize("operation", READS, ids=lambda node: str(node.name))
def test_an_operation_that_asks_is_known(operation: Node) -> None:
    assert soap.is_read(soap.envelope(operation, "t").content)


@pytest.mark.parametrize("name", ["</met:sessionId>", "</met:fullNames></met:readMetadata>", "]]>"])
def test_a_name_cannot_smuggle_an_operation_in(name: str) -> None:
    content = soap.envelope(soap.read_metadata("ConnectedApp", [name]), name).content
    assert soap.is_read(content)
    body = parsed(content).child("Body")
    assert body and body.children[0].values("fullNames") == (name,)


READ, WRITE = "<readMetadata/>", "<updateMetadata/>"


@pytest.mark.parametrize(
    "content",
    [
        soap.envelope(soap.update_metadata([SETTINGS]), "t").content,
        b"",
        b"readMetadata",
        BOMB,
        an_envelope("").encode(),
        an_envelope(READ + WRITE).encode(),
        an_envelope(WRITE + READ).encode(),
        an_envelope(READ + READ).encode(),
        an_envelope("<upsertMetadata/>").encode(),
        an_envelope("<deleteMetadata/>").encode(),
        an_envelope("<deploy/>").encode(),
        an_envelope(f"<x>{READ}</x>").encode(),
        an_envelope(READ).replace("</soapenv:Body>", "</soapenv:Body><Body/>").encode(),
        an_envelope(READ).replace("Envelope", "Other").encode(),
        an_envelope(READ)[:-9].encode(),
    ],
)
def test_anything_else_is_taken_for_a_write(content: bytes) -> None:
    assert not soap.is_read(content)


def test_a_call_has_its_bounds() -> None:
    for count in (0, 11):
        with pytest.raises(ValueError, match="1 to 10"):
            soap.read_metadata("ConnectedApp", ["A"] * count)
        with pytest.raises(ValueError, match="1 to 10"):
            soap.update_metadata([SETTINGS] * count)
    with pytest.raises(ValueError, match="1 to 3"):
        soap.list_metadata(["A"] * 4, "64.0")


def test_components_of_a_call_have_one_type_and_a_name() -> None:
    other = Node("metadata", type="ConnectedApp", children=(leaf("fullName", "A"),))
    with pytest.raises(ValueError, match="one type"):
        soap.update_metadata([SETTINGS, other])
    for unnamed in (SETTINGS.without("fullName"), Node("metadata", children=SETTINGS.children)):
        with pytest.raises(ValueError, match="type and fullName"):
            soap.update_metadata([unnamed])


def test_a_component_that_was_read_is_sent_under_its_name() -> None:
    came = Node("records", type=SETTINGS.type, children=SETTINGS.children)
    assert soap.update_metadata([came]).children == (SETTINGS,)


def components(body: str, *names: str) -> Any:
    result = a_response("readMetadata", f"<result>{body}</result>")
    return read("readMetadata", lambda results: soap.components_from(results, names), result)


def a_record(name: str) -> str:
    return f'<records xsi:type="ConnectedApp"><fullName>{name}</fullName></records>'


def test_components_come_in_the_order_asked_for() -> None:
    found = components(f'{a_record("B")}<records xsi:nil="true"/>{a_record("A")}', "A", "x", "b")
    assert [node and node.value("fullName") for node in found] == ["A", None, "B"]
    assert found[0].type == "ConnectedApp"


@pytest.mark.parametrize("body", ["", "<records/>", '<records xsi:nil="true"/>'])
def test_a_component_that_is_not_there_is_none(body: str) -> None:
    assert components(body, "A") == (None,)


def test_a_component_that_was_not_asked_for_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match="not asked for"):
        components(a_record("B"), "A")


def saved(*results: str) -> Any:
    body = a_response("updateMetadata", "".join(f"<result>{each}</result>" for each in results))
    return read("updateMetadata", lambda nodes: soap.saved_from(nodes, len(results)), body)


def test_what_became_of_each_component_is_told() -> None:
    error = (
        "<errors><fields>label</fields><fields>x</fields><message>no\nway</message>"
        "<statusCode>INSUFFICIENT_ACCESS</statusCode></errors>"
    )
    taken, refused = saved(
        "<fullName>A</fullName><success>true</success>",
        f"{error}<fullName>B</fullName><success>false</success>",
    )
    assert taken == ItemResult("A", True)
    errors = (ItemError("INSUFFICIENT_ACCESS", "no way", ("label", "x")),)
    assert refused == ItemResult("B", False, errors)
    assert str(errors[0]) == "INSUFFICIENT_ACCESS: no way (label, x)"


@pytest.mark.parametrize(
    "result", ["<success>false</success>", "", "<success>true</success><errors/>", "<errors/>"]
)
def test_a_failure_without_a_word_is_a_failure(result: str) -> None:
    (found,) = saved(result)
    assert not found.is_success
    assert "does not say why" in str(found.errors[0])


@pytest.mark.parametrize(
    ("operation", "make"),
    [
        ("updateMetadata", lambda nodes: soap.saved_from(nodes, 2)),
        ("checkRetrieveStatus", soap.retrieval_from),
        ("retrieve", soap.process_from),
        ("listMetadata", soap.listed_from),
    ],
)
def test_a_result_of_another_shape_is_a_bad_answer(operation: str, make: Any) -> None:
    result = "<result/>" if operation != "checkRetrieveStatus" else ""
    with pytest.raises(BadAnswer):
        read(operation, make, a_response(operation, result))


def test_an_empty_list_is_empty() -> None:
    assert read("listMetadata", soap.listed_from, a_response("listMetadata", "")) == ()


def test_a_retrieve_that_is_done_holds_the_archive() -> None:
    result = (
        "<result><done>true</done><id>09S</id><status>Succeeded</status><success>true</success>"
        "<zipFile>UEsF\nBg==</zipFile></result>"
    )
    body = a_response("checkRetrieveStatus", result)
    found = read("checkRetrieveStatus", soap.retrieval_from, body)
    assert found == soap.Retrieval(True, True, "Succeeded", "", b"PK\x05\x06")


def test_a_retrieve_that_failed_says_why() -> None:
    result = (
        "<result><done>true</done><errorMessage>too big</errorMessage><errorStatusCode>LIMIT"
        "</errorStatusCode><status>Failed</status><success>false</success></result>"
    )
    body = a_response("checkRetrieveStatus", result)
    found = read("checkRetrieveStatus", soap.retrieval_from, body)
    assert (found.is_success, found.message, found.archive) == (False, "LIMIT: too big", None)


def test_an_archive_that_is_cut_is_incomplete() -> None:
    body = a_response("checkRetrieveStatus", "<result><zipFile>UEsFB</zipFile></result>")
    with pytest.raises(Incomplete, match="base64"):
        read("checkRetrieveStatus", soap.retrieval_from, body)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Incomplete),
        (a_response("listMetadata", "")[:-20], Incomplete),
        (b"{}", Incomplete),
        (b"<html><body>log in", BadAnswer),
        (BOMB, BadAnswer),
        (a_response("readMetadata", ""), BadAnswer),
        (an_envelope(""), BadAnswer),
        ("<listMetadataResponse/>", BadAnswer),
    ],
)
def test_what_is_no_answer_is_told(body: str | bytes, kind: type[ProviderError]) -> None:
    with pytest.raises(BadAnswer) as caught:
        read("listMetadata", soap.listed_from, body)
    assert type(caught.value) is kind
    assert "listMetadata" in str(caught.value)


@pytest.mark.parametrize(
    ("code", "kind"), [("sf:INSUFFICIENT_ACCESS", NotAllowed), ("sf:UNABLE_TO_LOCK_ROW", Throttled)]
)
def test_a_fault_is_a_failure_whatever_the_status(code: str, kind: type[ProviderError]) -> None:
    with pytest.raises(kind) as caught:
        read("listMetadata", soap.listed_from, a_fault(code, "no, t0k3n"))
    assert caught.value.code == code.removeprefix("sf:")
    assert "t0k3n" not in str(caught.value)
