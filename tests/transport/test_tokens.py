"""Where a token goes: to the host that it is for, and into nothing that anybody could read."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from reconciler.errors import BadAnswer, ProviderError
from reconciler.transport import Backoff, Body, Transport
from reconciler.transport.answers import Call
from reconciler.transport.http import _message
from tests.cli.standin import Answer, standing_in

TOKEN = "t0k3n-0123456789"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_redirect_brings_nothing_to_another_host(method: str, status: int) -> None:
    with standing_in(lambda *_: Answer(body="{}")) as other:
        target = f"{other.url}/steal?session=hunter2"
        answer = Answer(status, headers={"Location": target, "Refresh": f"0; url={target}"})
        with standing_in(lambda *_: answer) as service:
            transport = Transport(service.url)
            with pytest.raises(BadAnswer, match="not followed, no token was sent there") as caught:
                transport.request(method, "/x", token=TOKEN, ok=(200, 201, 204))
            transport.close()
        assert len(service.requests) == 1
        assert other.requests == []
    assert "hunter2" not in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("name", [".netrc", "_netrc"])
def test_netrc_is_not_read(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_text("machine 127.0.0.1 login a password hunter2\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)
    with standing_in(lambda *_: Answer(body="{}")) as service:
        transport = Transport(service.url)
        transport.request("GET", "/x")
        transport.request("GET", "/x", token=TOKEN)
        transport.close()
    sent = [headers.get("Authorization") for _, _, headers in service.requests]
    assert sent == [None, f"Bearer {TOKEN}"]


ANSWERS = {
    "an echo in JSON": Answer(400, f'{{"message": "no {TOKEN}"}}'),
    "an echo in text": Answer(403, f"Bearer {TOKEN}", {"Content-Type": "text/plain"}),
    "an echo in a header": Answer(500, "", {"X-Request-Id": TOKEN}),
    "an echo in a redirect": Answer(302, "", {"Location": f"/x/{TOKEN}"}),
    "half a body": Answer(200, "{", length=100),
    "HTML": Answer(200, f"<html>{TOKEN}"),
    "throttled": Answer(429, TOKEN, {"Retry-After": "999"}),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_no_error_log_or_path_holds_a_token(
    answer: Answer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with (
        standing_in(lambda *_: answer) as service,
        caplog.at_level(logging.DEBUG, "reconciler"),
    ):
        transport = Transport(service.url, backoff=Backoff(attempts=1))
        error: object = ""
        try:
            transport.request("GET", "/x", params={"a": "b"}, token=TOKEN)
        except ProviderError as raised:
            error = f"{raised!r} {raised} {vars(raised)}"
        transport.close()
    captured = capfd.readouterr()
    told = f"{error} {transport!r} {caplog.text} {captured.out} {captured.err}"
    assert TOKEN not in told
    assert all(TOKEN not in path for _, path, _ in service.requests)


def test_what_is_sent_does_not_show_itself() -> None:
    call = Call("anypoint", "POST", "/x", "id", (TOKEN,))
    message = _message(call, None, Body.form({"password": "hunter2"}), {"X": TOKEN}, TOKEN)
    assert TOKEN not in repr(call) + repr(message)
    assert "hunter2" not in repr(message)
