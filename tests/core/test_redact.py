"""Secrets are shown as references or digests, and nothing else shows them."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from reconciler.core.redact import (
    Redactor,
    Secret,
    holds_password,
    is_secret_key,
    reveal,
    secrets_of,
    without_password,
)

VALUE = "the-value"
REDACTOR = Redactor(lambda: b"key")


def test_no_text_form_of_a_secret_holds_its_value() -> None:
    secret = Secret(VALUE)
    for text in (repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", repr([{"a": secret}])):
        assert VALUE not in text


def test_a_reference_may_be_shown() -> None:
    assert repr(Secret(VALUE, "${env:KEY}")) == "Secret(${env:KEY})"


@pytest.mark.parametrize("write", [json.dumps, pickle.dumps, copy.deepcopy])
def test_a_secret_is_not_written(write: Any) -> None:
    with pytest.raises(TypeError):
        write(Secret(VALUE))


def test_an_unset_variable_is_not_known() -> None:
    assert not Secret(None, "${env:KEY}").is_known
    assert Secret("", "${env:KEY}").is_known


def test_equal_secrets_are_equal_and_hash_alike() -> None:
    assert Secret(VALUE) == Secret(VALUE) and hash(Secret(VALUE)) == hash(Secret(VALUE))
    assert Secret(VALUE) != Secret("other") and Secret(VALUE) != VALUE


def test_revealing_goes_to_every_depth() -> None:
    nested = {"a": [Secret(VALUE), {"b": Secret([Secret(1)])}], "c": (2,)}
    assert reveal(nested) == {"a": [VALUE, {"b": [1]}], "c": [2]}


def test_redacting_goes_to_every_depth() -> None:
    shown = REDACTOR.redact({"a": [Secret(VALUE, "${env:KEY}"), (Secret(VALUE),)], "b": 1})
    assert shown == {"a": ["${env:KEY}", [REDACTOR.show(VALUE)]], "b": 1}


def test_a_digest_is_the_same_for_the_same_value_and_key_only() -> None:
    assert REDACTOR.show(VALUE) == REDACTOR.show(VALUE)
    assert REDACTOR.show(VALUE) != REDACTOR.show("other")
    assert REDACTOR.show(VALUE) != Redactor(lambda: b"another").show(VALUE)


def test_a_number_and_its_text_have_one_digest() -> None:
    assert REDACTOR.show(300) == REDACTOR.show("300")


@pytest.mark.parametrize(
    "name",
    ["password", "clientSecret", "accessToken", "apiKey", "api_key", "PRIVATE-KEY", "credentials"],
)
def test_keys_that_name_secrets(name: str) -> None:
    assert is_secret_key(name)


@pytest.mark.parametrize("name", ["username", "secretName", "tokenUrl", "key", "passwordless"])
def test_keys_that_do_not(name: str) -> None:
    assert not is_secret_key(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://u:p@h", True),
        ("see amqp://u:p@h/x", True),
        ("https://h/a:b@c", False),
        ("https://u@h", False),
        ("u:p@h", False),
        ("#[vars.a // b:c@d]", False),
    ],
)
def test_a_url_with_a_password(text: str, expected: bool) -> None:
    assert holds_password(text) is expected
    assert (":p@" in without_password(text)) is (text == "u:p@h")


def test_the_secrets_of_an_environment_are_named_like_one_and_long_enough() -> None:
    environ = {
        "A_TOKEN": "12345678",
        "PATH": "/usr/bin:/bin",
        "JWT_KEY": "k" * 9,
        "PASSWORD": "demo",
    }
    assert secrets_of(environ) == {"12345678", "k" * 9}
