"""What Python itself could tell: representations, pickles, log records, tracebacks."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import json
import logging
import pickle
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import responses

import reconciler
from reconciler.cli.main import main
from reconciler.core.redact import Redactor, Secret, forms_of, without
from reconciler.errors import ProviderError
from reconciler.files.values import Resolver
from reconciler.providers.anypoint.auth import Credentials, TokenSource
from reconciler.transport import Transport
from reconciler.transport.answers import Answer, Call, decode, failure
from tests.security.canaries import Canary, a_canary, a_pem, a_token, leaks, written

SECRET = a_canary("object")
TOKEN = a_token("token")
_HOST = "http://127.0.0.1:1"
# Fields that hold secrets as they are, in classes that are not `Secret` themselves.
_BARE = {"environ", "token", "body", "hide", "secrets_of_environ", "password"}


def _modules() -> list[ModuleType]:
    names = [item.name for item in pkgutil.walk_packages(reconciler.__path__, "reconciler.")]
    wanted = [n for n in names if ".emulator" not in n and not n.endswith("__main__")]
    return [importlib.import_module(name) for name in wanted]


def test_no_dataclass_shows_a_field_that_holds_a_bare_secret() -> None:
    shown = {
        f"{item.__qualname__}.{field.name}"
        for module in _modules()
        for item in vars(module).values()
        if isinstance(item, type) and dataclasses.is_dataclass(item)
        for field in dataclasses.fields(item)
        if field.name in _BARE and field.repr
    }
    assert shown == set()


def test_what_holds_secrets_shows_none() -> None:
    secret = Secret(SECRET.text)
    held = (
        secret,
        Credentials("user", secret, secret),
        TokenSource(Transport(_HOST), Credentials("token", secret, secret)),
        Call("anypoint", "GET", "/x", "1", (SECRET.text,)),
        Resolver({"X": SECRET.text}, Path(), Path()),
        Redactor(lambda: SECRET.text.encode()),
    )
    for each in held:
        told = f"{each!r} {each!s} {[each]} {vars(type(each)).get('__doc__')}"
        assert leaks(told, [SECRET]) == []


def test_a_secret_is_neither_pickled_nor_copied_nor_written_as_json() -> None:
    secret = Secret(SECRET.text)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps([secret], protocol)
    with pytest.raises(TypeError, match="not pickled"):
        copy.deepcopy({"a": secret})
    with pytest.raises(TypeError):
        json.dumps(secret)


@pytest.mark.parametrize("secret", [SECRET, TOKEN, a_pem("object"), Canary("short", "p@s w0rd")])
def test_every_form_is_left_out_of_a_text(secret: Canary) -> None:
    for name, form in written(secret).items():
        told = without(f"a {form} b {form.upper()}", [secret.text])
        assert leaks(told, [secret]) == [], name


def test_a_text_without_secrets_stays_as_it_is() -> None:
    text = "policy 19001002 of orders-api: limit 20 %, base64 Zm9vYmFy"
    assert without(text, ["demo", "hunter2", ""]) == text
    assert all(len(form) > 3 for form in forms_of("demo"))


def _call() -> Call:
    return Call("anypoint", "POST", "/x", "1", (SECRET.text, TOKEN.text, a_pem("object").text))


@pytest.mark.parametrize("status", [200, 302, 400, 500])
@pytest.mark.parametrize("kind", ["text/plain", "application/json", "text/html", TOKEN.text])
@pytest.mark.parametrize("secret", [SECRET, TOKEN, a_pem("object")], ids=lambda item: item.name)
def test_no_answer_brings_a_secret_back(status: int, kind: str, secret: Canary) -> None:
    for before in ("", " " * 290, "x" * 280):
        for form in written(secret).values():
            body = f"{before}{form}"
            _is_silent(Answer(status, {"Content-Type": kind}, body.encode()))
            _is_silent(Answer(status, {"Content-Type": kind}, f'{{"message": "{body}'.encode()))
            place = f"http://h/{before}{form}?{form}#{form}".replace("\n", "")
            told = {"Location": place, "X-Request-Id": form, "Content-Type": kind}
            _is_silent(Answer(status, told, b""))


def _is_silent(answer: Answer) -> None:
    errors = [failure(_call(), answer)]
    try:
        decode(_call(), answer)
    except ProviderError as raised:
        errors.append(raised)
    for error in errors:
        told = f"{error} {error!r} {error.args} {vars(error)}"
        assert leaks(told, [SECRET, TOKEN, a_pem("object")]) == []


@responses.activate
def test_no_log_record_of_any_package_holds_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    responses.post(f"{_HOST}/accounts/login", json={"access_token": TOKEN.text})
    responses.post(f"{_HOST}/x", json={"message": SECRET.text}, status=500)
    transport = Transport(_HOST)
    source = TokenSource(transport, Credentials("user", Secret("u"), Secret(SECRET.text)))
    with pytest.raises(ProviderError):
        transport.request(
            "POST", "/x", json={"a": SECRET.text}, token=source.token(), hide=(SECRET.text,)
        )
    told = "".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert told
    assert leaks(told, [SECRET, TOKEN]) == []


class _Bug(Exception):
    pass


def _broken(*_: Any, **__: Any) -> Any:
    secret = SECRET.text
    try:
        raise KeyError(secret)
    except KeyError as error:
        raise _Bug(secret, {"token": TOKEN.text}) from error


@pytest.mark.parametrize("format_", ["text", "json", "markdown"])
def test_an_internal_error_tells_where_and_no_value(
    format_: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("reconciler.cli.validate.run", _broken)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert main(["validate", "-vv", "--format", format_]) == 1
    told = "".join(capfd.readouterr())
    assert "_Bug, raised at" in told
    assert "KeyError, raised at" in told
    assert "test_objects.py" in told
    assert leaks(told, [SECRET, TOKEN]) == []


def test_a_logged_exception_tells_its_message_nowhere(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def log_it(*_: Any) -> int:
        for name in ("reconciler.x", "urllib3.connectionpool", "requests", "other"):
            try:
                raise _Bug(SECRET.text)
            except _Bug:
                logging.getLogger(name).warning("it failed\n::error::x", exc_info=True)
                logging.getLogger("other").debug("header %s", SECRET.text)
        return 0

    monkeypatch.setattr("reconciler.cli.validate.run", log_it)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    main(["validate", "-vv"])
    told = "".join(capfd.readouterr())
    assert "it failed" in told
    assert leaks(told, [SECRET]) == []
    assert not any(line.startswith("::") for line in told.splitlines())
