"""XML in and out: what is absent stays absent, and nothing of it can harm."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ProviderError
from reconciler.providers.salesforce.nodes import (
    MAX_DEPTH,
    MAX_ELEMENTS,
    BadXml,
    Node,
    leaf,
    parsed,
    written,
)

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
BOMB = (
    b'<!DOCTYPE a [<!ENTITY b "lol"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">'
    b'<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]><a>&d;</a>'
)
# Texts that XML can hold.
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\n\r")
)
NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


def test_an_element_that_is_absent_or_nil_is_none_and_not_false() -> None:
    node = parsed(f'<a {XSI}><b xsi:nil="true"/><c>false</c><d/></a>'.encode())
    assert [node.flag(name) for name in "bcx"] == [None, False, None]
    assert (node.value("b"), node.value("d"), node.value("x")) == (None, "", None)


def test_namespaces_are_dropped_and_types_kept() -> None:
    node = parsed(f'<m:a xmlns:m="urn:m" {XSI} xsi:type="m:T"><m:b>1</m:b></m:a>'.encode())
    assert node == Node("a", type="T", children=(leaf("b", "1"),))


@pytest.mark.parametrize("text", ["yes", "", "TRUE", "0x1"])
def test_a_flag_that_is_neither_is_no_flag(text: str) -> None:
    with pytest.raises(BadXml, match="neither true nor false"):
        Node("a", children=(leaf("b", text),)).flag("b")


def test_repeated_elements_come_all() -> None:
    assert parsed(b"<a><b>1</b><c/><b>2</b></a>").values("b") == ("1", "2")


@pytest.mark.parametrize(
    "data",
    [
        BOMB,
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/x.dtd">%x;]><a/>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>',
        b"<!DOCTYPE a><a/>",
        "<?xml version='1.0' encoding='utf-16'?><!DOCTYPE a><a/>".encode("utf-16"),
    ],
)
def test_entities_and_document_types_are_not_read(data: bytes) -> None:
    with pytest.raises(BadXml, match="document type or entities"):
        parsed(data)


@pytest.mark.parametrize(
    "data",
    [b"", b" ", b"<a>", b"<a><b></a>", b"<a/><b/>", b"\xff\xfe", b"{}", b"<a>&x;</a>", b"<a>\0</a>"]
    + [b"<?xml version='1.0' encoding='utf-7'?><a/>", b"<?xml version='1.0' encoding='x'?><a/>"],
)
def test_what_is_no_whole_xml_is_told(data: bytes) -> None:
    with pytest.raises(BadXml, match="no whole XML") as caught:
        parsed(data)
    assert caught.value.is_cut


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "defusedxml.common", None)
    with pytest.raises(ProviderError, match=r"pip install 'reconciler\[salesforce\]'"):
        parsed(b"<a/>")


def test_depth_and_number_are_bounded() -> None:
    parsed(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH)
    with pytest.raises(BadXml, match="in one another"):
        parsed(b"<a>" * 100_000)
    with pytest.raises(BadXml, match=f"more than {MAX_ELEMENTS}"):
        parsed(b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>")


@given(NAME, TEXT)
def test_what_is_written_is_read_as_it_was(name: str, text: str) -> None:
    node = Node("a", children=(leaf(name, text),))
    assert parsed(written(node).encode()) == node


@pytest.mark.parametrize("text", ["a\0b", "\x1b", "\ud800", "\ufffe"])
def test_what_xml_cannot_hold_is_not_written(text: str) -> None:
    with pytest.raises(ValueError, match="cannot hold the character"):
        written(leaf("a", text))


@pytest.mark.parametrize("name", ["", "a b", "a>", "<a", "a:b", "1a", "a\n", "é"])
def test_a_name_cannot_end_its_element(name: str) -> None:
    with pytest.raises(ValueError, match="name of an element"):
        written(leaf(name, ""))
    with pytest.raises(ValueError, match="name of an element"):
        written(Node("a", type=name or " "))


def names(node: Node) -> list[str]:
    return [child.name for child in node.children]


def test_a_new_child_goes_where_the_schema_has_it() -> None:
    app = Node(
        "a", children=tuple(leaf(name, "") for name in ("fullName", "contactEmail", "label"))
    )
    assert names(app.set("oauthConfig", "x")) == [
        "fullName",
        "contactEmail",
        "label",
        "oauthConfig",
    ]
    assert names(app.set("description", "x"))[1:3] == ["contactEmail", "description"]
    assert names(app.set("attributes", "x"))[:2] == ["fullName", "attributes"]
    assert names(app.without("fullName").set("fullName", "x"))[0] == "fullName"


def test_all_children_of_a_name_are_replaced() -> None:
    app = parsed(b"<a><b>1</b><c/><b>2</b></a>")
    assert names(app.put("b", leaf("b", "3"))) == ["b", "c"]
    assert names(app.put("b")) == ["c"]
    assert app.set("c", True).flag("c") is True
