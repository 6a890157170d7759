"""Bodies that are not JSON, and POSTs that may leave where only reads may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import responses

from reconciler.errors import NotAllowed, ProviderError, Refusal
from reconciler.transport import Body, Part, Reading, Transport
from reconciler.transport.answers import Answer, Call
from tests.transport.test_http import HOST


@pytest.fixture
def reader() -> Iterator[Transport]:
    """Only reads: `/asked` whatever it holds, `/soap` where the body asks."""
    readings = ("/asked", Reading("/soap", lambda body: body == b"read"))
    made = Transport(HOST, read_only=True, reads=readings)
    yield made
    made.close()


@responses.activate
def test_a_form_is_sent_as_a_browser_would() -> None:
    responses.post(f"{HOST}/x", json={})
    Transport(HOST).request("POST", "/x", body=Body.form({"a": "b c&d", "e": "ü"}))
    sent = responses.calls[0].request
    assert sent.body == b"a=b+c%26d&e=%C3%BC"
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_parts_keep_their_order_names_and_types() -> None:
    body = Body.parts(
        Part("json", Body(b"{}", "application/json")),
        Part("file", Body(b"PK\0", "application/zip"), "deploy.zip"),
    )
    boundary = body.content_type.removeprefix("multipart/form-data; boundary=")
    assert body.content.decode() == (
        f'--{boundary}\r\nContent-Disposition: form-data; name="json"\r\n'
        "Content-Type: application/json\r\n\r\n{}\r\n"
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="deploy.zip"\r\n'
        f"Content-Type: application/zip\r\n\r\nPK\0\r\n--{boundary}--\r\n"
    )


def test_a_body_does_not_show_itself() -> None:
    assert "hunter2" not in repr(Body.form({"client_secret": "hunter2"}))


@responses.activate
def test_an_answer_is_read_as_the_caller_says() -> None:
    responses.post(f"{HOST}/x", body="<a/>", content_type="text/xml")

    def read(call: Call, answer: Answer) -> Any:
        return call.path, answer.body

    assert Transport(HOST).request("POST", "/x", read=read) == ("/x", b"<a/>")


@responses.activate
def test_a_service_says_in_its_own_way_what_failed() -> None:
    responses.get(f"{HOST}/x", status=500)

    def failure(call: Call, answer: Answer) -> ProviderError:
        return call.error(NotAllowed, "as it says", answer)

    with pytest.raises(NotAllowed, match="-> 500: as it says"):
        Transport(HOST, failure=failure).request("GET", "/x")


@responses.activate
@pytest.mark.parametrize("content", [b"write", b"", b"read "])
def test_a_body_that_does_not_ask_stays_here(reader: Transport, content: bytes) -> None:
    with pytest.raises(Refusal, match="only reads"):
        reader.request("POST", "/soap", body=Body(content, "text/xml"))
    assert len(responses.calls) == 0


@responses.activate
def test_a_post_without_a_body_does_not_ask(reader: Transport) -> None:
    with pytest.raises(Refusal, match="only reads"):
        reader.request("POST", "/soap", json="read")
    with pytest.raises(Refusal, match="only reads"):
        reader.request("POST", "/soap")
    assert len(responses.calls) == 0


@responses.activate
@pytest.mark.parametrize("path", ["/soap/", "/soap\n", "/x/soap", "/soap?x"])
def test_a_body_that_asks_goes_to_its_path_alone(reader: Transport, path: str) -> None:
    with pytest.raises(Refusal, match="only reads"):
        reader.request("POST", path, body=Body(b"read", "text/xml"))
    assert len(responses.calls) == 0


@responses.activate
def test_a_body_that_asks_is_sent(reader: Transport) -> None:
    responses.post(f"{HOST}/soap", json=1)
    responses.post(f"{HOST}/asked", json=2)
    assert reader.request("POST", "/soap", body=Body(b"read", "text/xml")) == 1
    assert reader.request("POST", "/asked") == 2


@responses.activate
def test_only_a_post_can_be_a_read(reader: Transport) -> None:
    for method in ("PUT", "PATCH", "DELETE", "get", "HEAD"):
        with pytest.raises(Refusal, match="only reads"):
            reader.request(method, "/soap", body=Body(b"read", "text/xml"))
    assert len(responses.calls) == 0
