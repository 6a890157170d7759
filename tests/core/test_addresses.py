from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.addresses import Span, advice, covers_everything, read_span, redundant


def span(text: str) -> Span:
    found = read_span(text)
    assert found, text
    return found


def bounds(text: str) -> tuple[str, str]:
    found = span(text)
    kind = ip_address(found.first), ip_address(found.last)
    return str(kind[0]), str(kind[1])


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("10.1.2.3", "10.1.2.3", "10.1.2.3"),
        ("10.0.0.0/8", "10.0.0.0", "10.255.255.255"),
        ("10.0.0.1-10.0.0.9", "10.0.0.1", "10.0.0.9"),
        ("10.1", "10.1.0.0", "10.1.255.255"),
        ("10.1.", "10.1.0.0", "10.1.255.255"),
        ("192.168.7", "192.168.7.0", "192.168.7.255"),
        ("2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::1-2001:db8::5", "2001:db8::1", "2001:db8::5"),
    ],
)
def test_every_form_that_the_service_takes_is_read(text: str, first: str, last: str) -> None:
    assert bounds(text) == (first, last)
    assert span(text).meant == ""


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("10.0.0.256", "each part is 0 to 255"),
        ("10.0.0.0/33", "write a length of 0 to 32"),
        ("10.0.0.0/255.0.0.0", "write the length of the prefix"),
        ("10.1/16", "write a whole address before the /"),
        ("10.0.0.9-10.0.0.1", "write the lower address first"),
        ("10.0.0.1-2001:db8::1", "write both ends as IPv4 or IPv6"),
        ("010.1.1.1", "leave out leading zeros"),
        ("10.1.*", "leave the * out"),
        (" 10.1.1.1", "remove the blanks"),
        ("office.example.com", "names are not looked up"),
        ("fe80::1%eth0", "names are not looked up"),
        ("", "write one such as"),
        ("10.0.0.1-", "write a range as"),
    ],
)
def test_anything_else_is_refused_with_advice(text: str, hint: str) -> None:
    assert read_span(text) is None
    assert hint in advice(text)


def test_bits_beyond_the_prefix_name_the_network_meant() -> None:
    assert span("10.1.2.3/8").meant == "10.0.0.0/8"
    assert span("2001:db8::1/32").meant == "2001:db8::/32"
    assert span("10.1.2.3/32").meant == ""


def redundant_in(*texts: str) -> list[tuple[int, int, bool]]:
    return list(redundant([(index, span(text)) for index, text in enumerate(texts)]))


def test_contained_and_equal_items_are_found() -> None:
    assert redundant_in("10.1.2.3", "10.0.0.0/8") == [(0, 1, False)]
    assert redundant_in("10.1", "10.1.0.0/16") == [(1, 0, True)]
    assert redundant_in("10.0.0.1-10.0.0.5", "10.0.0.4-10.0.0.9") == []
    assert redundant_in("0.0.0.0/0", "::1", "::/0") == [(1, 2, False)]


def test_items_that_hold_everything_together_are_noticed() -> None:
    halves = [span("0.0.0.0/1"), span("128.0.0.0/1")]
    assert covers_everything(halves, 4)
    assert not covers_everything(halves, 6)
    assert not covers_everything([span("0.0.0.0/1"), span("128.0.0.1-255.255.255.255")], 4)
    assert not covers_everything([], 4)


@given(st.ip_addresses(), st.integers(0, 128))
def test_a_network_is_read_as_the_standard_library_reads_it(address: object, prefix: int) -> None:
    network = ip_network(f"{address}/{prefix % (33 if '.' in str(address) else 129)}", strict=False)
    found = span(str(network))
    assert (found.first, found.last) == (int(network[0]), int(network[-1]))


@given(st.text("0123456789./-:a*% ", max_size=20))
def test_no_text_raises(text: str) -> None:
    assert read_span(text) is None or advice(text)
    assert advice(text)
